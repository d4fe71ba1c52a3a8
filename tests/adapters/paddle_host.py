"""What tests of PaddleOCR share."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ocr_plugin.protocols import RGB, Reading, Unit, WordReading
from ocr_plugin.schema import Component, Source

PHOTO = Path(__file__).parents[2] / "examples" / "shop_signs.jpg"
SIGNS = {"CORNER BOOKSHOP", "OPENING HOURS", "Mon - Fri 9:30 - 18:00", "Fresh daily", "since 1987"}


class Spy:
    """A recognizer of lines that answers with what it sees: size, and the mean of each channel."""

    component = Component(name="spy", version="1")
    unit: Unit = "line"

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.colours: list[tuple[int, ...]] = []

    def recognize(self, crops: Sequence[RGB]) -> list[Reading]:
        self.calls.append(len(crops))
        self.colours += [tuple(crop.reshape(-1, 3).mean(axis=0).astype(int)) for crop in crops]
        words = WordReading("ab", 0.75, (0.0, 0.27)), WordReading("cd", 0.75, (0.67, 1.0))
        return [Reading("ab cd", 0.75, words) for _ in crops]


def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    root = str(Path(__file__).parents[2])
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=root)


def bgr(page: RGB) -> RGB:
    return np.ascontiguousarray(page[..., ::-1])


def source(name: str = "a.png") -> Source:
    return Source(name=name, page_index=0, sha256="0" * 64, width=640, height=480)
