"""The convolutions of PP-OCRv6 small's recognizer, to start a convolutional stem from.

The ONNX file is the one that `ppocr` reads with; it comes with the rapidocr wheel (Apache-2.0).
"""

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor

from ocr_plugin.errors import ConfigurationError
from ocr_plugin.onnx import bundled_model
from ocr_plugin.ppocr import BUNDLED_MODEL


def convolutions(count: int) -> list[tuple[Tensor, Tensor]]:
    """Returns weight and bias of the first `count` convolutions, in the order they are run.

    The network was trained on blue, green, red; the first weights are turned round for RGB.

    Raises:
        ConfigurationError: the file has another layout.
    """
    path = bundled_model(BUNDLED_MODEL)
    graph = onnx.load(path).graph
    constants = {entry.name: entry for entry in graph.initializer}
    biases = {}
    for node in graph.node:
        if node.op_type == "Add" and len(known := [x for x in node.input if x in constants]) == 1:
            summed = next(name for name in node.input if name not in constants)
            biases[summed] = known[0]
    found: list[tuple[Tensor, Tensor]] = []
    for node in graph.node:
        if node.op_type != "Conv" or len(found) == count:
            continue
        if node.input[1] not in constants or node.output[0] not in biases:
            raise ConfigurationError(f"{path}: not the network that was expected")
        weight, bias = (
            torch.from_numpy(np.array(numpy_helper.to_array(constants[name])))
            for name in (node.input[1], biases[node.output[0]])
        )
        found.append((weight, bias.flatten()))
    if len(found) < count:
        raise ConfigurationError(f"{path}: has {len(found)} convolutions, not {count}")
    first, bias = found[0]
    return [(first.flip(1), bias), *found[1:]]
