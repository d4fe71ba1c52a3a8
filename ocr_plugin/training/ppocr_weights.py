"""The convolutions of PP-OCRv6 small's networks, to start others from.

The ONNX files are those that `ppocr` reads and `dbnet` finds with; they come with the rapidocr
wheel (Apache-2.0).
"""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor

from ocr_plugin.errors import ConfigurationError
from ocr_plugin.recognizers.ppocr import BUNDLED_MODEL
from ocr_plugin.runtime.onnx_file import read_onnx
from ocr_plugin.runtime.weights import bundled_model


def convolutions(count: int) -> list[tuple[Tensor, Tensor]]:
    """Returns weight and bias of the recognizer's first `count` convolutions, as they are run.

    The network was trained on blue, green, red; the first weights are turned round for RGB.

    Raises:
        ConfigurationError: the file has another layout.
    """
    path = bundled_model(BUNDLED_MODEL)
    found = [(weight, bias) for weight, bias in all_convolutions(path)[:count] if bias is not None]
    if len(found) < count:
        raise ConfigurationError(f"{path}: not the network that was expected")
    first, bias = found[0]
    return [(first.flip(1), bias), *found[1:]]


def all_convolutions(path: Path) -> list[tuple[Tensor, Tensor | None]]:
    """Returns weight and bias of all of a network's convolutions, transposed ones too, as run.

    Where PaddlePaddle's exporter made the file, a bias is added by a node of its own.

    Raises:
        ConfigurationError: a convolution's weights are no constants of the file.
    """
    graph = onnx.load_model_from_string(read_onnx(path).content).graph
    constants = {entry.name: entry for entry in graph.initializer}
    copies = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "Identity"}

    def source(name: str) -> str:
        """Returns the name of what a tensor is a copy of."""
        while name in copies:
            name = copies[name]
        return name

    def constant(name: str) -> Any:
        return constants.get(source(name))

    biases: dict[str, Any] = {}
    for node in graph.node:
        if node.op_type == "Add":
            known = [name for name in node.input if constant(name) is not None]
            if len(known) == 1:
                summed = next(name for name in node.input if name != known[0])
                biases[source(summed)] = constant(known[0])
    found: list[tuple[Tensor, Tensor | None]] = []
    for node in graph.node:
        if node.op_type in ("Conv", "ConvTranspose"):
            if (weight := constant(node.input[1])) is None:
                raise ConfigurationError(f"{path}: not the network that was expected")
            own = constant(node.input[2]) if len(node.input) > 2 else biases.get(node.output[0])
            bias = None if own is None else _tensor(own).flatten()
            found.append((_tensor(weight), bias))
    return found


def _tensor(entry: Any) -> Tensor:
    return torch.from_numpy(np.array(numpy_helper.to_array(entry)))
