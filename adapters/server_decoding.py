"""Decodes what clients send, in processes: what hangs or grows there is killed with its request."""

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from pebble import ProcessExpired

from ocr_plugin.adapters.server_pictures import jpeg_of
from ocr_plugin.adapters.server_shares import Turns
from ocr_plugin.errors import UnreadableImage, one_line
from ocr_plugin.options import DEFAULT_MEMORY, ImageOptions
from ocr_plugin.pages.decode import has_more_pages
from ocr_plugin.pages.decoder_pool import MOST_DEATHS, Decoder, Decoding
from ocr_plugin.pages.raster import PageImage
from ocr_plugin.pages.worker_processes import BrokenProcessPool
from ocr_plugin.schema import PageError

_Done = TypeVar("_Done")

_PROCESSES = 2
_STARTING_S = 120.0
# Who asks whether the processes answer does not wait for longer; they may be busy.
_PROMPT_S = 0.2
_log = logging.getLogger(__name__)


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
        self._asked, self._begun = 0, set[Decoding]()
        self._probe: asyncio.Task[None] | None = None
        self._silent_since: float | None = None

    @property
    def busy(self) -> int:
        """How many processes decode."""
        asked = self._asked + sum(not each.is_ready for each in self._begun)
        return min(_PROCESSES, asked)

    async def silence(self) -> float:
        """Asks the processes something; returns for how many seconds they have not answered.

        The question waits behind all that they are asked. 0 if there is an answer at once.
        """
        now = asyncio.get_running_loop().time()
        if self._probe is None or self._probe.done():
            if self._silent_since is None:
                self._silent_since = now
            self._probe = asyncio.create_task(self._probed())
        await asyncio.wait([self._probe], timeout=_PROMPT_S)
        return 0.0 if self._silent_since is None else now - self._silent_since

    async def _probed(self) -> None:
        try:
            await self._in_some_process(abs, 0)
        except Exception as error:  # the next question finds out whether that is so still
            _log.warning("the processes that decode do not answer: %s", one_line(error))
        else:
            self._silent_since = None

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
        self._begun.add(decoding)
        try:
            yield decoding
        finally:
            self._begun.discard(decoding)
            decoding.close()

    async def next_pages(self, decoding: Decoding) -> list[PageImage | PageError] | None:
        """Returns the next few pages; None after the last. To be called in a turn."""
        return await self.in_thread(decoding.pages, frozenset[int]())

    async def _in_process(self, name: str, work: Callable[..., _Done], *arguments: Any) -> _Done:
        self._asked += 1
        try:
            return await self._in_some_process(work, *arguments)
        except BrokenProcessPool as error:
            raise UnreadableImage(name, "the decoder processes died again and again") from error
        except (ProcessExpired, MemoryError) as error:
            reason = "decoding it takes more memory than is allowed, or crashes"
            raise UnreadableImage(name, reason) from error
        except TimeoutError as error:  # the process's, not the request's, which cancels
            reason = f"decoding it takes more than {self._time_limit:g} s"
            raise UnreadableImage(name, reason) from error
        finally:
            self._asked -= 1

    async def _in_some_process(self, work: Callable[..., _Done], *arguments: Any) -> _Done:
        """Returns the result of some work; it is asked for again where the processes had died."""
        deaths = 0
        while True:
            try:
                asked = self._decoder.processes.ask(work, *arguments, time_limit=self._time_limit)
                return await asyncio.wrap_future(asked)
            except BrokenProcessPool:
                deaths += 1
                if deaths == MOST_DEATHS:
                    raise


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
