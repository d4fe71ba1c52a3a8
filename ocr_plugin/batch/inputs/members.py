"""Members of sources: one file each, identified by its source and its name in it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import PurePosixPath

from pydantic import Field

from ocr_plugin.options import Options
from ocr_plugin.pages.source import text_of as text_of

_PICTURES = (
    "avif bmp dib gif heic heif j2k jfif jp2 jpe jpeg jpg pbm pdf pgm png pnm ppm tga tif tiff webp"
)


_DRIVE = re.compile("[A-Za-z]:")


class SourceOptions(Options):
    """Which members of a source are read, and limits on archives."""

    include: tuple[str, ...] = Field(
        default=tuple(f"*.{suffix}" for suffix in _PICTURES.split()),
        description="Patterns of names to read; case is ignored.",
    )
    exclude: tuple[str, ...] = Field(default=(), description="Patterns of names to skip.")
    column: str | None = Field(
        default=None, description="Parquet column of bytes or paths; by default the first such."
    )
    allow_paths: bool = Field(
        default=False,
        description="Whether a Parquet table may name any file or URL, not only files below its"
        " own folder.",
    )
    max_bytes: int = Field(
        default=1_000_000_000, gt=0, description="Size limit of a member; larger ones are errors."
    )
    max_ratio: float = Field(
        default=1000.0, gt=1, description="Largest allowed decompression ratio."
    )
    max_depth: int = Field(default=1, ge=0, description="Levels of nested archives to open.")

    def takes(self, *names: str) -> bool:
        """Returns whether a member with these names is read."""
        return _match(names, self.include) and not self.leaves_out(*names)

    def leaves_out(self, *names: str) -> bool:
        """Returns whether a member or an archive with these names is excluded."""
        return _match(names, self.exclude)


def _match(names: tuple[str, ...], patterns: tuple[str, ...]) -> bool:
    return any(
        fnmatch(name.casefold(), pattern.casefold()) for name in names for pattern in patterns
    )


class BadMember(Exception):
    """A member, or the rest of a source, cannot be read; the message is one line."""


@dataclass(frozen=True)
class Member:
    """A file to be read.

    Attributes:
        source: as the user named it, a path or a URL; as text, like the name.
        name: within the source, with ``!/`` between an archive and what is in it; empty where the
            source is the file itself.
        fingerprint: changes when the content does, and is known without reading it; empty if
            unavailable.
        read: returns the content; call it before asking for the next member. Raises `BadMember`.
        path: of the file, if it is local, else None.
        volume: bytes of the source that the member takes up, as far as known.
    """

    source: str
    name: str
    fingerprint: str
    read: Callable[[], bytes] = field(compare=False)
    path: str | None = None
    volume: int = 0

    @property
    def place(self) -> str:
        """Source and name in one line."""
        return label_of(self.source, self.name)


Members = Iterator[Member]


def label_of(source: str, name: str) -> str:
    """Returns a source and a name in it as one label."""
    return f"{source}!/{name}" if name else source


def broken(source: str, name: str, reason: str) -> Member:
    """Returns a member whose `read` raises `BadMember` with the reason."""

    def read() -> bytes:
        raise BadMember(reason)

    return Member(text_of(source), text_of(name), "", read)


def is_unsafe(name: str) -> bool:
    """Returns whether a name in an archive points outside the archive."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return ".." in parts or name.startswith(("/", "\\")) or bool(_DRIVE.match(name))


class Names:
    """Makes names unique: the second ``a.png`` becomes ``a.png#2``."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def of(self, name: str) -> str:
        """Returns a name as text, made unique."""
        name = given = text_of(name)
        while given in self._seen:
            self._seen[name] += 1
            given = f"{name}#{self._seen[name]}"
        self._seen[given] = 1
        return given
