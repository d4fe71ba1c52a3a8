"""Lines under a constraint on the line as a whole: decided like one long word, spaces included."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from ocr_plugin.protocols import RGB, CharacterReading, Reading, Span, WordReading
from ocr_plugin.recognizers.ctc_alignment import aligned
from ocr_plugin.recognizers.ctc_evidence import CtcEvidence
from ocr_plugin.recognizers.line_words import spaced_spans
from ocr_plugin.recognizers.word_decider import DoubtfulWord, WordDecider


def decide_whole(
    crops: Sequence[RGB],
    firsts: Sequence[tuple[Reading, CtcEvidence]],
    decide: WordDecider,
    doubtful: Callable[[WordReading], bool],
) -> list[Reading]:
    """Returns the readings of lines, the doubtful ones decided.

    Args:
        crops: (h, w, 3) uint8 RGB, one a line.
        firsts: of each line, its reading so far and its columns, in which spaces are characters.
        decide: with the constraint.
        doubtful: whether a line, as a word that has spaces, is to be decided.
    """
    lines = [WordReading(reading.text, reading.confidence) for reading, _ in firsts]
    wanted = [index for index, line in enumerate(lines) if doubtful(line)]
    decided = decide(
        [DoubtfulWord(crops[each], lines[each], firsts[each][1], alone=True) for each in wanted]
    )
    read = [reading for reading, _ in firsts]
    for index, line in zip(wanted, decided, strict=True):
        read[index] = _reading(line, firsts[index][1])
    return read


def _reading(line: WordReading, evidence: CtcEvidence) -> Reading:
    """Returns a line with its words, placed where its columns have their characters."""
    if not line.text:
        withheld = (line,) if line.alternatives else ()
        return Reading("", 0.0, withheld=withheld)
    extents = _extents(line.text, evidence)
    words = tuple(
        WordReading(
            line.text[first:last],
            line.confidence,
            span,
            tuple(CharacterReading(each, line.confidence) for each in line.text[first:last]),
        )
        for first, last, span in spaced_spans(line.text, extents)
    )
    if len(words) == 1:
        words = (replace(words[0], alternatives=line.alternatives),)
    return Reading(line.text, line.confidence, words)


def _extents(text: str, evidence: CtcEvidence) -> list[Span]:
    columns = aligned(evidence, text)
    if columns is None:  # more characters than columns; a view with a margin had room
        return [(index / len(text), (index + 1) / len(text)) for index in range(len(text))]
    total = len(evidence.log_probabilities)
    return [(first / total, last / total) for first, last in columns]
