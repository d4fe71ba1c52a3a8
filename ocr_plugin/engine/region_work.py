"""A region of a page that is being read: the ways that are left to read it, and the best so far."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ocr_plugin.engine.attempt import Attempt
from ocr_plugin.engine.page_readers import RegionReader
from ocr_plugin.protocols import RGB, Points, Unit
from ocr_plugin.regions.line_parts import parts_of
from ocr_plugin.regions.rectify import rectify
from ocr_plugin.regions.strips import Strip, orientations, strip_of, word_strips

# A whole line has more context than its words cut out one by one: these are read only if the line
# is less confident than this, and must beat it by a margin.
_DOUBTFUL = 0.7


@dataclass
class RegionWork:
    """A region, the remaining attempts to read it, and the best so far.

    Attributes:
        polygon: (N, 2) float32 page pixels.
        own_words: outlines of the words that the detector found in it.
        kind: a line or a word, by the detector.
        reader: reads its crops.
        pixels: what they are cut from: the page, or its coloured ink alone.
        as_it_stands: whether it was asked for and nothing was found in it, so that it is read as
            one line in the direction that its corners give.
        picture: the whole picture, where that seems to be one line and was not yet read as such.
        was_found: whether the detector found it; otherwise the whole picture is all there is.
    """

    polygon: Points
    own_words: Sequence[Points]
    kind: Unit
    reader: RegionReader
    pixels: RGB
    as_it_stands: bool = False
    picture: Strip | None = None
    was_found: bool = True
    attempts: Iterator[tuple[Attempt, list[RGB]]] = field(default_factory=lambda: iter(()))
    best: Attempt | None = None

    def ways(self, unit: Unit) -> Iterator[tuple[Attempt, list[RGB]]]:
        """Yields the ways to read a region, likeliest first, each with its crops.

        The best attempt so far is consulted in between.

        Args:
            unit: what the recognizer reads.
        """
        if self.as_it_stands:
            yield self.whole(strip_of(self.polygon), ())
            return
        picture = self.picture
        if picture is not None and not self.was_found:
            yield self._in_parts(picture, ())
            return
        whole = self.reader.of_lines
        for way, strip in enumerate(orientations(self.polygon)):
            seen: Sequence[Strip] = ()
            if self.own_words and not strip.stacked:
                seen = word_strips(strip, self.own_words)
            # The direction of a line of several words shows as well in the line alone, for less.
            if seen and unit == "word" and (way == 0 or len(seen) == 1) and not whole:
                yield self._by_words(strip, seen)
            yield self.whole(strip, seen) if whole else self._in_parts(strip, seen)
            if way == 0 and picture is not None:
                yield self._in_parts(picture, word_strips(picture, self.own_words))
        # Only now that the line's direction is known: some words read as well upside down. In
        # another script, some look like Latin ones by chance.
        best = self.best
        doubtful = best is not None and best.confidence < _DOUBTFUL and not best.of_unknown_script
        if best is not None and best.seen and unit == "line" and doubtful and not whole:
            yield self._by_words(best.outline, best.seen)

    def _by_words(self, strip: Strip, seen: Sequence[Strip]) -> tuple[Attempt, list[RGB]]:
        return self._attempt(strip, seen, seen)

    def whole(self, strip: Strip, seen: Sequence[Strip]) -> tuple[Attempt, list[RGB]]:
        """Returns the attempt to read a strip as one crop, and the crop.

        Args:
            strip: in its reading direction.
            seen: the words that the detector found in it.
        """
        return self._attempt(strip, [strip], seen)

    def _in_parts(self, strip: Strip, seen: Sequence[Strip]) -> tuple[Attempt, list[RGB]]:
        return self._attempt(strip, parts_of(self.pixels, strip), seen)

    def _attempt(
        self, strip: Strip, parts: Sequence[Strip], seen: Sequence[Strip]
    ) -> tuple[Attempt, list[RGB]]:
        attempt = Attempt(strip, parts, seen, [None] * len(parts))
        return attempt, [rectify(self.pixels, each) for each in parts]
