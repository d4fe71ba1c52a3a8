"""Networks in ONNX files, as they are run."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from ocr_plugin.runtime.networks import OnnxModel


def write_product(path: Path, weights: list[float]) -> None:
    """Writes a network that multiplies a row of inputs with a column of weights."""
    column = np.array(weights, np.float32)[:, None]
    inputs = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, len(weights)])
    outputs = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1])
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "product",
        [inputs],
        [outputs],
        [numpy_helper.from_array(column, "w")],
    )
    network = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    helper.set_model_props(network, {"character": "a"})
    onnx.save(network, path)


def test_subnormal_weights_are_none(tmp_path: Path) -> None:
    write_product(tmp_path / "a.onnx", [1e-39, -1e-45, 1e-37, 0.5])
    model = OnnxModel(tmp_path / "a.onnx")
    # 1e-29 of the first two, were they there; a small weight that is normal still counts.
    assert model.run(np.array([[1e10, 1e10, 0, 0]], np.float32)).item() == 0
    assert model.run(np.array([[0, 0, 1e10, 0]], np.float32)).item() > 9e-28
    assert model.run(np.array([[0, 0, 0, 3]], np.float32)).item() == 1.5
    assert model.metadata == {"character": "a"}
