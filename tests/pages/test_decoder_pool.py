"""How much of a document is asked for at once, how long it may take, and when it is given up."""

import hashlib
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooLong
from pathlib import Path
from typing import Any

import pytest

from ocr_plugin.options import ImageOptions
from ocr_plugin.pages import images, pixels
from ocr_plugin.pages.decode import pages_of
from ocr_plugin.pages.decoder_pool import MOST_DEATHS, Decoder
from ocr_plugin.pages.raster import PageFailure, PageImage
from ocr_plugin.pages.worker_processes import BrokenProcessPool
from ocr_plugin.schema import PageError
from tests.sources import encoded, plain, tiff_of


class Here:
    """In place of the processes: works at once, and notes what was asked and its time limit."""

    def __init__(self, refuse: Callable[[int, int], Exception | None]) -> None:
        self.asked: list[tuple[int, int, float]] = []
        self._refuse = refuse

    def ask(self, work: Callable[..., Any], *told: Any, time_limit: float) -> "Future[Any]":
        _, _, first, count = told
        self.asked.append((first, count, time_limit))
        future: Future[Any] = Future()
        try:
            if error := self._refuse(first, count):
                raise error
            future.set_result(work(*told))
        except Exception as error:  # as of the processes, it comes out of the future
            future.set_exception(error)
        return future

    def stop(self) -> None:
        pass


def decoded(
    folder: Path,
    *shades: str,
    time_limit: float = 20.0,
    refuse: Callable[[int, int], Exception | None] = lambda first, count: None,
) -> tuple[list[PageImage | PageError], list[tuple[int, int, float]]]:
    """Returns a document's pages, and what was asked: first page, pages, seconds."""
    decoder = Decoder(ImageOptions(), 1, time_limit, folder)
    decoder.processes.stop()
    decoder.processes = here = Here(refuse)  # type: ignore[assignment]
    try:
        document = tiff_of(*map(plain, shades))
        decoding = decoder.begin("a", document, hashlib.sha256(document).hexdigest())
        found = []
        while (pages := decoding.pages(frozenset())) is not None:
            found += pages
        return found, here.asked
    finally:
        decoder.close()


def test_one_page_is_asked_for_first_then_four_in_little_more_time(tmp_path: Path) -> None:
    pages, asked = decoded(tmp_path, *["white"] * 7)
    assert [page.page_index for page in pages] == list(range(7))
    # A hostile document must not hold a decoder for four pages' time.
    assert asked == [(0, 1, 20.0), (1, 4, 25.0), (5, 4, 25.0)]


def test_pages_that_take_long_leave_the_process_one_by_one(tmp_path: Path) -> None:
    pages, asked = decoded(tmp_path, *["white"] * 4, time_limit=1e-9)
    assert all(isinstance(page, PageImage) for page in pages)
    assert [first for first, _, _ in asked] == [0, 1, 2, 3, 4]


def test_a_page_that_takes_too_long_costs_its_limit_and_those_before_it_are_kept(
    tmp_path: Path,
) -> None:
    def refuse(first: int, count: int) -> Exception | None:
        return TooLong() if any(first <= bad < first + count for bad in (2, 4)) else None

    pages, asked = decoded(tmp_path, *["white"] * 6, refuse=refuse)
    kinds = [page.kind if isinstance(page, PageError) else "" for page in pages]
    assert kinds == ["", "", "TimeLimit", "", "TimeLimit", ""]
    # After the first failure each page is asked for by itself.
    assert [(first, count) for first, count, _ in asked] == [
        (0, 1), (1, 4), (1, 1), (2, 1), (3, 1), (4, 1), (5, 1), (6, 1),
    ]  # fmt: skip


def test_a_page_at_which_processes_die_again_and_again_is_given_up(tmp_path: Path) -> None:
    def refuse(first: int, count: int) -> Exception | None:
        return BrokenProcessPool("killed from outside") if first == 1 else None

    (first, second, third), _ = decoded(tmp_path, "white", "white", "black", refuse=refuse)
    assert isinstance(first, PageImage) and isinstance(third, PageImage)
    assert isinstance(second, PageError) and second.kind == "DecoderDied"
    assert second.message == "the decoder processes died again and again"


@pytest.mark.parametrize("deaths", [MOST_DEATHS, MOST_DEATHS + 1])
def test_so_many_deaths_are_borne_and_no_more(tmp_path: Path, deaths: int) -> None:
    left = deaths

    def refuse(first: int, count: int) -> Exception | None:
        nonlocal left
        left -= 1
        return BrokenProcessPool("killed from outside") if left >= 0 else None

    (page,), asked = decoded(tmp_path, "white", refuse=refuse)
    tries = [first for first, _, _ in asked].count(0)
    assert tries == MOST_DEATHS + 1
    assert isinstance(page, PageImage if deaths == MOST_DEATHS else PageError)


def test_a_page_for_which_there_is_memory_once_it_is_alone_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0

    def converted(*told: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise MemoryError
        return pixels.rgb(*told)

    monkeypatch.setattr(images, "rgb", converted)
    pages, asked = decoded(tmp_path, *["white"] * 4)
    assert all(isinstance(page, PageImage) for page in pages) and len(pages) == 4
    assert [count for _, count, _ in asked] == [1, 4, 1, 1, 1, 1]


def test_where_nothing_decodes_apart_a_lack_of_memory_is_the_pages_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def lacking(*told: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(images, "rgb", lacking)
    (failure,) = pages_of(encoded(plain("white")), ImageOptions())
    assert isinstance(failure, PageFailure)
    assert str(failure.error) == "<bytes>: decoding it takes more memory than there is"
