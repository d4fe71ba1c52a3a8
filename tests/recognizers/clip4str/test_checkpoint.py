"""Weights files: every format, every architecture, and everything that must be refused."""

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from ocr_plugin.clip4str import (
    PRESETS,
    Clip4Str,
    Clip4StrConfig,
    Reader,
    load_model,
    load_network,
    save_model,
)
from ocr_plugin.errors import CheckpointError, ConfigurationError, ModelUnavailable
from ocr_plugin.recognizers.clip4str.architecture import architecture

State = dict[str, torch.Tensor]
SQUARE = Clip4StrConfig(
    embed_dim=16,
    image_size=(16, 16),
    patch_size=(8, 8),
    vision_layers=2,
    vision_width=64,
    text_layers=1,
    text_width=64,
)


def build(config: Clip4StrConfig = SQUARE) -> Clip4Str:
    torch.manual_seed(1)
    return Clip4Str(config).eval()


def as_bare(state: State, path: Path) -> None:
    torch.save(state, path)


def as_legacy(state: State, path: Path) -> None:
    torch.save(state, path, _use_new_zipfile_serialization=False)


def as_lightning(state: State, path: Path) -> None:
    optimizer = {"state": {0: {"exp_avg": torch.zeros(3)}}, "param_groups": []}
    content = {
        "state_dict": state,
        "hyper_parameters": {"charset_train": "abc", "img_size": [224, 224]},
        "optimizer_states": [optimizer],
        "epoch": 3,
    }
    torch.save(content, path)


def as_safetensors(state: State, path: Path) -> None:
    save_file(state, path)


def as_wrapped(state: State, path: Path) -> None:
    torch.save({f"module.model.{name}": tensor for name, tensor in state.items()}, path)


def as_half(state: State, path: Path) -> None:
    torch.save({name: tensor.half() for name, tensor in state.items()}, path)


def with_buffers(state: State, path: Path) -> None:
    torch.save({**state, "clip_model.attn_mask": torch.zeros(77, 77)}, path)


@pytest.mark.parametrize(
    "write",
    [as_bare, as_legacy, as_lightning, as_safetensors, as_wrapped, as_half, with_buffers],
)
def test_every_format_is_read_by_its_content(
    write: Callable[[State, Path], None], tmp_path: Path
) -> None:
    model = build()
    path = tmp_path / "weights.of-no-known-kind"
    write(model.state_dict(), path)
    loaded = load_network(path)
    assert loaded.config == SQUARE
    assert not loaded.training
    half = write is as_half
    for name, tensor in model.state_dict().items():
        found = loaded.state_dict()[name]
        assert found.dtype == torch.float32
        assert found.requires_grad is False  # a state dict's tensors are detached
        torch.testing.assert_close(found, tensor, atol=1e-2 if half else 0, rtol=0)
    assert all(parameter.requires_grad for parameter in loaded.parameters())


def test_a_free_configuration_travels_with_its_weights(tmp_path: Path) -> None:
    config = Clip4StrConfig(
        embed_dim=24,
        image_size=(16, 48),
        patch_size=(8, 12),
        vision_layers=1,
        vision_width=128,
        text_layers=2,
        text_width=64,
        decoder_depth=2,
        decoder_heads=3,
        max_label_length=7,
        characters="abc",
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
    )
    network = build(config)
    save_model(network, tmp_path / "free.safetensors")
    loaded = load_model(tmp_path / "free.safetensors", refinements=2)
    assert loaded.config == config
    images = torch.randn(2, 3, 16, 48)
    with torch.inference_mode():
        torch.testing.assert_close(loaded(images), Reader(network, refinements=2)(images))
        assert loaded(images).shape == (2, 8, 4)
    assert [file.name for file in tmp_path.iterdir()] == ["free.safetensors"]
    assert oct((tmp_path / "free.safetensors").stat().st_mode)[-1] != "7"


def test_changing_the_file_does_not_change_the_network(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_model(build(), path)
    loaded = load_network(path)
    before = loaded.visual_decoder.head.weight.clone()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.write(b"\xff" * size)
    assert torch.equal(loaded.visual_decoder.head.weight, before)


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_the_published_sizes_are_told_by_their_shapes(name: str) -> None:
    with torch.device("meta"):
        model = Clip4Str(PRESETS[name])
    shapes = {key: tuple(tensor.shape) for key, tensor in model.state_dict().items()}
    assert architecture(shapes) == PRESETS[name]


def test_the_published_sizes_have_the_published_numbers_of_parameters() -> None:
    millions = {}
    for name, config in PRESETS.items():
        with torch.device("meta"):
            model = Clip4Str(config)
        millions[name] = round(sum(tensor.numel() for tensor in model.parameters()) / 1e6)
    assert millions == {"B/32": 160, "B/16": 158, "L/14": 447, "H/14": 1020}


def test_one_error_lists_every_wrong_tensor(tmp_path: Path) -> None:
    state = build().state_dict()
    del state["visual_decoder.norm.weight"], state["clip_model.ln_final.bias"]
    state["cross_decoder.head.weight"] = torch.zeros(90, 16)
    state["cross_decoder.surprise"] = torch.zeros(1)
    torch.save(state, tmp_path / "bad.pt")
    with pytest.raises(CheckpointError) as caught:
        load_model(tmp_path / "bad.pt")
    message = str(caught.value)
    assert "\n" not in message
    for part in (
        "bad.pt",
        "missing (2): clip_model.ln_final.bias, visual_decoder.norm.weight",
        "unexpected (1): cross_decoder.surprise",
        "misshapen (1): cross_decoder.head.weight (90, 16) instead of (95, 16)",
    ):
        assert part in message


def test_long_lists_are_cut_and_counted(tmp_path: Path) -> None:
    state = build().state_dict()
    half = {name: tensor for name, tensor in state.items() if not name.startswith("cross_decoder")}
    torch.save(half, tmp_path / "half.pt")
    gone = len(state) - len(half)
    with pytest.raises(CheckpointError, match=rf"missing \({gone}\): .* and {gone - 20} more$"):
        load_model(tmp_path / "half.pt")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda s: s.pop("clip_model.visual.conv1.weight"), "missing .*conv1"),
        (
            lambda s: s.update({"clip_model.visual.proj": torch.zeros(4)}),
            r"misshapen .*proj \(4,\)",
        ),
        (
            lambda s: s.update({"clip_model.visual.positional_embedding": torch.zeros(7, 64)}),
            "6 image patches make no square",
        ),
        (
            lambda s: s.update({"clip_model.visual.conv1.weight": torch.zeros(65, 3, 8, 8)}),
            "vision_width 65",
        ),
        (
            lambda s: s.update({"cross_decoder.head.bias": torch.zeros(95, dtype=torch.int64)}),
            "int64",
        ),
    ],
)
def test_shapes_that_make_no_network_are_refused(
    change: Callable[[State], Any], complaint: str, tmp_path: Path
) -> None:
    state = dict(build().state_dict())
    change(state)
    torch.save(state, tmp_path / "odd.pt")
    with pytest.raises(CheckpointError, match=complaint):
        load_model(tmp_path / "odd.pt")


class Malice:
    """Pickles to a call that makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("way", ["zip", "legacy", "protocol 2", "protocol 4"])
def test_a_pickle_that_runs_code_is_refused_unrun(way: str, tmp_path: Path) -> None:
    trace, path = tmp_path / "trace", tmp_path / "evil.pt"
    content = {"state_dict": {**build().state_dict(), "x": Malice(trace)}}
    if way.startswith("protocol"):
        path.write_bytes(pickle.dumps(Malice(trace), protocol=int(way[-1])))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=way == "zip")
    with pytest.raises(CheckpointError) as caught:
        load_model(path)
    assert not trace.exists()
    culprit = "other objects" if way == "protocol 4" else f"{os.system.__module__}.system"
    assert str(caught.value) == f"{path}: unsafe file, holds {culprit} besides weights"
    # A reader less careful would have been had.
    if way.startswith("protocol"):
        pickle.loads(path.read_bytes())
    else:
        torch.load(path, weights_only=False)
    assert trace.exists()


def safetensors_with(metadata: dict[str, str]) -> Callable[[Path], None]:
    return lambda path: save_file(build().state_dict(), path, metadata=metadata)


def with_config(**values: Any) -> Callable[[Path], None]:
    return safetensors_with({"clip4str_config": json.dumps(values)})


@pytest.mark.parametrize(
    ("write", "complaint"),
    [
        (lambda path: path.write_bytes(b""), "neither"),
        (lambda path: path.write_bytes(b"hello there, I am a text"), "neither"),
        (lambda path: path.write_bytes(b"PK\x03\x04" + bytes(100)), "damaged PyTorch"),
        (lambda path: path.write_bytes(bytes(7) + b"\x7f{}"), "damaged safetensors"),
        (lambda path: path.mkdir(), "cannot be read"),
        (lambda path: torch.save([1, 2], path), "holds a list"),
        (lambda path: torch.save({"a": 1}, path), "holds no tensors"),
        (lambda path: torch.save({"a": torch.zeros(1)}, path), "not a CLIP4STR checkpoint"),
        (safetensors_with({"clip4str_config": "{"}), "Expecting"),
        (safetensors_with({"clip4str_config": "[]"}), "not an object"),
        (with_config(depth=3, text_width="64"), "depth is unknown; text_width is '64'"),
        (with_config(vision_width=65), "vision_width 65"),
        (with_config(vision_layers=10**12), "too few"),
        (with_config(embed_dim=24), "misshapen"),
    ],
)
def test_files_that_are_no_checkpoint_say_why(
    write: Callable[[Path], Any], complaint: str, tmp_path: Path
) -> None:
    path = tmp_path / "file.pt"
    write(path)
    with pytest.raises(CheckpointError, match=complaint) as caught:
        load_model(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    for name, write in (("a.safetensors", as_safetensors), ("a.pt", as_bare)):
        path = tmp_path / name
        write(build().state_dict(), path)
        path.write_bytes(path.read_bytes()[:-1000])
        with pytest.raises(CheckpointError, match="damaged"):
            load_model(path)


def test_unknown_names_list_the_known_ones() -> None:
    with pytest.raises(ModelUnavailable, match="no-such-name; models: clip4str-compact, "):
        load_model("no-such-name")


def test_bad_arguments_are_named(tmp_path: Path) -> None:
    save_model(build(), tmp_path / "m.safetensors")
    with pytest.raises(ConfigurationError, match="negative"):
        load_model(tmp_path / "m.safetensors", refinements=-1)
    for device in ("meta", "no-such-device", "cuda:97"):
        with pytest.raises(ConfigurationError, match=f"device '{device}' cannot be used here"):
            load_model(tmp_path / "m.safetensors", device=device)


def test_weights_are_as_open_as_other_files(tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    save_model(build(), tmp_path / "m.safetensors")
    modes = {path.stat().st_mode for path in tmp_path.iterdir()}
    assert len(modes) == 1
