"""Decoding that kills or stalls its process, for the tests; runs in the decoder's processes."""

import os
import signal
import time
from pathlib import Path

from ocr_plugin.batch import decoding
from ocr_plugin.images import PageImage
from ocr_plugin.options import ImageOptions


def decoded(
    source: bytes | Path, name: str, first: int, count: int, options: ImageOptions
) -> decoding._Chunk:
    """Decodes, but dies at a page whose left upper pixel is pure red, and hangs at a pure blue."""
    chunk = decoding._decoded(source, name, first, count, options)
    for page in chunk.pages:
        if isinstance(page, PageImage):
            colour = tuple(page.pixels[0, 0])
            if colour == (255, 0, 0):
                os.kill(os.getpid(), signal.SIGKILL)
            if colour == (0, 0, 255):
                time.sleep(60)
    return chunk
