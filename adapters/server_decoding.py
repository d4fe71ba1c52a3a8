"""Decodes what clients send, in processes: what hangs or grows there is killed with its request."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from pebble import ProcessExpired

from ocr_plugin.adapters.server_pictures import jpeg_of
from ocr_plugin.adapters.server_shares import Turns
from ocr_plugin.errors import UnreadableImage
from ocr_plugin.options import DEFAULT_MEMORY, ImageOptions
from ocr_plugin.pages.decode import has_more_pages
from ocr_plugin.pages.decoder_pool import MOST_DEATHS, Decoder, Decoding
from ocr_plugin.pages.raster import PageImage
from ocr_plugin.pages.worker_processes import BrokenProcessPool
from ocr_plugin.schema import PageError

_Done = TypeVar("_Done")

_PROCESSES = 2
_STARTING_S = 120.0


class ServerDecoder:
    """Decodes the bodies of requests.

    Args:
        options: limits of a page, and the resolution of PDFs.
        time_limit: seconds that a page may take.
        most: requests that may wait at once.
        is_alone: tells whether no more than one client asks.
        max_memory: of each process, in gigabytes.

    Attributes:
        turns: taken by a request that decodes, and kept until its pages have found room.
    """

    def __init__(
        self,
        options: ImageOptions,
        time_limit: float,
        most: int,
        is_alone: Callable[[], bool],
        max_memory: float = DEFAULT_MEMORY,
    ) -> None:
        self._time_limit = time_limit
        self._decoder = Decoder(options, _PROCESSES, time_limit, max_memory=max_memory)
        self._threads = ThreadPoolExecutor(most + _PROCESSES, thread_name_prefix="ocr-decode")
        self.turns = Turns(_PROCESSES, is_alone)

    async def start(self) -> None:
        """Waits for the first process, so that the first request does not."""
        await asyncio.wrap_future(self._decoder.processes.ask(abs, 0, time_limit=_STARTING_S))

    def close(self) -> None:
        """Stops the processes, also in the middle of a page."""
        self._decoder.close()
        self._threads.shutdown(cancel_futures=True)

    async def in_thread(self, work: Callable[..., _Done], *arguments: Any) -> _Done:
        """Returns the result of slow work that can be trusted to end."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, work, *arguments)

    async def has_more_pages(self, data: bytes, limit: int, name: str) -> bool:
        """Returns whether a document has more pages than a limit; see `decode.has_more_pages`.

        To be called in a turn.
        """
        return await self._in_process(name, has_more_pages, data, limit, name)

    async def jpeg(
        self, data: bytes, client: str, index: int, options: ImageOptions
    ) -> bytes | None:
        """Returns a page as JPEG, in a turn of a client; see `server_pictures.jpeg_of`."""
        async with self.turns.of(client):
            return await self._in_process("upload", jpeg_of, data, index, options)

    @asynccontextmanager
    async def decoding(
        self, data: bytes, name: str, options: ImageOptions
    ) -> AsyncIterator[Decoding]:
        """Gives the decoding of a document; what is under way is killed at the end."""
        digest = await self.in_thread(_digest, data)
        decoding = await self.in_thread(self._decoder.begin, name, data, digest, options)
        try:
            yield decoding
        finally:
            decoding.close()

    async def next_pages(self, decoding: Decoding) -> list[PageImage | PageError] | None:
        """Returns the next few pages; None after the last. To be called in a turn."""
        return await self.in_thread(decoding.pages, frozenset[int]())

    async def _in_process(self, name: str, work: Callable[..., _Done], *arguments: Any) -> _Done:
        for _ in range(MOST_DEATHS):
            try:
                asked = self._decoder.processes.ask(work, *arguments, time_limit=self._time_limit)
                return await asyncio.wrap_future(asked)
            except BrokenProcessPool:
                continue
            except (ProcessExpired, MemoryError) as error:
                reason = "decoding it takes more memory than is allowed, or crashes"
                raise UnreadableImage(name, reason) from error
            except TimeoutError as error:  # the process's, not the request's, which cancels
                reason = f"decoding it takes more than {self._time_limit:g} s"
                raise UnreadableImage(name, reason) from error
        raise UnreadableImage(name, "the decoder processes died again and again")


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
