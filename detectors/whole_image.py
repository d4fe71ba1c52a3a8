"""The whole picture as one text region: for crops of words or lines, and for tests."""

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
from pydantic import Field

from ocr_plugin.options import Options
from ocr_plugin.protocols import RGB, Regions, Unit
from ocr_plugin.schema import Component


class WholeImageOptions(Options):
    """Options of `WholeImage`."""

    kind: Unit = Field(default="word", description="What each picture holds: a word or a line.")


class WholeImage:
    """Returns one quad per page: its edges."""

    def __init__(self, **options: Any) -> None:
        self.options = WholeImageOptions.parse(options)
        self.component = Component(name="whole_image", version=version("ocr-plugin"))

    def detect(self, pages: Sequence[RGB]) -> list[Regions]:
        """Returns the whole of each page as its only region; see `protocols.Detector`."""
        found = []
        for page in pages:
            height, width = page.shape[:2]
            corners = [(0, 0), (width, 0), (width, height), (0, height)]
            found.append(
                Regions(
                    polygons=[np.array(corners, np.float32)],
                    confidences=np.ones(1, np.float32),
                    kind=self.options.kind,
                )
            )
        return found
