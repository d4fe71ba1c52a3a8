"""Labels in PaddleOCR's ``Label.txt``, as PPOCRLabel writes it.

Each line is a picture, a tab, and JSON: ``[{"transcription": "...", "points": [[x, y], ...],
"difficult": false}]``. As in PaddleOCR's own training, ``###`` and ``*`` mean illegible text.
"""

import json
import re
from pathlib import Path
from typing import Any

from ocr_plugin.datasets.label_files import (
    Pictures,
    lines_of,
    list_of,
    marked_word,
    name_of,
    naming,
    object_of,
    words_of,
)
from ocr_plugin.datasets.labelled_page import LabelledPage, LabelledWord

_LINE = re.compile(r"[^\t]+\t\s*\[\s*[{\]]")


def is_paddle(line: str) -> bool:
    """Returns whether a line looks like one of these files."""
    return _LINE.match(line) is not None


def read_paddle(path: Path) -> list[LabelledPage]:
    """Returns the pages of a file.

    Raises:
        ConfigurationError: an invalid line, or one whose picture is missing.
    """
    pages, pictures = [], Pictures(path)
    for place, line in lines_of(path):
        with naming(place):
            name, tab, labels = line.partition("\t")
            if not tab:
                raise ValueError("expected: picture, tab, list")
            words = words_of(_word(object_of(entry)) for entry in list_of(json.loads(labels)))
            pages.append(LabelledPage(pictures.path(name_of(name.strip())), words))
    return pages


def _word(entry: dict[str, Any]) -> LabelledWord | None:
    text = entry.get("transcription")
    if text == "*":
        return marked_word(entry["points"], "###")
    return marked_word(entry["points"], text, bool(entry.get("difficult", False)))
