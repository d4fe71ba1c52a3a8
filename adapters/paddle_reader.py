"""PaddleOCR 3.x pipelines that read with a recognizer of this package.

    ocr = read_with(PaddleOCR(...), "second_opinion")
    ocr.predict("photo.jpg")

Detection, crops, thresholds and results stay PaddleOCR's. Needs the extra `paddle`.
"""

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import numpy as np

from ocr_plugin.constraints.constraint import Constraint
from ocr_plugin.errors import ConfigurationError
from ocr_plugin.options import DEFAULT_RECOGNIZER, DEFAULT_SPLITTER
from ocr_plugin.protocols import RGB, Reading, Recognizer
from ocr_plugin.recognizers.guidance import Guidance
from ocr_plugin.recognizers.guiding import guided
from ocr_plugin.recognizers.line_reader import line_reader
from ocr_plugin.recognizers.line_words import words_of

# PaddleX places words by columns of the crop; with this many, rounding does not show.
_COLUMNS = 10_000
_PIPELINES = "paddlex.inference.pipelines"

Pipeline = TypeVar("Pipeline")


def read_with(
    pipeline: Pipeline,
    recognizer: str | Recognizer = DEFAULT_RECOGNIZER,
    *,
    splitter: str | Recognizer | None = DEFAULT_SPLITTER,
    language: str | None = None,
    constraint: Constraint | None = None,
    **options: Any,
) -> Pipeline:
    """Makes a PaddleOCR pipeline read with another recognizer; returns the pipeline.

    Every text recognition model in it is replaced, those of the pipelines within it as well, so
    that it works for `PPStructureV3` as for `PaddleOCR`. What a pipeline builds only when it needs
    it, such as all of PP-ChatOCR with ``initial_predictor=False``, is not there to be replaced:
    `paddle_model.pipeline_config` reaches it.

    Args:
        pipeline: a `paddleocr` pipeline object, or one of `paddlex.create_pipeline`.
        recognizer: name of an installed recognizer, or a recognizer.
        splitter: what cuts lines into words for a recognizer of words, as the `Engine` takes it.
        language: what words are likely, as the `Engine` takes it.
        constraint: what texts may be; a line that has none, or is less sure than its
            `abstain_below`, is read as an empty text.
        options: of the recognizer, where it is given by its name.

    Raises:
        ConfigurationError: the pipeline reads no text, or the options cannot work.
        PluginError: no plugin of that name, or it cannot be loaded.
        ModelError: a model is not available.
    """
    found = list(_readers(getattr(pipeline, "paddlex_pipeline", pipeline)))
    if not found:
        raise ConfigurationError(f"{type(pipeline).__name__} has no text recognition model")
    guidance = Guidance(language, constraint)
    lines = guided(line_reader(recognizer, splitter, **options), guidance)
    reader = PaddleReader(lines, constraint.abstain_below if constraint else 0.0)
    for part in found:
        part.text_rec_model = reader
    return pipeline


class PaddleReader:
    """Replaces the text recognition model of a PaddleX pipeline.

    Args:
        lines: a recognizer of lines.
        abstain_below: a line of less confidence is read as an empty text.
    """

    def __init__(self, lines: Recognizer, abstain_below: float = 0.0) -> None:
        self._lines, self._abstain_below = lines, abstain_below

    def __call__(
        self, crops: Sequence[RGB], return_word_box: bool = False, **_: Any
    ) -> Iterator[dict[str, Any]]:
        """Yields PaddleX's result for each crop, in order.

        Args:
            crops: (h, w, 3) uint8 BGR each.
            return_word_box: whether the text is to come with its words' places.
        """
        for reading in self._lines.recognize([rgb_of(crop) for crop in crops]):
            if reading.confidence < self._abstain_below:
                reading = Reading("", 0.0)
            text = (reading.text, word_info(reading)) if return_word_box else reading.text
            yield {"rec_text": text, "rec_score": reading.confidence, "vis_font": None}

    def close(self) -> None:
        """Does nothing; pipelines close their models."""


def rgb_of(crop: RGB) -> RGB:
    """Returns a BGR crop as RGB, contiguous."""
    return np.ascontiguousarray(crop[..., ::-1])


def word_info(reading: Reading) -> tuple[int, list[list[str]], list[list[int]], list[str]]:
    """Returns the places of a line's words, as PaddleX's decoder does.

    Returns:
        How many columns the crop has; each word's characters; the first and the last column of
        each; and the kind of each, always the one that is placed by these two.
    """
    characters, columns = [], []
    for word in words_of(reading):
        start, end = word.span
        first = min(int(start * _COLUMNS), _COLUMNS - 1)
        last = max(first, round(end * _COLUMNS) - 1)
        characters.append(list(word.text))
        columns.append([first, last])
    return _COLUMNS, characters, columns, ["en&num"] * len(characters)


def _readers(part: Any) -> Iterator[Any]:
    """Yields the parts of a pipeline that have a text recognition model."""
    seen, waiting = set(), [part]
    while waiting:
        part = waiting.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, dict):
            waiting.extend(part.values())
        elif isinstance(part, list | tuple):  # one pipeline for each of several devices
            waiting.extend(part)
        elif type(part).__module__.startswith(_PIPELINES):
            values = getattr(part, "__dict__", {})
            if "text_rec_model" in values:
                yield part
            waiting.extend(values.values())
