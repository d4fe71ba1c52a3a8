"""What a job has done: one row a page, in a SQLite file beside the records.

Records are written and synced first, then their rows are committed, each with where its record
lies. What a crash leaves in a record file past the committed size is cut off at the next start.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from ocr_plugin.batch.members import place_of
from ocr_plugin.errors import OcrError

FILE_NAME = "manifest.sqlite"
ERRORS = 0
"""The number under which the file of errors is kept among the shards."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS files (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    member TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    complete INTEGER NOT NULL DEFAULT 0,
    UNIQUE (source, member, sha256)
);
CREATE INDEX IF NOT EXISTS files_by_content ON files (sha256, complete);
CREATE TABLE IF NOT EXISTS pages (
    file INTEGER NOT NULL REFERENCES files (id),
    page_index INTEGER NOT NULL,
    shard INTEGER NOT NULL,
    frame INTEGER NOT NULL,
    line INTEGER NOT NULL,
    PRIMARY KEY (file, page_index)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS shards (number INTEGER PRIMARY KEY, size INTEGER NOT NULL);
"""


@dataclass(frozen=True)
class FileKey:
    """Which content at which place."""

    source: str
    member: str
    sha256: str

    @property
    def place(self) -> str:
        """Source and member in one line."""
        return place_of(self.source, self.member)


@dataclass(frozen=True)
class PageRow:
    """A page that is done, and where its record lies.

    Attributes:
        key: the file.
        fingerprint: of the member, as `members.Member` has it.
        page_index: counted from 0; -1 stands for a file that could not be read at all.
        shard: number of the record file; `ERRORS` for the errors.
        frame: where in it the group of records begins.
        line: which record of the group, counted from 0.
    """

    key: FileKey
    fingerprint: str
    page_index: int
    shard: int
    frame: int
    line: int


class Manifest:
    """The manifest of one job; to be used from one thread.

    Raises:
        OcrError: the file is damaged, or cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        with self._speaking():
            self._database = sqlite3.connect(self._path, isolation_level=None)
            # Committed means on the disk, also when the power fails.
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")
            self._database.executescript(_SCHEMA)

    def close(self) -> None:
        """Closes the file."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def is_complete(self, source: str, member: str, fingerprint: str) -> bool:
        """Returns whether all of a member is done, told by its fingerprint alone."""
        if not fingerprint:
            return False
        found = self._one(
            "SELECT complete FROM files WHERE source = ? AND member = ? AND fingerprint = ?"
            " ORDER BY complete DESC",
            (source, member, fingerprint),
        )
        return bool(found and found[0])

    def complete_files(self, source: str, part: str) -> list[tuple[str, str, str]]:
        """Returns member, fingerprint and content hash of the files of a part that are done.

        Args:
            source: as the user named it.
            part: a file of it, which may be an archive; empty for the whole source.
        """
        # What is in an archive follows its name: "0" is the character after "/".
        found = self._all(
            "SELECT member, fingerprint, sha256 FROM files WHERE source = ? AND complete"
            " AND (? = '' OR member = ? OR (member >= ? AND member < ?))",
            (source, part, part, f"{part}!/", f"{part}!0"),
        )
        return [(str(member), str(state), str(sha256)) for member, state, sha256 in found]

    def done_pages(self, key: FileKey) -> tuple[set[int], bool]:
        """Returns which pages of a file are done, and whether that is all of them."""
        found = self._one(
            "SELECT id, complete FROM files WHERE source = ? AND member = ? AND sha256 = ?",
            (key.source, key.member, key.sha256),
        )
        if found is None:
            return set(), False
        pages = self._all("SELECT page_index FROM pages WHERE file = ?", (found[0],))
        return {page for (page,) in pages}, bool(found[1])

    def twin(self, sha256: str) -> list[PageRow]:
        """Returns the pages of a complete file of the same content, or none."""
        found = self._one("SELECT id FROM files WHERE sha256 = ? AND complete", (sha256,))
        return [] if found is None else list(self._rows("WHERE files.id = ?", found))

    def rows(self) -> Iterator[PageRow]:
        """Yields every page that is done, in the order of the records."""
        yield from self._rows("ORDER BY shard, frame, line", ())

    def rows_by_file(self) -> Iterator[PageRow]:
        """Yields every page that was read, a file's pages one after the other."""
        yield from self._rows("WHERE shard != ? ORDER BY file, page_index", (ERRORS,))

    def counts(self) -> dict[str, int]:
        """Returns how many files are complete, how many pages were read, and how many failed."""
        files = self._one("SELECT count(*), coalesce(sum(complete), 0) FROM files", ())
        pages = self._one("SELECT count(*), coalesce(sum(shard = ?), 0) FROM pages", (ERRORS,))
        assert files is not None and pages is not None
        return {
            "files": files[0],
            "complete_files": files[1],
            "pages": pages[0] - pages[1],
            "errors": pages[1],
        }

    def sizes(self) -> dict[int, int]:
        """Returns how many bytes of each record file are committed."""
        return {number: size for number, size in self._all("SELECT number, size FROM shards", ())}

    def commit(
        self, rows: Iterable[PageRow], complete: Iterable[FileKey], sizes: dict[int, int]
    ) -> None:
        """Notes pages whose records are on the disk, all or none.

        Args:
            rows: the pages.
            complete: files of which nothing is missing any more.
            sizes: of the record files that have grown, in bytes.
        """
        with self._speaking(), self._transaction():
            for row in rows:
                key = (row.key.source, row.key.member, row.key.sha256)
                self._database.execute(
                    "INSERT INTO files (source, member, sha256, fingerprint) VALUES (?, ?, ?, ?)"
                    " ON CONFLICT DO UPDATE SET fingerprint = excluded.fingerprint",
                    (*key, row.fingerprint),
                )
                self._database.execute(
                    "INSERT INTO pages SELECT id, ?, ?, ?, ? FROM files"
                    " WHERE source = ? AND member = ? AND sha256 = ?",
                    (row.page_index, row.shard, row.frame, row.line, *key),
                )
            for done in complete:
                self._database.execute(
                    "UPDATE files SET complete = 1 WHERE source = ? AND member = ? AND sha256 = ?",
                    (done.source, done.member, done.sha256),
                )
            self._keep_sizes(sizes)

    def forget_errors(self) -> int:
        """Makes every page that failed one that is missing; returns how many there were."""
        with self._speaking(), self._transaction():
            count = self._database.execute(
                "SELECT count(*) FROM pages WHERE shard = ?", (ERRORS,)
            ).fetchone()[0]
            self._database.execute(
                "UPDATE files SET complete = 0"
                " WHERE id IN (SELECT file FROM pages WHERE shard = ?)",
                (ERRORS,),
            )
            self._database.execute("DELETE FROM pages WHERE shard = ?", (ERRORS,))
            # Files that were never read may change before they are; nothing of them is kept.
            self._database.execute("DELETE FROM files WHERE id NOT IN (SELECT file FROM pages)")
            self._keep_sizes({ERRORS: 0})
        return int(count)

    def _keep_sizes(self, sizes: dict[int, int]) -> None:
        self._database.executemany(
            "INSERT INTO shards VALUES (?, ?) ON CONFLICT DO UPDATE SET size = excluded.size",
            sizes.items(),
        )

    def _rows(self, condition: str, values: tuple[object, ...]) -> Iterator[PageRow]:
        query = (
            "SELECT source, member, sha256, fingerprint, page_index, shard, frame, line"
            f" FROM pages JOIN files ON files.id = pages.file {condition}"
        )
        with self._speaking():
            for source, member, sha256, *rest in self._database.execute(query, values):
                yield PageRow(FileKey(source, member, sha256), *rest)

    def _one(self, query: str, values: tuple[object, ...]) -> tuple[int, ...] | None:
        with self._speaking():
            found: tuple[int, ...] | None = self._database.execute(query, values).fetchone()
            return found

    def _all(self, query: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        with self._speaking():
            return self._database.execute(query, values).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        """Tells this package's error where SQLite fails."""
        try:
            yield
        except sqlite3.Error as error:
            raise OcrError(f"{self._path}: {error}") from error
