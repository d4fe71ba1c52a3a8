"""What sources are made of: members, one file each, told by a source and a name in it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import PurePosixPath

from pydantic import Field

from ocr_plugin.file_names import text_of as text_of
from ocr_plugin.options import Options

_PICTURES = (
    "avif bmp dib gif heic heif j2k jfif jp2 jpe jpeg jpg pbm pdf pgm png pnm ppm tga tif tiff webp"
)


_DRIVE = re.compile("[A-Za-z]:")


class SourceOptions(Options):
    """What is taken of a source, and what an archive may cost."""

    include: tuple[str, ...] = Field(
        default=tuple(f"*.{suffix}" for suffix in _PICTURES.split()),
        description="Patterns of the names that are read, whatever their case.",
    )
    exclude: tuple[str, ...] = Field(default=(), description="Patterns of names that are not.")
    column: str | None = Field(
        default=None, description="Of a Parquet file: bytes or paths; by default the first such."
    )
    max_bytes: int = Field(
        default=1_000_000_000, gt=0, description="Of a member; larger ones are errors."
    )
    max_ratio: float = Field(
        default=1000.0, gt=1, description="A member may unpack to so many times its size."
    )
    max_depth: int = Field(default=1, ge=0, description="Archives within archives that are opened.")

    def takes(self, *names: str) -> bool:
        """Returns whether a member is read that goes by these names."""
        return _match(names, self.include) and not self.leaves_out(*names)

    def leaves_out(self, *names: str) -> bool:
        """Returns whether a member, or an archive, of these names is left out."""
        return _match(names, self.exclude)


def _match(names: tuple[str, ...], patterns: tuple[str, ...]) -> bool:
    return any(
        fnmatch(name.casefold(), pattern.casefold()) for name in names for pattern in patterns
    )


class BadMember(Exception):
    """Says in one line why a member, or the rest of a source, cannot be read."""


@dataclass(frozen=True)
class Member:
    """A file to be read.

    Attributes:
        source: as the user named it, a path or a URL; as text, like the name.
        name: within the source, with ``!/`` between an archive and what is in it; empty where the
            source is the file itself.
        fingerprint: changes when the content does, and is had without reading it; empty if there
            is no such thing.
        read: returns the content; only to be called before the next member is asked for. Raises
            `BadMember`.
        path: where the file lies on this machine's disk, or None.
        volume: bytes of the source that were passed to come to its end, as far as they are told.
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
        return place_of(self.source, self.name)


Members = Iterator[Member]


def place_of(source: str, name: str) -> str:
    """Returns a source and a name in it in one line."""
    return f"{source}!/{name}" if name else source


def broken(source: str, name: str, reason: str) -> Member:
    """Returns a member that is there, but gives its reason when it is read."""

    def read() -> bytes:
        raise BadMember(reason)

    return Member(text_of(source), text_of(name), "", read)


def is_unsafe(name: str) -> bool:
    """Returns whether a name in an archive would lead out of a folder it is unpacked to."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return ".." in parts or name.startswith(("/", "\\")) or bool(_DRIVE.match(name))


class Names:
    """Tells apart members of one name: the second ``a.png`` is ``a.png#2``."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def of(self, name: str) -> str:
        """Returns a name, as text, that was not given before."""
        name = given = text_of(name)
        while given in self._seen:
            self._seen[name] += 1
            given = f"{name}#{self._seen[name]}"
        self._seen[given] = 1
        return given
