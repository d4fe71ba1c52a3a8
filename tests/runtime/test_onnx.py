"""Networks in ONNX files, as they are run."""

import hashlib
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from ocr_plugin.errors import CheckpointError
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


def test_the_hash_is_that_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    write_product(path, [1.0])
    assert OnnxModel(path).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def external(tensor: TensorProto, location: str) -> None:
    """Makes a tensor one that is kept in another file."""
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)


@pytest.mark.parametrize("inside", ["initializer", "attribute"])
@pytest.mark.parametrize("location", ["beside.bin", "../above.bin", "/etc/hostname"])
def test_weights_in_other_files_are_not_read(location: str, inside: str, tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    write_product(path, [1.0])
    (tmp_path / "beside.bin").write_bytes(np.float32(2).tobytes())
    network = onnx.load(path)
    if inside == "initializer":
        external(network.graph.initializer[0], location)
    else:
        value = numpy_helper.from_array(np.zeros(1, np.float32), "c")
        constant = helper.make_node("Constant", [], ["c"], value=value)
        external(constant.attribute[0].t, location)
        network.graph.node.insert(0, constant)
    path.write_bytes(network.SerializeToString())
    with pytest.raises(CheckpointError, match=f"'{location}', which is not read") as caught:
        OnnxModel(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no\.onnx: cannot be read: No such file"):
        OnnxModel(tmp_path / "no.onnx")
