"""Lists the files below a local folder, in a stable order."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from ocr_plugin.batch.records.manifest import FILE_NAME


def walk_files(folder: str) -> Iterator[tuple[str, str]]:
    """Yields the paths of all files below a folder, relative to it, sorted within each folder.

    Each comes with the reason why it cannot be read, empty if it can; an unreadable folder is
    listed as ``*``. Folders of jobs are skipped.
    """
    open_folders = [("", _entries(folder))]
    while open_folders:
        above, entries = open_folders[-1]
        entry = next(entries, None)
        if entry is None:
            open_folders.pop()
        elif isinstance(entry, str):
            yield f"{above}*", entry
        elif entry.is_dir(follow_symlinks=False):
            if not Path(entry.path, FILE_NAME).is_file():
                open_folders.append((f"{above}{entry.name}/", _entries(entry.path)))
        elif (failure := _irregular(entry)) is not None:
            yield f"{above}{entry.name}", failure


def _entries(folder: str) -> "Iterator[os.DirEntry[str] | str]":
    """Yields what is in a folder, sorted, or why it cannot be read."""
    try:
        with os.scandir(folder) as found:
            yield from sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        yield f"the folder cannot be read: {error.strerror}"


def _irregular(entry: "os.DirEntry[str]") -> str | None:
    """Returns why an entry cannot be read, empty if it can; None for a link to a folder."""
    try:
        if entry.is_file():
            return ""
        # A broken link raises FileNotFoundError here.
        return None if stat.S_ISDIR(entry.stat().st_mode) else "not a regular file"
    except FileNotFoundError:
        return "a broken link"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
