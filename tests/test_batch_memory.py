"""Memory that jobs give back."""

import ctypes
import mmap

import psutil
import pytest

from ocr_plugin.batch import memory
from ocr_plugin.batch.memory import Trimmer

_PIECE, _COUNT = 64_000, 3_000


def held() -> int:
    return int(psutil.Process().memory_info().rss)


@pytest.mark.skipif(memory._malloc_trim() is None, reason="the C library is not glibc")
def test_what_was_freed_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    library = ctypes.CDLL(None)
    library.malloc.restype, library.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
    pieces = [library.malloc(_PIECE) for _ in range(_COUNT)]
    for piece in pieces:
        ctypes.memset(piece, 1, _PIECE)
    # The last one stays, so that the heap cannot be made shorter.
    for piece in pieces[:-1]:
        library.free(piece)
    before = held()
    trimmer = Trimmer()
    assert not trimmer.tick()
    assert held() > before - mmap.PAGESIZE * _COUNT
    monkeypatch.setattr(memory, "_EVERY_S", 0)
    assert trimmer.tick()
    assert held() < before - _PIECE * _COUNT // 2
    library.free(pieces[-1])


def test_other_libraries_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_malloc_trim", lambda: None)
    monkeypatch.setattr(memory, "_EVERY_S", 0)
    assert not Trimmer().tick()
