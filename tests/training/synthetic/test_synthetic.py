"""Synthetic words: what they say, what they are drawn with, and that a seed fixes them."""

import random
import string
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageFont

from ocr_plugin.errors import ConfigurationError
from ocr_plugin.recognizers.charset import CHARACTERS
from ocr_plugin.training.synthetic import fonts
from ocr_plugin.training.synthetic.composition import compose
from ocr_plugin.training.synthetic.degradation import _hide, degrade, gaussian_blur
from ocr_plugin.training.synthetic.fonts import SkippedFont, drawable, find_fonts
from ocr_plugin.training.synthetic.masks import draw_mask
from ocr_plugin.training.synthetic.texts import TextSampler, TextShares, read_vocabulary
from ocr_plugin.training.synthetic.warps import shifted, warp
from ocr_plugin.training.synthetic.words import SyntheticOptions, SyntheticWords

SIZE = (32, 96)


@pytest.fixture(scope="session")
def font(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A font file; Pillow carries one, so that none need be installed."""
    default = ImageFont.load_default(size=20)
    assert isinstance(default, ImageFont.FreeTypeFont)
    path = tmp_path_factory.mktemp("fonts") / "plain.ttf"
    path.write_bytes(default.font_bytes)
    return path


@pytest.fixture
def words(font: Path) -> SyntheticWords:
    return SyntheticWords(SyntheticOptions(fonts=(font.parent,)))


def test_texts_are_of_the_charset_and_of_every_kind() -> None:
    sampler = TextSampler(["apple", "pear", "quince"])
    rng = random.Random(0)
    texts = [sampler.sample(rng) for _ in range(20_000)]
    assert all(0 < len(text) <= 25 and set(text) <= set(CHARACTERS) for text in texts)
    assert set("".join(texts)) == set(CHARACTERS)
    for kind in ("APPLE", "Pear", "quince", "10:", "%", "www.", "'s", "$"):
        assert any(kind in text for text in texts), kind
    assert texts[:50] == [sampler.sample(rng) for rng in [random.Random(0)] for _ in range(50)]


def test_shares_choose_the_kinds() -> None:
    nothing = dict.fromkeys(TextShares.model_fields, 0.0)
    only = TextShares(**{**nothing, "number": 1.0})
    rng = random.Random(0)
    sampler = TextSampler([], only)
    assert all(sampler.sample(rng)[0] in string.digits for _ in range(200))


def test_texts_keep_to_another_alphabet(tmp_path: Path) -> None:
    alphabet = "abcdeéèö"
    (tmp_path / "words.txt").write_text("dé\nbœb\nöde\n")
    assert read_vocabulary([tmp_path / "words.txt"], alphabet) == (["dé", "öde"], 1)
    sampler, rng = TextSampler(["dé", "öde"], None, alphabet), random.Random(0)
    texts = [sampler.sample(rng) for _ in range(2000)]
    assert all(texts) and set("".join(texts)) == set(alphabet)
    with pytest.raises(ConfigurationError, match="all kinds of text are 0"):
        TextSampler([], TextShares(**dict.fromkeys(TextShares.model_fields, 0.0)))


def test_without_a_vocabulary_words_are_made_up() -> None:
    nothing = dict.fromkeys(TextShares.model_fields, 0.0)
    sampler = TextSampler([], TextShares(**{**nothing, "word": 1.0}))
    texts = {sampler.sample(random.Random(seed)) for seed in range(200)}
    assert len(texts) > 150 and all(text.isalpha() for text in texts)


def test_a_vocabulary_drops_what_cannot_be_drawn(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_text("# a comment\nplain\n\nnaïve\ntwo words\nplain\n" + "x" * 26 + "\n")
    assert read_vocabulary([path]) == (["plain"], 3)
    path.write_text("é\n")
    with pytest.raises(ConfigurationError, match="no usable word"):
        read_vocabulary([path])
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_vocabulary([tmp_path / "none.txt"])


def test_fonts_are_found_below_folders(font: Path, tmp_path: Path) -> None:
    assert find_fonts([font.parent]) == find_fonts([font]) == [font]
    with pytest.raises(ConfigurationError, match="no fonts in"):
        find_fonts([tmp_path])
    with pytest.raises(ConfigurationError, match="no such file or folder"):
        find_fonts([tmp_path / "none"])


def test_a_font_draws_what_it_has(font: Path, tmp_path: Path) -> None:
    assert drawable(font) == frozenset(CHARACTERS)
    broken = tmp_path / "broken.ttf"
    broken.write_bytes(b"no font")
    assert isinstance(drawable(broken), SkippedFont)


def test_capitals_in_the_place_of_small_letters_count_as_capitals(
    font: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = fonts.face(font)

    class Capitals:
        def getmask(self, text: str) -> object:
            return real.getmask(text.upper())

    monkeypatch.setattr(fonts, "face", lambda path: Capitals())
    found = drawable.__wrapped__(font)
    assert found == frozenset(CHARACTERS) - set(string.ascii_lowercase)


def test_a_font_without_letters_is_left_out(font: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = fonts.face(font)

    class Boxes:
        def getmask(self, text: str) -> object:
            return real.getmask(text if text in "AB" else fonts._NOWHERE)

    monkeypatch.setattr(fonts, "face", lambda path: Boxes())
    found = drawable.__wrapped__(font)
    assert isinstance(found, SkippedFont) and found.reason.startswith("lacks 0 1 2")


def test_a_mask_is_the_word_in_its_box(font: Path) -> None:
    rng = random.Random(0)
    for text in ("W", "word", "a-very-long-word-of-25-xyz", ".", "jjj"):
        for _ in range(20):
            mask = draw_mask(text, font, SIZE, rng)
            assert mask.coverage.shape == SIZE and mask.coverage.dtype == np.uint8
            rows, columns = np.nonzero(mask.coverage > 127)
            # Margins are at most a quarter of the height each.
            assert np.ptp(rows) > 0.5 * SIZE[0] and np.ptp(columns) > 0.3 * SIZE[1]
    assert draw_mask("wwwwww", font, SIZE, rng).aspect > 3 > draw_mask("l", font, SIZE, rng).aspect


def test_the_same_seed_draws_and_composes_the_same(words: SyntheticWords) -> None:
    first, second = (words.draw(12, SIZE, random.Random(5)) for _ in range(2))
    other = words.draw(12, SIZE, random.Random(6))
    assert first.labels == second.labels != other.labels
    assert torch.equal(first.masks, second.masks)
    pictures = [words.compose(first, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
    assert torch.equal(pictures[0], pictures[1])
    assert not torch.equal(pictures[0], pictures[2])


def test_pictures_show_their_words(words: SyntheticWords) -> None:
    """Ink and surface differ where the mask says so, in nearly all pictures."""
    drawn = words.draw(64, SIZE, random.Random(0))
    images = words.compose(drawn, torch.Generator().manual_seed(0))
    assert images.shape == (64, 3, *SIZE) and images.dtype == torch.float32
    assert images.min() >= 0 and images.max() <= 1
    edges = images.diff(dim=2).abs().mean((1, 2, 3)) + images.diff(dim=3).abs().mean((1, 2, 3))
    assert (edges > 0.01).float().mean() > 0.95


def test_photos_lie_behind_some_words(font: Path, tmp_path: Path) -> None:
    Image.new("RGB", (900, 300), (255, 0, 0)).save(tmp_path / "red.png")
    words = SyntheticWords(SyntheticOptions(fonts=(font,), backgrounds=tmp_path))
    drawn = words.draw(64, SIZE, random.Random(0))
    assert drawn.photos is not None
    assert drawn.photos.shape == (64, 3, *SIZE)
    assert drawn.photos[:, 0].min() == 255 and drawn.photos[:, 1].max() == 0
    images = words.compose(drawn, torch.Generator().manual_seed(0))
    redness = (images[:, 0] - images[:, 1]).mean((1, 2))
    assert 0.1 < (redness > 0.3).float().mean() < 0.7
    with pytest.raises(ConfigurationError, match="no photos"):
        SyntheticWords(SyntheticOptions(fonts=(font,), backgrounds=font.parent))


def test_a_broken_photo_is_passed_over_and_named(font: Path, tmp_path: Path) -> None:
    Image.new("RGB", (90, 30), (255, 0, 0)).save(tmp_path / "red.png")
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    words = SyntheticWords(SyntheticOptions(fonts=(font,), backgrounds=tmp_path))
    drawn = words.draw(20, SIZE, random.Random(0))
    assert drawn.photos is not None and drawn.photos[:, 0].min() == 255
    (record,) = set(drawn.passed_over)
    assert record.name == str(tmp_path / "broken.jpg") and record.reason
    (tmp_path / "red.png").unlink()
    words = SyntheticWords(SyntheticOptions(fonts=(font,), backgrounds=tmp_path))
    with pytest.raises(ConfigurationError, match="no photo in it decodes"):
        words.draw(1, SIZE, random.Random(0))


def test_what_words_are_drawn_with_is_told(font: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.ttf"
    broken.write_bytes(b"no font")
    (tmp_path / "words.txt").write_text("apple\ntwo words\n")
    options = SyntheticOptions(fonts=(font, broken), vocabularies=(tmp_path / "words.txt",))
    line = SyntheticWords(options, CHARACTERS + "\u4e2d").describe()
    assert line.startswith(f"synthetic words: 1 of 2 fonts; not drawn with {broken}: ")
    assert line.endswith("; none has \u4e2d; 1 words, 1 lines left out")
    with pytest.raises(ConfigurationError, match="none of 1 fonts is usable"):
        SyntheticWords(SyntheticOptions(fonts=(broken,))).describe()


def test_characters_that_no_font_has_end_no_run(font: Path) -> None:
    only = TextShares(**{**dict.fromkeys(TextShares.model_fields, 0.0), "anything": 1.0})
    words = SyntheticWords(SyntheticOptions(fonts=(font,), texts=only), CHARACTERS + "\u4e2d")
    assert "\u4e2d" not in "".join(words.draw(300, (8, 8), random.Random(0)).labels)
    with pytest.raises(ConfigurationError, match="none of 200 fonts has all characters of"):
        SyntheticWords(SyntheticOptions(fonts=(font,)), "\u4e2d\u56fd").draw(
            1, SIZE, random.Random(0)
        )


def test_a_warped_word_keeps_its_ink() -> None:
    masks = torch.zeros(200, 1, 32, 96)
    masks[:, :, 8:24, 8:88] = 1
    generator = torch.Generator().manual_seed(0)
    warped = warp(masks, torch.full((200,), 3.0), torch.ones(200), generator)
    assert not torch.equal(warped, masks)
    # What touched no edge touches none after it, but for the corners of the hardest.
    border = torch.cat([warped[:, 0, 0], warped[:, 0, -1]], dim=1)
    assert (border.amax(1) < 0.5).float().mean() > 0.9
    shares = warped.mean((1, 2, 3)) / masks.mean((1, 2, 3))
    assert shares.min() > 0.3 and shares.max() < 1.5


def test_nothing_is_warped_without_hardness_and_luck() -> None:
    masks = torch.rand(4, 1, 32, 96)
    moved = shifted(masks, torch.zeros(4), torch.zeros(4))
    assert torch.allclose(moved, masks, atol=1e-5)
    right = shifted(masks, torch.full((4,), 2 / 95), torch.zeros(4))  # one pixel
    assert torch.allclose(right[..., 1:], masks[..., :-1], atol=1e-4)


def test_a_blur_keeps_the_light() -> None:
    images = torch.rand(2, 3, 32, 96)
    blurred = gaussian_blur(images, 1.2)
    assert blurred.mean() == pytest.approx(images.mean().item(), abs=5e-3)
    assert blurred.std() < 0.5 * images.std()


def test_what_hides_a_word_hides_little_of_it() -> None:
    images = torch.full((400, 3, *SIZE), 0.5)
    hidden = _hide(images, torch.ones(400, 1, 1, 1), torch.Generator().manual_seed(0))
    shares = (hidden != images).any(1).float().mean((1, 2))
    assert (shares > 0).all() and shares.max() < 0.35 and shares.mean() < 0.15
    # Of the middle of the picture, where the word is, at least two thirds stay in sight.
    middle = (hidden != images).any(1)[:, 8:24].float().mean((1, 2))
    assert middle.max() < 0.34
    assert torch.equal(
        hidden, _hide(images, torch.ones(400, 1, 1, 1), torch.Generator().manual_seed(0))
    )


def test_hard_pictures_are_worse_than_easy_ones() -> None:
    images = torch.rand(256, 3, 32, 96)
    images[:] = images[:1].round()
    harm = [
        (degrade(images, torch.full((256,), hardness), torch.Generator().manual_seed(0)) - images)
        .abs()
        .mean()
        for hardness in (0.0, 1.0)
    ]
    assert harm[1] > 1.5 * harm[0]


@pytest.mark.parametrize("size", [(8, 8), (31, 97), (48, 128)])
def test_any_size_is_composed(size: tuple[int, int]) -> None:
    masks = torch.randint(0, 255, (3, *size), dtype=torch.uint8)
    images = compose(masks, torch.ones(3), None, torch.Generator().manual_seed(0))
    assert images.shape == (3, 3, *size) and images.isfinite().all()
