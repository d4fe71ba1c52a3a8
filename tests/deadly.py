"""A recognizer that ends or stalls the process at pages of certain shades, as a plugin."""

from pathlib import Path

from ocr_plugin.batch.options import JobOptions
from tests.distributions import install

EXITS, ENDS_WELL, IS_KILLED, CRASHES, STALLS, SLEEPS = (
    (255, 0, 7), (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (255, 255, 255)
)  # fmt: skip
"""Shades of pages."""

OPTIONS = JobOptions(detector="whole_image", recognizer="deadly")

_MODULE = """
import ctypes
import os
import time
from ocr_plugin.protocols import Reading
from ocr_plugin.schema import Component

class Deadly:
    component = Component(name="deadly", version="1")
    unit = "word"

    def recognize(self, crops):
        for crop in crops:
            red, green, blue = map(int, crop[0, 0])
            if (red, green) == (255, 0):
                os._exit(blue)
            if (red, green, blue) == (0, 255, 0):
                os.kill(os.getpid(), 9)
            if (red, green, blue) == (0, 0, 255):
                ctypes.string_at(0)
            if (red, green, blue) == (255, 255, 0):
                ctypes.PyDLL(None).sleep(600)  # no other thread of Python's runs
            if (red, green, blue) == (255, 255, 255):
                time.sleep(600)
        return [Reading("s" + "-".join(map(str, crop[0, 0])), 0.9) for crop in crops]
"""


def install_deadly(site: Path) -> None:
    """Installs the recognizer `deadly` into a folder of packages."""
    group = "ocr_plugin.recognizers"
    install(site, "deadly", plugins={"deadly": "deadly:Deadly"}, group=group, module=_MODULE)
