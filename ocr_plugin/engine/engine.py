"""The only place where the stages meet: decode, detect, crop, recognize, assemble.

    sources ── decode ahead ──> pages ── in batches ──> detector ──> regions ──> crops ──┐
    Page | PageError <── assemble <── readings <── full batches <── queue across pages <─┘

All buffers are bounded: a few decoded pages, a batch of crops and the pages they belong to.
Results are in the order of their sources.
"""

import logging
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import replace
from importlib.metadata import version
from itertools import islice
from typing import Any

from ocr_plugin import plugins
from ocr_plugin.constraints.constraint import Constraint
from ocr_plugin.engine.answers import answers, as_defect, checked_reading
from ocr_plugin.engine.arguments import check_plugin, check_several, options_of
from ocr_plugin.engine.finder import Finder
from ocr_plugin.engine.page_readers import PageReaders, ReaderCache, RegionConstraints
from ocr_plugin.engine.page_task import CropTask, PageRequest, PageWork
from ocr_plugin.errors import ConfigurationError
from ocr_plugin.options import (
    DEFAULT_DETECTOR,
    DEFAULT_RECOGNIZER,
    DEFAULT_SPLITTER,
    EngineOptions,
    RuntimeOptions,
)
from ocr_plugin.pages.prefetch import opened
from ocr_plugin.pages.raster import PageFailure, PageImage
from ocr_plugin.pages.source import Source
from ocr_plugin.protocols import Detector, Reading, Recognizer
from ocr_plugin.recognizers.guidance import Guidance
from ocr_plugin.recognizers.line_reader import line_reader, splitter_for
from ocr_plugin.schema import EngineInfo, Page, PageError

_MORE_PAGES = "only the first page was read; Engine.read_many gives every page"
_log = logging.getLogger(__name__)

_MOST_PIXELS = 100_000_000
"""Of the pages in flight together, which are held in memory."""


class Engine:
    """Reads images and documents into pages.

    An engine keeps no state: one instance serves any number of threads, and a page's texts do not
    depend on other pages. Its confidences may, by less than 1e-4: docs/plugins.md, "Batches".

    Within a thread the stages run one after another. On a GPU several threads make them overlap,
    as in batch jobs and, as an option, in the server: while one thread cuts out regions and crops
    on the host, others detect and recognize, each in its own stream (`devices.StreamPool`).

    Args:
        detector: name of an installed detector, or a detector.
        recognizer: name of an installed recognizer, or a recognizer.
        splitter: name of an installed line recognizer, or one, whose spaces split lines into words
            for a word recognizer; None to split at gaps in the ink. Not built for a line
            recognizer.
        runtime: where and how the networks run, for plugins that are given by name.
        detector_options: keyword options for a detector that is given by name.
        recognizer_options: keyword options for a recognizer that is given by name.
        options: how the stages are run and their results joined; also as a mapping.
        language: what words are likely: "auto" for all languages, "none", or names such as "de,fr";
            None for the recognizer's own option.
        constraint: what texts may be. One some of whose texts have a space is about lines as a
            whole, any other about each word. What it withholds is in `Page.withheld`.

    Raises:
        PluginError: an unknown plugin name, or a plugin that does not start.
        ConfigurationError: options that cannot work.
        ModelError: weights that cannot be used.
    """

    def __init__(
        self,
        detector: str | Detector = DEFAULT_DETECTOR,
        recognizer: str | Recognizer = DEFAULT_RECOGNIZER,
        *,
        splitter: str | Recognizer | None = DEFAULT_SPLITTER,
        runtime: RuntimeOptions | None = None,
        detector_options: Mapping[str, Any] | None = None,
        recognizer_options: Mapping[str, Any] | None = None,
        options: EngineOptions | Mapping[str, Any] | None = None,
        language: str | None = None,
        constraint: Constraint | None = None,
    ) -> None:
        self.options = options_of(options)
        if detector_options and not isinstance(detector, str):
            raise ConfigurationError("detector_options need a detector given by its name")
        if recognizer_options and not isinstance(recognizer, str):
            raise ConfigurationError("recognizer_options need a recognizer given by its name")
        detector, recognizer = plugins.make_both(
            detector, recognizer, runtime, detector_options or {}, recognizer_options or {}
        )
        check_plugin(detector, Detector, "detector")
        check_plugin(recognizer, Recognizer, "recognizer")
        splitter = splitter_for(recognizer, splitter, runtime)
        self.splitter: Recognizer | None = splitter
        self._cache = ReaderCache(recognizer, line_reader(recognizer, splitter))
        self.guidance = Guidance(language, constraint)
        self._readers = self._cache.page(self.guidance)
        self.detector: Detector = detector
        self._finder = Finder(detector)
        self.recognizer: Recognizer = recognizer
        self.info = EngineInfo(
            version=version("ocr-plugin"),
            detector=detector.component,
            recognizer=recognizer.component,
            splitter=splitter.component if splitter else None,
        )

    def readers(
        self,
        language: str | None = None,
        constraint: Constraint | None = None,
        regions: RegionConstraints | None = None,
        keep: bool = True,
    ) -> PageReaders:
        """Returns what reads pages with other guidance than the engine's own; see `read`.

        `keep` is whether they are kept for the next call with the same guidance.

        Raises:
            ConfigurationError: no text can be allowed, there is no such language, or a region is no
                polygon.
        """
        if language is None and constraint is None and not regions:
            return self._readers
        own = self.guidance
        asked = Guidance(
            own.language if language is None else language,
            own.constraint if constraint is None else constraint,
        )
        return self._cache.page(asked, regions, keep)

    def read(
        self,
        source: Source,
        *,
        language: str | None = None,
        constraint: Constraint | None = None,
        regions: RegionConstraints | None = None,
    ) -> Page:
        """Returns the first page of a source, with a warning where there are more.

        `read_many` gives every page.

        Args:
            source: a picture or a document.
            language: for this call; None for the engine's.
            constraint: for this call; None for the engine's.
            regions: polygons, (N, 2) page pixels, clockwise from the text's top-left corner, and
                what the text in each may be. Lines whose middle lies in a polygon are read under
                its constraint; a polygon in which none was found is read as one line.

        Raises:
            UnreadableImage: the source is not a readable image or document.
            ConfigurationError: no text can be allowed, there is no such language, or a region is no
                polygon.
        """
        readers = self.readers(language, constraint, regions)
        pages = opened([source], self.options, threads=1)
        try:
            first, *more = islice(pages, 2)
        finally:
            pages.close()
        if more and isinstance(first, PageImage):
            first = replace(first, warnings=(*first.warnings, _MORE_PAGES))
        (result,) = self._stream(iter([PageRequest(first, readers)]))
        if isinstance(result, PageFailure):
            raise result.error
        return result

    def read_many(
        self,
        sources: Iterable[Source],
        *,
        language: str | None = None,
        constraint: Constraint | None = None,
        regions: RegionConstraints | None = None,
    ) -> Generator[Page | PageError]:
        """Yields every page of every source in order; a page that fails yields its error.

        Sources are taken one by one as they are needed, so an endless iterable is fine. The other
        arguments are those of `read`, for each page.

        Raises:
            ConfigurationError: as `read`, at the call.
            TypeError: a single source in place of several, at the call.
        """
        check_several(sources)
        return self._read_many(sources, self.readers(language, constraint, regions))

    def _read_many(
        self, sources: Iterable[Source], readers: PageReaders
    ) -> Generator[Page | PageError]:
        pages = opened(sources, self.options, self.options.decode_threads)
        try:
            for result in self._stream(PageRequest(page, readers) for page in pages):
                yield result.as_error() if isinstance(result, PageFailure) else result
        finally:
            pages.close()

    def read_images(self, images: Iterable[PageImage]) -> Generator[Page | PageError]:
        """Yields the result or the error of each decoded page, in order."""
        return self.read_guided(PageRequest(image, self._readers) for image in images)

    def read_guided(self, pages: Iterable[PageRequest]) -> Generator[Page | PageError]:
        """Yields the result or the error of decoded pages, each with what reads it, in order."""
        for result in self._stream(iter(pages)):
            yield result.as_error() if isinstance(result, PageFailure) else result

    def _stream(self, pages: Iterator[PageRequest]) -> Iterator[Page | PageFailure]:
        """Yields the result or the failure of each page, in order."""
        options = self.options
        in_flight: deque[PageWork | PageFailure] = deque()
        queue: deque[CropTask] = deque()
        # The first pages are not kept waiting for a full batch of crops; later ones may be.
        most = 2 * options.detector_batch
        while batch := list(islice(pages, options.detector_batch)):
            for item in self._begun(batch, queue):
                in_flight.append(item)
            while len(queue) >= options.recognizer_batch:
                self._read_batch(queue)
            yield from self._finished(in_flight)
            # Pages without crops must not pile up behind one that waits for a full batch.
            while queue and (len(in_flight) >= most or _pixels(in_flight) > _MOST_PIXELS):
                self._read_batch(queue)
                yield from self._finished(in_flight)
                most = min(2 * most, max(options.recognizer_batch, most))
        while queue:
            self._read_batch(queue)
            yield from self._finished(in_flight)
        yield from self._finished(in_flight)
        for item in in_flight:  # none, unless a stage has a defect; nothing may vanish
            yield _unfinished(item)

    def _begun(
        self, batch: list[PageRequest], queue: deque[CropTask]
    ) -> list[PageWork | PageFailure]:
        """Detects a batch of pages and queues their first crops."""
        begun = [
            PageWork(item, readers, is_wanted) if isinstance(item, PageImage) else item
            for item, readers, is_wanted in batch
        ]
        own = [item for item in begun if isinstance(item, PageWork) and item.goes_on()]
        # Of a page whose own text is taken nothing is to be found, and on a flat one there is none.
        seen = [work for work in own if work.printed is None and not work.is_flat]
        works = [work for work in seen if work.prepare()]
        for work, found in zip(works, self._finder.found_on(works), strict=True):
            if isinstance(found, Exception):
                work.error = found
                continue
            if not work.goes_on():  # what was found may be incomplete
                continue
            try:
                inked = self._finder.found_in_ink(work)
                queue.extend(work.begin(found, self.recognizer.unit, inked))
            except BaseException as error:  # one bad page must not end the run; it is reported
                work.error = as_defect(error, "engine")
        return begun

    def _read_batch(self, queue: deque[CropTask]) -> None:
        """Reads the oldest crops of the queue; further crops of their regions go to its front."""
        count = min(self.options.recognizer_batch, len(queue))
        tasks = [queue.popleft() for _ in range(count)]
        tasks = [task for task in tasks if task.page.goes_on()]
        groups: dict[int, list[CropTask]] = {}
        for task in tasks:
            groups.setdefault(id(task.reader), []).append(task)
        answered: list[tuple[CropTask, Reading | Exception]] = []
        for own in groups.values():
            crops = [task.pixels for task in own]
            given = answers(own[0].reader.recognize, crops, "recognizer", "crops", checked_reading)
            answered += zip(own, given, strict=True)
        further: list[CropTask] = []
        for task, reading in answered:
            try:
                if isinstance(reading, Exception):
                    raise reading
                further.extend(task.accept(reading))
            except BaseException as error:  # one bad crop is its page's error, not the run's end
                task.page.error = as_defect(error, "engine")
        queue.extendleft(reversed(further))

    def _finished(self, in_flight: deque[PageWork | PageFailure]) -> Iterator[Page | PageFailure]:
        """Yields and removes the finished pages at the front."""
        while in_flight and (isinstance(in_flight[0], PageFailure) or in_flight[0].done):
            item = in_flight.popleft()
            if isinstance(item, PageFailure):
                yield item
                continue
            yield self._assembled(item)

    def _assembled(self, work: PageWork) -> Page | PageFailure:
        if work.error is None:
            try:
                return work.page(self.info, self.options.min_confidence)
            except BaseException as error:  # assembling one page must not end the run
                work.error = as_defect(error, "recognizer")
        _log.debug("%s, page %d", work.image.name, work.image.page_index, exc_info=work.error)
        return PageFailure(work.image.name, work.image.page_index, work.error)


def _pixels(in_flight: Iterable[PageWork | PageFailure]) -> int:
    pages = (item.image.pixels for item in in_flight if isinstance(item, PageWork))
    return sum(page.shape[0] * page.shape[1] for page in pages)


def _unfinished(item: PageWork | PageFailure) -> PageFailure:
    if isinstance(item, PageFailure):
        return item
    error = RuntimeError("its reading did not come to an end")
    return PageFailure(item.image.name, item.image.page_index, error)
