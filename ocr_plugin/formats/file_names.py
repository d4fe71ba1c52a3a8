"""Names for output files."""

import hashlib
import unicodedata
from pathlib import Path, PurePosixPath

# File systems allow 255 bytes a name; the rest is for numbers and suffixes.
_MOST_BYTES, _DIGITS = 200, 8
# Control and format characters, such as those that turn the direction of text around; halves of
# characters; and those that no name can hold on some systems.
_UNFIT = ("Cc", "Cf", "Cs", "Zl", "Zp")


class FileNames:
    """Names files after their source, each name once even if case is ignored."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        # By stem and suffix: the number to try next, for thousands of one name.
        self._next: dict[str, int] = {}

    def of(self, source: str, suffix: str, page_index: int = 0) -> str:
        """Returns a name that was not returned before.

        Args:
            source: name of the source: a path, or a stand-in such as ``<stdin>``.
            suffix: of the file, with its dot.
            page_index: counted from 0; part of the name from the second page on.
        """
        stem = self.stem_of(source, suffix)
        if page_index:
            stem += f".page{page_index + 1}"
        key = _compared(stem + suffix)
        number = self._next.get(key, 1)
        name = _numbered(stem, number, suffix)
        while _compared(name) in self._taken:
            number += 1
            name = _numbered(stem, number, suffix)
        self._next[key] = number + 1
        self._taken.add(_compared(name))
        return name

    def stem_of(self, source: str, suffix: str) -> str:
        """Returns the name for a source, without the suffix that it is going to have."""
        return fitting(Path(source).stem.strip("<>")) or "page"


class NestedNames(FileNames):
    """Names files after the last part of their source, then the member's path inside it."""

    def stem_of(self, source: str, suffix: str) -> str:
        """Returns the name for a source, without suffix but with folders."""
        root, *inner = source.split("!/")
        path = PurePosixPath(PurePosixPath(root).name, *inner)
        *folders, name = [part for part in path.parts if part not in ("/", "..")] or ["page"]
        parts = [_folder(fitting(part), suffix) for part in folders]
        return str(PurePosixPath(*parts, fitting(PurePosixPath(name).stem) or "page"))


def fitting(part: str) -> str:
    """Returns a part of a path as every file system takes it.

    Control and format characters become ``_``; what is too long is cut, and told apart by a hash.
    """
    kept = "".join("_" if unicodedata.category(each) in _UNFIT else each for each in part)
    raw = kept.encode()
    if len(raw) <= _MOST_BYTES:
        return kept
    digits = hashlib.sha256(raw).hexdigest()[:_DIGITS]
    return f"{raw[:_MOST_BYTES].decode(errors='ignore')}-{digits}"


def _folder(part: str, suffix: str) -> str:
    """Returns a folder's name, never one that a file may have: ``a.hocr`` becomes ``a.hocr_``."""
    return f"{part}_" if _compared(part).endswith(_compared(suffix)) else part


def _numbered(stem: str, number: int, suffix: str) -> str:
    return f"{stem}{f'-{number}' if number > 1 else ''}{suffix}"


def _compared(name: str) -> str:
    """Returns what is equal for names that some file system takes for one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
