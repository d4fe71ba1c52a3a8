"""One way of reading a region, with what was read so far."""

from dataclasses import dataclass

from ocr_plugin.layout.words import ReadRegion
from ocr_plugin.protocols import Reading
from ocr_plugin.recognizers.line_words import words_of


@dataclass(frozen=True)
class Attempt(ReadRegion):
    """One way of reading a region; its readings are filled in one by one."""

    readings: list[Reading | None]
    is_constrained: bool = False
    is_along_page: bool = False

    @property
    def by_words(self) -> bool:
        """Whether the crops are the words that the detector found."""
        return self.strips is self.seen

    @property
    def text(self) -> str:
        """All that was read, crop after crop."""
        return "".join(reading.text for reading in self.readings if reading is not None)

    @property
    def of_unknown_script(self) -> bool:
        """Whether none of the crops could be read for want of characters."""
        return all(reading is not None and reading.unknown_script for reading in self.readings)

    @property
    def confidence(self) -> float:
        """Mean over the crops, weighted by their characters; 0 if nothing was read.

        Under a constraint, of which a word is unsure that should not have it, the sure words count
        more: they tell the direction.
        """
        if not self.is_constrained:
            return super().confidence
        read = [reading for reading in self.readings if reading is not None and reading.text]
        words = [word for reading in read for word in words_of(reading)]
        total = sum(len(word.text) * word.confidence for word in words)
        surely = sum(len(word.text) * word.confidence**2 for word in words)
        return surely / total if total else 0.0
