"""Networks in ONNX files, as they are run."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from ocr_plugin.errors import CheckpointError
from ocr_plugin.runtime.networks import OnnxModel
from ocr_plugin.runtime.onnx_file import metadata_of, without_subnormals
from ocr_plugin.runtime.weights import bundled_model


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


@pytest.mark.parametrize(("part", "subnormals"), [("det", 200_000), ("rec", 200)])
def test_a_real_file_is_as_the_onnx_package_reads_it(part: str, subnormals: int) -> None:
    content = bundled_model(f"PP-OCRv6_{part}_small.onnx").read_bytes()
    cleaned = without_subnormals(content)
    before, after = onnx.load_from_string(content), onnx.load_from_string(cleaned)
    assert metadata_of(content) == {each.key: each.value for each in before.metadata_props}
    least, flushed = np.finfo(np.float32).tiny, 0
    for old, new in zip(before.graph.initializer, after.graph.initializer, strict=True):
        one, other = numpy_helper.to_array(old), numpy_helper.to_array(new)
        if one.dtype == np.float32:
            small = (np.abs(one) < least) & (one != 0)
            flushed += int(small.sum())
            one = np.where(small, np.float32(0), one)
        assert np.array_equal(one, other)
    assert flushed > subnormals
    del before.graph.initializer[:], after.graph.initializer[:]
    assert before == after


@pytest.mark.parametrize("content", [b"not a network", b"\x3a\xff\xff", b"\x3a\x80", b"\x0b"])
def test_a_damaged_file_is_an_error(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"a\.onnx: not a usable ONNX file: ") as caught:
        OnnxModel(tmp_path / "a.onnx")
    assert "\n" not in str(caught.value)
