"""Graphs that take their weights from a safetensors file."""

from pathlib import Path

import onnx
import pytest
import torch

from ocr_plugin.cli.app import main
from ocr_plugin.errors import ConfigurationError
from ocr_plugin.recognizers.clip4str.checkpoint import load_model, save_model
from ocr_plugin.recognizers.clip4str.graph_files import graph_file
from ocr_plugin.recognizers.clip4str.model import Clip4Str
from ocr_plugin.recognizers.clip4str.onnx_graphs import export_graphs
from ocr_plugin.recognizers.clip4str.onnx_network import OnnxWordNetwork
from ocr_plugin.recognizers.clip4str.options import Clip4StrOptions
from ocr_plugin.recognizers.clip4str.weights_file import read_header
from tests.recognizers.clip4str.test_reader import ends
from tests.recognizers.clip4str.test_variants import network


def in_half(path: Path, **changes: int) -> Path:
    """Writes a network of few parts that reads words of several lengths, in half precision."""
    made = network(**changes)
    assert isinstance(made, Clip4Str)
    with torch.no_grad():
        made.visual_decoder.head.weight.mul_(40)
        made.visual_decoder.head.bias[made.config.charset.eos] += 8
    save_model(made, path, torch.float16)
    return path


def test_the_command_writes_graphs_that_read_as_pytorch(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    weights = in_half(tmp_path / "small.safetensors", text_layers=0, max_label_length=3)
    out = tmp_path / "graphs"
    assert main(["models", "export", str(weights), "--graphs", "--out", str(out)]) == 0
    assert capfd.readouterr().out == f"{out}\n"
    parts = ("image_tower", "visual_memory", "visual_step", "visual_pass")
    files = {graph_file(weights, part) for part in parts}
    assert {path.name for path in out.iterdir()} == {weights.name, *files}
    for name in files:
        assert (out / name).stat().st_size < 70_000
        held = onnx.load(out / name, load_external_data=False).graph.initializer
        assert any(each.data_location == onnx.TensorProto.EXTERNAL for each in held)

    ours = OnnxWordNetwork(out / weights.name, Clip4StrOptions())
    images = torch.randn(7, 3, *ours.config.image_size, generator=torch.manual_seed(3))
    with torch.inference_mode():
        expected = load_model(weights)(images, independent=True)
    found = torch.from_numpy(ours.logits(images.numpy()))
    kept = ends(expected, ours.config.charset.eos)
    assert torch.equal(kept, ends(found, ours.config.charset.eos))
    torch.testing.assert_close(found[kept], expected[kept], atol=1e-4, rtol=0)
    assert len({tuple(row) for row in expected.argmax(-1).tolist()}) > 2


def test_weights_in_single_precision_are_refused(tmp_path: Path) -> None:
    save_model(network(text_layers=0), tmp_path / "single.safetensors")
    with pytest.raises(ConfigurationError, match="graphs share weights in float16 alone"):
        export_graphs(tmp_path / "single.safetensors", tmp_path / "graphs")
    assert not (tmp_path / "graphs").exists()


def test_a_header_tells_where_tensors_lie(tmp_path: Path) -> None:
    path = in_half(tmp_path / "small.safetensors", text_layers=0)
    header, state = read_header(path), load_model(path).network.state_dict()
    assert set(header.tensors) == set(state)
    content = path.read_bytes()[header.data_start :]
    for name, entry in header.tensors.items():
        first, last = entry["data_offsets"]
        values = torch.frombuffer(bytearray(content[first:last]), dtype=torch.float16)
        assert torch.equal(values.reshape(entry["shape"]).float(), state[name])
