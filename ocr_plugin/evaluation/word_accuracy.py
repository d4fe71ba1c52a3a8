"""Word accuracy by the rules of the literature, and related scores.

The label rules are those of PARSeq (https://arxiv.org/abs/2207.06966), which CLIP4STR follows:
white space is deleted, characters are decomposed (NFKD) and those outside ASCII dropped, labels of
more than 25 characters are left out, and then label and reading are both reduced to the charset:
36 (digits and letters, lower-cased), 62 (cased) or 94 (with punctuation).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from ocr_plugin.datasets.labels import CHARSETS, clean_label, reduced
from ocr_plugin.datasets.word_sets import BadRecord, open_word_set
from ocr_plugin.errors import ConfigurationError
from ocr_plugin.protocols import RGB, Recognizer

_BINS = 10
LENGTHS = {"1-3": (1, 4), "4-6": (4, 7), "7-9": (7, 10), "10-14": (10, 15), "15-25": (15, 26)}
_ASPECTS = {"<1": (0, 1), "1-2": (1, 2), "2-4": (2, 4), "4-8": (4, 8), ">=8": (8, float("inf"))}
"""Groups by name, each from its first number to below its second."""

_COVERAGES = (0.5, 0.8, 0.9, 0.95)


@dataclass(frozen=True)
class LabelledReading:
    """A reading beside its label.

    Attributes:
        label: by `clean_label`.
        text: as read.
        confidence: of the reading, 0 to 1.
        aspect: width over height of the crop, if known.
    """

    label: str
    text: str
    confidence: float
    aspect: float | None = None


def word_scores(readings: Sequence[LabelledReading]) -> dict[str, Any]:
    """Returns a set's scores, each from 0 to 1.

    ``accuracy_N`` and ``count_N`` (labels that are not empty under the rule) for each charset;
    ``ned``: 1 - edit distance / longer length (ICDAR 2019), ``mean_confidence`` and ``ece`` (the
    expected calibration error over ten bins) under the 36-character rule, to which ``count``
    refers; ``by_length`` and ``by_aspect``: accuracy_36 by the label's length and the crop's width
    over height; ``accuracy_at_coverage``: accuracy_36 of the most confident share of the readings.

    Raises:
        ConfigurationError: the library for edit distances is not installed.
    """
    scores: dict[str, Any] = {}
    for size in CHARSETS:
        hits = [
            reduced(item.text, size) == label
            for item in readings
            if (label := reduced(item.label, size))
        ]
        scores[f"accuracy_{size}"] = _mean(hits)
        scores[f"count_{size}"] = len(hits)
    kept = [item for item in readings if reduced(item.label, 36)]
    correct = [reduced(item.text, 36) == reduced(item.label, 36) for item in kept]
    confidences = [item.confidence for item in kept]
    scores |= {
        "count": len(kept),
        "ned": _similarity(kept),
        "mean_confidence": _mean(confidences),
        "ece": _calibration_error(correct, confidences),
        "by_length": _grouped([len(reduced(item.label, 36)) for item in kept], correct, LENGTHS),
        "by_aspect": _grouped([item.aspect for item in kept], correct, _ASPECTS),
        "accuracy_at_coverage": _at_coverage(correct, confidences),
    }
    return scores


def averages(sets: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Returns accuracy_36 over several sets in the two ways in use, which do not compare.

    ``weighted``: every sample counts alike, as in PARSeq and CLIP4STR; ``plain``: every set does.
    """
    total = sum(scores["count"] for scores in sets)
    hits = sum(scores["accuracy_36"] * scores["count"] for scores in sets)
    return {
        "weighted": round(hits / max(total, 1), 4),
        "plain": _mean([scores["accuracy_36"] for scores in sets]),
    }


def _mean(values: Sequence[float]) -> float:
    return round(fmean(values), 4) if values else 0.0


def _similarity(readings: Sequence[LabelledReading]) -> float:
    try:
        from rapidfuzz.distance import Levenshtein
    except ImportError as error:
        raise ConfigurationError("edit distances need pip install 'ocr-plugin[eval]'") from error
    return _mean(
        [
            Levenshtein.normalized_similarity(reduced(item.text, 36), reduced(item.label, 36))
            for item in readings
        ]
    )


def _calibration_error(correct: Sequence[bool], confidences: Sequence[float]) -> float:
    """Returns the mean distance of confidence and accuracy, over bins of equal width."""
    error = 0.0
    bins = [min(int(confidence * _BINS), _BINS - 1) for confidence in confidences]
    for own in set(bins):
        members = [index for index, number in enumerate(bins) if number == own]
        accuracy = fmean(correct[index] for index in members)
        confidence = fmean(confidences[index] for index in members)
        error += abs(accuracy - confidence) * len(members) / len(bins)
    return round(error, 4)


def _grouped(
    values: Sequence[float | None],
    correct: Sequence[bool],
    groups: Mapping[str, tuple[float, float]],
) -> dict[str, Any]:
    """Returns accuracy and count of each group that has members; a value of None is in none."""
    found = {}
    for name, (low, high) in groups.items():
        hits = [
            hit
            for value, hit in zip(values, correct, strict=True)
            if value is not None and low <= value < high
        ]
        if hits:
            found[name] = {"accuracy_36": _mean(hits), "count": len(hits)}
    return found


def _at_coverage(correct: Sequence[bool], confidences: Sequence[float]) -> dict[str, float]:
    """Returns the accuracy of the most confident shares: the risk-coverage curve at some points."""
    order = sorted(range(len(correct)), key=lambda index: -confidences[index])
    ranked = [correct[index] for index in order]
    return {str(share): _mean(ranked[: round(share * len(ranked))]) for share in _COVERAGES}


_BATCH = 256


def read_set(path: Path, reader: Recognizer) -> tuple[list[LabelledReading], list[BadRecord]]:
    """Returns every word of a set that the protocol counts, as read, and the unusable records.

    Raises:
        ConfigurationError: no such set, or no usable word in it.
    """
    found: list[LabelledReading] = []
    bad: list[BadRecord] = []
    waiting: list[tuple[str, RGB]] = []

    def read_waiting() -> None:
        readings = reader.recognize([pixels for _, pixels in waiting])
        for (label, crop), reading in zip(waiting, readings, strict=True):
            aspect = crop.shape[1] / crop.shape[0]
            found.append(LabelledReading(label, reading.text, reading.confidence, aspect))
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
    if not found:
        raise ConfigurationError(f"{path}: no usable word in it")
    return found, bad
