"""Decodes pages in the background, a few sources ahead of the caller."""

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice

from ocr_plugin.errors import OcrError
from ocr_plugin.options import ImageOptions
from ocr_plugin.pages.decode import open_pages
from ocr_plugin.pages.raster import PageFailure, PageImage
from ocr_plugin.pages.source import Source, name_of

_Pages = Iterator[PageImage | PageFailure]


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
                pages = _pages(source, options)
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


def _pages(source: Source, options: ImageOptions) -> _Pages:
    index = 0
    try:
        for page in open_pages(source, options):
            yield page
            index += 1
    except OcrError as error:
        yield PageFailure(name_of(source), None, error)
    except Exception as error:  # a decoder's own defect must not end the run; it is reported
        yield PageFailure(name_of(source), index, error)
