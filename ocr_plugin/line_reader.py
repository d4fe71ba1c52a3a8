"""A reader of lines made of a reader of words."""

from collections.abc import Sequence
from dataclasses import replace

from ocr_plugin import registry
from ocr_plugin.errors import ConfigurationError
from ocr_plugin.protocols import RGB, Reading, Recognizer, Unit
from ocr_plugin.readings import even_extents, joined
from ocr_plugin.schema import Component
from ocr_plugin.words import cut, word_spans


class LineReader:
    """Cuts lines into words, has them read in one batch, and joins them again by spaces.

    A `Recognizer` itself, of lines.

    Args:
        words: reads words.
        splitter: a line reader that sees the spaces; with None the gaps in the ink decide.
    """

    unit: Unit = "line"

    def __init__(self, words: Recognizer, splitter: Recognizer | None) -> None:
        self._words, self._splitter = words, splitter

    @property
    def component(self) -> Component:
        """The reader's of words."""
        return self._words.component

    def recognize(self, crops: Sequence[RGB]) -> list[Reading]:
        """Returns the reading of each line, in order; see `protocols.Recognizer`."""
        lines = word_spans(crops, self._splitter)
        parts = [
            cut(crop, start, end)
            for crop, spans in zip(crops, lines, strict=True)
            for start, end in spans
        ]
        answers = iter(self._words.recognize(parts))
        return [joined([_placed(next(answers), *span) for span in spans]) for spans in lines]


def _placed(word: Reading, start: float, end: float) -> Reading:
    """Returns a word's reading with extents within its line."""
    text = word.text
    return replace(
        word,
        character_extents=even_extents(len(text), start, end) if text else (),
        character_confidences=word.character_confidences or (word.confidence,) * len(text),
    )


def line_reader(
    recognizer: str | Recognizer, splitter: str | Recognizer | None = "ppocr", **options: object
) -> Recognizer:
    """Returns a recognizer as one that reads lines.

    Args:
        recognizer: an object with `recognize`, or an entry point's name.
        splitter: as the `Engine` takes it; used where the recognizer reads words.
        options: of the recognizer, where it is given by its name.

    Raises:
        ConfigurationError: bad options, or a splitter that reads no lines.
        PluginError: no plugin of that name, or it cannot be loaded.
        ModelError: a model is not to be had.
    """
    if isinstance(recognizer, str):
        recognizer = registry.make_recognizer(recognizer, **options)
    elif options:
        raise ConfigurationError("options need a recognizer given by its name")
    splitter = splitter_for(recognizer, splitter)
    return recognizer if recognizer.unit == "line" else LineReader(recognizer, splitter)


def splitter_for(recognizer: Recognizer, splitter: str | Recognizer | None) -> Recognizer | None:
    """Returns what cuts lines into words for a recognizer; None for a recognizer of lines.

    Raises:
        ConfigurationError: a splitter that reads no lines.
        PluginError: no plugin of that name, or it cannot be loaded.
    """
    if recognizer.unit == "line":
        return None
    if isinstance(splitter, str):
        splitter = registry.make_recognizer(splitter)
    if splitter is not None and splitter.unit != "line":
        raise ConfigurationError(f"the splitter {splitter.component.name} reads no lines")
    return splitter
