"""Decoded pages, a few ahead of whoever asks for them."""

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

from ocr_plugin.errors import OcrError, UnreadableImage, one_line
from ocr_plugin.images import PageImage, Source, name_of, open_pages
from ocr_plugin.options import ImageOptions
from ocr_plugin.schema import PageError


@dataclass(frozen=True)
class Failure:
    """A page that came to nothing, on its way to the caller in the place of the page."""

    name: str
    page_index: int | None
    error: Exception

    def as_value(self) -> PageError:
        """Returns the public form."""
        return PageError(
            name=self.name,
            page_index=self.page_index,
            kind=type(self.error).__name__,
            message=one_line(self.error),
        )


def decoded_pages(
    sources: Iterable[Source], options: ImageOptions, threads: int
) -> Generator[PageImage | Failure]:
    """Yields every page of every source in order, decoding up to `threads` sources ahead.

    A source or a page that cannot be read yields a `Failure` in its place.
    """
    waiting = iter(sources)
    ahead: deque[tuple[Iterator[PageImage | Failure], Future[PageImage | Failure | None]]] = deque()
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


def _pages(source: Source, options: ImageOptions) -> Iterator[PageImage | Failure]:
    index = 0
    try:
        for page in open_pages(source, options):
            if isinstance(page, UnreadableImage):
                yield Failure(page.name, page.page_index, page)
            else:
                yield page
            index += 1
    except OcrError as error:
        yield Failure(name_of(source), None, error)
    except Exception as error:  # a decoder's own defect must not end the run; it is reported
        yield Failure(name_of(source), index, error)
