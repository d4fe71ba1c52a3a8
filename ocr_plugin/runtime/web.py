"""Downloads of model files from plain URLs and from records of Zenodo."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path
from typing import Any, cast
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from rich.console import Console
from rich.progress import Progress

from ocr_plugin.errors import ModelUnavailable

_TIMEOUT_S = 30.0
_CHUNK = 1 << 20
_MOST_RECORD = 1 << 22
_BEYOND_THE_END = 416


@dataclass(frozen=True)
class UrlFile:
    """A file at a URL, whose publisher states no SHA-256."""

    url: str

    @property
    def what(self) -> str:
        """What a person looks for there."""
        return "the file"

    @property
    def page(self) -> str:
        """Where a person finds the file."""
        return self.url

    def download(self, staging: Path, progress: bool) -> tuple[None, Path]:
        """Downloads the file to the folder `staging`; returns no hash, and its path."""
        path = staging / Path(urlsplit(self.url).path).name
        download(self.url, path, progress)
        return None, path


@dataclass(frozen=True)
class ZenodoFile:
    """The one file of a Zenodo record whose name contains some characters.

    Attributes:
        page: of the record, for a person.
        record: URL of the record's description, JSON as https://developers.zenodo.org has it.
        mark: what the file's name contains, and no other's in the record.
    """

    page: str
    record: str
    mark: str

    @property
    def what(self) -> str:
        """What a person looks for there."""
        return f"the file with {self.mark} in its name"

    def download(self, staging: Path, progress: bool) -> tuple[None, Path]:
        """Downloads the file to the folder `staging`; returns no hash, and its path.

        Zenodo states the MD5 of a file, which is checked: it tells damage, not tampering.
        """
        found = self._file()
        try:
            name, url = Path(found["key"]).name, str(found["links"]["self"])
            kind, _, stated = str(found["checksum"]).partition(":")
        except (KeyError, TypeError) as error:
            raise ModelUnavailable(f"{self.record}: not a record of Zenodo") from error
        path = staging / name
        download(url, path, progress)
        with path.open("rb") as file:
            actual = hashlib.file_digest(file, "md5").hexdigest()
        if (kind, stated) != ("md5", actual):
            path.unlink()
            raise ModelUnavailable(
                f"{name} was damaged in the download: md5 {actual}, but Zenodo states"
                f" {kind} {stated}; try again"
            )
        return None, path

    def _file(self) -> Mapping[str, Any]:
        """Returns the record's entry of the file."""
        with _opened(self.record, {}) as answer:
            content = answer.read(_MOST_RECORD)
        try:
            files = json.loads(content)["files"]
            found = [each for each in files if self.mark in each["key"]]
        except (ValueError, KeyError, TypeError) as error:
            raise ModelUnavailable(f"{self.record}: not a record of Zenodo") from error
        if len(found) != 1:
            raise ModelUnavailable(
                f"{self.page} has {len(found)} files with {self.mark} in their name, not one"
            )
        return cast(Mapping[str, Any], found[0])


def download(url: str, target: Path, progress: bool) -> None:
    """Downloads a URL to a file, which appears when it is whole.

    What an interrupted download left beside it is gone on with, if the server still has the same
    file.

    Args:
        url: of the file.
        target: where it is put; its folder is made if missing.
        progress: whether to show a bar on stderr.

    Raises:
        ModelUnavailable: the server states no size, or sent another number of bytes.
        OSError: the network, the server or the disk failed.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    version = target.with_name(f"{target.name}.version")
    begun = part.stat().st_size if part.is_file() and version.is_file() else 0
    asked = {"Range": f"bytes={begun}-", "If-Range": version.read_text()} if begun else {}
    try:
        with _opened(url, asked) as answer:
            resumes = answer.status == 206 and _start_of(answer) == begun
            if begun and not resumes and answer.status == 206:
                raise ModelUnavailable(f"{url}: the server sent another part than was asked for")
            begun = begun if resumes else 0
            total = begun + _length_of(answer, url)
            if not begun:
                _note_version(answer, version)
            _write(answer, part, begun, total, progress)
    except HTTPError as error:
        if error.code != _BEYOND_THE_END or not begun:
            raise
        part.unlink()
        return download(url, target, progress)
    if (size := part.stat().st_size) != total:
        raise ModelUnavailable(
            f"{url}: the connection ended after {size:,} of {total:,} bytes; try again to go on"
        )
    version.unlink(missing_ok=True)
    part.replace(target)
    return None


@contextmanager
def _opened(url: str, headers: Mapping[str, str]) -> Iterator[HTTPResponse]:
    """Opens a URL; the server may not lead from an encrypted connection to an open one."""
    own = {"User-Agent": "ocr-plugin", "Accept-Encoding": "identity"}
    with urlopen(Request(url, headers={**own, **headers}), timeout=_TIMEOUT_S) as answer:
        if urlsplit(url).scheme == "https" != urlsplit(answer.url).scheme:
            raise ModelUnavailable(f"{url}: leads to {answer.url}, which is not encrypted")
        yield answer


def _length_of(answer: HTTPResponse, url: str) -> int:
    stated = answer.headers.get("Content-Length", "")
    if not stated.isdecimal():
        raise ModelUnavailable(f"{url}: the server does not state the file's size")
    return int(stated)


def _start_of(answer: HTTPResponse) -> int | None:
    """Returns the first byte of the part that the server sends."""
    start = answer.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
    return int(start) if start.isdecimal() else None


def _note_version(answer: HTTPResponse, place: Path) -> None:
    """Keeps by what the server will know this version of the file; weak tags do not count."""
    tag = answer.headers.get("ETag", "")
    mark = tag if tag.startswith('"') else answer.headers.get("Last-Modified")
    if mark:
        place.write_text(mark)
    else:
        place.unlink(missing_ok=True)


def _write(answer: HTTPResponse, part: Path, begun: int, total: int, progress: bool) -> None:
    console = Console(stderr=True)
    with (
        part.open("ab" if begun else "wb") as file,
        Progress(console=console, disable=not progress) as bar,
    ):
        task = bar.add_task(part.stem, total=total, completed=begun)
        while chunk := answer.read(_CHUNK):
            file.write(chunk)
            bar.advance(task, len(chunk))
