"""Two readers for every line: PP-OCR, and CLIP4STR where PP-OCR is not sure of a word.

They err on different words, and their confidences mean the same: how likely the whole word is
right. So the more confident of the two is believed. PP-OCR reads whole lines, knows where words
end and many scripts; it is asked first. CLIP4STR reads the words that are left in doubt.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import Field

from ocr_plugin.clip4str.precision import Precision
from ocr_plugin.clip4str.recognizer import Clip4StrRecognizer
from ocr_plugin.onnx import precision_beside
from ocr_plugin.options import Options
from ocr_plugin.ppocr import PPOcrRecognizer
from ocr_plugin.protocols import RGB, Reading, Unit
from ocr_plugin.readings import even_extents, joined, spaced_spans
from ocr_plugin.schema import Component
from ocr_plugin.words import cut, ink_spans, tells_words


class SecondOpinionOptions(Options):
    """Options of `SecondOpinion`; those that are null are CLIP4STR's own defaults."""

    model: str | Path | None = Field(
        default=None, description="CLIP4STR's model: its name, or a weights file."
    )
    device: str | None = Field(default=None, description="CLIP4STR's PyTorch device.")
    precision: Precision | None = Field(
        default=None,
        description="Numbers that CLIP4STR reckons with, and PP-OCR in bfloat16 on the CPU, if the"
        " extra openvino is installed.",
    )
    offline: bool = Field(
        default=False, description="Whether a missing model is an error rather than a download."
    )
    threads: int = Field(default=0, ge=0, description="CPU threads; 0 takes one a core.")
    sure: float = Field(
        default=0.9, gt=0, le=1, description="A word that PP-OCR is so sure of is not read again."
    )


@dataclass(frozen=True)
class _Word:
    """A word of a line, as first read.

    Attributes:
        reading: PP-OCR's, of this word alone; empty where it saw none.
        start, end: where it stands, as fractions of the line's width.
        doubted: the crop to read again, or None where the reading stands.
    """

    reading: Reading
    start: float
    end: float
    doubted: RGB | None


class SecondOpinion:
    """Reads lines, their doubtful words twice. Holds nothing that changes.

    Its keyword options are those of `SecondOpinionOptions`.

    Raises:
        ConfigurationError: a bad option.
        ModelError: a model is not to be had, or its file is no good.
    """

    unit: Unit = "line"

    def __init__(self, **options: Any) -> None:
        self.options = SecondOpinionOptions.parse(options)
        values = self.options.model_dump(exclude_none=True, exclude={"sure"})
        first_precision = precision_beside(self.options.precision, self.options.device)
        self._first = PPOcrRecognizer(threads=self.options.threads, precision=first_precision)
        # A tie's confidence is hardly ever the higher of the two, so that settling it would change
        # next to no word, for a fifth of a photo's time in bfloat16.
        self._second = Clip4StrRecognizer(settle_ties=False, **values)
        config = self._second.model_config
        self._characters, self._longest = frozenset(config.characters), config.max_label_length
        self.component = Component(
            name=f"{self._second.component.name}+{self._first.component.name}",
            version=version("ocr-plugin"),
            # CLIP4STR's; PP-OCR's file is the one that this release names.
            weights_sha256=self._second.component.weights_sha256,
        )

    def recognize(self, crops: Sequence[RGB]) -> list[Reading]:
        """Returns the reading of each crop, in order; see `protocols.Recognizer`.

        Where a crop is one word and the readers differ, the other text is among the alternatives.
        """
        firsts = self._first.recognize(crops)
        lines = [list(self._words(crop, first)) for crop, first in zip(crops, firsts, strict=True)]
        doubted = [word.doubted for line in lines for word in line if word.doubted is not None]
        answers = iter(self._second.recognize(doubted))
        readings = []
        for first, line in zip(firsts, lines, strict=True):
            whole = joined([_settled(word, answers) for word in line])
            # Where the words of a line were guesses, so is what was read in them.
            readings.append(whole if tells_words(first) else believed([whole, first]))
        return readings

    def _words(self, crop: RGB, line: Reading) -> Iterator[_Word]:
        """Yields the words of a line, as PP-OCR read them or, where it is unsure, by their ink."""
        spans = spaced_spans(line)
        if not tells_words(line) and len(spans) != 1:
            for start, end in ink_spans(crop):
                yield _Word(Reading("", 0.0), start, end, cut(crop, start, end))
            return
        for span, confidence in zip(spans, line.word_confidences, strict=True):
            reading = Reading(
                line.text[span.first : span.last],
                confidence,
                line.character_confidences[span.first : span.last],
                line.character_extents[span.first : span.last],
            )
            doubted = None
            if confidence < self.options.sure and self._can_read(reading.text):
                alone = len(spans) == 1
                doubted = crop if alone else cut(crop, span.start, span.end)
            yield _Word(reading, span.start, span.end, doubted)

    def _can_read(self, text: str) -> bool:
        """Returns whether CLIP4STR could read this: accents apart, half of it or more."""
        plain = unicodedata.normalize("NFKD", text)
        plain = "".join(character for character in plain if not unicodedata.combining(character))
        known = sum(character in self._characters for character in plain)
        return 2 * known >= len(plain) and len(plain) <= self._longest


def _settled(word: _Word, answers: Iterator[Reading]) -> Reading:
    """Returns the believed reading of a word, its characters' extents within the line."""
    if word.doubted is None:
        return word.reading
    second = next(answers)
    extents = even_extents(len(second.text), word.start, word.end)
    return believed([replace(second, character_extents=extents), word.reading])


def believed(readings: Sequence[Reading]) -> Reading:
    """Returns the most confident of some readings of one crop; of equals, the first.

    The other texts are among its alternatives, best first.
    """
    best = max(readings, key=lambda reading: reading.confidence)
    others = {
        reading.text: reading.confidence
        for reading in sorted(readings, key=lambda reading: reading.confidence)
        if reading.text not in ("", best.text)
    }
    ranked = sorted((dict(best.alternatives) | others).items(), key=lambda entry: -entry[1])
    return replace(best, alternatives=tuple(ranked))
