"""A recognizer's readings of a set of labelled words, each beside its label."""

from pathlib import Path

from ocr_plugin.errors import ConfigurationError
from ocr_plugin.evaluation.word_accuracy import Judged, clean_label
from ocr_plugin.evaluation.word_sets import BadRecord, open_word_set
from ocr_plugin.protocols import RGB, Recognizer

_BATCH = 256


def judge(path: Path, reader: Recognizer) -> tuple[list[Judged], list[BadRecord]]:
    """Returns every word of a set that the protocol counts, as read, and the unusable records.

    Raises:
        ConfigurationError: no such set, or no usable word in it.
    """
    judged: list[Judged] = []
    bad: list[BadRecord] = []
    waiting: list[tuple[str, RGB]] = []

    def read_waiting() -> None:
        readings = reader.recognize([pixels for _, pixels in waiting])
        for (label, crop), reading in zip(waiting, readings, strict=True):
            aspect = crop.shape[1] / crop.shape[0]
            judged.append(Judged(label, reading.text, reading.confidence, aspect))
        waiting.clear()

    for record in open_word_set(path):
        if isinstance(record, BadRecord):
            bad.append(record)
            continue
        label = clean_label(record.label)
        if label is None:
            continue
        waiting.append((label, record.pixels))
        if len(waiting) == _BATCH:
            read_waiting()
    read_waiting()
    if not judged:
        raise ConfigurationError(f"{path}: no usable word in it")
    return judged, bad
