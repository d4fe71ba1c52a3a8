"""Which pages were being read when the process ended, so that one that ends it is found.

A line says that a page was begun, before it is read, or that it was ended. Lines are written, not
synced: they outlive the process, which is what a reader can end; after a power failure they may be
missing or torn, and are left out.

    begun, ended           pages read among others
    alone                  begun by itself
    suspect PAGE COUNT     begun in a run that died; how much speaks against it
    dead PAGE KIND REASON  ended a run while it was read alone: an error from now on
    died KIND REASON       who watches the run has seen it end
"""

from contextlib import suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import NamedTuple

from ocr_plugin.errors import OcrError

NAME = "begun.txt"
READER_DIED, STALLED = "ReaderDied", "TimeLimit"
"""Kinds of the errors of pages that ended the process, or made no progress."""
# A page is given up when this much speaks against it. An end that was seen to be the reader's
# counts twice, any other once: power may fail, or someone kill the process, while it is alone.
_GIVEN_UP, _SEEN, _UNSEEN = 2, 2, 1
_UNSEEN_REASON = "the process ended twice while it read this page alone"
# Bytes after which what is no longer needed is dropped.
_MOST_BYTES = 4_000_000


class PageKey(NamedTuple):
    """A page: the hash of its file's content, and its index."""

    sha256: str
    page_index: int


@dataclass(frozen=True)
class Suspicion:
    """What is known against a page.

    Attributes:
        count: how often a run ended while it was read alone; those that were seen count twice.
        kind: of the error that it is from now on; empty if it is to be read alone.
        reason: likewise.
    """

    count: int = 0
    kind: str = ""
    reason: str = ""


class Journal:
    """The journal of a job; one run writes it at a time, not thread-safe.

    Args:
        folder: of the job.
        forgive: read pages alone once more that were given up.

    Raises:
        OcrError: it cannot be read or written.
    """

    def __init__(self, folder: Path, *, forgive: bool = False) -> None:
        self._path = folder / NAME
        self._file: FileIO | None = None
        self._begun: dict[PageKey, bool] = {}
        self._suspicions = _replayed(self._path).suspicions
        if forgive:
            self._suspicions = {page: Suspicion() for page in self._suspicions}
        self._rewrite()

    def suspicion(self, page: PageKey) -> Suspicion | None:
        """Returns what is known against a page; None for nothing."""
        return self._suspicions.get(page)

    def begin(self, page: PageKey, *, alone: bool = False) -> None:
        """Notes that a page is about to be read."""
        self._begun[page] = alone
        self._write(f"{'alone' if alone else 'begun'} {_token(page)}")

    def end(self, page: PageKey) -> None:
        """Notes that a page was read, or has failed in an orderly way."""
        self._begun.pop(page, None)
        self._suspicions.pop(page, None)
        self._write(f"ended {_token(page)}")

    def note_death(self, kind: str, reason: str) -> None:
        """Notes that the process has to end because of a page that is being read."""
        self._write(f"died {kind} {reason}")

    def forget(self) -> None:
        """Forgets what is suspected, as all pages are recorded."""
        self._suspicions.clear()

    def end_run(self) -> None:
        """Forgets the pages that were begun, as the run ends in an orderly way."""
        self._begun.clear()
        if self._suspicions:
            self._rewrite()
        self.close()
        if not self._suspicions:
            self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Closes the file; the pages that were begun stay in it."""
        if self._file is not None:
            self._file.close()

    def _write(self, line: str) -> None:
        content = f"{line}\n".encode()
        try:
            if self._file is None or self._file.write(content) != len(content):
                raise OSError(28, "No space left on device")
        except OSError as error:
            raise _unwritable(self._path, error) from error
        self._size += len(content)
        if self._size > _MOST_BYTES:
            self._rewrite()

    def _rewrite(self) -> None:
        """Replaces the file by one that says what counts now."""
        lines = []
        for page, known in self._suspicions.items():
            if known.kind:
                lines.append(f"dead {_token(page)} {known.kind} {known.reason}")
            else:
                lines.append(f"suspect {_token(page)} {known.count}")
        lines += [
            f"{'alone' if alone else 'begun'} {_token(page)}" for page, alone in self._begun.items()
        ]
        content = "".join(f"{line}\n" for line in lines).encode()
        draft = self._path.with_suffix(".new")
        try:
            if self._file is not None:
                self._file.close()
            draft.write_bytes(content)
            draft.replace(self._path)
            self._file = self._path.open("ab", buffering=0)
        except OSError as error:
            raise _unwritable(self._path, error) from error
        self._size = len(content)


def note_death(folder: Path, kind: str, reason: str) -> int:
    """Notes that a run ended at a page, as whoever watched it has seen.

    Args:
        folder: of the job.
        kind: of the page's error, if it is to become one.
        reason: its message.

    Returns:
        How many pages were being read; one of them is the cause.

    Raises:
        OcrError: the journal cannot be read or written.
    """
    path = folder / NAME
    begun = len(_replayed(path).begun)
    if begun:
        try:
            with path.open("ab") as file:
                # A line that was torn by the death ends here.
                file.write(f"\ndied {kind} {' '.join(reason.split())}\n".encode())
        except OSError as error:
            raise _unwritable(path, error) from error
    return begun


class _State(NamedTuple):
    """Pages that were begun and not ended (whether alone), and what is known against pages."""

    begun: dict[PageKey, bool]
    suspicions: dict[PageKey, Suspicion]


def _replayed(path: Path) -> _State:
    """Returns what a journal says; those that were begun when it ended are suspected."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return _State({}, {})
    except OSError as error:
        raise OcrError(f"{path}: cannot be read: {error.strerror or error}") from error
    state, death = _State({}, {}), None
    for line in lines:
        word, _, rest = line.partition(" ")
        if word == "died":
            # The process itself, if it knew, has said so before who watched it.
            death = death or Suspicion(_SEEN, *rest.split(" ", 1))
            continue
        # Torn lines are left out.
        with suppress(ValueError):
            sha256, index, *told = rest.split(" ", 2)
            _replay(state, word, PageKey(sha256, int(index)), *told)
    for page, alone in state.begun.items():
        known = state.suspicions.get(page, Suspicion())
        state.suspicions[page] = _after_death(known, death) if alone else known
    return state


def _replay(state: _State, word: str, page: PageKey, told: str = "") -> None:
    if word in ("begun", "alone"):
        state.begun[page] = word == "alone"
    elif word == "ended":
        state.begun.pop(page, None)
        state.suspicions.pop(page, None)
    elif word == "suspect":
        state.suspicions[page] = Suspicion(int(told))
    elif word == "dead":
        kind, _, reason = told.partition(" ")
        state.suspicions[page] = Suspicion(_GIVEN_UP, kind, reason)


def _after_death(known: Suspicion, death: Suspicion | None) -> Suspicion:
    """Returns what is known against a page that was read alone when the process ended."""
    count = known.count + (_UNSEEN if death is None else _SEEN)
    if count < _GIVEN_UP:
        return Suspicion(count)
    if death is None:
        return Suspicion(count, READER_DIED, _UNSEEN_REASON)
    return Suspicion(count, death.kind, death.reason)


def _token(page: PageKey) -> str:
    return f"{page.sha256} {page.page_index}"


def _unwritable(path: Path, error: OSError) -> OcrError:
    return OcrError(f"{path}: cannot be written: {error.strerror or error}")
