"""A batch job: reads sources and keeps the records in a folder.

    members ──> content ──> decoding processes ──> engine ──> groups of records ──> manifest

All queues are bounded. A job that was killed resumes where it stopped.
"""

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

from ocr_plugin.batch.engines import make_engine, timed
from ocr_plugin.batch.inputs.members import BadMember, Member
from ocr_plugin.batch.inputs.sources import checked, members
from ocr_plugin.batch.inputs.total_bytes import ByteCounter
from ocr_plugin.batch.job_folder import journalling, locked, recording
from ocr_plugin.batch.options import JobOptions, RunOptions
from ocr_plugin.batch.page_reader import PageReader
from ocr_plugin.batch.progress import Progress
from ocr_plugin.batch.records.recorder import OpenFile, Recorder
from ocr_plugin.batch.records.rows import FileKey
from ocr_plugin.engine.engine import Engine
from ocr_plugin.engine.reader_threads import Readers
from ocr_plugin.pages.decoder_pool import Decoder, Decoding
from ocr_plugin.runtime.memory import Trimmer, share_arenas
from ocr_plugin.runtime.threads import limited_threads, shares
from ocr_plugin.schema import PageError


class Job:
    """A batch job in a folder.

    A detector or recognizer that ends the process ends this one; `SupervisedJob` goes on.

    Args:
        folder: created if it does not exist.
        options: what decides the records.
    """

    def __init__(self, folder: Path, options: JobOptions) -> None:
        self.folder, self.options = folder, options

    def run(
        self,
        sources: Iterable[str],
        run: RunOptions | None = None,
        *,
        tell: Callable[[Progress], None] = lambda progress: None,
        stop: Callable[[], bool] = lambda: False,
        engine: Engine | None = None,
        after: Progress | None = None,
    ) -> Progress:
        """Reads the pages of the sources that are not done yet.

        Args:
            sources: as `sources.members` takes them.
            run: options of this run.
            tell: called regularly with the progress.
            stop: checked before every page; if true, pages in progress are finished and the run
                ends.
            engine: used instead of one made from the options.
            after: what was written of the run that this one goes on with, since its process died.

        Raises:
            ConfigurationError: the job was begun with other options or models, is in use by
                another run, or there is no such source.
            TooManyErrors: more pages failed than `max_error_rate`.
            ReadersStalled: a page made no progress for `read_seconds`. What was read is written; a
                thread is left behind, so that the process should end. Of the next run the page
                becomes an error, and the rest is read.
            OcrError: the folder cannot be written.
        """
        run, sources = run or RunOptions(), checked(sources)
        readers, threads = shares(run.readers)
        with ExitStack() as stack:
            stack.enter_context(locked(self.folder))
            journal = stack.enter_context(journalling(self.folder, run, after))
            share_arenas()
            engine, recognizer = timed(engine or make_engine(self.options, threads))
            stack.enter_context(limited_threads(threads))
            recorder = stack.enter_context(
                recording(self.folder, self.options, engine.info, run, tell, after)
            )
            recorder.progress.readers = readers
            decoder = Decoder(
                self.options.engine.images,
                run.decoders,
                run.page_seconds,
                self.folder,
                run.max_memory,
            )
            stack.callback(decoder.close)
            counter = ByteCounter(sources, self.options.sources)
            stack.callback(counter.close)
            reading = Readers[tuple[OpenFile, int]](
                engine, readers, patience=run.read_seconds, steps=recognizer.calls_of
            )
            stack.callback(reading.close)
            reader = PageReader(reading, recognizer, counter, recorder, journal)
            current = _Run(run, recorder, decoder, reader, stop)
            return current.through(members(sources, self.options.sources))


class _Run:
    """One run of a job."""

    def __init__(
        self,
        options: RunOptions,
        recorder: Recorder,
        decoder: Decoder,
        reader: PageReader,
        stop: Callable[[], bool],
    ) -> None:
        self._options, self._recorder, self._decoder = options, recorder, decoder
        self._reader, self._stop = reader, stop
        self._progress, self._memory = recorder.progress, Trimmer()
        self._begun: deque[tuple[OpenFile, Decoding, frozenset[int]]] = deque()
        self._handed_in = self._progress.pages + self._progress.errors

    def through(self, found: Iterator[Member]) -> Progress:
        """Reads all members; returns the progress."""
        try:
            for member in found:
                if self._is_over():
                    self._progress.stopped = True
                    break
                self._begin(member)
                self._advance_to(self._options.decoders)
                self._go_on()
            self._advance_to(0)
        finally:
            for _, decoding, _ in self._begun:
                decoding.close()
        self._reader.finish(complete=not self._progress.stopped)
        self._recorder.end_run()
        return self._progress

    def _advance_to(self, most: int) -> None:
        """Submits pages until at most `most` files are open, or the run is to stop."""
        while len(self._begun) > most and not self._progress.stopped:
            self._advance()

    def _go_on(self) -> None:
        """Does what needs no waiting, also between files that are skipped."""
        while self._begun and self._begun[0][1].is_ready and not self._progress.stopped:
            self._advance()
        self._reader.take_results()
        self._recorder.tick()
        self._memory.tick()

    def _is_over(self) -> bool:
        limit = self._options.limit
        return self._stop() or (limit is not None and self._handed_in >= limit)

    def _begin(self, member: Member) -> None:
        """Starts decoding a member unless it is done."""
        self._recorder.note_source(member.source)
        self._progress.volume += member.volume
        if self._recorder.manifest.is_complete(member.source, member.name, member.fingerprint):
            self._progress.skipped += 1
            self._progress.skipped_volume += member.volume
            return
        try:
            content = member.read()
        except BadMember as error:
            key = FileKey(member.source, member.name, "")
            bad = PageError(name=key.place, kind=type(error).__name__, message=str(error))
            self._recorder.unreadable(key, member.fingerprint, bad)
            return
        key = FileKey(member.source, member.name, hashlib.sha256(content).hexdigest())
        file = self._recorder.begin(key, member.fingerprint)
        if file is not None:
            done = self._recorder.manifest.state(key).pages
            self._begun.append((file, self._decoder.begin(key.place, content, key.sha256), done))

    def _advance(self) -> None:
        """Submits the next pages of the file that was opened first."""
        file, decoding, done = self._begun[0]
        pages = decoding.pages(done)
        if pages is None:
            self._begun.popleft()
            file.decoded, file.page_count = True, decoding.page_count
            if file.is_done:
                self._recorder.end(file)
            return
        for page in pages:
            if self._is_over():
                self._progress.stopped = True
                return
            self._handed_in += 1
            if isinstance(page, PageError):
                self._recorder.fail(file, page)
                continue
            self._reader.read(file, page)
        self._reader.take_results()
