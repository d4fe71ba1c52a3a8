"""What plugins answer, checked once: a wrong answer is the error of the page that it is about."""

import threading
from collections.abc import Callable, Sequence
from math import isfinite
from typing import TypeVar, get_args

import cv2
import numpy as np

from ocr_plugin.errors import one_line
from ocr_plugin.protocols import RGB, Points, Reading, Regions, Unit, WordReading, steers

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")

# A confidence may be beyond 1 by what sums of floating-point numbers lose.
_ROUNDING = 1e-3


def answers(
    ask: Callable[[list[Asked]], Sequence[Answer]],
    pictures: list[Asked],
    who: str,
    what: str,
    check: Callable[[Answer, Asked], Answer],
) -> list[Answer | Exception]:
    """Returns a plugin's answer for each picture; if a batch fails, each is tried alone.

    Args:
        ask: takes pictures and returns as many answers.
        pictures: pages or crops, or what stands for them.
        who: the plugin's kind, for the error if the numbers differ.
        what: the pictures' kind, for the same error.
        check: takes an answer and its picture, and raises if it is none.
    """
    if not pictures:
        return []
    try:
        given: list[Answer] = list(ask(pictures))
        if len(given) != len(pictures):
            raise RuntimeError(f"the {who} answered {len(given)} of {len(pictures)} {what}")
    except BaseException as error:  # a defect of the plugin is that page's error
        defect = as_defect(error, who)
        if len(pictures) > 1:
            alone = (answers(ask, [picture], who, what, check) for picture in pictures)
            return [answer for own in alone for answer in own]
        return [defect]
    found: list[Answer | Exception] = []
    for answer, picture in zip(given, pictures, strict=True):
        try:
            found.append(check(answer, picture))
        except Exception as error:  # what a plugin answers may break any check
            found.append(error)
    return found


def as_defect(error: BaseException, who: str) -> Exception:
    """Returns what a plugin raised as an error of its page: no plugin decides when a job ends.

    Only an interrupt is raised again, and only in the main thread, where it is the user's.

    Args:
        error: what was raised; `SystemExit`, `GeneratorExit` and the panics of native code are
            no `Exception`.
        who: the plugin's kind, for the message.
    """
    if isinstance(error, Exception):
        return error
    if (
        isinstance(error, KeyboardInterrupt)
        and threading.current_thread() is threading.main_thread()
    ):
        raise error
    if isinstance(error, SystemExit):
        return RuntimeError(f"the {who} asked for the end of the process: {error}")
    return RuntimeError(f"the {who} raised {type(error).__name__}: {one_line(error)}")


def checked_reading(reading: Reading, crop: RGB) -> Reading:
    """Returns a recognizer's answer for a crop.

    Raises:
        TypeError: it is no reading, or its texts are no texts.
        ValueError: a confidence or a span is not finite or out of range, or a text has control
            characters.
    """
    if not isinstance(reading, Reading):
        raise TypeError(f"the recognizer answered {type(reading).__name__}, not a Reading")
    _check_text(reading.text, reading.confidence)
    for word in (*reading.words, *reading.withheld):
        _check_word(word)
    return reading


def _check_word(word: WordReading) -> None:
    _check_text(word.text, word.confidence)
    if not all(map(isfinite, word.span)):
        raise ValueError(f"the recognizer's word {word.text!r} is at {word.span}")
    for text, confidence in word.alternatives:
        _check_text(text, confidence)


def _check_text(text: str, confidence: float) -> None:
    if not isinstance(text, str):
        raise TypeError(f"the recognizer read {type(text).__name__}, not a text")
    if any(map(steers, text)):
        raise ValueError(f"the recognizer read control characters: {text!r}")
    if not -_ROUNDING <= confidence <= 1 + _ROUNDING:
        raise ValueError(f"the recognizer is {confidence} sure of {text!r}; 0 to 1 is possible")


def checked_regions(regions: Regions, page: RGB) -> Regions:
    """Returns a detector's answer for a page.

    Raises:
        TypeError: they are no regions, or their warnings are no texts.
        ValueError: an unknown kind, a polygon that is none, without area, or far outside the page.
    """
    if not isinstance(regions, Regions):
        raise TypeError(f"the detector answered {type(regions).__name__}, not Regions")
    if regions.kind not in get_args(Unit):
        raise ValueError(f"the detector found {regions.kind!r}; line or word is possible")
    if not all(isinstance(warning, str) for warning in regions.warnings):
        raise TypeError("the detector's warnings are no texts")
    for polygon in (*regions.polygons, *(word for own in regions.words for word in own)):
        _check_polygon(polygon, page)
    return regions


def _check_polygon(polygon: Points, page: RGB) -> None:
    points = np.asarray(polygon, np.float32)
    if points.ndim != 2 or points.shape[1] != 2 or len(points) < 3:
        raise ValueError(f"the detector's polygon has the shape {points.shape}, not (3 or more, 2)")
    if not np.isfinite(points).all():
        raise ValueError("the detector's polygon has a point that is not finite")
    # Text at a page's edge may reach beyond it, but not by more than the page's size.
    size = np.array([page.shape[1], page.shape[0]], np.float32)
    if (points < -size).any() or (points > 2 * size).any():
        raise ValueError(f"the detector's polygon lies outside the page: {points[0].tolist()}")
    if cv2.contourArea(cv2.convexHull(points)) <= 0:
        raise ValueError(f"the detector's polygon has no area: {points.tolist()}")
