"""A word detector as one ONNX file, for ONNX Runtime, OpenVINO and onnx2torch alike.

The graph is written node by node: there are few kinds of them, nothing but the project's own base
packages is needed, and what comes out is what the run-times fuse best.
"""

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from ocr_plugin.detectors.word_network import (
    MAPS,
    MULTIPLE,
    Block,
    Gate,
    GatedConv,
    Head,
    Neck,
    Stem,
    TextNetwork,
)
from ocr_plugin.errors import ConfigurationError, ExportError, first_line
from ocr_plugin.runtime.onnx_runtime import OnnxRuntimeNetwork
from ocr_plugin.training.detection.targets import SHRINK_RATIO

OPSET = 17
TOLERANCE = 1e-3
"""How far probabilities may be from the network's."""

_IDLE = 1e-5
"""A hidden channel whose weights are all smaller does nothing: PP-OCR's has 700 of them."""


def export_detector(network: TextNetwork, path: Path) -> None:
    """Writes a network, checked against itself on made-up pictures of two sizes.

    The file appears whole or not at all. Its input is ``pixels`` (B, 3, H, W) float32, -1 to 1,
    RGB, sides multiples of 32; its output ``maps`` (B, 2, H, W), probabilities of `MAPS`.

    Raises:
        ConfigurationError: the file cannot be written.
        ExportError: it gives other numbers than the network.
    """
    network = network.float().eval()
    content = _Graph().of(network).SerializeToString()
    _check(network, content)
    written = path.with_name(f".{path.name}.writing")
    try:
        written.write_bytes(content)
        written.replace(path)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be written: {error.strerror}") from error


def _check(network: TextNetwork, content: bytes) -> None:
    try:
        onnx.checker.check_model(onnx.load_from_string(content), full_check=True)
        session = OnnxRuntimeNetwork(content, threads=1)
    except Exception as error:  # neither has a public root of its own errors
        raise ExportError(f"the network could not be written: {first_line(error)}") from error
    for size in ((4 * MULTIPLE, 9 * MULTIPLE), (2 * MULTIPLE, 5 * MULTIPLE)):
        pixels = torch.from_numpy(_made_up(*size))
        with torch.inference_mode():
            wanted = network(pixels).sigmoid().numpy()
        off = float(np.abs(session.run(pixels.numpy()) - wanted).max())
        if not off <= TOLERANCE:  # nor if it is no number
            raise ExportError(f"maps are off by {off:.1e}; nothing was written")


def _made_up(height: int, width: int) -> NDArray[np.float32]:
    """Returns a picture with some print on it, (1, 3, H, W): without any, maps are empty."""
    page = np.full((height, width, 3), 230, np.uint8)
    for baseline in range(40, height, 48):
        cv2.putText(page, "Two words 84", (4, baseline), cv2.FONT_HERSHEY_DUPLEX, 0.9, (50, 30, 90))
    return np.ascontiguousarray(page.transpose(2, 0, 1)[None], np.float32) / 127.5 - 1


class _Graph:
    """An ONNX graph in the making; its methods add what a module does and name the result."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def of(self, network: TextNetwork) -> Any:
        """Returns the whole model."""
        found, seen = self._stem(network.stem, "pixels"), []
        for stage in network.stages.children():
            for block in next(stage.children()).children():
                assert isinstance(block, Block)
                found = self._block(block, found)
            seen.append(found)
        features = self._neck(network.neck, seen)
        maps = [self._head(head, features) for head in _heads(network)]
        logits = self._add("Concat", maps, axis=1)
        self._nodes.append(helper.make_node("Sigmoid", [logits], ["maps"]))
        sides = ("batch", 3, "height", "width"), ("batch", len(MAPS), "height", "width")
        pixels, output = (
            helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))
            for name, shape in zip(("pixels", "maps"), sides, strict=True)
        )
        graph = helper.make_graph(self._nodes, "word_detector", [pixels], [output], self._constants)
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=8,  # of the same age as the opset; newer ones older run-times refuse
            producer_name="ocr-plugin",
            producer_version=version("ocr-plugin"),
        )
        helper.set_model_props(model, {"maps": ",".join(MAPS), "shrink_ratio": str(SHRINK_RATIO)})
        return model

    def _stem(self, stem: Stem, pixels: str) -> str:
        behind = [0, 0, 1, 1]
        first = self._relu(self._conv(stem.first, pixels))
        pooled = self._add("MaxPool", [first], kernel_shape=[2, 2], strides=[1, 1], pads=behind)
        narrow = self._relu(self._conv(stem.narrow, first, pads=behind))
        wide = self._relu(self._conv(stem.wide, narrow, pads=behind))
        joined = self._relu(self._conv(stem.joined, self._add("Concat", [pooled, wide], axis=1)))
        return self._relu(self._conv(stem.last, joined))

    def _block(self, block: Block, found: str) -> str:
        mixed = self._conv(block.places, found)
        if block.gate is not None:
            mixed = self._add("Mul", [mixed, self._gate(block.gate, mixed)])
        widen, narrow = _without_idle(block.widen, block.narrow)
        wide = self._weighted(*widen, mixed)
        # GELU as opset 17 has to spell it; ONNX Runtime and OpenVINO know this form.
        half = self._add("Div", [wide, self._constant(np.sqrt(2))])
        error = self._add("Add", [self._add("Erf", [half]), self._constant(1.0)])
        product = self._add("Mul", [self._add("Mul", [wide, error]), self._constant(0.5)])
        change = self._weighted(*narrow, product)
        return self._add("Add", [mixed, change]) if block.adds else change

    def _gate(self, gate: Gate, found: str) -> str:
        mean = self._add("GlobalAveragePool", [found])
        inner = self._relu(self._conv(gate.squeeze, mean))
        excited = self._conv(gate.excite, inner)
        return self._add("HardSigmoid", [excited], alpha=gate.slope, beta=0.5)

    def _gated_conv(self, module: GatedConv, found: str) -> str:
        mixed = self._conv(module.conv, found)
        return self._add("Add", [mixed, self._add("Mul", [mixed, self._gate(module.gate, mixed)])])

    def _neck(self, neck: Neck, seen: Sequence[str]) -> str:
        laterals = []
        for module, found in zip(neck.laterals.children(), reversed(seen), strict=True):
            assert isinstance(module, GatedConv)
            laterals.append(self._gated_conv(module, found))
        summed = [laterals[0]]
        for found in laterals[1:]:
            summed.append(self._add("Add", [found, self._enlarged(summed[-1], 2)]))
        outputs = []
        for level, (output, found) in enumerate(zip(neck.outputs.children(), summed, strict=True)):
            places, conv = output.children()
            assert isinstance(places, nn.Conv2d) and isinstance(conv, GatedConv)
            small = self._gated_conv(conv, self._conv(places, found))
            outputs.append(self._enlarged(small, 2 ** (len(summed) - 1 - level)))
        return self._add("Concat", outputs, axis=1)

    def _head(self, head: Head, features: str) -> str:
        mixed = self._relu(self._conv(head.mix, features))
        inner, outer, bias = head.as_convolutions()
        assert head.up.bias is not None
        found = self._relu(self._weighted(inner, head.up.bias.repeat(4), mixed))
        found = self._weighted(outer, bias, found)
        return self._add("DepthToSpace", [found], blocksize=4, mode="CRD")

    def _enlarged(self, found: str, factor: int) -> str:
        if factor == 1:
            return found
        scales = self._constant(np.array([1, 1, factor, factor]))
        how = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        return self._add("Resize", [found, "", scales], mode="nearest", **how)

    def _relu(self, found: str) -> str:
        return self._add("Relu", [found])

    def _conv(self, module: nn.Module, found: str, pads: Sequence[int] | None = None) -> str:
        assert isinstance(module, nn.Conv2d)
        own = [int(side) for side in module.padding]
        return self._weighted(
            module.weight,
            module.bias,
            found,
            pads=list(pads or own * 2),
            strides=list(module.stride),
            group=module.groups,
        )

    def _weighted(self, weight: Tensor, bias: Tensor | None, found: str, **attributes: Any) -> str:
        entries = [weight] if bias is None else [weight, bias]
        constants = [self._constant(entry.detach().numpy()) for entry in entries]
        return self._add(
            "Conv", [found, *constants], kernel_shape=list(weight.shape[2:]), **attributes
        )

    def _constant(self, values: float | NDArray[Any]) -> str:
        name = f"constant_{len(self._constants)}"
        array = np.ascontiguousarray(values, np.float32).reshape(np.shape(values))
        self._constants.append(numpy_helper.from_array(array, name))
        return name

    def _add(self, kind: str, inputs: Sequence[str], **attributes: Any) -> str:
        output = f"{kind.lower()}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output


def _heads(network: TextNetwork) -> list[Head]:
    heads = [network.heads[name] for name in MAPS]
    return [head for head in heads if isinstance(head, Head)]


def _without_idle(
    widen: nn.Conv2d, narrow: nn.Conv2d
) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Returns weights and biases of two convolutions without the channels between that do nothing.

    What comes in by a channel whose first weights are all next to nothing is the same everywhere,
    and goes into the second bias.
    """
    assert widen.bias is not None and narrow.bias is not None
    constant = widen.weight.abs().flatten(1).amax(1) < _IDLE
    unheard = narrow.weight.abs().flatten(2).amax(2).amax(0) < _IDLE
    offset = narrow.weight[:, :, 0, 0] @ (nn.functional.gelu(widen.bias) * constant)
    kept = ~(constant | unheard)
    if not bool(kept.any()):
        kept[0] = True
    return (
        (widen.weight[kept], widen.bias[kept]),
        (narrow.weight[:, kept], narrow.bias + offset),
    )
