"""The memory of the cross-modal decoder: image tokens, then the caption of a reading."""

from collections.abc import Sequence

import torch

from ocr_plugin.recognizers.clip4str.batch_buckets import bucket_size
from ocr_plugin.recognizers.clip4str.captions import captions_of
from ocr_plugin.recognizers.clip4str.decoder import Decoder
from ocr_plugin.recognizers.clip4str.kv_cache import KeysValues, join
from ocr_plugin.recognizers.clip4str.model import Clip4Str


class CaptionMemory:
    """The cross-modal memory: image tokens, then the caption of a reading.

    Attributes:
        memory: keys and values of both, one pair per layer.
    """

    def __init__(
        self,
        network: Clip4Str,
        decoder: Decoder,
        image: Sequence[KeysValues],
        texts: Sequence[str],
    ) -> None:
        self._network, self._decoder = network, decoder
        self._captions = captions_of(network.config, texts)
        self.memory = [
            join(own, caption)
            for own, caption in zip(image, self._projected(self._captions), strict=True)
        ]

    def update(self, texts: Sequence[str]) -> None:
        """Replaces the captions; unchanged ones cost nothing."""
        captions = captions_of(self._network.config, texts)
        pairs = zip(captions, self._captions, strict=True)
        changed = [row for row, (new, old) in enumerate(pairs) if new != old]
        self._captions = captions
        if not changed:
            return
        rows = torch.tensor(changed, device=self.memory[0][0].device)
        renewed = self._projected([captions[row] for row in changed])
        for whole, part in zip(self.memory, renewed, strict=True):
            for old, new in zip(whole, part, strict=True):
                old[rows, :, -new.shape[2] :] = new

    def _projected(self, captions: Sequence[tuple[int, ...]]) -> list[KeysValues]:
        """Returns each layer's keys and values of captions; equal ones are encoded once."""
        places = {caption: place for place, caption in enumerate(dict.fromkeys(captions))}
        different = list(places)
        batch = len(self._captions)
        different += different[-1:] * (bucket_size(len(different), batch) - len(different))
        projected = self._decoder.project(self._network.encode_captions(different))
        rows = torch.tensor([places[each] for each in captions], device=projected[0][0].device)
        return [(keys[rows], values[rows]) for keys, values in projected]
