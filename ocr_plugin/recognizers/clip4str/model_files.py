"""The files of the named models on this machine: downloads, and checks of their bytes.

A file's SHA-256 is known from the catalogue, or from the record that was written beside it when it
was downloaded or first used, in the format of ``sha256sum``. Only `fetch` uses the network, and
only if a file is not here yet. Imports no torch.
"""

import hashlib
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

from filelock import FileLock

from ocr_plugin.errors import CheckpointError, ModelUnavailable, first_line
from ocr_plugin.recognizers.clip4str.catalogue import DEFAULT_MODEL, ModelEntry, catalogue
from ocr_plugin.runtime import weights
from ocr_plugin.runtime.hub import HubFile
from ocr_plugin.runtime.private_folder import check_folder, check_private, private_folder
from ocr_plugin.runtime.web import UrlFile, ZenodoFile
from ocr_plugin.runtime.weights import cache_directory, sha256_of

_log = logging.getLogger(__name__)
_BUNDLED = Path(__file__).parent / "weights"


class Published(Protocol):
    """A model that has a name, as the catalogues have them."""

    @property
    def name(self) -> str:
        """By which it is requested."""
        ...

    @property
    def file(self) -> str:
        """Its name in the cache directory."""
        ...

    @property
    def source(self) -> HubFile | UrlFile | ZenodoFile | None:
        """Where it is published; None for a bundled model."""
        ...

    @property
    def sha256(self) -> str | None:
        """Of its bytes, where known from elsewhere than a download."""
        ...


class Known(NamedTuple):
    """The SHA-256 that a file must have, and whence it is known, as a clause."""

    sha256: str
    whence: str


@contextmanager
def opened(path: Path) -> Iterator[tuple[BinaryIO, str]]:
    """Opens a weights file; gives it, at its start, and the SHA-256 of its bytes.

    What is read from it has been compared with what is known of a named model: the path is not
    opened a second time.

    Raises:
        CheckpointError: the file cannot be read, or is not what it should be.
        ModelUnavailable: others may write to the cache.
    """
    entry = _entry_of(path)
    if entry is not None:
        check_cached(path)
    try:
        file = path.open("rb")
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror}") from error
    with file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        if entry is not None:
            _check(entry, path, sha256)
        file.seek(0)
        yield file, sha256


def known_sha256(entry: Published) -> Known | None:
    """Returns what the SHA-256 of a model's downloaded file must be, if that is known."""
    if entry.sha256:
        return Known(entry.sha256, "was published")
    record = _record(cache_directory() / entry.file)
    if entry.source is None or not record.is_file():
        return None
    words = record.read_text(encoding="utf-8").split()
    if not words:
        raise ModelUnavailable(f"{record} is empty; delete it, the model is then recorded again")
    return Known(words[0], f"was recorded in {record}")


def check_cached(path: Path) -> None:
    """Checks that nobody else may write to a downloaded file, or to its folder.

    Raises:
        ModelUnavailable: somebody may.
    """
    check_folder(path.parent)
    check_private(path)


def locate(entry: Published) -> Path | None:
    """Returns the model's file if it is on this machine; its bytes are not looked at.

    Raises:
        ModelUnavailable: the folder of the cache is another user's.
    """
    path = (_BUNDLED if entry.source is None else cache_directory()) / entry.file
    try:
        return path if path.is_file() else None
    except PermissionError as error:
        raise ModelUnavailable(
            f"{path.parent} may not be looked into; set OCR_PLUGIN_CACHE to a folder of your own"
        ) from error


def bundled() -> Path | None:
    """Returns the file of the bundled model, if it is there."""
    found = (locate(entry) for entry in catalogue() if entry.name == DEFAULT_MODEL)
    return next(found, None)


def fetch(entry: Published, offline: bool = False, progress: bool = True) -> Path:
    """Returns the model's file, downloaded first if it is not on this machine.

    A download gets its name after it has been compared with the hash that is known, or else with
    the one that its publisher states; the hash is recorded beside it. An interrupted download is
    resumed. Of several processes one downloads, and the others wait.

    Args:
        entry: of a catalogue.
        offline: forbids downloads, as do OCR_PLUGIN_OFFLINE=1 and HF_HUB_OFFLINE=1.
        progress: whether to show a bar on stderr while downloading.

    Raises:
        ModelUnavailable: not here and downloads are off, the download failed or was damaged, or
            others may write to the cache.
    """
    if found := locate(entry):
        return found
    if entry.source is None:
        raise ModelUnavailable(
            f"{entry.name} comes with this package, but {entry.file} is missing; reinstall"
        )
    target = cache_directory() / entry.file
    if offline or weights.offline():
        raise ModelUnavailable(
            f"{entry.name} is not on this machine and downloads are off; get {entry.source.what}"
            f" from {entry.source.page} and put it at {target}"
        )
    folder = private_folder(target.parent)
    with FileLock(folder / f".{entry.file}.lock"):
        # Another process may have downloaded it meanwhile.
        return locate(entry) or _downloaded(entry, target, progress)


def resolve(path_or_name: str | Path, offline: bool = False) -> Path:
    """Returns the weights file of a model given by name or by path; a name comes first.

    Raises:
        ModelUnavailable: no file or model of that name, or the model cannot be downloaded.
    """
    for entry in catalogue():
        if path_or_name == entry.name:
            return fetch(entry, offline=offline)
    path = Path(path_or_name)
    if path.exists():
        return path
    known = ", ".join(entry.name for entry in catalogue())
    raise ModelUnavailable(f"there is no file or model called {path_or_name}; models: {known}")


def _downloaded(entry: Published, target: Path, progress: bool) -> Path:
    """Downloads a model to its place, and records its hash."""
    assert entry.source is not None
    staging = target.parent / f".{entry.file}.download"
    try:
        stated, path = entry.source.download(staging, progress)
        actual = sha256_of(path)
        known = known_sha256(entry) or (Known(stated, "the hub states") if stated else None)
        if known and actual != known.sha256:
            shutil.rmtree(staging)
            raise ModelUnavailable(
                f"the download was damaged, or the file was changed: its sha256 is {actual}, but"
                f" {known.sha256} {known.whence}; try again"
            )
        path.chmod(0o600)
        _note(target, actual)
        path.replace(target)
        shutil.rmtree(staging)
    # Networks, disks and the hub's client raise many types of errors; the cause is chained.
    except Exception as error:
        raise ModelUnavailable(
            f"{entry.name} could not be downloaded: {first_line(error)}"
        ) from error
    if known is None:
        _log.warning(
            "%s is unverified: its publishers state no sha256; that of the download, %s, is"
            " recorded, and compared from now on",
            entry.name,
            actual,
        )
    return target


def _entry_of(path: Path) -> ModelEntry | None:
    """Returns the model whose downloaded file this is."""
    if path.parent.resolve() != cache_directory().resolve():
        return None
    return next((each for each in catalogue() if each.source and each.file == path.name), None)


def _check(entry: ModelEntry, path: Path, actual: str) -> None:
    """Compares a downloaded file's hash with what is known, or records it."""
    known = known_sha256(entry)
    if known is None:
        _log.warning("%s is unverified: its sha256, %s, is now recorded", path, actual)
        _note(path, actual)
    elif actual != known.sha256:
        raise CheckpointError(
            f"{path} is damaged or was changed: its sha256 is {actual}, but {known.sha256}"
            f" {known.whence}; delete the file, then: ocr-plugin models download {entry.name}"
        )


def _note(path: Path, sha256: str) -> None:
    """Records a file's hash beside it; where that cannot be written, nothing is recorded."""
    try:
        _record(path).write_text(f"{sha256}  {path.name}\n", encoding="utf-8")
    except OSError as error:
        _log.warning("%s: the sha256 cannot be recorded: %s", path, error.strerror)


def _record(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")
