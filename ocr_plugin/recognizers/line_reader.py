"""Readers of lines, also where a recognizer reads words: lines are split, and their words read."""

from collections.abc import Sequence
from typing import Any

from ocr_plugin.errors import ConfigurationError
from ocr_plugin.options import DEFAULT_SPLITTER, RuntimeOptions
from ocr_plugin.plugins import make_recognizer
from ocr_plugin.protocols import RGB, PageAware, Reading, Recognizer, Unit, WordReading
from ocr_plugin.recognizers.chosen_reader import ChosenReader
from ocr_plugin.recognizers.guidance import Guidable, Guidance, compiled
from ocr_plugin.recognizers.guiding import guided
from ocr_plugin.recognizers.line_words import line_of, reread, split
from ocr_plugin.schema import Component


class LineReader:
    """Reads lines with a word recognizer; is itself a `Recognizer` of lines.

    Args:
        words: reads words.
        splitter: a line recognizer that reads the spaces; None to split at gaps in the ink.
    """

    unit: Unit = "line"

    def __init__(self, words: Recognizer, splitter: Recognizer | None) -> None:
        self._words, self._splitter = words, splitter

    def guided(self, guidance: Guidance) -> Recognizer:
        """Returns a reader whose words are guided; see `guidance.Guidable`.

        Under a constraint on lines as a whole, words are read without it, and each line is chosen
        among the combinations of their alternatives; where none is allowed, the whole line is read
        as a single word.
        """
        constraint = guidance.constraint
        if constraint is None or not constraint.compiled().of_lines:
            return LineReader(guided(self._words, guidance), self._splitter)
        return _WholeLineReader(self, self._words, self._splitter, guidance)

    @property
    def component(self) -> Component:
        """The word recognizer's."""
        return self._words.component

    def recognize(self, crops: Sequence[RGB]) -> list[Reading]:
        """Returns the reading of each line, in order; see `protocols.Recognizer`."""
        lines = split(crops, self._splitter)
        read = reread(crops, lines, self._words, lambda word: True, lambda new, old: new)
        return [line_of(words) for words in read]

    def reconsidered(self, words: Sequence[WordReading]) -> list[WordReading]:
        """Returns the words of a page as the word recognizer chooses them in the end."""
        if isinstance(self._words, PageAware):
            return self._words.reconsidered(words)
        return list(words)


class _WholeLineReader:
    """Reads lines with a word recognizer, under a constraint on lines as a whole."""

    unit: Unit = "line"

    def __init__(
        self, base: LineReader, words: Recognizer, splitter: Recognizer | None, guidance: Guidance
    ) -> None:
        self._base = base
        free = LineReader(guided(words, Guidance(guidance.language)), splitter)
        self._lines = ChosenReader(free, Guidance("none", guidance.constraint))
        self.component = words.component
        characters = getattr(words, "characters", None)
        constraint = guidance.constraint
        if characters is not None:
            compiled(constraint, characters | {" "}, self.component.name)
        # A recognizer of words cannot write a constraint's texts that all have a space.
        self._alone: Recognizer | None = None
        if constraint is None or characters is None or constraint.compiled().writable(characters):
            self._alone = guided(words, guidance)

    def guided(self, guidance: Guidance) -> Recognizer:
        """Returns the reader with other guidance."""
        return self._base.guided(guidance)

    def recognize(self, crops: Sequence[RGB]) -> list[Reading]:
        """Returns the reading of each line, in order; see `protocols.Recognizer`."""
        read = self._lines.recognize(crops)
        empty = [index for index, reading in enumerate(read) if not reading.text]
        if self._alone is not None and empty:
            answers = self._alone.recognize([crops[index] for index in empty])
            for index, answer in zip(empty, answers, strict=True):
                if answer.text or not read[index].withheld:
                    read[index] = answer
        return read


def line_reader(
    recognizer: str | Recognizer,
    splitter: str | Recognizer | None = DEFAULT_SPLITTER,
    **options: Any,
) -> Recognizer:
    """Returns a recognizer as one that reads lines.

    Args:
        recognizer: an object with `recognize`, or an entry point's name.
        splitter: as for `Engine`; used if the recognizer reads words.
        options: of a recognizer that is given by name.

    Raises:
        ConfigurationError: bad options, or a splitter that does not read lines.
        PluginError: no plugin of that name, or it cannot be loaded.
        ModelError: a model cannot be used.
    """
    if isinstance(recognizer, str):
        recognizer = make_recognizer(recognizer, **options)
    elif options:
        raise ConfigurationError("options need a recognizer that is given by name")
    splitter = splitter_for(recognizer, splitter)
    return recognizer if recognizer.unit == "line" else LineReader(recognizer, splitter)


def splitter_for(
    recognizer: Recognizer,
    splitter: str | Recognizer | None,
    runtime: RuntimeOptions | None = None,
) -> Recognizer | None:
    """Returns what splits lines into words for a recognizer; None for a line recognizer.

    Raises:
        ConfigurationError: a splitter that does not read lines.
        PluginError: no plugin of that name, or it cannot be loaded.
    """
    if recognizer.unit == "line":
        return None
    if isinstance(splitter, str):
        splitter = make_recognizer(splitter, runtime)
    if splitter is not None and splitter.unit != "line":
        raise ConfigurationError(
            f"the splitter {splitter.component.name} reads words; give a line recognizer"
        )
    # Its spaces are what is wanted, not its words.
    return splitter.guided(Guidance("none")) if isinstance(splitter, Guidable) else splitter
