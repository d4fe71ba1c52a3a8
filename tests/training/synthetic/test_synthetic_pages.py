"""Synthetic pages: outlines lie where the words are, and a seed fixes both."""

import pickle
import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ocr_plugin.datasets.word_sets import BadRecord
from ocr_plugin.errors import ConfigurationError
from ocr_plugin.protocols import RGB, Regions
from ocr_plugin.regions import geometry
from ocr_plugin.training.synthetic.pages import photos
from ocr_plugin.training.synthetic.pages.canvas import Canvas
from ocr_plugin.training.synthetic.pages.lettering import TextStyle, quad
from ocr_plugin.training.synthetic.pages.options import PageShares, SyntheticPageOptions
from ocr_plugin.training.synthetic.pages.pages import SyntheticPages
from ocr_plugin.training.synthetic.pages.phrases import Phrases
from ocr_plugin.training.synthetic.pages.scripts import draws, scripts
from ocr_plugin.training.synthetic.pages.typefaces import Typefaces, spelled
from ocr_plugin.training.synthetic.photo_files import small_photo
from tests.training.synthetic.drawing import KINDS, counted, pages_of


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
