"""State of a page in the engine: the crops that are still to be read, and the readings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from typing import NamedTuple

import numpy as np

from ocr_plugin.engine.attempt import Attempt
from ocr_plugin.engine.leaders import with_leaders
from ocr_plugin.engine.line_pictures import line_picture
from ocr_plugin.engine.lookalikes import without_lookalikes
from ocr_plugin.engine.page_direction import along, disagrees, is_preferred, page_direction
from ocr_plugin.engine.page_language import reconsider
from ocr_plugin.engine.page_readers import PageReaders
from ocr_plugin.engine.region_work import RegionWork
from ocr_plugin.errors import OcrError
from ocr_plugin.layout.page import assemble
from ocr_plugin.layout.printed import region_of
from ocr_plugin.pages.raster import PageFailure, PageImage, PrintedLine, text_layer
from ocr_plugin.protocols import RGB, Points, Reading, Recognizer, Regions, Unit
from ocr_plugin.regions import geometry
from ocr_plugin.regions.overprint import Overprint, overprint_of
from ocr_plugin.regions.strips import strip_of
from ocr_plugin.schema import EngineInfo, Page, Source

# A reading this confident is accepted; otherwise other ways to read the region are tried.
_SETTLED = 0.8
# Margin in confidence by which a later attempt must beat the likelier one before it.
_MARGIN = 0.05
# Words cut out of a line one by one must beat the line by more.
_WORDS_MARGIN = 0.1
# Overlap and ratio of characters in common of a text that is seen in two colours.
_SAME_PLACE, _ALIKE = 0.3, 0.5
# Where the likeliest way to read a region shows another script, Latin letters in it are as a rule
# that script turned round: they must be read this clearly.
_UNKNOWN_MARGIN = 0.5
# One such region may be a picture or an ornament.
_SEVERAL = 2
_UNKNOWN_SCRIPT = "text in a script that this reader does not know was left out"
# The smallest fonts are five pixels high; of flatter pictures no detector is asked.
_LEAST_SIDE = 4
_CONSTRAINED = "the PDF's own text was not taken: a constraint needs the page to be read"


@dataclass(eq=False)
class CropTask:
    """A crop to be read, and where its reading belongs.

    Attributes:
        reader: what reads it: a word recognizer has to read lines word by word.
    """

    page: "PageWork"
    pixels: RGB
    region: RegionWork
    attempt: Attempt
    index: int
    reader: Recognizer

    def accept(self, reading: Reading) -> "list[CropTask]":
        """Takes the crop's reading; returns further crops of its region to be read."""
        self.attempt.readings[self.index] = reading
        if any(known is None for known in self.attempt.readings):
            return []
        return self.page.consider(self.region, self.attempt)


class Abandoned(OcrError):
    """Nobody waits for the page any more."""


def _always() -> bool:
    return True


class PageRequest(NamedTuple):
    """A page to be read, or why there is none.

    Attributes:
        image: the page, or a failure that takes its place.
        readers: what reads it.
        is_wanted: whether it still is; asked before each stage.
    """

    image: PageImage | PageFailure
    readers: PageReaders
    is_wanted: Callable[[], bool] = _always


@dataclass(eq=False)
class PageWork:
    """A page, its regions, and what was read in them so far."""

    image: PageImage
    readers: PageReaders
    is_wanted: Callable[[], bool] = _always
    regions: list[RegionWork] = field(default_factory=list)
    open_regions: int = 0
    error: Exception | None = None
    has_voted: bool = False
    overprint: Overprint | None = None
    warnings: tuple[str, ...] = ()

    def prepare(self) -> bool:
        """Takes coloured ink that lies across the page's print apart; returns whether it could."""
        try:
            self.overprint = overprint_of(self.image.pixels)
        except Exception as error:  # one bad page must not end the run; it is reported
            self.error = error
        return self.error is None

    @property
    def pixels(self) -> RGB:
        """The page, without such ink."""
        return self.image.pixels if self.overprint is None else self.overprint.print

    @property
    def done(self) -> bool:
        """Whether no reading is pending."""
        return self.error is not None or self.open_regions == 0

    def goes_on(self) -> bool:
        """Returns whether the page is to be read further: it has not failed and is wanted."""
        if self.error is None and not self.is_wanted():
            self.error = Abandoned("nobody waits for it any more")
        return self.error is None

    @property
    def is_flat(self) -> bool:
        """Whether the page is too flat for any text."""
        height, width = self.image.pixels.shape[:2]
        return bool(min(height, width) < _LEAST_SIDE)

    @property
    def printed(self) -> tuple[PrintedLine, ...] | None:
        """The document's own text, which is taken; None where the page is to be read.

        A constraint chooses between readings, of which such text has none.
        """
        return None if self._is_constrained else self.image.printed

    @property
    def _is_constrained(self) -> bool:
        return bool(self.readers.regions) or self.readers.rest.constraint is not None

    @property
    def _read(self) -> list[tuple[RegionWork, Attempt]]:
        """The regions in which something was read, with the best attempt at each."""
        return [(region, region.best) for region in self.regions if region.best is not None]

    def begin(self, found: Regions, unit: Unit, inked: Sequence[Points] = ()) -> list[CropTask]:
        """Takes the detector's regions; returns the first crops to be read.

        Args:
            found: in page pixels.
            unit: what the recognizer reads.
            inked: regions that were found in the `overprint` alone, (N, 2) page pixels each.
        """
        self.warnings = tuple(found.warnings)
        words_of = found.words or [()] * len(found.polygons)
        asked, pixels = self.readers.regions, self.pixels
        missing = dict(enumerate(asked))
        self.regions = []
        for polygon, own in zip(found.polygons, words_of, strict=True):
            outline = np.asarray(polygon, np.float32)
            inside = self.readers.region_of(outline) if asked else None
            reader = self.readers.rest if inside is None else asked[inside][1]
            if inside is not None and found.kind == "word" and reader.of_lines:
                continue  # the region's words are read as one line
            self.regions.append(RegionWork(outline, own, found.kind, reader, pixels))
            if inside is not None:
                missing.pop(inside, None)
        self.regions += [
            RegionWork(polygon, (), "line", reader, pixels, as_it_stands=True)
            for polygon, reader in missing.values()
        ]
        if self.overprint is not None:
            rest, ink = self.readers.rest, self.overprint.ink
            self.regions += [RegionWork(each, (), found.kind, rest, ink) for each in inked]
        corners = None if asked else line_picture(self.image.pixels, found)
        if corners is not None:
            if not self.regions:
                whole = RegionWork(corners, (), "line", self.readers.rest, pixels, was_found=False)
                self.regions.append(whole)
            self.regions[0].picture = strip_of(corners)
        for region in self.regions:
            region.attempts = region.ways(unit)
        self.open_regions = len(self.regions)
        return [task for region in self.regions for task in self._next_attempt(region)]

    def consider(self, region: RegionWork, attempt: Attempt) -> list[CropTask]:
        """Keeps the better of a region's attempts; returns further crops to be read.

        These are the region's own next attempt, or, where it was the last region, those of regions
        that were read in another direction than the page.
        """
        if attempt.is_along_page:
            if region.best is None or is_preferred(attempt, region.best):
                region.best = attempt
            self.open_regions -= 1
            return []
        margin = _WORDS_MARGIN if attempt.by_words else _MARGIN
        if region.best is not None and region.best.of_unknown_script:
            margin = _UNKNOWN_MARGIN
        is_picture = attempt.outline is region.picture
        if is_picture:
            region.picture = None
        # A picture without text is read as something, too, but not surely.
        counts = not is_picture or attempt.confidence >= _SETTLED
        known = 0.0 if region.best is None else region.best.confidence
        if counts and (region.best is None or attempt.confidence > known + margin):
            region.best, known = attempt, attempt.confidence
        # Unless no margin is left, the whole picture may be surer still.
        if known >= (_SETTLED if region.picture is None else 1 - _MARGIN):
            return self._close_region()
        return self._next_attempt(region)

    def _close_region(self) -> list[CropTask]:
        self.open_regions -= 1
        if self.open_regions or self.has_voted:
            return []
        self.has_voted = True
        read = self._read
        direction = page_direction([attempt for _, attempt in read])
        if direction is None:
            return []
        tasks: list[CropTask] = []
        for region, best in read:
            if region.reader.constraint is None and disagrees(best, direction):
                strip = along(region.polygon, direction)
                attempt, pixels = region.whole(strip, ())
                tasks += self._tasks(region, replace(attempt, is_along_page=True), pixels)
                self.open_regions += 1
        return tasks

    def _next_attempt(self, region: RegionWork) -> list[CropTask]:
        following = next(region.attempts, None)
        if following is None:
            return self._close_region()
        attempt, pixels = following
        constraint = region.reader.constraint
        if constraint is not None:
            attempt = replace(
                attempt,
                is_constrained=True,
                abstain_below=constraint.abstain_below,
                as_line=region.reader.of_lines,
                is_required=region.as_it_stands,
            )
        return self._tasks(region, attempt, pixels)

    def _tasks(self, region: RegionWork, attempt: Attempt, pixels: Sequence[RGB]) -> list[CropTask]:
        is_line = region.kind == "line" and not attempt.by_words
        reader = region.reader.lines if is_line else region.reader.words
        return [CropTask(self, crop, region, attempt, n, reader) for n, crop in enumerate(pixels)]

    def page(self, info: EngineInfo, min_confidence: float) -> Page:
        """Returns the finished page."""
        height, width = self.image.pixels.shape[:2]
        source = Source(
            name=self.image.name,
            page_index=self.image.page_index,
            sha256=self.image.sha256,
            width=width,
            height=height,
        )
        printed, warnings = self.printed, (*self.image.warnings, *self.warnings)
        if printed is not None:
            layer = text_layer()
            info = EngineInfo(version=info.version, detector=layer, recognizer=layer)
            taken = [region_of(line) for line in printed]
            return assemble(source, taken, info, min_confidence, warnings)
        if self.image.printed is not None:
            warnings = (*warnings, _CONSTRAINED)
        if self.is_flat:
            side = min(width, height)
            warnings = (*warnings, f"no text was looked for: a side of {side} px is too short")
        best = self._without_echoes(self._read)
        # Where a constraint says what texts may be, the page has no say.
        reconsider([
            (region.reader.lines, attempt.readings)
            for region, attempt in best
            if region.reader.constraint is None
        ])  # fmt: skip
        read = [attempt for _, attempt in best]
        if sum(attempt.of_unknown_script for attempt in read) >= _SEVERAL:
            warnings = (*warnings, _UNKNOWN_SCRIPT)
        read = with_leaders(self.pixels, without_lookalikes(read))
        return assemble(source, read, info, min_confidence, warnings)

    def _without_echoes(
        self, read: list[tuple[RegionWork, Attempt]]
    ) -> list[tuple[RegionWork, Attempt]]:
        """Returns the readings without those of coloured ink that repeat the print under it.

        What is printed in a colour between the two is seen in both.
        """
        if self.overprint is None:
            return read
        ink = self.overprint.ink
        printed = [attempt for region, attempt in read if region.pixels is not ink]
        return [
            (region, attempt)
            for region, attempt in read
            if region.pixels is not ink or not any(_repeats(attempt, each) for each in printed)
        ]


def _repeats(one: Attempt, other: Attempt) -> bool:
    """Returns whether two regions lie in the same place and read nearly alike."""
    if geometry.iou(one.outline.polygon(), other.outline.polygon()) < _SAME_PLACE:
        return False
    return SequenceMatcher(None, one.text, other.text, autojunk=False).ratio() >= _ALIKE
