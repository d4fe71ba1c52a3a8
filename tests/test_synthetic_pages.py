"""Synthetic pages: outlines lie where the words are, and a seed fixes both."""

import pickle
import random
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFont

from ocr_plugin import geometry
from ocr_plugin.datasets.labelled_page import LabelledPage, LabelledWord
from ocr_plugin.errors import ConfigurationError
from ocr_plugin.evaluation.word_sets import BadRecord
from ocr_plugin.protocols import RGB, Points, Regions
from ocr_plugin.training.synthetic.pages import photos
from ocr_plugin.training.synthetic.pages.canvas import Canvas
from ocr_plugin.training.synthetic.pages.curves import Baseline, _bend, along
from ocr_plugin.training.synthetic.pages.lettering import TextStyle, block, ink_of, quad, stacked
from ocr_plugin.training.synthetic.pages.options import PageShares, SyntheticPageOptions
from ocr_plugin.training.synthetic.pages.pages import SyntheticPages
from ocr_plugin.training.synthetic.pages.phrases import Phrases
from ocr_plugin.training.synthetic.pages.planes import laid, moved, view
from ocr_plugin.training.synthetic.pages.preview import sheet
from ocr_plugin.training.synthetic.pages.scripts import draws, scripts
from ocr_plugin.training.synthetic.pages.typefaces import Typefaces, spelled
from ocr_plugin.training.synthetic.photo_files import small_photo

KINDS = list(PageShares.model_fields)


@pytest.fixture(scope="session")
def font(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A font file; Pillow carries one, so that none need be installed."""
    default = ImageFont.load_default(size=20)
    assert isinstance(default, ImageFont.FreeTypeFont)
    path = tmp_path_factory.mktemp("fonts") / "plain.ttf"
    path.write_bytes(default.font_bytes)
    return path


@pytest.fixture(scope="session")
def crops(font: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set of word crops on grey paper."""
    folder = tmp_path_factory.mktemp("crops")
    style, lines = TextStyle(font, 24), []
    for number in range(40):
        ink = ink_of(f"word{number}", style).coverage
        Image.fromarray(210 - ink // 2).convert("RGB").save(folder / f"{number}.png")
        lines.append(f'{number}.png, "word{number}"')
    (folder / "gt.txt").write_text("\n".join(lines))
    return folder


def pages_of(kind: str, font: Path, crops: Path | None = None, **options: object) -> SyntheticPages:
    """Returns pages of one kind alone."""
    shares = PageShares(**{**dict.fromkeys(KINDS, 0.0), kind: 1.0})
    sets = () if crops is None else (crops,)
    values = {"fonts": (font,), "crops": sets, "kinds": shares, **options}
    return SyntheticPages(SyntheticPageOptions.parse(values))


def counted(page: LabelledPage) -> list[LabelledWord]:
    return [word for word in page.words if not word.ignore]


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


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_draws_the_same_page(kind: str, font: Path, crops: Path) -> None:
    pages = pages_of(kind, font, crops)
    copy = pickle.loads(pickle.dumps(pages))
    first, second = pages.draw(random.Random(5), []), copy.draw(random.Random(5), [])
    assert np.array_equal(first[0], second[0])
    assert [word.text for word in first[1].words] == [word.text for word in second[1].words]
    for one, other in zip(first[1].words, second[1].words, strict=True):
        assert np.array_equal(one.polygon, other.polygon) and one.ignore == other.ignore
    another = pages.draw(random.Random(6), [])
    assert first[0].shape != another[0].shape or not np.array_equal(first[0], another[0])


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


def inside_share(coverage: NDArray[np.uint8], polygons: list[Points]) -> float:
    """Returns how much of the ink lies inside the outlines."""
    mask = np.zeros_like(coverage)
    for polygon in polygons:
        cv2.fillPoly(mask, [np.rint(polygon).astype(np.int32)], (1,))
    return float(coverage[mask > 0].sum(dtype=np.int64) / coverage.sum(dtype=np.int64))


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


def test_shares_choose_the_kinds(font: Path, crops: Path) -> None:
    with pytest.raises(ConfigurationError, match="all kinds of pages are 0"):
        SyntheticPages(
            SyntheticPageOptions(fonts=(font,), kinds=PageShares(**dict.fromkeys(KINDS, 0.0)))
        )
    # Without crops there are no collages, whatever the shares say.
    with pytest.raises(ConfigurationError, match="all kinds of pages are 0"):
        pages_of("collage", font)
    assert "collage" not in SyntheticPages(SyntheticPageOptions(fonts=(font,))).describe()


def test_what_pages_are_made_of_is_told(font: Path, crops: Path, tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("apple\npear\n")
    Image.new("RGB", (90, 60)).save(tmp_path / "one.png")
    options = SyntheticPageOptions(
        fonts=(font,),
        vocabularies=(tmp_path / "words.txt",),
        backgrounds=tmp_path,
        crops=(crops,),
    )
    line = SyntheticPages(options).describe()
    assert line.startswith("synthetic pages: scene, sign, curve")
    assert line.endswith("1 font files, 2 words, 1 photos, 1 sets of crops")


def test_paths_count_from_a_root(tmp_path: Path) -> None:
    options = SyntheticPageOptions(
        fonts=(Path("f"),), vocabularies=(Path("v"),), backgrounds=Path("b"), crops=(Path("c"),)
    ).below(tmp_path)
    paths = (*options.fonts, *options.vocabularies, options.backgrounds, *options.crops)
    assert paths == tuple(tmp_path / name for name in "fvbc")
    assert SyntheticPageOptions().below(tmp_path) == SyntheticPageOptions()


class OneRegion:
    """A detector that finds the left upper quarter of every page."""

    def detect(self, pages: list[RGB]) -> list[Regions]:
        return [
            Regions([quad((0, 0, page.shape[1] / 2, page.shape[0] / 2))], np.ones(1, np.float32))
            for page in pages
        ]


@pytest.fixture
def photo_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    Image.new("RGB", (300, 240), (20, 160, 20)).save(tmp_path / "green.png")
    monkeypatch.setattr(photos, "_detector", OneRegion)
    photos._regions.cache_clear()
    return tmp_path


def test_text_of_photos_is_ignored_and_not_written_over(font: Path, photo_folder: Path) -> None:
    pages, on_photos = pages_of("scene", font, backgrounds=photo_folder), 0
    for seed in range(8):
        _, page = pages.draw(random.Random(seed), [])
        ignored = [word for word in page.words if word.text is None]
        assert all(word.ignore for word in ignored)
        on_photos += bool(ignored)
        for region in ignored:
            for word in counted(page):
                shared = geometry.shape(word.polygon).intersection(geometry.shape(region.polygon))
                assert shared.area < 0.1 * geometry.shape(word.polygon).area
    assert on_photos > 2


def test_ignored_regions_move_with_their_photo(photo_folder: Path) -> None:
    # The region is painted into the photo, so that it can be found again on the page.
    picture = np.full((240, 300, 3), 200, np.uint8)
    picture[:120, :150] = 0
    Image.fromarray(picture).save(photo_folder / "green.png")
    small_photo.cache_clear()
    found = photos.Photos(photo_folder)
    for seed in range(5):
        canvas = found.canvas((500, 600), random.Random(seed), [], 1.3)
        region, _ = canvas.page().words  # as seen, and as seen with more contrast
        dark = np.argwhere(canvas.pixels[..., 0] < 100)
        low, high = region.polygon.min(axis=0), region.polygon.max(axis=0)
        # A region is grown a little, by 12 % of its height.
        assert 0 <= high[0] - dark[:, 1].max() < 0.2 * (high[0] - low[0])
        assert 0 <= high[1] - dark[:, 0].max() < 0.2 * (high[1] - low[1])


def test_the_detector_finds_text_of_photos(font: Path, tmp_path: Path) -> None:
    canvas = Canvas(np.full((240, 420, 3), 230, np.uint8))
    canvas.write(["HOTEL", "ROYAL"], 40, 140, TextStyle(font, 60), (20, 20, 20))
    Image.fromarray(canvas.pixels).save(tmp_path / "hotel.png")
    page = photos.Photos(tmp_path).canvas((480, 840), random.Random(0), [], 1.0).page()
    assert page.words and all(word.ignore for word in page.words)
    covered, region = canvas.words[0].polygon * 2, geometry.shape(page.words[0].polygon)
    assert region.intersection(geometry.shape(covered)).area > 0.7 * geometry.shape(covered).area


def test_broken_photos_are_passed_over_and_named(font: Path, photo_folder: Path) -> None:
    (photo_folder / "broken.jpg").write_bytes(b"no picture")
    pages = pages_of("scene", font, backgrounds=photo_folder)
    passed_over: list[BadRecord] = []
    for seed in range(12):
        pages.draw(random.Random(seed), passed_over)
    assert {record.name for record in passed_over} == {str(photo_folder / "broken.jpg")}
    with pytest.raises(ConfigurationError, match="no photos in it"):
        photos.Photos(font.parent)


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


def test_what_is_taken_is_not_free() -> None:
    canvas = Canvas(np.zeros((400, 400, 3), np.uint8))
    canvas.take(quad((100, 100, 200, 150)))
    assert not canvas.free(quad((150, 120, 300, 300)))
    assert canvas.free(quad((220, 100, 300, 150))) and canvas.free(quad((-50, -50, 80, 80)))


def test_paint_beyond_the_page_is_left_out() -> None:
    canvas = Canvas(np.zeros((20, 20, 3), np.uint8))
    canvas.blend(np.full((10, 10), 255, np.uint8), -5, 15, (255, 0, 0))
    assert (canvas.pixels[15:, :5] == (255, 0, 0)).all()
    assert canvas.pixels.astype(int).sum() == 255 * 25


def test_fonts_spell_what_they_can(font: Path, tmp_path: Path) -> None:
    assert spelled("Word", font) == "Word"
    assert spelled("Wörd", font)  # characters that no English font is asked for
    faces = Typefaces((font,))
    assert faces.latin(random.Random(0)) == faces.monospaced(random.Random(0)) == font
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    with pytest.raises(ConfigurationError, match="digits and capitals"):
        Typefaces((tmp_path,)).latin(random.Random(0))
    han = next(script for script in scripts() if script.name == "Han")
    assert not draws(tmp_path / "broken.ttf", han)


def test_scripts_are_drawn_by_fonts_that_have_them(font: Path) -> None:
    assert len({script.name for script in scripts()}) > 5
    for script in scripts():
        assert 2 <= len(script.word(random.Random(1))) <= script.longest


def test_phrases_are_of_the_vocabulary() -> None:
    phrases, rng = Phrases(["apple", "pear"]), random.Random(0)
    assert {phrases.word(rng) for _ in range(30)} == {"apple", "pear"}
    prose = phrases.prose(rng, 400)
    assert len(prose) == 400 and any(word.endswith(".") for word in prose)
    assert any(":" in word for _ in range(20) for word in phrases.label(rng))
    assert len(phrases.phrase(rng, 4)) == 4


def test_a_sheet_shows_pages_with_their_outlines(font: Path) -> None:
    picture = sheet(pages_of("sign", font), 5, seed=1, side=100)
    assert picture.size == (4 * 104, 2 * 104)
    pixels = np.asarray(picture)
    assert (pixels == (255, 0, 0)).all(axis=2).sum() > 50
    assert np.array_equal(pixels, np.asarray(sheet(pages_of("sign", font), 5, seed=1, side=100)))
