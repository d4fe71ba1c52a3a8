"""Sources as their members: folders, archives, lists, Parquet tables and single files.

They are local, or anywhere that fsspec reaches (``s3://``, ``gs://``, ``hf://``, ``https://``).
"""

import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from ocr_plugin.batch.inputs.archives import archive_members, is_archive
from ocr_plugin.batch.inputs.folders import walk_files
from ocr_plugin.batch.inputs.members import (
    BadMember,
    Member,
    Members,
    SourceOptions,
    broken,
    text_of,
)
from ocr_plugin.batch.inputs.parquet import path_in_row, rows
from ocr_plugin.errors import ConfigurationError, one_line

_LISTS = (".txt", ".lst")
_TABLES = (".parquet", ".pq")
_RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")


def members(sources: Iterable[str | os.PathLike[str]], options: SourceOptions) -> Members:
    """Yields every member of every source, in a stable order.

    What cannot be read is yielded too; its `read` raises the reason. Read a member before asking
    for the next one: archives are streams.

    Args:
        sources: paths or URLs; ``{000..099}`` in one stands for each of these numbers.
        options: filters and limits.

    Raises:
        ConfigurationError: there is no such source, or a library to read it is not installed.
    """
    for item in split(sources, options):
        if isinstance(item, Member):
            yield item
        else:
            yield from item.members(options)


def checked(sources: Iterable[str | os.PathLike[str]]) -> list[str]:
    """Returns the sources without duplicates, after checking that each exists.

    Raises:
        ConfigurationError: there is no such source.
    """
    found: dict[str, None] = {}
    for source in chain.from_iterable(_expanded(os.fspath(source)) for source in sources):
        found[Place(source).source] = None
    return list(found)


def split(
    sources: Iterable[str | os.PathLike[str]], options: SourceOptions
) -> Iterator["SourceFile | Member"]:
    """Yields the files of some sources, and a broken member for each that cannot be listed.

    Raises:
        ConfigurationError: there is no such source.
    """
    for source in chain.from_iterable(_expanded(os.fspath(source)) for source in sources):
        yield from Place(source).split(options)


def _expanded(source: str) -> Iterator[str]:
    found = _RANGE.search(source)
    if found is None:
        yield source
        return
    first, last = found.groups()
    if int(first) > int(last):
        raise ConfigurationError(f"{source}: {first} is more than {last}")
    for number in range(int(first), int(last) + 1):
        yield from _expanded(
            f"{source[: found.start()]}{number:0{len(first)}}{source[found.end() :]}"
        )


@dataclass(frozen=True)
class SourceFile:
    """A file of a source.

    Attributes:
        place: the source.
        name: of the file, if the source is a folder, else empty.
    """

    place: "Place"
    name: str

    def members(self, options: SourceOptions) -> Members:
        """Yields what is in the file."""
        return self.place.file(self.name, options)

    @property
    def fingerprint(self) -> str:
        """The file's fingerprint; see `Member`."""
        return self.place.state(self.name)[0]

    @property
    def volume(self) -> int:
        """Bytes of the file; 0 if unknown."""
        return self.place.state(self.name)[1]


class Place:
    """A source, local or remote.

    Attributes:
        source: path or URL; a path is normalised: ``a``, ``a/`` and ``./a`` are one source.
        named: the same as text.

    Raises:
        ConfigurationError: there is no such source.
    """

    def __init__(self, source: str) -> None:
        self.remote = "://" in source
        # Not os.path.normpath: what "a/.." is depends on where a link "a" leads.
        self.source = source if self.remote else str(Path(source))
        self.named = text_of(self.source)
        if self.remote:
            self._files, self._path = _remote(source)
            try:
                self._info = self._files.info(self._path)
            except Exception as error:  # every file system has errors of its own
                raise ConfigurationError(f"{source}: {one_line(error)}") from error
            self.is_folder = self._info["type"] == "directory"
        else:
            self.is_folder = _is_folder(self.source)

    def split(
        self, options: SourceOptions, lists: frozenset[str] = frozenset()
    ) -> "Iterator[SourceFile | Member]":
        """Yields the source's files, and a broken member for each that cannot be listed.

        Args:
            options: filters and limits.
            lists: those being expanded, to detect cycles.
        """
        if self.is_folder:
            for name, failure in self._names():
                if failure and (name.endswith("*") or self._takes(name, options)):
                    yield broken(self.source, name, failure)
                elif not failure and self._takes(name, options):
                    yield SourceFile(self, name)
        elif self.source.casefold().endswith(_LISTS):
            yield from self._listed(options, lists)
        else:
            yield SourceFile(self, "")

    def _takes(self, name: str, options: SourceOptions) -> bool:
        if is_archive(name) or name.casefold().endswith(_TABLES):
            return not options.leaves_out(name)
        return options.takes(name)

    def file(self, name: str, options: SourceOptions) -> Members:
        """Yields what is in a file of the source, or in the source itself."""
        place = self._of(name)
        prefix = f"{text_of(name)}!/" if name else ""
        if is_archive(place):
            with self._open(place) as (file, failure):
                if file is None:
                    yield broken(self.source, name, failure)
                else:
                    state, _ = self.state(name)
                    yield from archive_members(self.named, prefix, place, file, options, state)
        elif place.casefold().endswith(_TABLES):
            yield from self._rows(place, prefix, options)
        else:
            yield self._member(name, options)

    def state(self, name: str) -> tuple[str, int]:
        """Returns fingerprint and bytes of a file of the source; empty and 0 if unknown.

        A missing file is reported when it is read.
        """
        if not self.remote:
            return _state(self._of(name))
        try:
            info = self._files.info(self._files._strip_protocol(self._of(name)))
        except Exception:  # every file system has errors of its own
            return "", 0
        mark = info.get("ETag") or info.get("etag") or info.get("mtime") or info.get("created")
        size = info.get("size") or 0
        return (f"{size} {mark}" if mark else ""), size

    def _of(self, name: str) -> str:
        return f"{self.source.rstrip('/')}/{name}" if name else self.source

    def _names(self) -> Iterator[tuple[str, str]]:
        """Yields the name of each file of a folder, and the reason if it cannot be read."""
        if not self.remote:
            yield from walk_files(self.source)
            return
        base = self._path.rstrip("/") + "/"
        for found in sorted(self._files.find(self._path)):
            yield found.removeprefix(base), ""

    def _member(self, name: str, options: SourceOptions) -> Member:
        place, (fingerprint, volume) = self._of(name), self.state(name)
        read = self._reader(place, options)
        path = None if self.remote else place
        return Member(self.named, text_of(name), fingerprint, read, path, volume)

    def _reader(self, place: str, options: SourceOptions) -> Callable[[], bytes]:
        def read() -> bytes:
            before = None if self.remote else _state(place)
            with self._open(place) as (file, failure):
                if file is None:
                    raise BadMember(failure)
                try:
                    content = file.read(options.max_bytes + 1)
                except Exception as error:  # as above
                    raise BadMember(f"cannot be read: {one_line(error)}") from error
            if len(content) > options.max_bytes:
                raise BadMember(f"more than {options.max_bytes} bytes (max_bytes)")
            if before is not None and before != _state(place):
                raise BadMember("the file changed while it was read")
            return content

        return read

    @contextmanager
    def _open(self, place: str) -> Iterator[tuple[BinaryIO | None, str]]:
        """Yields an open file, or None and the reason."""
        with ExitStack() as stack:
            try:
                if self.remote:
                    opened = self._files.open(self._files._strip_protocol(place), "rb")
                    file = stack.enter_context(opened)
                else:
                    file = stack.enter_context(Path(place).open("rb"))
            except Exception as error:  # as above
                yield None, f"cannot be opened: {one_line(error)}"
                return
            yield file, ""

    def _listed(
        self, options: SourceOptions, lists: frozenset[str]
    ) -> "Iterator[SourceFile | Member]":
        """Yields the files of the sources that this file names, one a line."""
        own = self.source if self.remote else os.path.realpath(self.source)
        if own in lists:
            yield broken(self.source, "", "the list includes itself, perhaps by way of others")
            return
        with self._open(self.source) as (file, failure):
            if file is None:
                yield broken(self.source, "", failure)
                return
            for raw in file:
                line = raw.decode("utf-8", "surrogateescape").strip()
                if not line:
                    continue
                if not self.remote and "://" not in line:
                    line = str(Path(self.source).parent / line)
                try:
                    inner = Place(line)
                except ConfigurationError as error:
                    yield broken(line, "", str(error).removeprefix(f"{line}: "))
                    continue
                yield from inner.split(options, lists | {own})

    def _rows(self, place: str, prefix: str, options: SourceOptions) -> Members:
        """Yields the pictures of a Parquet table, by row."""
        with self._open(place) as (file, failure):
            if file is None:
                yield broken(self.source, prefix.removesuffix("!/"), failure)
                return
            try:
                for name, value, volume in rows(file, options):
                    if isinstance(value, BadMember):
                        yield broken(self.source, prefix + name, str(value))
                    else:
                        yield self._row(value, prefix + name, place, options, volume)
            except ConfigurationError:
                raise
            except Exception as error:  # as above
                yield broken(self.source, f"{prefix}*", f"the table is damaged: {one_line(error)}")

    def _row(
        self, value: Any, name: str, place: str, options: SourceOptions, volume: int
    ) -> Member:
        if isinstance(value, dict):  # as Hugging Face's datasets have it: bytes, path
            value = value.get("bytes") or value.get("path")
        if isinstance(value, bytes):
            return Member(self.named, name, "", lambda: _short(value, options), volume=volume)
        if isinstance(value, str):
            try:
                value = path_in_row(value, place, options.allow_paths)
                inner = Place(value)
            except (ConfigurationError, BadMember) as error:
                return broken(self.source, name, str(error))
            return Member(self.named, name, "", inner._reader(value, options), volume=volume)
        return broken(self.source, name, "the row has neither bytes nor a path")


def _is_folder(path: str) -> bool:
    """Returns whether a path is a folder rather than a file."""
    try:
        mode = Path(path).stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise ConfigurationError(f"{path}: no such file or folder") from None
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from error
    except ValueError as error:  # a null character
        raise ConfigurationError(f"{path!r}: {one_line(error)}") from error
    if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
        raise ConfigurationError(f"{path}: neither a file nor a folder")
    return stat.S_ISDIR(mode)


def _remote(source: str) -> tuple[Any, str]:
    try:
        import fsspec

        files, path = fsspec.core.url_to_fs(source)
    except (ImportError, ValueError) as error:
        raise ConfigurationError(f"{source}: {one_line(error)}") from error
    return files, path


def _state(path: str) -> tuple[str, int]:
    """Returns a file's fingerprint and size; a missing file is reported when it is opened."""
    try:
        state = Path(path).stat()
    except OSError:
        return "", 0
    return f"file {state.st_size} {state.st_mtime_ns}", state.st_size


def _short(content: bytes, options: SourceOptions) -> bytes:
    if len(content) > options.max_bytes:
        raise BadMember(f"more than {options.max_bytes} bytes (max_bytes)")
    return content
