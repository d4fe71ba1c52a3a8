"""Decodes pages in the background, a few sources ahead of the caller."""

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice

from ocr_plugin.errors import ConfigurationError
from ocr_plugin.options import EngineOptions, ImageOptions
from ocr_plugin.pages.decode import pages_of
from ocr_plugin.pages.raster import PageFailure, PageImage
from ocr_plugin.pages.source import Source


def opened(
    sources: Iterable[Source], options: EngineOptions, threads: int
) -> Generator[PageImage | PageFailure]:
    """Yields every page of every source in order, decoded in this process or in others.

    Args:
        sources: taken one by one.
        options: whether to isolate the decoders, and their limits.
        threads: or processes; as many sources are decoded ahead.

    Raises:
        ConfigurationError: at the call, the extra for isolation is missing.
    """
    if not options.isolate:
        return decoded_pages(sources, options.images, threads)
    try:
        from ocr_plugin.pages.isolated import isolated_pages
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"isolated decoding needs {error.name}: pip install 'ocr-plugin[serve]'"
        ) from error
    return isolated_pages(sources, options, threads)


def decoded_pages(
    sources: Iterable[Source], options: ImageOptions, threads: int
) -> Generator[PageImage | PageFailure]:
    """Yields every page of every source in order, decoding up to `threads` sources ahead.

    A source or a page that cannot be read yields a `PageFailure` in its place.
    """
    waiting = iter(sources)
    ahead: deque[
        tuple[Iterator[PageImage | PageFailure], Future[PageImage | PageFailure | None]]
    ] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="ocr-decode")
    try:
        while True:
            for source in islice(waiting, threads - len(ahead)):
                pages = pages_of(source, options)
                ahead.append((pages, pool.submit(next, pages, None)))
            if not ahead:
                return
            pages, future = ahead[0]
            page = future.result()
            if page is None:
                ahead.popleft()
                continue
            # The source's next page is decoded while this one is being read.
            ahead[0] = (pages, pool.submit(next, pages, None))
            yield page
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
