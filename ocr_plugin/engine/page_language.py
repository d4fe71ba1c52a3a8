"""Doubtful words are chosen again once their whole page has been read.

What is sure on a page tells whether it is a Spanish menu or a wiring cabinet, which a single word
does not.
"""

from collections.abc import Sequence

from ocr_plugin.protocols import PageAware, Reading, Recognizer
from ocr_plugin.recognizers.line_words import line_of


def reconsider(read: Sequence[tuple[Recognizer, list[Reading | None]]]) -> None:
    """Replaces the readings of a page's regions, in place, where words are chosen again.

    Args:
        read: of each region, what read it and the readings of its crops; those of recognizers that
            are not aware of pages stay as they are.
    """
    groups: dict[int, list[list[Reading | None]]] = {}
    readers: dict[int, PageAware] = {}
    for reader, readings in read:
        if isinstance(reader, PageAware):
            readers[id(reader)] = reader
            groups.setdefault(id(reader), []).append(readings)
    for key, own in groups.items():
        _reconsider(readers[key], own)


def _reconsider(reader: PageAware, regions: list[list[Reading | None]]) -> None:
    words = [
        word
        for readings in regions
        for reading in readings
        if reading is not None
        for word in reading.words
    ]
    chosen = iter(reader.reconsidered(words))
    for readings in regions:
        for index, reading in enumerate(readings):
            if reading is None:
                continue
            again = tuple(next(chosen) for _ in reading.words)
            if again != reading.words:
                readings[index] = line_of(again)
