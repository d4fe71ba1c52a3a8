"""Processes that decode: killed, limited in memory and time, and replaced."""

import hashlib
import io
import os
import resource
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import TimeoutError as TooLong
from pathlib import Path

import pytest
from pebble import ProcessExpired
from PIL import Image

from ocr_plugin.options import ImageOptions
from ocr_plugin.pages.decoder_pool import Decoder
from ocr_plugin.pages.raster import PageImage
from ocr_plugin.pages.worker_processes import WorkerProcesses
from ocr_plugin.schema import PageError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no such signals or limits there")


@pytest.fixture(scope="module")
def processes() -> Iterator[WorkerProcesses]:
    made = WorkerProcesses(1, max_memory=1.5)
    yield made
    made.stop()


def test_a_process_that_dies_or_stalls_costs_its_own_work_alone(processes: WorkerProcesses) -> None:
    with pytest.raises(ProcessExpired):
        processes.ask(os._exit, 7, time_limit=60).result()
    with pytest.raises(TooLong):
        processes.ask(time.sleep, 60, time_limit=0.5).result()
    assert processes.ask(abs, -3, time_limit=60).result() == 3


def test_memory_is_limited(processes: WorkerProcesses) -> None:
    with pytest.raises(MemoryError):
        processes.ask(bytearray, 2_000_000_000, time_limit=60).result()
    assert len(processes.ask(bytearray, 20_000_000, time_limit=60).result()) == 20_000_000


def test_four_gigabytes_are_allowed_where_nothing_else_is_said() -> None:
    made = WorkerProcesses(1)
    try:
        asked = made.ask(resource.getrlimit, resource.RLIMIT_AS, time_limit=60)
        assert asked.result()[0] == 4_000_000_000
    finally:
        made.stop()


def test_work_that_nobody_waits_for_is_given_up(processes: WorkerProcesses) -> None:
    asked = processes.ask(time.sleep, 60, time_limit=100)
    while not asked.running():
        time.sleep(0.01)
    began = time.monotonic()
    asked.cancel()
    assert processes.ask(abs, -3, time_limit=60).result() == 3
    assert time.monotonic() - began < 30


def picture() -> bytes:
    coded = io.BytesIO()
    Image.new("RGB", (60, 40), "white").save(coded, "PNG")
    return coded.getvalue()


def pages_of(decoder: Decoder, content: bytes) -> list[PageImage | PageError]:
    decoding = decoder.begin("page.png", content, hashlib.sha256(content).hexdigest())
    found = []
    while (pages := decoding.pages(frozenset())) is not None:
        found += pages
    return found


def test_a_worker_that_is_killed_while_idle_is_replaced(tmp_path: Path) -> None:
    decoder = Decoder(ImageOptions(), 1, time_limit=60, folder=tmp_path)
    try:
        for _ in range(2):
            os.kill(decoder.processes.ask(os.getpid, time_limit=60).result(), signal.SIGKILL)
            time.sleep(0.5)
            (page,) = pages_of(decoder, picture())
            assert isinstance(page, PageImage) and page.pixels.shape == (40, 60, 3)
    finally:
        decoder.close()


def test_a_page_that_takes_too_much_memory_is_an_error(tmp_path: Path) -> None:
    coded = io.BytesIO()
    Image.new("1", (13_000, 13_000)).save(coded, "PNG")
    decoder = Decoder(ImageOptions(), 1, 60, folder=tmp_path, max_memory=1.2)
    try:
        (page,) = pages_of(decoder, coded.getvalue())
        assert isinstance(page, PageError) and ("Memory" in page.kind + page.message)
        assert len(pages_of(decoder, picture())) == 1
    finally:
        decoder.close()
