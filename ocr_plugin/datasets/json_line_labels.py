"""Labels in ``labels.jsonl``, this project's own layout."""

import json
from pathlib import Path
from typing import Any

from ocr_plugin.datasets.label_files import (
    Pictures,
    lines_of,
    list_of,
    name_of,
    naming,
    object_of,
    word_of,
    words_of,
)
from ocr_plugin.datasets.labelled_page import LabelledPage, LabelledWord


def read_json_lines(path: Path) -> list[LabelledPage]:
    """Returns the pages of a file.

    Raises:
        ConfigurationError: an invalid line, or one whose picture is missing.
    """
    pages, pictures = [], Pictures(path)
    for place, line in lines_of(path):
        with naming(place):
            values = object_of(json.loads(line))
            entries = list_of(values["words" if "words" in values else "lines"])
            words = words_of(_word(object_of(entry)) for entry in entries)
            pages.append(LabelledPage(pictures.path(name_of(values["image"])), words))
    return pages


def _word(entry: dict[str, Any]) -> LabelledWord | None:
    return word_of(entry["polygon"], entry.get("text"), bool(entry.get("ignore", False)))
