"""Networks in ONNX files, as they are run."""

import hashlib
import subprocess
import sys
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


# Prints what each of two networks adds to the memory of a process that runs them.
GROWTH = """
import numpy as np
import psutil
from ocr_plugin.runtime.networks import OnnxModel
from ocr_plugin.runtime.weights import bundled_model

models, held = [], [psutil.Process().memory_info().rss]
for _ in range(2):
    models.append(OnnxModel(bundled_model("PP-OCRv6_det_small.onnx")))
    models[-1].run(np.zeros((1, 3, 960, 960), np.float32))
    held.append(psutil.Process().memory_info().rss)
print(held[1] - held[0], held[2] - held[1])
"""


def test_networks_of_a_process_share_the_memory_that_they_work_in() -> None:
    done = subprocess.run([sys.executable, "-c", GROWTH], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    first, second = map(int, done.stdout.split())
    assert second < first / 2
