"""Files of labels, and what comes of them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ocr_plugin.datasets.labelled_page import LabelledPage, LabelledWord
from ocr_plugin.datasets.page_labels import read_labels
from ocr_plugin.errors import ConfigurationError

SQUARE = [[10, 20], [50, 20], [50, 40], [10, 40]]


FLAT = [10, 20, 50, 20, 50, 40, 10, 40]


def picture(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 3)).save(path)
    return path


def written(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path


def json_file(path: Path, value: Any) -> Path:
    return written(path, json.dumps(value))


def refusal(path: Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        read_labels(path)
    message = str(caught.value)
    assert "\n" not in message
    return message


def said(page: LabelledPage) -> list[str | None]:
    """Returns the words, None for those to ignore."""
    return [None if word.ignore else word.text for word in page.words]


def points(word: LabelledWord) -> list[list[float]]:
    assert word.polygon.dtype == np.float32
    rounded: list[list[float]] = np.round(word.polygon.astype(float), 3).tolist()
    return rounded


def only(pages: Sequence[LabelledPage]) -> LabelledPage:
    assert len(pages) == 1
    return pages[0]


def task(results: list[dict[str, Any]], image: str = "a.png", **others: Any) -> dict[str, Any]:
    return {"id": 4, "data": {"image": image}, "annotations": [{"result": results}], **others}
