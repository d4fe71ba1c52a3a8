"""Reads the pages of a run, and records them; pages under suspicion by themselves."""

from collections.abc import Iterator
from contextlib import contextmanager

from ocr_plugin.batch.engines import TimedRecognizer
from ocr_plugin.batch.inputs.total_bytes import ByteCounter
from ocr_plugin.batch.records.journal import STALLED, Journal, PageKey
from ocr_plugin.batch.records.recorder import OpenFile, Recorder
from ocr_plugin.engine.reader_threads import Readers, ReadersStalled
from ocr_plugin.errors import one_line
from ocr_plugin.pages.raster import PageImage
from ocr_plugin.schema import Page, PageError

_Result = tuple[tuple[OpenFile, int], Page | PageError]


class PageReader:
    """Hands pages to the threads that read, and their results to the recorder.

    A page that was being read when an earlier run died is read while no other is, with all that
    was read before it on the disk. If the run dies again, that page is the cause, and the next run
    records an error in its place.

    Args:
        readers: the threads.
        recognizer: theirs.
        counter: of the sources' bytes.
        recorder: of the run.
        journal: likewise.
    """

    def __init__(
        self,
        readers: Readers[tuple[OpenFile, int]],
        recognizer: TimedRecognizer,
        counter: ByteCounter,
        recorder: Recorder,
        journal: Journal,
    ) -> None:
        self._readers, self._timed, self._counter = readers, recognizer, counter
        self._recorder, self._journal = recorder, journal
        progress = recorder.progress
        self._before = progress.crops, progress.recognizer_seconds

    def read(self, file: OpenFile, page: PageImage) -> None:
        """Has a page read, or records why it is not."""
        key = PageKey(file.key.sha256, page.page_index)
        known = self._journal.suspicion(key)
        if known is not None and known.kind:
            bad = PageError(
                name=file.key.place,
                page_index=page.page_index,
                kind=known.kind,
                message=known.reason,
            )
            self._recorder.fail(file, bad)
        elif known is not None:
            with self._nothing_else():
                self._submit(file, page, key, alone=True)
        else:
            self._submit(file, page, key)

    def take_results(self) -> None:
        """Records what is ready."""
        self._take(self._readers.results())

    def finish(self, *, complete: bool) -> None:
        """Records all that is still being read; no page can be read any more.

        Args:
            complete: whether no page of the sources is missing then.

        Raises:
            ReadersStalled: a page makes no progress; what was read is written.
        """
        self._take(self._readers.finish())
        self._measure()
        if complete:
            self._recorder.write()
            self._journal.forget()

    def _submit(
        self, file: OpenFile, page: PageImage, key: PageKey, *, alone: bool = False
    ) -> None:
        self._journal.begin(key, alone=alone)
        file.open_pages += 1
        self._take(self._readers.put(page, (file, page.page_index)))

    @contextmanager
    def _nothing_else(self) -> Iterator[None]:
        """Waits for all pages to be read and recorded before its body, and after it."""
        self._take(self._readers.drain())
        self._recorder.write()
        yield
        self._take(self._readers.drain())
        self._recorder.write()

    def _take(self, results: Iterator[_Result]) -> None:
        try:
            self._record(results)
        except ReadersStalled as error:
            self._record(self._readers.results())
            self._recorder.write()
            self._journal.note_death(STALLED, one_line(error))
            raise

    def _record(self, results: Iterator[_Result]) -> None:
        for (file, index), result in results:
            file.open_pages -= 1
            self._measure()
            if isinstance(result, PageError):
                self._recorder.fail(file, result)
            else:
                self._recorder.keep(file, index, result.model_dump(mode="json"))
            self._journal.end(PageKey(file.key.sha256, index))
            if file.is_done:
                self._recorder.end(file)

    def _measure(self) -> None:
        crops, seconds = self._before
        progress = self._recorder.progress
        progress.crops = crops + self._timed.crops
        progress.recognizer_seconds = seconds + self._timed.seconds
        progress.total_volume = self._counter.total
