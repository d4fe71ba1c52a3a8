"""From images to logits: the network and its decoding.

The scheme is that of the public CLIP4STR implementation (https://github.com/VamosC/CLIP4STR,
Apache-2.0), after PARSeq (https://arxiv.org/abs/2207.06966). Results are the same for less work:
the memory is projected once for each decoder, and the keys and values of characters already read
are cached.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from ocr_plugin.errors import ConfigurationError
from ocr_plugin.recognizers.clip4str.caption_memory import CaptionMemory
from ocr_plugin.recognizers.clip4str.config import Clip4StrConfig
from ocr_plugin.recognizers.clip4str.cuda_graphs import GraphLoop
from ocr_plugin.recognizers.clip4str.decoder import Decoder
from ocr_plugin.recognizers.clip4str.kv_cache import KeysValues
from ocr_plugin.recognizers.clip4str.left_to_right import LeftToRight, ShrinkingLoop
from ocr_plugin.recognizers.clip4str.model import Clip4Str
from ocr_plugin.recognizers.clip4str.onednn import can_pack, pack
from ocr_plugin.recognizers.clip4str.refinement import (
    cut_short,
    filled_up,
    read_at_once,
    refined,
    steps_of,
)


class Reader:
    """Reads one word in each image.

    Attributes:
        network: both towers and both decoders, in eval mode.
        refinements: rounds of cloze refinement after the first reading, 0 or more; the published
            accuracies use 1.
        loop: for left-to-right reading.
    """

    def __init__(
        self, network: Clip4Str, refinements: int = 1, loop: LeftToRight | None = None
    ) -> None:
        if refinements < 0:
            raise ConfigurationError(f"refinements cannot be negative, got {refinements}")
        self.network = network
        self.refinements = refinements
        self.loop: LeftToRight = loop or ShrinkingLoop(network.config)

    @property
    def config(self) -> Clip4StrConfig:
        """What the network was built from."""
        return self.network.config

    def __call__(
        self, images: Tensor, independent: bool = False, autoregressive: bool = True
    ) -> Tensor:
        """Returns the logits of the cross-modal branch, (B, L, classes).

        They are those of the visual branch if the network has no other.

        L is `config.steps` after a refinement, and without one the number of steps until every
        word of the batch has ended. Class 0 is EOS; logits after a word's first EOS are
        meaningless.

        Args:
            images: (B, 3, H, W) float, normalised by the configuration's mean and std.
            independent: whether each image is read as if it were alone. The public implementation
                gives every cross-modal reading of a batch as many steps as the longest visual
                reading took, so that a word's neighbours can change it. The default does the
                same; if independent, each has the steps of its own visual reading.
            autoregressive: whether the first reading is from left to right, as for the published
                accuracies. Otherwise all its characters are read at once, independently of each
                other, which leaves more to the refinements.
        """
        network, config = self.network, self.config
        visual, cross = network.visual_decoder, network.cross_decoder
        if not len(images):
            length = config.steps if self.refinements else 0
            return images.new_zeros(0, length, config.charset.classes)
        if cross is None:
            return self.read_visually(images, autoregressive)
        tokens = network.encode_image(images)
        visual_memory = visual.project(tokens)
        visual_logits = self._first(visual, visual_memory, autoregressive)
        texts = read_texts(config, visual_logits)
        captioned = CaptionMemory(network, cross, cross.project(tokens), texts)
        limit = None
        if autoregressive:
            own_steps = steps_of(visual_logits, config.charset.eos)
            longest = visual_logits.shape[1]
            limit = own_steps if independent else torch.full_like(own_steps, longest)
            cross_logits = self.loop(cross, captioned.memory, limit, longest)
            if not self.refinements:
                filled = filled_up(cross_logits, longest, config.charset.eos)
                return cut_short(filled, own_steps, config.charset.eos) if independent else filled
        else:
            cross_logits = read_at_once(config, cross, captioned.memory)

        # With constant shapes all positions are read: fewer would need a synchronisation.
        shorter = not self.loop.constant_shapes
        for _ in range(self.refinements):
            # Only the text of the visual branch is used, which ends at its EOS.
            visual_logits = refined(
                config, visual, visual_memory, visual_logits, None, to_eos=shorter
            )
            captioned.update(read_texts(config, visual_logits))
            to_eos = shorter and independent
            cross_logits = refined(
                config, cross, captioned.memory, cross_logits, limit, to_eos=to_eos
            )
            limit = None  # after one round a reading covers every position
        return cross_logits

    def read_visually(self, images: Tensor, autoregressive: bool = True) -> Tensor:
        """Returns the visual branch's own logits (B, L, classes), refined as readings are."""
        visual = self.network.visual_decoder
        memory = visual.project(self.network.encode_image(images))
        logits = self._first(visual, memory, autoregressive)
        for _ in range(self.refinements):
            logits = refined(self.config, visual, memory, logits, None)
        return logits

    def _first(
        self, decoder: Decoder, memory: Sequence[KeysValues], autoregressive: bool
    ) -> Tensor:
        if autoregressive:
            return self.loop(decoder, memory)
        return read_at_once(self.config, decoder, memory)


def read_texts(config: Clip4StrConfig, logits: Tensor) -> list[str]:
    """Returns the most likely text of each row of (B, L, classes) logits."""
    return [config.charset.decode(row) for row in logits.argmax(-1).tolist()]


def ready_to_read(network: Clip4Str, dtype: torch.dtype, refinements: int = 1) -> Reader:
    """Returns a reader with the network optimised for inference; changes the network.

    On a CPU its weights are packed for oneDNN, on a CUDA device its loop is captured as graphs.

    Args:
        network: on the device where it is to run.
        dtype: of the weights.
        refinements: as for `Reader`.
    """
    network = network.requires_grad_(False).eval().to(dtype)
    device = network.visual_decoder.pos_queries.device
    if device.type == "cpu":
        return Reader(pack(network) if can_pack() else network, refinements)
    if device.type == "cuda":
        return Reader(network, refinements, GraphLoop(network.config, captured=True))
    return Reader(network, refinements)
