"""Names of files: of those that are read, as text; of those that are written, each given once."""

from itertools import count
from pathlib import Path


def text_of(name: str) -> str:
    r"""Returns a file's name as text: on most systems it may be any bytes.

    Bytes that are no UTF-8 become ``\xff`` and the like, so that the name can stand anywhere.
    """
    try:
        raw = name.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # no name of the file system's
        raw = name.encode("utf-8", "backslashreplace")
    return raw.decode("utf-8", "backslashreplace")


class FileNames:
    """Names files after their source; no two alike, even where upper and lower case are one."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def of(self, source: str, suffix: str, page_index: int = 0) -> str:
        """Returns a name that was not given before, not the source's own.

        Args:
            source: the name of what was read: a path, or a stand-in such as ``<stdin>``.
            suffix: of the file, with its dot.
            page_index: counted from 0; named from the second page on.
        """
        stem = self.stem_of(source)
        if page_index:
            stem += f".page{page_index + 1}"
        names = (f"{stem}{f'-{number}' * (number > 1)}{suffix}" for number in count(1))
        name = next(name for name in names if name.casefold() not in self._taken)
        self._taken.add(name.casefold())
        return name

    def stem_of(self, source: str) -> str:
        """Returns what a file is called after a source, without suffix."""
        return Path(source).stem.strip("<>") or "page"
