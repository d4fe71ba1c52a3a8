"""A job in a process of its own, which is replaced when a detector or recognizer ends it.

    this process ── options, stop ──> reading process (`Job.run`) ──> the job's folder
                 <── progress, end ──

This one only waits, and loads no model. The job needs nothing of it: if it dies, the reading
process ends, too, and the next run goes on.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

from ocr_plugin.batch.options import JobOptions, RunOptions
from ocr_plugin.batch.progress import Progress
from ocr_plugin.batch.reading_process import Ended, Failed, Task
from ocr_plugin.batch.records.journal import note_death
from ocr_plugin.batch.watched_process import Death, WatchedProcess
from ocr_plugin.errors import OcrError

# Deaths in a row, without a page read between them, after which a run ends.
_MOST_DEATHS = 10


class SupervisedJob:
    """A batch job in a folder, read in a process of its own.

    If a detector or recognizer ends that process, or makes no progress for `read_seconds`, another
    goes on: the pages that were being read are read one by one, and the one at which the process
    ends again becomes an error record, of the kind `ReaderDied` or `TimeLimit`.

    Args:
        folder: created if it does not exist.
        options: what decides the records.
        warn: told in one line when a process was replaced.
        prepare: called first in each process; a function that can be imported.
    """

    def __init__(
        self,
        folder: Path,
        options: JobOptions,
        *,
        warn: Callable[[str], None] = lambda message: None,
        prepare: Callable[[], None] | None = None,
    ) -> None:
        self.folder, self.options = folder, options
        self._warn, self._prepare = warn, prepare

    def run(
        self,
        sources: Iterable[str],
        run: RunOptions | None = None,
        *,
        tell: Callable[[Progress], None] = lambda progress: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> Progress:
        """Reads the pages of the sources that are not done yet; see `Job.run`.

        Raises:
            OcrError: as there, or the process died while no page was being read, or again and
                again without having read one.
        """
        run, sources = run or RunOptions(), list(sources)
        after: Progress | None = None
        deaths = 0
        while True:
            task = Task(self.folder, self.options, sources, run, after, self._prepare)
            with WatchedProcess(task, tell, stop) as process:
                end = process.until_end()
            if isinstance(end, Ended):
                return end.progress
            if isinstance(end, Failed):
                raise end.error
            before = 0 if after is None else after.pages
            after = process.written or after
            begun = note_death(self.folder, end.kind, end.reason)
            if process.is_stopping:
                after = after or Progress()
                after.stopped = True
                return after
            has_read = after is not None and after.pages > before
            deaths = 1 if has_read else deaths + 1
            self._go_on(end, begun, deaths)

    def _go_on(self, death: Death, begun: int, deaths: int) -> None:
        """Says that another process goes on; raises where that would not help."""
        if not begun:
            raise OcrError(f"{death.reason}, and no page was being read")
        if deaths == _MOST_DEATHS:
            raise OcrError(
                f"{death.reason}, as {deaths} times in a row without a page read between them;"
                " the same command goes on"
            )
        which = "at a page" if begun == 1 else f"at one of {begun} pages, now read one by one"
        self._warn(f"{death.reason}, {which}; going on")
