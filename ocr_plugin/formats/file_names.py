"""Names for output files."""

from itertools import count
from pathlib import Path, PurePosixPath


class FileNames:
    """Names files after their source, each name once even if case is ignored."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def of(self, source: str, suffix: str, page_index: int = 0) -> str:
        """Returns a name that was not returned before.

        Args:
            source: name of the source: a path, or a stand-in such as ``<stdin>``.
            suffix: of the file, with its dot.
            page_index: counted from 0; part of the name from the second page on.
        """
        stem = self.stem_of(source)
        if page_index:
            stem += f".page{page_index + 1}"
        names = (f"{stem}{f'-{number}' * (number > 1)}{suffix}" for number in count(1))
        name = next(name for name in names if name.casefold() not in self._taken)
        self._taken.add(name.casefold())
        return name

    def stem_of(self, source: str) -> str:
        """Returns the name for a source, without suffix."""
        return Path(source).stem.strip("<>") or "page"


class NestedNames(FileNames):
    """Names files after the last part of their source, then the member's path inside it."""

    def stem_of(self, source: str) -> str:
        """Returns the name for a source, without suffix but with folders."""
        root, *inner = source.split("!/")
        path = PurePosixPath(PurePosixPath(root).name, *inner)
        parts = [part for part in path.parts if part not in ("/", "..")]
        return str(PurePosixPath(*parts).with_suffix("")) if parts else "page"
