"""Infers a network's configuration from the shapes of its tensors."""

import math
import re
from collections.abc import Iterable, Mapping

from ocr_plugin.errors import CheckpointError, ConfigurationError
from ocr_plugin.recognizers.clip4str.config import Clip4StrConfig

Shapes = Mapping[str, tuple[int, ...]]
"""The shape of each tensor of a checkpoint, by name."""

# The tensors whose shapes give the sizes, with their number of dimensions.
_SIZING = {
    "clip_model.visual.conv1.weight": 4,
    "clip_model.visual.positional_embedding": 2,
    "clip_model.visual.proj": 2,
    "clip_model.positional_embedding": 2,
    "clip_model.token_embedding.weight": 2,
    "visual_decoder.pos_queries": 3,
    "visual_decoder.layers.0.linear1.weight": 2,
}


def architecture(shapes: Shapes) -> Clip4StrConfig:
    """Returns the configuration of the network that has tensors of these shapes.

    What shapes do not show is assumed to be as published: eight decoder heads, the charset,
    captions of 16 tokens, CLIP's normalisation, and a square grid of patches.

    Raises:
        CheckpointError: tensors that give the sizes are missing or inconsistent; one line.
    """
    missing = [name for name in _SIZING if name not in shapes]
    if missing:
        raise CheckpointError(f"not a CLIP4STR checkpoint: missing {listed(missing)}")
    odd = [
        f"{name} {shapes[name]}"
        for name, dimensions in _SIZING.items()
        if len(shapes[name]) != dimensions or 0 in shapes[name]
    ]
    if odd:
        raise CheckpointError(f"not a CLIP4STR checkpoint: misshapen {listed(odd)}")
    patch = shapes["clip_model.visual.conv1.weight"]
    patches = shapes["clip_model.visual.positional_embedding"][0] - 1
    side = math.isqrt(max(patches, 0))
    if side * side != patches or not side:
        raise CheckpointError(
            f"{patches} image patches make no square, and the file has no configuration that gives"
            " their grid"
        )
    text_positions, text_width = shapes["clip_model.positional_embedding"]
    hidden, embed_dim = shapes["visual_decoder.layers.0.linear1.weight"]
    try:
        return Clip4StrConfig(
            embed_dim=embed_dim,
            image_size=(side * patch[2], side * patch[3]),
            patch_size=(patch[2], patch[3]),
            vision_layers=_count("clip_model.visual.transformer.resblocks", shapes),
            vision_width=patch[0],
            text_layers=_count("clip_model.transformer.resblocks", shapes),
            text_width=text_width,
            vocab_size=shapes["clip_model.token_embedding.weight"][0],
            text_positions=text_positions,
            decoder_depth=_count("visual_decoder.layers", shapes),
            decoder_mlp_ratio=hidden // embed_dim,
            max_label_length=shapes["visual_decoder.pos_queries"][1] - 1,
        )
    except ConfigurationError as error:
        raise CheckpointError(str(error)) from error


def differences(expected: Shapes, found: Shapes) -> str:
    """Returns one line on missing, unexpected and misshapen tensors, empty if there are none."""
    misshapen = [
        f"{name} {found[name]} instead of {shape}"
        for name, shape in expected.items()
        if name in found and found[name] != shape
    ]
    groups = {
        "missing": [name for name in expected if name not in found],
        "unexpected": [name for name in found if name not in expected],
        "misshapen": misshapen,
    }
    return "; ".join(f"{kind} {listed(names)}" for kind, names in groups.items() if names)


def listed(names: Iterable[str], most: int = 20) -> str:
    """Returns at most `most` names in one line, and the number of the others."""
    every = sorted(names)
    more = f" and {len(every) - most} more" if len(every) > most else ""
    return f"({len(every)}): {', '.join(every[:most])}{more}"


def _count(prefix: str, shapes: Shapes) -> int:
    numbered = re.compile(rf"{re.escape(prefix)}\.(\d+)\.")
    matches = (numbered.match(name) for name in shapes)
    return max((int(match[1]) + 1 for match in matches if match), default=0)
