"""What became of an input, judged in the process that decodes.

A picture gives pages or an error of one line, and no page is empty that had ink without a warning.
Anything else is a fault.
"""

import io
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import numpy as np

from benchmarks.fuzz.inputs import Input, made
from benchmarks.fuzz.seeds import Seed, seeds
from ocr_plugin.batch.inputs.archives import archive_members
from ocr_plugin.batch.inputs.members import BadMember, SourceOptions
from ocr_plugin.errors import UnreadableImage
from ocr_plugin.options import ImageOptions
from ocr_plugin.pages.decode import open_pages
from ocr_plugin.pages.raster import PageFailure, PageImage

OPTIONS = ImageOptions(max_pixels=4_000_000, max_pages=50, pdf_text="auto")
"""Of all inputs: their files are small, and so may be what comes of them."""

SECONDS = 10.0
"""Of a processor, that an input may take; what is beyond is a fault."""

_ARCHIVE_OPTIONS = SourceOptions(max_bytes=20_000_000)
_LONGEST_MESSAGE = 400
# Grey levels by which ink differs from the paper; the share of it that may be lost.
_CONTRAST, _LEAST_INK = 64, 0.3
# They tell nothing of damage.
_HARMLESS = ("only the first of", "grey values")

FAULTS = ("exception", "message", "crash", "time", "empty", "lost")
"""Kinds of outcomes that are looked into; ``memory`` is one more where it is reached."""


@dataclass(frozen=True)
class Outcome:
    """What became of an input.

    Attributes:
        number: of the input.
        format: of its seed.
        kind: ``page``, ``warned``, ``partly`` (some pages are errors), ``error``; or a fault:
            ``exception`` (of another type than errors of files have), ``message`` (of several
            lines, or long), ``memory``, ``time``, ``crash``, ``empty`` (a page of one colour that
            had ink, without a warning), ``lost`` (of the same size with less than a third of the
            ink, without a warning).
        told: of an error or a fault, what it says.
        seconds: of a processor, that it took.
    """

    number: int
    format: str
    kind: str
    told: str = ""
    seconds: float = 0.0

    @property
    def is_fault(self) -> bool:
        """Whether it is looked into."""
        return self.kind in (*FAULTS, "memory")


def judged_all(numbers: Sequence[int]) -> list[dict[str, Any]]:
    """Returns the outcomes of some inputs; runs in a process that decodes."""
    return [asdict(judged(made(number))) for number in numbers]


def judged(one: Input) -> Outcome:
    """Decodes an input, all its pages, and returns what became of it."""
    # Of the processor: what others do on the machine does not count.
    begun = time.process_time()
    try:
        kind, told = _of_archive(one) if one.seed.kind == "archive" else _of_file(one)
    except MemoryError:
        kind, told = "memory", "more memory than is allowed"
    except Exception as error:  # that is what is looked for
        kind, told = "exception", f"{type(error).__name__}: {error}"[:_LONGEST_MESSAGE]
    seconds = time.process_time() - begun
    if seconds > SECONDS:
        kind, told = "time", f"{kind} {told}"
    return Outcome(one.number, one.seed.format, kind, told, round(seconds, 3))


def _of_file(one: Input) -> tuple[str, str]:
    name = f"input{one.seed.suffix}"
    return _of_pages(one.data, name, known=_ink(one.seed))


def _of_pages(data: bytes, name: str, known: Sequence["_Ink"] = ()) -> tuple[str, str]:
    """Returns the kind of outcome of a file's pages, and what it tells."""
    kinds, told = Counter[str](), ""
    try:
        for page in open_pages(data, OPTIONS, name=name):
            if isinstance(page, PageFailure):
                fault = _unfit(page.error)
                told = told or fault or str(page.error)
                kinds["message" if fault else "error"] += 1
                continue
            kind = _of_page(page, known)
            told = told or " ".join(page.warnings) or kind * (kind in FAULTS)
            kinds[kind] += 1
    except UnreadableImage as error:
        fault = _unfit(error)
        told = told or fault or str(error)
        kinds["message" if fault else "error"] += 1
    for fault in FAULTS:
        if kinds[fault]:
            return fault, told
    if kinds["error"] and len(kinds) > 1:
        return "partly", told
    return next((kind for kind in ("error", "warned", "page") if kinds[kind]), "page"), told


def _unfit(error: Exception) -> str:
    """Returns why an error is none that a person may be shown, or an empty string."""
    text = str(error)
    if not isinstance(error, UnreadableImage):
        return f"{type(error).__name__}: {text}"[:_LONGEST_MESSAGE]
    if len(text.splitlines()) != 1 or len(text) > _LONGEST_MESSAGE or not text.isprintable():
        return f"not one line: {text!r}"[:_LONGEST_MESSAGE]
    return ""


@dataclass(frozen=True)
class _Ink:
    """Of a page: its size, and its pixels that stand out from the paper."""

    size: tuple[int, ...]
    pixels: int


def _ink_of(page: PageImage) -> _Ink:
    grey = page.pixels[:, :, 1].astype(np.int16)
    paper = np.median(grey)
    return _Ink(grey.shape, int((np.abs(grey - paper) > _CONTRAST).sum()))


@cache
def _ink(seed: Seed) -> tuple[_Ink, ...]:
    """Returns the ink of a seed's pages."""
    pages = open_pages(seed.data, OPTIONS, name=f"seed{seed.suffix}")
    return tuple(_ink_of(page) for page in pages if isinstance(page, PageImage))


def _of_page(page: PageImage, known: Sequence[_Ink]) -> str:
    if any(not warning.startswith(_HARMLESS) for warning in page.warnings):
        return "warned"
    if page.page_index >= len(known):
        return "page"
    before, after = known[page.page_index], _ink_of(page)
    if (page.pixels == page.pixels[0, 0]).all():
        return "empty"
    if after.size == before.size and after.pixels < _LEAST_INK * before.pixels:
        return "lost"
    return "page"


def _of_archive(one: Input) -> tuple[str, str]:
    """Reads all members, and decodes what they hold."""
    kinds, told = Counter[str](), ""
    found = archive_members(
        "input", "", f"input{one.seed.suffix}", io.BytesIO(one.data), _ARCHIVE_OPTIONS, "state"
    )
    for member in found:
        try:
            content = member.read()
        except BadMember as error:
            fault = "" if len(str(error).splitlines()) == 1 else f"not one line: {error!r}"
            kind, said = ("message" if fault else "error"), fault or str(error)
        else:
            kind, said = _of_pages(content, "member.png")
        kinds[kind] += 1
        told = told or said * (kind != "page")
    for fault in FAULTS:
        if kinds[fault]:
            return fault, told
    if kinds["error"]:
        return ("partly" if len(kinds) > 1 else "error"), told
    return next((kind for kind in ("partly", "warned") if kinds[kind]), "page"), told


def warm() -> int:
    """Decodes all seeds, so that the first inputs are not taken for slow ones."""
    return sum(len(_ink(each)) for of_format in seeds().values() for each in of_format
               if each.kind == "picture")  # fmt: skip
