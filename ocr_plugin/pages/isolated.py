"""Decodes the pages of sources in processes of their own, which are killed where they misbehave."""

import hashlib
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from itertools import islice

import numpy as np
from pebble import ProcessExpired
from PIL import Image

from ocr_plugin.errors import ConfigurationError, OcrError, UnreadableImage
from ocr_plugin.options import EngineOptions
from ocr_plugin.pages.decode import pages_of
from ocr_plugin.pages.decoder_pool import Decoder, Decoding
from ocr_plugin.pages.raster import PageFailure, PageImage, Unusable
from ocr_plugin.pages.source import Source, bytes_of, name_of
from ocr_plugin.pages.worker_processes import BrokenProcessPool

_BEGINNING_S = 120.0
_Pages = Iterator[PageImage | PageFailure]


def isolated_pages(
    sources: Iterable[Source], options: EngineOptions, workers: int
) -> Generator[PageImage | PageFailure]:
    """Yields what `prefetch.decoded_pages` does, decoding up to `workers` sources ahead.

    A file that kills its process, or takes too much time or memory, is a `PageFailure`. Arrays and
    Pillow images are taken as they are: there is nothing in them, or no way, to decode elsewhere.

    Raises:
        ConfigurationError: at the first ``next``, no processes can be begun.
    """
    decoder = Decoder(options.images, workers, options.page_seconds, max_memory=options.max_memory)
    waiting, ahead = iter(sources), deque[_Pages]()
    try:
        _check(decoder)
        while True:
            for source in islice(waiting, workers - len(ahead)):
                ahead.append(_begun(decoder, source, options))
            if not ahead:
                return
            yield from ahead[0]
            ahead.popleft()
    finally:
        decoder.close()


def _check(decoder: Decoder) -> None:
    """Checks that the processes begin, which they do not in every program."""
    try:
        decoder.processes.ask(abs, 1, time_limit=_BEGINNING_S).result()
    except (ProcessExpired, BrokenProcessPool, TimeoutError) as error:
        raise ConfigurationError(
            "isolate: the decoding processes do not begin; they import a script anew, so it must"
            ' read under: if __name__ == "__main__":'
        ) from error


def _begun(decoder: Decoder, source: Source, options: EngineOptions) -> _Pages:
    """Starts to decode a source; returns its pages."""
    if isinstance(source, np.ndarray | Image.Image):
        return pages_of(source, options.images)
    name = name_of(source)
    try:
        content = bytes_of(source, options.images.max_bytes)
        decoding = decoder.begin(name, content, hashlib.sha256(content).hexdigest())
    except Unusable as error:
        return iter([PageFailure(name, None, UnreadableImage(name, str(error)))])
    except OcrError as error:  # there is no room for it on the disk
        return iter([PageFailure(name, None, error)])
    return _waited_for(decoding)


def _waited_for(decoding: Decoding) -> _Pages:
    while (pages := decoding.pages(frozenset())) is not None:
        for page in pages:
            if isinstance(page, PageImage):
                yield page
            else:
                error = UnreadableImage(page.name, page.message, page.page_index)
                yield PageFailure(page.name, page.page_index, error)
