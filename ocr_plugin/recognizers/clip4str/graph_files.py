"""The files of ONNX graphs that lie beside a model's weights; see `onnx_graphs`."""

from pathlib import Path

PARTS = (
    "image_tower",
    "text_tower",
    "visual_memory",
    "visual_step",
    "visual_pass",
    "cross_memory",
    "cross_step",
    "cross_pass",
)
"""Of a network with all of them, as docs/export.md describes each."""

SHA256 = "weights_sha256"
"""Key of a graph's metadata: the hash of the weights file that its offsets are for."""


def graph_file(weights: Path, part: str) -> str:
    """Returns the name of a part's graph, which lies in the folder of the weights."""
    return f"{weights.stem}.{part}.onnx"
