"""PaddleOCR 3.x without a download, from the model files that the rapidocr wheel carries.

    ocr = PaddleOCR(**offline_models())

PaddleX expects one folder per model, with a configuration that names it, and probes model hosts
unless that is switched off. Needs the extra `paddle`.
"""

import json
import os
from pathlib import Path
from typing import Any

from ocr_plugin.errors import ConfigurationError
from ocr_plugin.runtime.networks import OnnxModel
from ocr_plugin.runtime.private_folder import private_folder
from ocr_plugin.runtime.weights import bundled_model, cache_root

DETECTION, RECOGNITION = "PP-OCRv6_small_det", "PP-OCRv6_small_rec"
"""PaddleX's names of the two models."""

_FILES = {DETECTION: "PP-OCRv6_det_small.onnx", RECOGNITION: "PP-OCRv6_rec_small.onnx"}
# PaddleX reads this environment variable when it is imported.
_NO_PROBE = "PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK"
_DETECTION_STEPS = [
    {"DecodeImage": {"channel_first": False, "img_mode": "BGR"}},
    {"DetResizeForTest": {"limit_side_len": 736, "limit_type": "min"}},
    {
        "NormalizeImage": {
            "mean": [0.485, 0.456, 0.406],
            "std": [0.229, 0.224, 0.225],
            "scale": "1./255.",
            "order": "hwc",
        }
    },
    {"ToCHWImage": None},
]
_RECOGNITION_STEPS = [
    {"DecodeImage": {"channel_first": False, "img_mode": "BGR"}},
    {"RecResizeImg": {"image_shape": [3, 48, 320]}},
]


def offline_models(folder: str | os.PathLike[str] | None = None) -> dict[str, Any]:
    """Returns keyword arguments with which `PaddleOCR` works from local files alone.

    Call it before `paddlex` is imported for the first time: it also switches off the probing of
    model hosts, by an environment variable.

    Args:
        folder: where the models' folders are created if missing; by default the user's cache.

    Raises:
        ConfigurationError: the folder cannot be written.
        ModelUnavailable: the installed rapidocr has no such files, or others may write to the
            cache.
    """
    no_probe()
    return {
        "text_detection_model_name": DETECTION,
        "text_detection_model_dir": str(model_folder(DETECTION, folder)),
        "text_recognition_model_name": RECOGNITION,
        "text_recognition_model_dir": str(model_folder(RECOGNITION, folder)),
        "use_doc_orientation_classify": False,
        "use_doc_unwarping": False,
        "use_textline_orientation": False,
        "engine": "onnxruntime",
    }


def no_probe() -> None:
    """Keeps PaddleX from probing model hosts; call it before PaddleX is imported."""
    os.environ.setdefault(_NO_PROBE, "True")


def model_folder(name: str, folder: str | os.PathLike[str] | None = None) -> Path:
    """Returns the folder of a model as PaddleX expects it, created if missing.

    Args:
        name: `DETECTION` or `RECOGNITION`.
        folder: as for `offline_models`.
    """
    base = Path(folder) if folder else private_folder(cache_root() / "paddle")
    source, target = bundled_model(_FILES[name]), base / name
    configuration: dict[str, Any] = {"Global": {"model_name": name}}
    if name == DETECTION:
        configuration["PreProcess"] = {"transform_ops": _DETECTION_STEPS}
        configuration["PostProcess"] = {
            "name": "DBPostProcess",
            "thresh": 0.3,
            "box_thresh": 0.6,
            "unclip_ratio": 1.5,
            "max_candidates": 1000,
        }
    else:
        characters = OnnxModel(source).metadata["character"].split("\n")
        configuration["PreProcess"] = {"transform_ops": _RECOGNITION_STEPS}
        configuration["PostProcess"] = {"name": "CTCLabelDecode", "character_dict": characters}
    write_folder(target, configuration, {"inference.onnx": source})
    return target


def write_folder(target: Path, configuration: dict[str, Any], files: dict[str, Path]) -> None:
    """Writes a model's folder: its configuration, and files that are copied under other names.

    Existing files of the same bytes are kept, so that processes may share the folder.

    Raises:
        ConfigurationError: the folder or the configuration cannot be written.
    """
    try:
        # JSON is YAML as well.
        content = json.dumps(configuration, indent=1, default=os.fspath).encode()
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"{target}: an option is not valid JSON: {error}") from error
    try:
        target.mkdir(parents=True, exist_ok=True)
        for name, source in files.items():
            _put(target / name, source.read_bytes())
        _put(target / "inference.yml", content)
    except OSError as error:
        raise ConfigurationError(f"{target}: cannot be written: {error.strerror}") from error


def _put(place: Path, content: bytes) -> None:
    """Writes a file atomically."""
    if place.is_file() and place.stat().st_size == len(content) and place.read_bytes() == content:
        return
    draft = place.with_name(f".{place.name}.{os.getpid()}")
    draft.write_bytes(content)
    draft.replace(place)
