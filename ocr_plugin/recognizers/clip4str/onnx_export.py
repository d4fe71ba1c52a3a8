"""Exports networks as ONNX files, for programs without PyTorch; see docs/export.md."""

import json
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import asdict
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch

from ocr_plugin.errors import ConfigurationError, ExportError, first_line
from ocr_plugin.recognizers.clip4str.captions import PAD, caption
from ocr_plugin.recognizers.clip4str.checkpoint import load_weights
from ocr_plugin.recognizers.clip4str.config import Clip4StrConfig
from ocr_plugin.recognizers.clip4str.onnx_modules import ExportModule, export_modules

DESCRIPTION = "model.json"
"""The file that describes the others."""

FORMAT_VERSION = 1
"""Increased when programs written for the previous version would misread the files."""

OPSET = 20
"""The first with an operator for the decoders' GELU; ONNX Runtime supports it since 1.17."""

TOLERANCE = 1e-4
"""Largest allowed difference of a file's outputs, relative to the largest output if above 1."""

_MOST_IN_ONE_FILE = 1_900_000_000
"""Bytes of weights stored in the ONNX file itself, which cannot be larger than 2 GiB."""


def export_onnx(path_or_name: str | Path, folder: Path | str, offline: bool = False) -> Path:
    """Writes a network as ONNX files, each checked against it; returns their folder.

    The folder appears whole or not at all.

    Args:
        path_or_name: a weights file, or the name of a published model.
        folder: must not exist yet; its parent must.
        offline: whether a named model that is not on this machine is an error rather than a
            download.

    Raises:
        ConfigurationError: a package is missing, or the folder exists or cannot be written.
        CheckpointError: the weights are unusable.
        ModelUnavailable: no file or model of that name, or the model cannot be downloaded.
        ExportError: the network could not be written, or a file computes something else.
    """
    _require_exporter()
    folder = Path(folder)
    if folder.exists():
        raise ConfigurationError(f"{folder} exists already; name a new folder")
    model, weights, sha256 = load_weights(path_or_name, offline=offline)
    try:
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".writing-") as staging:
            written = Path(staging, folder.name)
            written.mkdir()
            files = {
                part.name: _write(part, model.config, written) for part in export_modules(model)
            }
            description = _description(model.config, sha256, weights.name, files)
            text = json.dumps(description, indent=2, ensure_ascii=False)
            (written / DESCRIPTION).write_text(f"{text}\n", encoding="utf-8")
            written.rename(folder)
    except OSError as error:
        raise ConfigurationError(
            f"{folder}: cannot be written: {error.strerror or error}"
        ) from error
    return folder


def _require_exporter() -> None:
    try:
        import_module("onnxscript")  # PyTorch's exporter needs it
    except ImportError as error:
        raise ConfigurationError(
            f"writing ONNX files needs pip install 'ocr-plugin[export]': {error}"
        ) from error


def _write(part: ExportModule, config: Clip4StrConfig, folder: Path) -> dict[str, Any]:
    """Writes and checks one file; returns its entry in the description."""
    path = folder / f"{part.name}.onnx"
    try:
        _convert(part, config, path)
        onnx.checker.check_model(path, full_check=True)
    except OSError:
        raise
    # The exporter and the checker raise many types of errors; the cause is chained.
    except Exception as error:
        raise ExportError(f"{path.name} could not be written: {_reason(error)}") from error
    _check(part, config, path)
    graph = onnx.load(path, load_external_data=False).graph
    return {
        "file": path.name,
        "inputs": {entry.name: _tensor(entry) for entry in graph.input},
        "outputs": {entry.name: _tensor(entry) for entry in graph.output},
    }


def _convert(part: ExportModule, config: Clip4StrConfig, path: Path) -> None:
    lengths = _lengths(config, batch=2, known=4, positions=5)
    # The exporter treats lengths of 0 and 1 as constants. A longer past than possible is harmless.
    lengths["past"] = 3
    axes = {name: torch.export.Dim(name, max=_most(name, config)) for name in lengths}
    with warnings.catch_warnings():
        # If two inputs share an axis, the exporter warns that only one can name it.
        warnings.filterwarnings("ignore", "# The axis name", UserWarning)
        program = torch.onnx.export(
            part.module.eval(),
            part.samples(lengths),
            input_names=list(part.inputs),
            output_names=list(part.outputs),
            dynamic_shapes=tuple(
                {at: axes[axis] for at, axis in enumerate(entry.shape) if isinstance(axis, str)}
                for entry in part.inputs.values()
            ),
            opset_version=OPSET,
            verbose=False,
        )
    assert program is not None
    constants = (value.const_value for value in program.model.graph.initializers.values())
    size = sum(constant.nbytes for constant in constants if constant is not None)
    program.save(path, external_data=size > _MOST_IN_ONE_FILE)


def _check(part: ExportModule, config: Clip4StrConfig, path: Path) -> None:
    """Compares a file with its module, on random inputs of two sizes."""
    session = _session(path)
    steps = config.steps
    for lengths in (
        _lengths(config, batch=1, known=1, positions=1),
        _lengths(config, batch=3, known=steps, positions=steps),
    ):
        samples = part.samples(lengths)
        with torch.inference_mode():
            expected = part.module(*samples)
        arrays = {name: sample.numpy() for name, sample in zip(part.inputs, samples, strict=True)}
        found = session.run(list(part.outputs), arrays)
        wanted = (expected,) if isinstance(expected, torch.Tensor) else expected
        for name, one, other in zip(part.outputs, found, wanted, strict=True):
            off = _difference(one, other.numpy())
            if not off <= TOLERANCE:  # also true for NaN
                raise ExportError(f"{path.name}: {name} is off by {off:.1e}; nothing was written")


def _session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime has no public base class of its errors
        raise ExportError(f"{path.name} cannot be run: {_reason(error)}") from error


def _reason(error: BaseException) -> str:
    """Returns the first line of an error's root cause; the error itself is about the exporter."""
    while error.__cause__ is not None:
        error = error.__cause__
    return first_line(error)


def _difference(found: np.ndarray, expected: np.ndarray) -> float:
    """Returns the largest difference, in units of the largest number if that is above 1."""
    if found.shape != expected.shape:
        return float("inf")
    return float(np.abs(found - expected).max() / max(1.0, float(np.abs(expected).max())))


def _lengths(config: Clip4StrConfig, *, batch: int, known: int, positions: int) -> dict[str, int]:
    """Returns the lengths of the variable axes, at most the configuration's."""
    rows, columns = config.grid
    return {
        "batch": batch,
        "memory": 1 + rows * columns + config.context_length,
        "past": min(known, config.steps) - 1,
        "known": min(known, config.steps),
        "positions": min(positions, config.steps),
    }


def _most(axis: str, config: Clip4StrConfig) -> int | None:
    return config.steps if axis in ("known", "positions") else None


def _tensor(entry: onnx.ValueInfoProto) -> dict[str, Any]:
    """Returns shape and dtype of an input or output; variable axes by their names."""
    tensor = entry.type.tensor_type
    return {
        "shape": [axis.dim_param or axis.dim_value for axis in tensor.shape.dim],
        "dtype": str(onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)),
    }


def _description(
    config: Clip4StrConfig, sha256: str, weights: str, files: Mapping[str, Any]
) -> dict[str, Any]:
    charset = config.charset
    found: dict[str, Any] = {
        "format": "clip4str-onnx",
        "format_version": FORMAT_VERSION,
        "written_by": f"ocr-plugin {version('ocr-plugin')}",
        "weights": {"file": weights, "sha256": sha256},
        "opset": OPSET,
        "config": asdict(config),
        "tokens": {"eos": charset.eos, "bos": charset.bos},
        "steps": config.steps,
    }
    if config.text_layers:
        found["captions"] = _caption_ids(config)
    return found | {"files": dict(files)}


def _caption_ids(config: Clip4StrConfig) -> dict[str, int]:
    begin, end, *_ = caption("", config.text_characters, 2, config.caption_tokens)
    return {"begin": begin, "end": end, "pad": PAD}
