"""The worst errors on whole pages, as one self-contained HTML file."""

import base64
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from PIL import Image

from ocr_plugin.evaluation.page_errors import Outcome, Verdict
from ocr_plugin.evaluation.word_groups import letter_height
from ocr_plugin.protocols import RGB

_OF_EACH_KIND = 20
# Of a picture, in pixels; sixty of them in the worst case, all noise, come to less than 4 MB.
_WIDEST, _HIGHEST, _QUALITY = 360, 240, 75
# What is shown around a word, in heights of its letters, and at least in pixels.
_AROUND, _LEAST_AROUND = 1.5, 12

_TITLES = {
    Outcome.NOT_FOUND: "Not found",
    Outcome.CUT_WRONG: "Cut wrong",
    Outcome.MISREAD: "Misread",
}

_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Words that were not read</title>
<style>
  :root { color-scheme: light dark; --line: #8886; }
  * { box-sizing: border-box; }
  body { font: 16px/1.4 system-ui, sans-serif; margin: 0 auto; max-width: 90rem; padding: 1rem; }
  h1 { font-size: 1.3rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
  .grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: 1rem; }
  figure { margin: 0; border: 1px solid var(--line); border-radius: .3rem; padding: .5rem; }
  svg { display: block; width: 100%; height: 11rem; }
  polygon { fill: none; stroke-width: 2; vector-effect: non-scaling-stroke; }
  .halo { stroke: #000a; stroke-width: 4; } .answer { stroke: #ff9e2c; stroke-dasharray: 5 3; }
  .label { stroke: #35d0ff; }
  dl { display: grid; grid-template-columns: auto 1fr; gap: 0 .5rem; margin: .5rem 0 0; }
  dt { opacity: .7; } dd { margin: 0; overflow-wrap: anywhere; }
</style>
</head>
<body>
<h1>Words that were not read</h1>
<p>Of each kind of error those with the largest letters. Solid and blue: the word as labelled;
dashed and orange: words as answered.</p>
"""


@dataclass(frozen=True)
class _Crop:
    """A part of a page as it is shown.

    Attributes:
        left, top: its corner on the page, in page pixels.
        scale: its pixels for each of the page's.
        picture: that part.
    """

    left: int
    top: int
    scale: float
    picture: Image.Image

    def placed(self, polygon: Sequence[Sequence[float]]) -> str:
        """Returns an outline's points as SVG has them."""
        points = (np.asarray(polygon, np.float64) - (self.left, self.top)) * self.scale
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)

    def shows(self, polygon: Sequence[Sequence[float]]) -> bool:
        """Returns whether an outline may reach into the picture."""
        points = (np.asarray(polygon, np.float64) - (self.left, self.top)) * self.scale
        return bool((points.max(0) >= 0).all() and (points.min(0) <= self.picture.size).all())


def error_sheet(errors: Mapping[str, Sequence[Verdict]]) -> str:
    """Returns the sheet: of each kind of error the twenty with the largest letters.

    Args:
        errors: the words of each set that were not read; their pages are opened once more.

    Raises:
        UnreadableImage: a page that can no longer be opened.
    """
    parts = [_HEAD]
    chosen = {kind: _largest(kind, errors) for kind in _TITLES}
    figures = _figures([error for _, worst in chosen.values() for error in worst])
    for kind, (count, worst) in chosen.items():
        parts.append(f"<h2>{_TITLES[kind]}: {count:,}</h2>\n")
        shown = "\n".join(figures[error] for error in worst)
        parts.append(f'<div class="grid">\n{shown}\n</div>\n' if worst else "<p>None.</p>\n")
    return "".join([*parts, "</body>\n</html>\n"])


@dataclass(frozen=True, eq=False)
class _Error:
    """A word that was not read, and its set."""

    set_name: str
    verdict: Verdict

    @property
    def height(self) -> float:
        return letter_height(self.verdict.word.polygon)


def _largest(kind: Outcome, errors: Mapping[str, Sequence[Verdict]]) -> tuple[int, list[_Error]]:
    """Returns how many errors of a kind there are, and the worst; of a line only the first."""
    found: dict[tuple[str, int, int], _Error] = {}
    count = 0
    for name, verdicts in errors.items():
        for verdict in verdicts:
            if verdict.outcome is kind:
                count += 1
                found.setdefault((name, id(verdict.page), verdict.label), _Error(name, verdict))
    return count, sorted(found.values(), key=lambda error: -error.height)[:_OF_EACH_KIND]


def _figures(errors: Sequence[_Error]) -> dict[_Error, str]:
    """Returns the HTML of each error; a page is opened once for all of its own."""
    figures = {}
    for page in {id(error.verdict.page): error.verdict.page for error in errors}.values():
        pixels = page.pixels()
        for error in errors:
            if error.verdict.page is page:
                figures[error] = _figure(error, pixels)
    return figures


def _figure(error: _Error, pixels: RGB) -> str:
    verdict = error.verdict
    crop = _crop(pixels, verdict, error.height)
    width, height = crop.picture.size
    outlines = [
        *(("answer", answer.polygon) for answer in verdict.answers if crop.shows(answer.polygon)),
        ("label", verdict.word.polygon.tolist()),
    ]
    drawn = "".join(
        f'<polygon class="halo" points="{points}"/><polygon class="{kind}" points="{points}"/>'
        for kind, points in ((kind, crop.placed(polygon)) for kind, polygon in outlines)
    )
    label = escape(verdict.word.text or "")
    place = escape(f"{error.set_name}: {verdict.page.path.name}")
    return (
        f'<figure><svg viewBox="0 0 {width} {height}" role="img" aria-label="{label}">'
        f'<image width="{width}" height="{height}" href="{_data_url(crop.picture)}"/>{drawn}</svg>'
        f"<figcaption><dl><dt>label</dt><dd>{label}</dd>"
        f"<dt>answer</dt><dd>{escape(verdict.text) or '&ndash;'}</dd>"
        f"<dt>page</dt><dd>{place}</dd><dt>letters</dt><dd>{error.height:.0f} pixels</dd>"
        "</dl></figcaption></figure>"
    )


def _crop(pixels: RGB, verdict: Verdict, letters: float) -> _Crop:
    """Returns what is seen around a word, shrunk where it is large."""
    around = max(_AROUND * letters, _LEAST_AROUND)
    size = np.array(pixels.shape[1::-1])
    polygon = verdict.word.polygon
    low = np.clip(np.floor(polygon.min(0) - around), 0, size - 1).astype(int)
    high = np.clip(np.ceil(polygon.max(0) + around), low + 1, size).astype(int)
    (left, top), (right, bottom) = low.tolist(), high.tolist()
    part = Image.fromarray(np.ascontiguousarray(pixels[top:bottom, left:right]))
    scale = min(1.0, _WIDEST / part.width, _HIGHEST / part.height)
    if scale < 1:
        shown = (math.ceil(part.width * scale), math.ceil(part.height * scale))
        part = part.resize(shown, Image.Resampling.BOX)
    return _Crop(left, top, scale, part)


def _data_url(picture: Image.Image) -> str:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"
