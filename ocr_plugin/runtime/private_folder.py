"""Folders whose files are trusted: only their owner may write to them."""

import os
import stat
from pathlib import Path

from ocr_plugin.errors import ModelUnavailable

_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def private_folder(folder: Path) -> Path:
    """Returns a folder that only this user may write to, made with mode 0700 if missing.

    Others may write to the folder above it if they may not rename what is not theirs, as in /tmp.

    Raises:
        ModelUnavailable: as `check_private`, or the folder cannot be made.
    """
    try:
        # Path.mkdir gives only the last of the folders that it makes a mode.
        for each in reversed([folder, *folder.parents]):
            if not each.exists():
                each.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise ModelUnavailable(f"{folder}: cannot be made: {error.strerror or error}") from error
    check_folder(folder)
    return folder


def check_folder(folder: Path) -> None:
    """Checks a folder, and the one above it; see `private_folder`."""
    if not folder.parent.stat().st_mode & stat.S_ISVTX:
        check_private(folder.parent)
    check_private(folder)


def check_private(path: Path) -> None:
    """Checks that nobody but this user, or root, may write to a file or folder.

    Systems without POSIX permissions are not checked.

    Raises:
        ModelUnavailable: somebody else owns the path, or may write to it.
    """
    if not hasattr(os, "geteuid"):
        return
    try:
        found = path.stat()
    except OSError as error:
        raise ModelUnavailable(f"{path}: cannot be examined: {error.strerror or error}") from error
    other_ways = "or name another cache in OCR_PLUGIN_CACHE"
    if found.st_uid not in (0, os.geteuid()):
        raise ModelUnavailable(
            f"{path} belongs to another user (id {found.st_uid}), so models in it are not"
            f" trusted; remove it {other_ways}"
        )
    if found.st_mode & _OTHERS_WRITE:
        raise ModelUnavailable(
            f"others may write to {path} (mode {stat.S_IMODE(found.st_mode):04o}), so models in it"
            f" are not trusted; chmod go-w {path} {other_ways}"
        )
