"""Decoding that kills or stalls its process, for the tests; runs in the decoder's processes."""

import os
import signal
import time

from ocr_plugin.pages import decoder_pool
from ocr_plugin.pages.raster import PageImage


def decoded(task: decoder_pool._Task, first: int, count: int) -> decoder_pool._Chunk:
    """Decodes, but dies at a page whose upper left pixel is red, hangs at blue, fails at green.

    At yellow it fails with the memory that the process may take.
    """
    chunk = decoder_pool._decoded(task, first, count)
    for page in chunk.pages:
        if isinstance(page, PageImage):
            colour = tuple(page.pixels[0, 0])
            if colour == (255, 0, 0):
                os.kill(os.getpid(), signal.SIGKILL)
            if colour == (0, 0, 255):
                time.sleep(60)
            if colour == (0, 255, 0):
                raise ZeroDivisionError("by\nzero")
            if colour == (255, 255, 0):
                import resource

                raise RuntimeError(f"{resource.getrlimit(resource.RLIMIT_AS)[0]} bytes")
    return chunk


def install() -> None:
    """Has this process decode so; its decoders begin anew, and do not come by here."""
    decoder_pool._decoded = decoded
