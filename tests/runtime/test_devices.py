"""Streams of threads; without a GPU, with stand-ins for PyTorch's."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import torch

from ocr_plugin.runtime.devices import StreamPool


class Streams:
    """Stands for what of `torch.cuda` the lanes use."""

    def __init__(self) -> None:
        self.made = 0
        self.waited: list[torch.device] = []
        self.own = threading.local()

    def synchronize(self, where: torch.device) -> None:
        self.waited.append(where)

    def Stream(self, where: torch.device) -> int:
        self.made += 1
        return self.made

    @contextmanager
    def stream(self, number: int) -> Iterator[None]:
        self.own.current = number
        yield
        self.own.current = None


@pytest.fixture
def streams(monkeypatch: pytest.MonkeyPatch) -> Streams:
    found = Streams()
    for name in ("synchronize", "Stream", "stream"):
        monkeypatch.setattr(torch.cuda, name, getattr(found, name))
    return found


def test_on_a_cpu_there_are_no_streams(streams: Streams) -> None:
    with StreamPool(torch.device("cpu")).use():
        assert not hasattr(streams.own, "current")
    assert streams.made == 0


def test_each_thread_keeps_its_stream_and_few_there_are(streams: Streams) -> None:
    pool_of_streams = StreamPool(torch.device("cuda:1"))
    # The network must be there before another stream uses it.
    assert streams.waited == [torch.device("cuda:1")]
    together = threading.Barrier(6)

    def seen(_: int) -> tuple[int, int]:
        with pool_of_streams.use():
            first: int = streams.own.current
        together.wait(30)
        with pool_of_streams.use():
            return first, streams.own.current

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(seen, range(6)))
    assert all(first == second for first, second in found)
    assert {first for first, _ in found} == {1, 2, 3, 4}
    assert streams.made == 4


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_threads_work_in_streams_of_their_own() -> None:
    pool_of_streams = StreamPool(torch.device("cuda"))
    together = threading.Barrier(2)

    def stream(_: int) -> int:
        with pool_of_streams.use():
            together.wait(30)
            return torch.cuda.current_stream().cuda_stream

    default = torch.cuda.default_stream().cuda_stream
    with ThreadPoolExecutor(2) as pool:
        found = set(pool.map(stream, range(2)))
    assert len(found) == 2 and default not in found
