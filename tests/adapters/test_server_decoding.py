"""The server's decoders: limited in memory, and given up on where they die again and again."""

import asyncio
import sys
from concurrent.futures import Future
from typing import Any

import pytest

from ocr_plugin.adapters.server_decoding import ServerDecoder
from ocr_plugin.errors import UnreadableImage
from ocr_plugin.options import ImageOptions
from ocr_plugin.pages import decoder_pool
from ocr_plugin.pages.worker_processes import BrokenProcessPool
from tests import hostile
from tests.adapters.servers import Slow, ask
from tests.archives import picture

pytestmark = pytest.mark.filterwarnings("default")


@pytest.mark.skipif(sys.platform == "win32", reason="memory is not limited there")
def test_decoders_may_take_as_much_memory_as_the_server_was_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(decoder_pool, "_decoded", hostile.decoded)
    (answer,) = ask(Slow(), picture(255, 255, 0), max_memory=3)
    (error,) = answer.json()["errors"]
    assert error["message"] == "decoding failed: 3000000000 bytes"


def test_work_whose_processes_die_again_and_again_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def dying(*told: Any, time_limit: float) -> "Future[Any]":
        asked.append(told)
        future: Future[Any] = Future()
        future.set_exception(BrokenProcessPool("killed from outside"))
        return future

    async def run() -> None:
        decoder = ServerDecoder(ImageOptions(), 5, 1, is_alone=lambda: True)
        monkeypatch.setattr(decoder._decoder.processes, "ask", dying)
        try:
            with pytest.raises(UnreadableImage, match="the decoder processes died again and again"):
                await decoder.has_more_pages(b"", 1, "a")
        finally:
            await asyncio.to_thread(decoder.close)

    asyncio.run(run())
    assert len(asked) == decoder_pool.MOST_DEATHS
