"""One engine for many threads."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ocr_plugin.engine.engine import Engine
from ocr_plugin.engine.shared_engine import Busy, SharedEngine
from ocr_plugin.errors import UnreadableImage
from ocr_plugin.pages.raster import PageImage
from ocr_plugin.protocols import RGB, Reading, Regions, Unit
from ocr_plugin.schema import Component, Page, PageError


class Gate:
    """A detector of whole pages that waits until it is opened, and notes its batches."""

    component = Component(name="gate", version="1")

    def __init__(self) -> None:
        self.open, self.entered = threading.Event(), threading.Event()
        self.batches: list[int] = []
        self.pause_after: int | None = None

    def detect(self, pages: Sequence[RGB]) -> list[Regions]:
        if len(self.batches) == self.pause_after:
            self.open.clear()
        self.entered.set()
        assert self.open.wait(30)
        self.batches.append(len(pages))
        if any(page[0, 0, 0] == 13 for page in pages):
            raise RuntimeError("unlucky")
        quad = np.array([(0, 0), (8, 0), (8, 8), (0, 8)], np.float32)
        return [Regions([quad], np.ones(1, np.float32), kind="word") for _ in pages]


class Shade:
    component = Component(name="shade", version="1")
    unit: Unit = "word"

    def recognize(self, crops: Sequence[RGB]) -> list[Reading]:
        return [Reading(f"s{crop[2, 2, 0]}", 0.9) for crop in crops]


def page(shade: int, side: int = 8) -> PageImage:
    return PageImage(f"page {shade}", 0, np.full((side, side, 3), shade, np.uint8), "0" * 64)


@pytest.fixture
def gate() -> Gate:
    return Gate()


def shared(gate: Gate, **options: int) -> SharedEngine:
    return SharedEngine(Engine(gate, Shade()), **options)


def text(result: Page | PageError) -> str:
    return result.text if isinstance(result, Page) else result.kind


def test_pages_that_wait_are_read_together_and_each_caller_gets_its_own(gate: Gate) -> None:
    with shared(gate) as engine:
        first = engine.submit(page(1))
        assert gate.entered.wait(30)
        others = [engine.submit(page(shade)) for shade in range(2, 10)]
        gate.open.set()
        assert [text(future.result(30)) for future in [first, *others]] == [
            f"s{shade}" for shade in range(1, 10)
        ]
    assert gate.batches[0] == 1 and max(gate.batches) > 1


def test_more_readers_read_side_by_side(gate: Gate) -> None:
    with shared(gate, readers=2, batch=1) as engine:
        futures = [engine.submit(page(shade)) for shade in (1, 2, 3)]
        # Two are being read, behind the gate; the third one waits.
        until = time.monotonic() + 30
        while engine.waiting > 1 and time.monotonic() < until:
            time.sleep(0.01)
        assert engine.waiting == 1
        gate.open.set()
        assert [text(future.result(30)) for future in futures] == ["s1", "s2", "s3"]


def test_a_full_queue_refuses_or_waits(gate: Gate) -> None:
    with shared(gate, room=2) as engine:
        futures = [engine.submit(page(1))]
        assert gate.entered.wait(30)
        futures += [engine.submit(page(shade)) for shade in (2, 3)]
        assert engine.waiting == 2
        with pytest.raises(Busy, match="2 pages are waiting"):
            engine.submit(page(4))
        with pytest.raises(Busy):
            engine.submit(page(4), timeout=0.05)
        gate.open.set()
        futures.append(engine.submit(page(5), timeout=None))
        assert [text(future.result(30)) for future in futures] == ["s1", "s2", "s3", "s5"]


def test_large_pages_are_bounded_by_their_pixels(gate: Gate) -> None:
    with shared(gate, room_pixels=250, batch_pixels=150) as engine:
        futures = [engine.submit(page(1))]
        assert gate.entered.wait(30)
        futures += [engine.submit(page(shade)) for shade in (2, 3, 4)]
        with pytest.raises(Busy, match="3 pages are waiting"):
            engine.submit(page(5))
        gate.open.set()
        # Any page is taken alone, however large it is.
        futures.append(engine.submit(page(6, side=40), timeout=None))
        assert [text(future.result(30)) for future in futures] == ["s1", "s2", "s3", "s4", "s6"]
    assert gate.batches == [1, 2, 1, 1]


def test_the_rest_of_a_batch_can_be_cancelled_while_its_beginning_is_read(gate: Gate) -> None:
    with shared(gate) as engine:
        first = engine.submit(page(1))
        assert gate.entered.wait(30)
        others = [engine.submit(page(shade)) for shade in range(2, 12)]
        gate.entered.clear()
        gate.pause_after = 1
        gate.open.set()
        assert text(first.result(30)) == "s1" and gate.entered.wait(30)
        assert [future.cancel() for future in others] == [False] * 4 + [True] * 6
        gate.open.set()
        assert [text(future.result(30)) for future in others[:4]] == ["s2", "s3", "s4", "s5"]
    assert gate.batches == [1, 4]


def test_one_bad_page_is_its_own_error(gate: Gate) -> None:
    gate.open.set()
    with shared(gate) as engine:
        futures = [engine.submit(page(shade)) for shade in (12, 13, 14)]
        assert [text(future.result(30)) for future in futures] == ["s12", "RuntimeError", "s14"]


def test_what_breaks_the_engine_reaches_all_who_wait(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate.open.set()
    with shared(gate) as engine:
        monkeypatch.setattr(engine.engine, "read_guided", lambda images: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            engine.submit(page(1)).result(30)
        monkeypatch.undo()
        assert text(engine.submit(page(2)).result(30)) == "s2"


def test_who_cancels_in_time_is_not_read(gate: Gate) -> None:
    with shared(gate) as engine:
        first = engine.submit(page(1))
        assert gate.entered.wait(30)
        second, third = engine.submit(page(2)), engine.submit(page(3))
        assert second.cancel()
        gate.open.set()
        assert text(first.result(30)) == "s1" and text(third.result(30)) == "s3"
    assert sum(gate.batches) == 2


def test_closing_reads_what_waits_and_refuses_more(gate: Gate) -> None:
    engine = shared(gate)
    futures = [engine.submit(page(shade)) for shade in (1, 2)]
    gate.open.set()
    engine.close()
    assert [text(future.result(0)) for future in futures] == ["s1", "s2"]
    with pytest.raises(RuntimeError, match="closed"):
        engine.submit(page(3))


def test_closing_waits_no_longer_than_it_is_told(gate: Gate) -> None:
    engine = shared(gate)
    future = engine.submit(page(1))
    assert gate.entered.wait(30)
    engine.close(patience=0.1)
    assert not future.done()
    gate.open.set()
    engine.close()
    assert text(future.result(0)) == "s1"


def test_of_several_clients_each_is_in_the_next_batch(gate: Gate) -> None:
    with shared(gate, batch=4) as engine:
        first = engine.submit(page(1), client="many")
        assert gate.entered.wait(30)
        order: list[str] = []
        for shade, client in zip(range(2, 10), ["many"] * 6 + ["few"] * 2, strict=True):
            future = engine.submit(page(shade), client=client)
            future.add_done_callback(lambda done: order.append(text(done.result())))
        gate.open.set()
        first.result(30)
    assert order == ["s2", "s8", "s3", "s9", "s4", "s5", "s6", "s7"]


def test_a_client_finds_room_beside_one_that_fills_the_queue(gate: Gate) -> None:
    with shared(gate, room=4, batch=1) as engine:
        futures = [engine.submit(page(1), client="many")]
        assert gate.entered.wait(30)
        futures += [engine.submit(page(shade), client="many") for shade in (2, 3, 4, 5)]
        with pytest.raises(Busy):
            engine.submit(page(6), client="many")
        futures.append(engine.submit(page(7), client="few"))
        with pytest.raises(Busy):
            engine.submit(page(8), client="few")
        gate.open.set()
        assert [text(each.result(30)) for each in futures] == ["s1", "s2", "s3", "s4", "s5", "s7"]


def test_documents_of_many_threads_come_back_whole(gate: Gate, tmp_path: Path) -> None:
    gate.open.set()
    documents = []
    for first in range(20, 80, 20):
        frames = [Image.new("RGB", (8, 8), (shade, 0, 0)) for shade in range(first, first + 12)]
        path = tmp_path / f"{first}.tiff"
        frames[0].save(path, save_all=True, append_images=frames[1:])
        documents.append((first, path))
    with shared(gate, room=4) as engine, ThreadPoolExecutor(3) as pool:
        found = pool.map(lambda item: [text(result) for result in engine.read(item[1])], documents)
        for (first, _), texts in zip(documents, found, strict=True):
            assert texts == [f"s{shade}" for shade in range(first, first + 12)]


def test_a_source_that_is_no_picture_is_an_error(gate: Gate, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no picture")
    with shared(gate) as engine, pytest.raises(UnreadableImage, match=r"a\.png"):
        list(engine.read(tmp_path / "a.png"))
