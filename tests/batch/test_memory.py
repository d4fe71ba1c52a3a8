"""Memory that jobs give back."""

import ctypes
import mmap
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from ocr_plugin.runtime import memory
from ocr_plugin.runtime.memory import Trimmer

_PIECE, _COUNT = 64_000, 3_000
# Prints how many arenas glibc has when twelve threads have asked for memory, all at once.
ARENAS = """
import ctypes, sys, tempfile, threading
from ocr_plugin.runtime.memory import share_arenas

if sys.argv[1] == "shared":
    share_arenas()
library = ctypes.CDLL(None)
library.malloc.restype = library.fopen.restype = ctypes.c_void_p
library.malloc_info.argtypes = ctypes.c_int, ctypes.c_void_p
library.fclose.argtypes = (ctypes.c_void_p,)
barrier = threading.Barrier(12)

def ask():
    library.malloc(1000)
    barrier.wait()

threads = [threading.Thread(target=ask) for _ in range(12)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
with tempfile.NamedTemporaryFile() as told:
    file = library.fopen(told.name.encode(), b"w")
    library.malloc_info(0, file)
    library.fclose(file)
    print(told.read().count(b"<heap nr="))
"""


def held() -> int:
    return int(psutil.Process().memory_info().rss)


@pytest.mark.skipif(memory._of_glibc("malloc_trim") is None, reason="the C library is not glibc")
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


@pytest.mark.skipif(memory._of_glibc("malloc_info") is None, reason="the C library is not glibc")
def test_threads_share_arenas() -> None:
    def arenas(how: str) -> int:
        command = [sys.executable, "-c", ARENAS, how]
        root = Path(__file__).parents[2]
        return int(subprocess.run(command, cwd=root, capture_output=True, check=True).stdout)

    assert arenas("shared") <= 2 < arenas("own")


def test_other_libraries_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_of_glibc", lambda name: None)
    monkeypatch.setattr(memory, "_EVERY_S", 0)
    assert not Trimmer().tick()
    memory.share_arenas()
