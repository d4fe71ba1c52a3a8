"""Words as they are drawn: letters, curves, outlines."""

import random
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ocr_plugin.protocols import RGB, Points
from ocr_plugin.regions import geometry
from ocr_plugin.training.synthetic.pages.baselines import Baseline, along
from ocr_plugin.training.synthetic.pages.canvas import Canvas
from ocr_plugin.training.synthetic.pages.curves import _bend
from ocr_plugin.training.synthetic.pages.lettering import TextStyle, block, ink_of, quad, stacked
from ocr_plugin.training.synthetic.pages.planes import laid, moved, view
from ocr_plugin.training.synthetic.pages.preview import sheet
from tests.training.synthetic.drawing import KINDS, counted, pages_of


def ink_share(pixels: RGB, polygon: Points) -> float:
    """Returns how much busier a page is inside an outline than in a thin band around it."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    edges = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    height = geometry.quad_size(geometry.min_area_quad(polygon))[1]
    inside, around = np.zeros(grey.shape, np.uint8), np.zeros(grey.shape, np.uint8)
    cv2.fillPoly(inside, [np.rint(polygon).astype(np.int32)], (1,))
    wide = geometry.grown(polygon, max(0.12 * height, 2.0))
    cv2.fillPoly(around, [np.rint(wide).astype(np.int32)], (1,))
    around[inside > 0] = 0
    if not inside.any() or not around.any():
        return np.inf
    return float(edges[inside > 0].mean() / max(edges[around > 0].mean(), 1e-3))


def inside_share(coverage: NDArray[np.uint8], polygons: list[Points]) -> float:
    """Returns how much of the ink lies inside the outlines."""
    mask = np.zeros_like(coverage)
    for polygon in polygons:
        cv2.fillPoly(mask, [np.rint(polygon).astype(np.int32)], (1,))
    return float(coverage[mask > 0].sum(dtype=np.int64) / coverage.sum(dtype=np.int64))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_drawn_with_its_words_inside_their_outlines(
    kind: str, font: Path, crops: Path
) -> None:
    pages, shares = pages_of(kind, font, crops), []
    for seed in range(3):
        pixels, page = pages.draw(random.Random(seed), [])
        assert pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == 3
        assert pixels.flags.c_contiguous
        assert all(250 <= side <= 1300 for side in pixels.shape[:2])
        words = counted(page)
        assert words
        for word in page.words:
            assert word.polygon.dtype == np.float32 and np.isfinite(word.polygon).all()
            assert geometry.signed_area(word.polygon) > 0
            low, high = word.polygon.min(axis=0), word.polygon.max(axis=0)
            assert (high > 0).all() and (low < (pixels.shape[1], pixels.shape[0])).all()
        assert all(word.text for word in words)
        chosen = random.Random(0).sample(words, min(len(words), 6))
        shares += [ink_share(pixels, word.polygon) for word in chosen]
    # Rules and boxes run close to the words of a form.
    least = 0.6 if kind == "form" else 0.8
    assert np.mean(np.array(shares) > 1.2) > least, sorted(shares)


def test_curved_words_have_outlines_that_bend(font: Path) -> None:
    pages, bends = pages_of("curve", font), []
    for seed in range(12):
        _, page = pages.draw(random.Random(seed), [])
        for word in counted(page):
            if len(word.polygon) > 4 and len(word.text or "") > 3:
                top = word.polygon[: len(word.polygon) // 2]
                bottom = word.polygon[len(word.polygon) // 2 :][::-1]
                assert len(top) >= 7 and len(top) == len(bottom)
                chord = top[-1] - top[0]
                across = np.array([-chord[1], chord[0]]) / np.linalg.norm(chord)
                off = (top - top[0]) @ across
                height = np.linalg.norm(top - bottom, axis=1).mean()
                bends.append(float(np.abs(off).max() / height))
    assert len(bends) >= 8
    assert np.median(bends) > 0.1 and max(bends) > 0.5


@pytest.mark.parametrize("up", [True, False])
def test_letters_on_a_half_circle_stay_inside_their_outlines(font: Path, up: bool) -> None:
    angles = np.linspace(np.pi, 2 * np.pi, 200) if up else np.linspace(np.pi, 0, 200)
    path = Baseline.through(np.stack([300 + 200 * np.cos(angles), 300 + 200 * np.sin(angles)], 1))
    assert path.length == pytest.approx(200 * np.pi, rel=0.01)
    coverage, found = along(["Half", "circle"], TextStyle(font, 60), path, 60.0, (600, 600))
    assert [text for text, _ in found] == ["Half", "circle"]
    assert inside_share(coverage, [outline for _, outline in found]) > 0.98
    radii = [np.linalg.norm(outline - 300, axis=1) for _, outline in found]
    for outer, inner in ((radius[:9], radius[9:]) for radius in radii):
        assert (outer.mean() > 200) == up and np.ptp(outer) < 1 and np.ptp(inner) < 1


def test_bent_text_stays_inside_its_outlines(font: Path) -> None:
    flat = block([["Bent", "shirt"]], TextStyle(font, 60), 0.5, random.Random(0))
    for seed in range(6):
        text = _bend(flat, random.Random(seed))
        assert inside_share(text.coverage, [outline for _, outline in text.words]) > 0.97
        assert text.height > flat.height
        for _, outline in text.words:
            # A straight line through the ends of an edge misses its middle.
            middle = (outline[0, 1] + outline[8, 1]) / 2 - outline[4, 1]
            assert len(outline) == 18 and abs(middle) > 0.5
    total = text.coverage.sum(dtype=np.int64)
    assert total > 0.4 * flat.coverage.sum(dtype=np.int64)


def test_a_lines_words_lie_side_by_side_on_their_ink(font: Path) -> None:
    text = block([["Apple", "nose", "YES"], ["gym"]], TextStyle(font, 40), 0.5, random.Random(0))
    assert [word for word, _ in text.words] == ["Apple", "nose", "YES", "gym"]
    inked = np.zeros_like(text.coverage)
    for _, box in text.words:
        (x0, y0), (x1, y1) = np.floor(box[0]).astype(int), np.ceil(box[2]).astype(int)
        assert text.coverage[y0:y1, x0:x1].max() == 255
        inked[y0:y1, x0:x1] = 1
    assert not text.coverage[inked == 0].any()  # no ink outside of the outlines
    apple, nose, yes, gym = (box for _, box in text.words)
    assert apple[1, 0] < nose[0, 0] and nose[1, 0] < yes[0, 0] and gym[0, 1] > apple[0, 1]
    # A word of small letters is given some of the room up to the capitals, not all of it.
    assert yes[0, 1] < nose[0, 1] < yes[0, 1] + 0.2 * 40
    assert gym[2, 1] - gym[0, 1] > nose[2, 1] - nose[0, 1]


def test_spaced_letters_and_stacks_keep_all_their_ink(font: Path) -> None:
    plain, spaced = (ink_of("word", TextStyle(font, 40, spacing=share)) for share in (0, 0.5))
    assert spaced.advance == pytest.approx(plain.advance + 3 * 20, abs=2)
    assert spaced.coverage.astype(int).sum() == pytest.approx(
        plain.coverage.astype(int).sum(), rel=0.05
    )
    column = stacked("word", TextStyle(font, 40))
    assert column.height > 3 * column.width
    assert column.coverage.astype(int).sum() == pytest.approx(
        plain.coverage.astype(int).sum(), rel=0.05
    )


def test_a_patch_and_its_outline_are_laid_down_alike() -> None:
    coverage: NDArray[np.uint8] = np.zeros((60, 200), np.uint8)
    coverage[20:40, 50:150] = 255
    rng = random.Random(0)
    for _ in range(20):
        matrix = view(200, 60, (300, 200), rng, turn=20)
        outline = moved(quad((50, 20, 150, 40)), matrix)
        found, left, top = laid(coverage, matrix, (400, 600))
        mask = np.zeros((400, 600), np.uint8)
        cv2.fillPoly(mask, [np.rint((outline - 0.5) * 16).astype(np.int32)], (1,), shift=4)
        page = np.zeros((400, 600), np.uint8)
        page[top : top + found.shape[0], left : left + found.shape[1]] = found
        inked = page > 127
        assert (inked & (mask > 0)).sum() / (inked | (mask > 0)).sum() > 0.9


def test_words_cut_by_the_edge_do_not_count() -> None:
    canvas = Canvas(np.zeros((100, 200, 3), np.uint8))
    for x in (10, -15, -40, -100, 150, 190):
        canvas.label(quad((x, 10, x + 50, 30)), str(x))
    states = {word.text: word.ignore for word in canvas.page().words}
    assert states == {"10": False, "-15": False, "-40": True, "150": False, "190": True}


def test_a_sheet_shows_pages_with_their_outlines(font: Path) -> None:
    picture = sheet(pages_of("sign", font), 5, seed=1, side=100)
    assert picture.size == (4 * 104, 2 * 104)
    pixels = np.asarray(picture)
    assert (pixels == (255, 0, 0)).all(axis=2).sum() > 50
    assert np.array_equal(pixels, np.asarray(sheet(pages_of("sign", font), 5, seed=1, side=100)))
