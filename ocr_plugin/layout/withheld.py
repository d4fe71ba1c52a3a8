"""What a constraint keeps back from a page: doubtful words, and places of no allowed text."""

from collections.abc import Iterator, Sequence

from ocr_plugin.layout.pieces import polygon_of
from ocr_plugin.layout.words import ReadRegion, rounded
from ocr_plugin.protocols import Reading
from ocr_plugin.recognizers.line_words import words_of
from ocr_plugin.regions.strips import Strip
from ocr_plugin.schema import Alternative, Withheld

_NOT_ALLOWED = "no allowed text was found"
_NOTHING = "nothing was read"


def withheld_of(region: ReadRegion) -> Iterator[Withheld]:
    """Yields what is not told of a region."""
    empty = True
    for strip, reading in zip(region.strips, region.readings, strict=True):
        if reading is None:
            continue
        for word in reading.withheld:
            empty = False
            yield _withheld(strip.part(*word.span), _NOT_ALLOWED, word.alternatives)
        empty &= not reading.text
        yield from _doubtful(reading, strip, region)
    if empty and region.is_required:
        yield _withheld(region.outline, _NOTHING, ())


def _doubtful(reading: Reading, strip: Strip, region: ReadRegion) -> Iterator[Withheld]:
    least = region.abstain_below
    if region.as_line:
        if reading.text and region.withholds(reading):
            others = reading.words[0].alternatives if len(reading.words) == 1 else ()
            texts = ((reading.text, reading.confidence), *others)
            yield _withheld(strip, _too_low(reading.confidence, least), texts)
        return
    for word in words_of(reading):
        if rounded(word.confidence) < least:
            texts = ((word.text, word.confidence), *word.alternatives)
            yield _withheld(strip.part(*word.span), _too_low(word.confidence, least), texts)


def _too_low(confidence: float, least: float) -> str:
    return f"the confidence, {confidence:.3f}, is below {least:g}"


def _withheld(strip: Strip, reason: str, texts: Sequence[tuple[str, float]]) -> Withheld:
    alternatives = tuple(
        Alternative(text=text, confidence=rounded(confidence)) for text, confidence in texts
    )
    return Withheld(polygon=polygon_of(strip.polygon()), reason=reason, alternatives=alternatives)
