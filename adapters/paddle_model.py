"""CLIP4STR, or any recognizer, as a registered text recognition model of PaddleX.

    folder = model_folder("models/clip4str", recognizer="clip4str")
    TextRecognition(model_name=MODEL_NAME, model_dir=str(folder)).predict("word.png")

In the YAML of a pipeline, ``model_name``, ``model_dir`` and ``engine: flexible`` stand under every
``SubModules.TextRecognition``; `pipeline_config` writes them there. PaddleX has no discovery of its
own: import this module first. Needs the extra `paddle`.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from paddlex.inference import load_pipeline_config
from paddlex.inference.common.batch_sampler import ImageBatchSampler
from paddlex.inference.common.reader import ReadImage
from paddlex.inference.models.bindings import register_predictor_binding_map
from paddlex.inference.models.predictors import FlexiblePredictor
from paddlex.inference.models.text_recognition.result import TextRecResult

from ocr_plugin.adapters.paddle_reader import word_info
from ocr_plugin.constraints.constraint import Constraint
from ocr_plugin.errors import ConfigurationError, one_line
from ocr_plugin.options import DEFAULT_RECOGNIZER
from ocr_plugin.protocols import Reading
from ocr_plugin.recognizers.guidance import Guidance
from ocr_plugin.recognizers.guiding import guided
from ocr_plugin.recognizers.line_reader import line_reader
from ocr_plugin.runtime.paddlex_models import write_folder

MODEL_NAME = "CLIP4STR"
"""The model's name in PaddleX."""

_SECTION = "ocr_plugin"
# PaddleX's engine of models that bring their own.
_ENGINE = "flexible"


def model_folder(
    folder: str | os.PathLike[str],
    recognizer: str = DEFAULT_RECOGNIZER,
    *,
    language: str | None = None,
    constraint: Constraint | None = None,
    **options: Any,
) -> Path:
    """Writes a model folder for PaddleX that says which recognizer is meant; returns it.

    Args:
        folder: created or rewritten.
        recognizer: name of an installed recognizer.
        language: what words are likely, as the `Engine` takes it.
        constraint: what texts may be; it is written down as well.
        options: of the recognizer, such as ``model="clip4str-b16-rbu"``; they are written down,
            so they have to be text, paths, numbers, null, or lists and dictionaries of these.

    Raises:
        ConfigurationError: the folder or the options cannot be written.
    """
    chosen: dict[str, Any] = {"recognizer": recognizer, "options": options}
    if language is not None:
        chosen["language"] = language
    if constraint is not None:
        constraint.compiled()
        chosen["constraint"] = constraint.model_dump(mode="json", exclude_defaults=True)
    configuration = {"Global": {"model_name": MODEL_NAME}, _SECTION: chosen}
    write_folder(Path(folder), configuration, {})
    return Path(folder)


def pipeline_config(
    folder: str | os.PathLike[str], pipeline: str | os.PathLike[str] = "OCR"
) -> dict[str, Any]:
    """Returns the configuration of a PaddleX pipeline that reads with such a model.

    Args:
        folder: as `model_folder` wrote it.
        pipeline: PaddleX's name of it, such as ``OCR`` or ``PP-StructureV3``, or its YAML file.

    Raises:
        ConfigurationError: no such pipeline, or nothing in it reads text.
    """
    try:
        config: dict[str, Any] = load_pipeline_config(os.fspath(pipeline))
    except Exception as error:  # PaddleX raises bare exceptions, and those of files and of YAML
        message = f"{os.fspath(pipeline)} is not a PaddleX pipeline: {one_line(error)}"
        raise ConfigurationError(message) from error
    modules = list(_reading_modules(config)) if isinstance(config, dict) else []
    if not modules:
        raise ConfigurationError(f"{os.fspath(pipeline)} has no text recognition model")
    for module in modules:
        chosen = {"model_name": MODEL_NAME, "model_dir": str(folder), "engine": _ENGINE}
        module.update(chosen)
    return config


def _reading_modules(config: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yields the text recognition modules of a pipeline and of those within it."""
    module = config.get("SubModules", {}).get("TextRecognition")
    if module is not None:
        yield module
    for inner in config.get("SubPipelines", {}).values():
        yield from _reading_modules(inner)


class Clip4StrPredictor(FlexiblePredictor):  # type: ignore[misc]
    """What PaddleX builds for the name `MODEL_NAME`: lines in, texts and scores out."""

    def __init__(self, *args: Any, return_word_box: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._return_word_box = return_word_box
        self._read = ReadImage(format="RGB")
        self._lines = self._build()

    def _build(self) -> Any:
        chosen = self.model_config.get(_SECTION) or {}
        lines = line_reader(
            chosen.get("recognizer", DEFAULT_RECOGNIZER), **(chosen.get("options") or {})
        )
        constraint = Constraint.parse(chosen["constraint"]) if "constraint" in chosen else None
        self._abstain_below = constraint.abstain_below if constraint else 0.0
        return guided(lines, Guidance(chosen.get("language"), constraint))

    def _build_batch_sampler(self) -> Any:
        return ImageBatchSampler()

    def _get_result_class(self) -> type:
        return TextRecResult  # type: ignore[no-any-return]

    def process(self, batch_data: Any, return_word_box: bool = False) -> dict[str, list[Any]]:
        """Reads one batch of PaddleX's; pictures are (h, w, 3) uint8 BGR arrays or files."""
        pictures = self._read(imgs=batch_data.instances)
        readings = [
            reading if reading.confidence >= self._abstain_below else Reading("", 0.0)
            for reading in self._lines.recognize(pictures)
        ]
        texts: list[Any] = [reading.text for reading in readings]
        if return_word_box or self._return_word_box:
            texts = [(reading.text, word_info(reading)) for reading in readings]
        return {
            "input_path": batch_data.input_paths,
            "page_index": batch_data.page_indexes,
            "input_img": pictures,
            "rec_text": texts,
            "rec_score": [reading.confidence for reading in readings],
            "vis_font": [None] * len(readings),
        }


register_predictor_binding_map(Clip4StrPredictor, {_ENGINE: [MODEL_NAME]})
