"""A network of any size in PyTorch, on a CPU or a GPU, as a `word_network.WordNetwork`."""

import copy
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ocr_plugin.protocols import RGB
from ocr_plugin.recognizers.clip4str.batch_buckets import pad_to_bucket
from ocr_plugin.recognizers.clip4str.branch import Ids, Logits, Mask
from ocr_plugin.recognizers.clip4str.checkpoint import load_weights
from ocr_plugin.recognizers.clip4str.config import Clip4StrConfig
from ocr_plugin.recognizers.clip4str.decoder import Decoder
from ocr_plugin.recognizers.clip4str.kv_cache import GrowingCache, KeysValues
from ocr_plugin.recognizers.clip4str.options import Clip4StrOptions
from ocr_plugin.recognizers.clip4str.pil_resizing import resized_by_pil
from ocr_plugin.recognizers.clip4str.reader import Reader, ready_to_read
from ocr_plugin.recognizers.clip4str.resizing import resized_on_device
from ocr_plugin.recognizers.clip4str.scoring import Propose, ScoredTexts, score_texts
from ocr_plugin.recognizers.clip4str.word_network import Workers, normalisation
from ocr_plugin.runtime.devices import StreamPool, usable_device
from ocr_plugin.runtime.precision import chosen_dtype
from ocr_plugin.runtime.threads import torch_workers


class TorchWordNetwork:
    """Reads with PyTorch; see `WordNetwork`.

    On a GPU each thread uses its own stream: one's crops are uploaded and resized while another's
    are read. The left-to-right readings are CUDA graphs, replayed one at a time.

    Args:
        reader: ready to read.
        sha256: of the weights file.
        device: of the network.
        options: of the recognizer.
        exact: as the attribute of `WordNetwork`.
    """

    def __init__(
        self,
        reader: Reader,
        sha256: str,
        device: torch.device,
        options: Clip4StrOptions,
        exact: "TorchWordNetwork | None" = None,
    ) -> None:
        self.reader, self.sha256, self.exact = reader, sha256, exact
        self.config: Clip4StrConfig = reader.config
        self.workers: Workers | None = torch_workers if device.type == "cpu" else None
        self._device, self._options = device, options
        mean, std = normalisation(self.config, options)
        self._mean = torch.tensor(mean, device=device).view(3, 1, 1)
        self._std = torch.tensor(std, device=device).view(3, 1, 1)
        self._streams = StreamPool(device)

    @torch.inference_mode()
    def images(self, crops: Sequence[RGB]) -> Tensor:
        """Returns the network's input, (N, 3, H, W) float32 on the device."""
        size = self.config.image_size
        if self._device.type == "cpu":
            levels = torch.from_numpy(resized_by_pil(crops, size))
        else:
            levels = resized_on_device(crops, size, self._device)
        return (levels.float() / 255 - self._mean) / self._std

    @torch.inference_mode()
    def probabilities(self, crops: Sequence[RGB]) -> NDArray[np.float32]:
        """Returns what `WordNetwork.probabilities` does."""
        with self._streams.use():
            return self.probabilities_in(self._padded(crops))[: len(crops)]

    @torch.inference_mode()
    def probabilities_in(self, images: Tensor) -> NDArray[np.float32]:
        """Returns the same for (N, 3, H, W) images."""
        in_order = self._options.mode == "accurate"
        logits = self.reader(images, independent=True, autoregressive=in_order)
        found: NDArray[np.float32] = logits.float().softmax(-1).cpu().numpy()
        return found

    @torch.inference_mode()
    def columns(self, crops: Sequence[RGB]) -> NDArray[np.float32]:
        """Returns what `WordNetwork.columns` does."""
        network = self.reader.network
        with self._streams.use():
            logits = network.ctc_logits(network.encode_image(self._padded(crops)))
            found: NDArray[np.float32] = logits.float().softmax(-1).cpu().numpy()
        return found[: len(crops)]

    @torch.inference_mode()
    def score(
        self,
        crops: Sequence[RGB],
        given: Sequence[Sequence[str]],
        width: int,
        propose: Propose,
    ) -> list[ScoredTexts]:
        """Returns what `WordNetwork.score` does."""
        network = self.reader.network
        with self._streams.use():
            images = self._padded(crops)
            filled = [*given, *([()] * (len(images) - len(crops)))]
            tokens = network.encode_image(images)
            visual = TorchBranch(network.visual_decoder, network.visual_decoder.project(tokens))
            columns = None
            if network.ctc_head is not None:
                columns = _numbers(network.ctc_logits(tokens))
            found = score_texts(self.config, visual, columns, filled, width, propose)
        return found[: len(crops)]

    def _padded(self, crops: Sequence[RGB]) -> Tensor:
        return pad_to_bucket(self.images(crops), self._options.batch_size)


class TorchBranch:
    """A branch in PyTorch; see `branch.Branch`.

    Args:
        decoder: of the branch, in eval mode.
        memory: of the branch, one pair a layer.
    """

    def __init__(self, decoder: Decoder, memory: Sequence[KeysValues]) -> None:
        self._decoder, self._memory = decoder, memory
        self.size = len(memory[0][0])

    def steps(self, rows: Ids) -> "TorchSteps":
        """Returns what `Branch.steps` does."""
        return TorchSteps(self._decoder, _taken(self._memory, rows))

    def whole(self, rows: Ids, tokens: Ids, query_mask: Mask, content_mask: Mask) -> Logits:
        """Returns what `Branch.whole` does."""
        device = self._memory[0][0].device
        masks = [
            torch.from_numpy(np.ascontiguousarray(mask)).to(device)[:, None]
            for mask in (query_mask, content_mask)
        ]
        known = torch.from_numpy(np.ascontiguousarray(tokens)).to(device)
        memory = _taken(self._memory, rows)
        return _numbers(self._decoder(known, memory, masks[0], masks[1], query_mask.shape[1]))


class TorchSteps:
    """Steps in PyTorch; see `branch.Steps`."""

    def __init__(self, decoder: Decoder, memory: list[KeysValues]) -> None:
        self._decoder, self._memory = decoder, memory
        self._cache, self._position = GrowingCache(), 0

    def __call__(self, tokens: Ids) -> Logits:
        """Returns what `Steps.__call__` does."""
        device = self._memory[0][0].device
        known = torch.from_numpy(np.ascontiguousarray(tokens)).to(device)
        logits = self._decoder.step(known, self._position, self._memory, self._cache)
        self._position += 1
        return _numbers(logits)

    def keep(self, rows: Ids) -> None:
        """Does what `Steps.keep` does."""
        self._memory = _taken(self._memory, rows)
        self.reorder(rows)

    def reorder(self, rows: Ids) -> None:
        """Does what `Steps.reorder` does."""
        self._cache.keep(torch.from_numpy(rows).to(self._memory[0][0].device))


def _taken(memory: Sequence[KeysValues], rows: Ids) -> list[KeysValues]:
    chosen = torch.from_numpy(rows).to(memory[0][0].device)
    return [(keys[chosen], values[chosen]) for keys, values in memory]


def _numbers(tensor: Tensor) -> Logits:
    found: Logits = tensor.float().cpu().numpy()
    return found


def torch_network(path: Path, options: Clip4StrOptions) -> TorchWordNetwork:
    """Returns a network of a weights file, with its device and precision by the options.

    Raises:
        ConfigurationError: an unavailable device, or a precision that it does not have.
        CheckpointError: the weights are unusable.
    """
    device = usable_device(options.device)
    dtype = chosen_dtype(options.precision, device)
    network, _, sha256 = load_weights(path, device)
    settles = options.settle_ties and options.mode != "ctc"
    settles &= device.type == "cpu" and dtype != torch.float32
    exact = None
    if settles:
        reader = ready_to_read(copy.deepcopy(network), torch.float32, options.refinements)
        exact = TorchWordNetwork(reader, sha256, device, options)
    reader = ready_to_read(network, dtype, options.refinements)
    return TorchWordNetwork(reader, sha256, device, options, exact)
