"""What a job has done: one row a page, in a SQLite file beside the records.

Records are written and synced first, a group at a time; then the group and the rows of its pages
are committed, each with where its record lies. What a crash leaves in a record file past the last
group is truncated at the next start.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from ocr_plugin.batch.inputs.members import label_of
from ocr_plugin.batch.records.manifest_schema import create_tables, is_new_database
from ocr_plugin.batch.records.rows import ERRORS, FileKey, FileRow, FileState, Group, PageRow
from ocr_plugin.errors import OcrError

FILE_NAME = "manifest.sqlite"

# Errors that are to be retried.
_OLD_ERRORS = "SELECT 1 FROM pages WHERE file = files.id AND shard = 0 AND frame < ?"
_DONE = f"source = ? AND complete AND NOT EXISTS ({_OLD_ERRORS})"


class Manifest:
    """The manifest of one job; not thread-safe.

    Args:
        folder: of the job.
        read_only: change nothing; the folder need not be writable.

    Raises:
        OcrError: the file is damaged, of another version, or cannot be written.
    """

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        self._path = folder / FILE_NAME
        self._retried = 0
        with self._sqlite_errors():
            self._database = self._connected(read_only)
            try:
                self._prepare(read_only)
            except BaseException:
                self._database.close()
                raise

    def _prepare(self, read_only: bool) -> None:
        is_new = is_new_database(self._database, self._path)
        if read_only:
            return
        # A commit must survive a power failure.
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        if is_new:
            # All or nothing: a full disk leaves a file that the next attempt takes for new.
            with self._transaction():
                create_tables(self._database)

    def _connected(self, read_only: bool) -> sqlite3.Connection:
        if not read_only:
            return sqlite3.connect(self._path, isolation_level=None)
        place = self._path.absolute().as_uri()
        database = sqlite3.connect(f"{place}?mode=ro", uri=True)
        try:
            database.execute("PRAGMA user_version").fetchone()
        except sqlite3.OperationalError:
            # SQLite keeps a log beside the file; in a read-only folder it opens only files that
            # are declared immutable.
            database.close()
            database = sqlite3.connect(f"{place}?immutable=1", uri=True)
        return database

    def close(self) -> None:
        """Closes the file."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def retry_errors(self, before: int | None = None) -> int:
        """Treats what has failed so far as missing; it stays recorded until forgotten.

        Args:
            before: only errors in these first bytes of their file.

        Returns:
            Those bytes.
        """
        self._retried = self.sizes().get(ERRORS, 0) if before is None else before
        return self._retried

    def forget_errors(self, source: str, member: str) -> None:
        """Forgets the errors of a member that are to be retried, of any content."""
        if not self._has_failed(source, member):
            return
        with self._sqlite_errors(), self._transaction():
            failed = self._database.execute(
                f"SELECT id FROM files WHERE source = ? AND member = ? AND EXISTS ({_OLD_ERRORS})",
                (source, member, self._retried),
            ).fetchall()
            for file in failed:
                self._database.execute("UPDATE files SET complete = 0 WHERE id = ?", file)
                self._database.execute(
                    "DELETE FROM pages WHERE file = ? AND shard = 0 AND frame < ?",
                    (*file, self._retried),
                )
                # A file without pages may change before it is read, so its row is deleted.
                self._database.execute(
                    "DELETE FROM files WHERE id = ?"
                    " AND NOT EXISTS (SELECT 1 FROM pages WHERE file = files.id)",
                    file,
                )

    def failed(self) -> Iterator[tuple[str, str]]:
        """Yields source and member of what is to be retried."""
        query = "SELECT DISTINCT source, member FROM pages JOIN files ON files.id = pages.file"
        yield from self._all(f"{query} WHERE shard = 0 AND frame < ?", (self._retried,))

    def _has_failed(self, source: str, member: str) -> bool:
        """Returns whether a member has errors to be retried."""
        query = f"SELECT 1 FROM files WHERE source = ? AND member = ? AND EXISTS ({_OLD_ERRORS})"
        return bool(self._retried and self._one(query, (source, member, self._retried)))

    def is_complete(self, source: str, member: str, fingerprint: str) -> bool:
        """Returns whether a member with this fingerprint is complete."""
        if not fingerprint or self._has_failed(source, member):
            return False
        query = (
            "SELECT 1 FROM files"
            " WHERE source = ? AND member = ? AND fingerprint = ? AND complete LIMIT 1"
        )
        return self._one(query, (source, member, fingerprint)) is not None

    def complete_files(self, source: str, part: str) -> list[tuple[str, str, str]]:
        """Returns member, fingerprint and content hash of the files that are done.

        Args:
            source: as the user named it.
            part: a file of it, which may be an archive; empty for the whole source.
        """
        query, values = f"SELECT member, fingerprint, sha256 FROM files WHERE {_DONE}", (source,)
        found = (
            self._all(query, (*values, self._retried))
            if not part
            else [
                # Members of an archive begin with its name and "!/"; "0" comes after "/".
                *self._all(f"{query} AND member = ?", (*values, self._retried, part)),
                *self._all(
                    f"{query} AND member >= ? AND member < ?",
                    (*values, self._retried, f"{part}!/", f"{part}!0"),
                ),
            ]
        )
        return [(str(member), str(state), str(sha256)) for member, state, sha256 in found]

    def state(self, key: FileKey) -> FileState:
        """Returns how much of a file is done."""
        found = self._one(
            "SELECT id, complete, fingerprint FROM files"
            " WHERE source = ? AND member = ? AND sha256 = ?",
            (key.source, key.member, key.sha256),
        )
        if found is None:
            return FileState()
        pages = self._all("SELECT page_index FROM pages WHERE file = ?", (found[0],))
        return FileState(frozenset(page for (page,) in pages), bool(found[1]), str(found[2]))

    def pages_of_content(self, sha256: str) -> list[PageRow]:
        """Returns the pages of a complete file with this content, or none."""
        found = self._one(
            f"SELECT id FROM files WHERE sha256 = ? AND complete AND NOT EXISTS ({_OLD_ERRORS})",
            (sha256, self._retried),
        )
        return [] if found is None else list(self._rows("WHERE files.id = ?", (found[0],)))

    def groups(self) -> Iterator[Group]:
        """Yields every group, in the order of the records."""
        with self._sqlite_errors():
            query = "SELECT shard, frame, size, records, checksum FROM groups"
            for found in self._database.execute(f"{query} ORDER BY shard, frame"):
                yield Group(*found)

    def rows(self) -> Iterator[PageRow]:
        """Yields every page that is done, in the order of the records."""
        yield from self._rows("ORDER BY shard, frame, line", ())

    def error_rows(self) -> Iterator[PageRow]:
        """Yields every page that failed, in the order of the records."""
        yield from self._rows("WHERE shard = 0 ORDER BY frame, line", ())

    def rows_by_file(self) -> Iterator[PageRow]:
        """Yields every page that was read, a file's pages one after the other."""
        yield from self._rows("WHERE shard != 0 ORDER BY file, page_index", ())

    def gaps(self) -> Iterator[tuple[str, int, int]]:
        """Yields files marked complete that are not: label, expected and found pages."""
        with self._sqlite_errors():
            for source, member, told, found in self._database.execute(
                "SELECT source, member, page_count, count(groups.shard) AS found"
                " FROM files LEFT JOIN pages ON pages.file = files.id"
                " LEFT JOIN groups USING (shard, frame) WHERE complete GROUP BY files.id"
                " HAVING found != page_count"
                " OR max(page_index) + 1 != sum(page_index >= 0)"
            ):
                yield label_of(source, member), told, found

    def counts(self) -> dict[str, int]:
        """Returns how many files are complete, how many pages were read, and how many failed."""
        files = self._one("SELECT count(*), coalesce(sum(complete), 0) FROM files", ())
        pages = self._one("SELECT count(*) FROM pages", ())
        errors = self._one("SELECT count(*) FROM pages WHERE shard = 0", ())
        assert files is not None and pages is not None and errors is not None
        return {
            "files": files[0],
            "complete_files": files[1],
            "pages": pages[0] - errors[0],
            "errors": errors[0],
        }

    def documents(self) -> int:
        """Returns how many files have pages that were read."""
        found = self._one("SELECT count(DISTINCT file) FROM pages WHERE shard != 0", ())
        assert found is not None
        return int(found[0])

    def sizes(self) -> dict[int, int]:
        """Returns how many bytes of each record file are committed."""
        return dict(self._all("SELECT shard, max(frame + size) FROM groups GROUP BY shard", ()))

    def stale_errors(self) -> int:
        """Returns how many records of errors belong to pages that were tried again."""
        written = self._one("SELECT coalesce(sum(records), 0) FROM groups WHERE shard = 0", ())
        known = self._one("SELECT count(*) FROM pages WHERE shard = 0", ())
        assert written is not None and known is not None
        return int(written[0] - known[0])

    def commit(
        self, groups: Iterable[Group], rows: Iterable[PageRow], complete: Iterable[FileRow]
    ) -> None:
        """Commits pages whose records are on disk, in one transaction.

        Args:
            groups: the records.
            rows: the pages.
            complete: files that are complete now.
        """
        with self._sqlite_errors(), self._transaction():
            self._add(groups)
            for row in rows:
                self._database.execute(
                    "INSERT INTO pages VALUES (?, ?, ?, ?, ?)",
                    (self._file(row.key, row.fingerprint), row.page_index,
                     row.group.shard, row.group.frame, row.line),
                )  # fmt: skip
            for done in complete:
                self._database.execute(
                    "UPDATE files SET complete = 1, page_count = coalesce(?, page_count)"
                    " WHERE id = ?",
                    (done.page_count, self._file(done.key, done.fingerprint)),
                )

    def move_errors(self, groups: Iterable[Group], rows: Iterable[PageRow]) -> None:
        """Stores the new positions after the file of errors was rewritten."""
        with self._sqlite_errors(), self._transaction():
            self._database.execute("DELETE FROM groups WHERE shard = 0")
            self._add(groups)
            for row in rows:
                self._database.execute(
                    "UPDATE pages SET frame = ?, line = ? WHERE file = ? AND page_index = ?",
                    (row.group.frame, row.line,
                     self._file(row.key, row.fingerprint), row.page_index),
                )  # fmt: skip

    def _add(self, groups: Iterable[Group]) -> None:
        self._database.executemany(
            "INSERT INTO groups VALUES (?, ?, ?, ?, ?)",
            ((each.shard, each.frame, each.size, each.records, each.checksum) for each in groups),
        )

    def _file(self, key: FileKey, fingerprint: str) -> int:
        """Returns the id of a file's row, its fingerprint updated."""
        values = (key.source, key.member, key.sha256)
        self._database.execute(
            "INSERT INTO files (source, member, sha256, fingerprint) VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET fingerprint = excluded.fingerprint"
            " WHERE fingerprint != excluded.fingerprint",
            (*values, fingerprint),
        )
        found = self._database.execute(
            "SELECT id FROM files WHERE source = ? AND member = ? AND sha256 = ?", values
        ).fetchone()
        return int(found[0])

    def _rows(self, condition: str, values: tuple[object, ...]) -> Iterator[PageRow]:
        query = (
            "SELECT source, member, sha256, fingerprint, page_index, line,"
            " shard, frame, size, records, checksum FROM pages"
            f" JOIN files ON files.id = pages.file JOIN groups USING (shard, frame) {condition}"
        )
        with self._sqlite_errors():
            for found in self._database.execute(query, values):
                key, (fingerprint, index, line) = FileKey(*found[:3]), found[3:6]
                yield PageRow(key, fingerprint, index, Group(*found[6:]), line)

    def _one(self, query: str, values: tuple[object, ...]) -> tuple[Any, ...] | None:
        with self._sqlite_errors():
            found: tuple[Any, ...] | None = self._database.execute(query, values).fetchone()
            return found

    def _all(self, query: str, values: tuple[object, ...]) -> list[Any]:
        with self._sqlite_errors():
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
    def _sqlite_errors(self) -> Iterator[None]:
        """Raises errors of SQLite as `OcrError`."""
        try:
            yield
        except sqlite3.Error as error:
            raise OcrError(f"{self._path}: {error}") from error
