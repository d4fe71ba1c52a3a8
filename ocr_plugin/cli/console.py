"""The command line's streams: results on standard output, everything else on standard error."""

import ctypes
import logging
import os
import sys
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TextIO

from ocr_plugin.errors import ConfigurationError


def log_in_full() -> None:
    """Prints what this package logs on standard error."""
    logging.basicConfig()
    logging.getLogger("ocr_plugin").setLevel(logging.DEBUG)


@contextmanager
def results_only() -> Iterator[TextIO]:
    """Yields a UTF-8 stream on standard output; all other writers to it get standard error.

    Native code writes to file descriptor 1 behind Python's back, so it is the descriptor that is
    moved. One such stream at a time; not for use from several threads.

    Raises:
        ConfigurationError: standard output is closed.
    """
    if sys.stdout is None:
        raise ConfigurationError("standard output is closed")
    sys.stdout.flush()
    with os.fdopen(
        os.dup(1), "w", encoding="utf-8", errors="backslashreplace", newline="\n"
    ) as stream:
        os.dup2(2, 1)
        try:
            yield stream
        finally:
            sys.stdout.flush()
            _flush_c_streams()
            os.dup2(stream.fileno(), 1)


def say(message: str) -> None:
    """Prints a message on standard error, as one line."""
    print(f"ocr-plugin: {printable(' '.join(message.split()))}", file=sys.stderr, flush=True)


def printable(text: str) -> str:
    r"""Returns a text without characters that steer a terminal, or that no one sees.

    Names of files may hold any; an escape becomes ``\x1b``, what turns text around ``\u202e``.
    """
    return "".join(
        each if each.isprintable() or unicodedata.category(each) == "Zs" else _escaped(each)
        for each in text
    )


def _escaped(character: str) -> str:
    # Halves of characters stand for bytes of names that are not UTF-8.
    return character.encode("unicode_escape", "surrogatepass").decode()


def print_table(rows: Sequence[Mapping[str, str]], stream: TextIO) -> None:
    """Prints rows of equal keys in columns under their keys; nothing is cut or wrapped."""
    table = [list(rows[0]), *([printable(cell) for cell in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip(), file=stream)


def give_up_stdout() -> None:
    """Discards standard output once its reader is gone, so that no exit flush fails."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)


def _flush_c_streams() -> None:
    """Flushes the buffers of C code before descriptor 1 moves back."""
    if os.name == "posix":
        ctypes.CDLL(None).fflush(None)
