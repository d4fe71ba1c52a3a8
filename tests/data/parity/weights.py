"""Deterministic CLIP4STR weights and inputs for the parity fixtures.

No checkpoint can be downloaded where the tests run, so the fixtures compare
arithmetic instead: every tensor of a checkpoint is filled from its own name,
and the expected logits in the .npz files were computed once by the public
CLIP4STR implementation holding exactly these tensors.

    meta = json.load(open("tiny.json"))
    state = state_dict(meta)                 # {name: float32 tensor}
    images = image_batch(meta)               # (B, 3, H, W), already normalised
    expected = numpy.load("tiny.npz")["logits"]   # (B, L, 95)
"""

import math
import zlib
from typing import Any

import torch


def _fill(name: str, shape: list[int], eos_bias: float) -> torch.Tensor:
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(zlib.crc32(name.encode())))
    leaf = name.split(".")[-1]
    if leaf == "logit_scale":
        return torch.tensor(math.log(1 / 0.07))
    if len(shape) <= 1:
        if leaf == "class_embedding":
            return 0.05 * noise
        if leaf == "weight" and ("ln_" in name or ".norm" in name):
            return 1 + 0.1 * noise
        bias = 0.05 * noise
        if name.endswith("head.bias"):
            bias[0] += eos_bias
        return bias
    if leaf == "pos_queries":
        return noise
    if "positional_embedding" in name or "token_embedding" in name:
        return 0.1 * noise
    if "text_embed" in name:
        return noise / math.sqrt(shape[-1])
    is_projection = leaf in ("proj", "text_projection")
    fan_in = shape[0] if is_projection else math.prod(shape[1:])
    gain = 3.0 if name.endswith("head.weight") else 1.0
    return noise * gain / math.sqrt(fan_in)


def state_dict(meta: dict[str, Any]) -> dict[str, torch.Tensor]:
    """All tensors of the checkpoint that `meta` describes, under their published names."""
    return {name: _fill(name, shape, meta["eos_bias"]) for name, shape in meta["tensors"]}


def image_batch(meta: dict[str, Any]) -> torch.Tensor:
    """The input of the fixture: (B, 3, H, W) float32, normalised already."""
    generator = torch.Generator().manual_seed(meta["input_seed"])
    batch, side = meta["batch"], meta["resolution"]
    coarse = torch.randn(batch, 3, 7, 7, generator=generator)
    coarse = torch.nn.functional.interpolate(coarse, size=(side, side), mode="nearest")
    return 0.8 * coarse + 0.3 * torch.randn(batch, 3, side, side, generator=generator)


def check(meta: dict[str, Any]) -> None:
    """Raise if this PyTorch draws other numbers than the one that made the fixture."""
    state = state_dict(meta)
    for name, (total, magnitude) in meta["checksums"].items():
        tensor = state[name].double()
        found = tensor.sum(), tensor.abs().sum()
        slack = 1e-4 * (1 + magnitude)
        if abs(found[0] - total) > slack or abs(found[1] - magnitude) > slack:
            raise RuntimeError(f"{name}: this PyTorch's random numbers differ from the fixture's")
