"""An exported network, run by ONNX Runtime alone, as CLIP4STR's `Reader` takes one.

So the very decisions of the reading are made on the numbers of the files.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor

from ocr_plugin.clip4str import Clip4StrConfig
from ocr_plugin.recognizers.clip4str.kv_cache import GrowingCache, KeysValues


class OnnxNetwork:
    """What `Clip4Str` is to the decoding."""

    def __init__(self, folder: Path, threads: int = 1) -> None:
        self._folder, self._threads = folder, threads
        self.description = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        self.config = Clip4StrConfig.from_values(self.description["config"])
        self.sessions = {name: self._opened(name) for name in self.description["files"]}
        self.visual_decoder = OnnxDecoder(self, "visual")
        self.cross_decoder = OnnxDecoder(self, "cross") if self.config.text_layers else None

    def run(self, part: str, *inputs: Tensor) -> list[Tensor]:
        """Returns a file's outputs."""
        names = self.description["files"][part]["inputs"]
        arrays = {
            name: np.ascontiguousarray(each.numpy())
            for name, each in zip(names, inputs, strict=True)
        }
        return [torch.from_numpy(found) for found in self.sessions[part].run(None, arrays)]

    def encode_image(self, images: Tensor) -> Tensor:
        return self.run("image_tower", images)[0]

    def encode_captions(self, token_ids: Sequence[tuple[int, ...]]) -> Tensor:
        return self.run("text_tower", torch.tensor(token_ids, dtype=torch.int64))[0]

    def _opened(self, part: str) -> onnxruntime.InferenceSession:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        path = self._folder / self.description["files"][part]["file"]
        return onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])


class OnnxDecoder:
    """What `Decoder` is to the decoding."""

    def __init__(self, network: OnnxNetwork, branch: str) -> None:
        self._network, self._branch = network, branch

    def project(self, memory: Tensor) -> list[KeysValues]:
        return _layers(*self._network.run(f"{self._branch}_memory", memory))

    def step(
        self, tokens: Tensor, position: int, memory: Sequence[KeysValues], past: GrowingCache
    ) -> Tensor:
        batch, heads, _, width = memory[0][0].shape
        nothing = torch.zeros(batch, heads, 0, width)
        known = past._known or [(nothing, nothing) for _ in memory]
        kept = (*_stacked(memory), *_stacked(known))
        logits, keys, values = self._network.run(f"{self._branch}_step", tokens, *kept)
        for layer, (all_keys, all_values) in enumerate(_layers(keys, values)):
            past.extended(layer, (all_keys[:, :, position:], all_values[:, :, position:]))
        return logits

    def __call__(
        self,
        tokens: Tensor,
        memory: Sequence[KeysValues],
        query_mask: Tensor,
        content_mask: Tensor,
        positions: int,
    ) -> Tensor:
        batch, known = tokens.shape
        masks = (
            query_mask.expand(batch, 1, positions, known)[:, 0],
            content_mask.expand(batch, 1, known, known)[:, 0],
        )
        return self._network.run(f"{self._branch}_pass", tokens, *masks, *_stacked(memory))[0]


def _stacked(layers: Sequence[KeysValues]) -> KeysValues:
    if len(layers) == 1:
        keys, values = layers[0]
        return keys[None], values[None]
    return torch.stack([keys for keys, _ in layers]), torch.stack([values for _, values in layers])


def _layers(keys: Tensor, values: Tensor) -> list[KeysValues]:
    return list(zip(keys, values, strict=True))
