"""The paper on which transparent pictures are laid."""

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from ocr_plugin.pages.source import Source
from ocr_plugin.protocols import RGB
from tests.sources import encoded, noise, page

Ink = tuple[int, int, int]
WHITE, BLACK, GREY = (255, 255, 255), (0, 0, 0), (128, 128, 128)


def drawn(*inks: Ink, opacity: int = 255) -> Image.Image:
    """Lines of text, one for each ink, on nothing."""
    picture = Image.new("RGBA", (220, 40 * len(inks)), (0, 0, 0, 0))
    canvas = ImageDraw.Draw(picture)
    for row, ink in enumerate(inks):
        font = ImageFont.load_default(size=24)
        canvas.text((8, 4 + 40 * row), "Gate closed", font=font, fill=(*ink, opacity))
    return picture


def in_palette(picture: Image.Image) -> Image.Image:
    """Two colours in a palette, the first of them transparent."""
    solid = picture.getchannel("A").point(lambda opacity: int(opacity > 127))
    strokes = np.asarray(picture)[np.asarray(picture)[:, :, 3] == 255]
    paletted = Image.frombytes("P", picture.size, solid.tobytes())
    paletted.putpalette([90, 90, 90, *strokes[0, :3].tolist()])
    paletted.info["transparency"] = 0
    return paletted


def paper_of(pixels: RGB) -> Ink:
    """The colour of the upper left corner, where nothing is drawn."""
    red, green, blue = (int(level) for level in pixels[0, 0])
    return red, green, blue


FORMS: dict[str, Callable[[Image.Image], Source]] = {
    "png": lambda picture: encoded(picture, "PNG"),
    "webp": lambda picture: encoded(picture, "WEBP", lossless=True, exact=True),
    "lossy webp": lambda picture: encoded(picture, "WEBP", quality=80),
    "tiff": lambda picture: encoded(picture, "TIFF"),
    "grey png": lambda picture: encoded(picture.convert("LA"), "PNG"),
    "avif": lambda picture: encoded(picture, "AVIF", quality=90),
    "png palette": lambda picture: encoded(in_palette(picture), "PNG", transparency=0),
    "gif": lambda picture: encoded(in_palette(picture), "GIF", transparency=0),
    "pillow": lambda picture: picture,
    "pillow palette": in_palette,
    "array": lambda picture: np.asarray(picture),
    "wide array": lambda picture: np.asarray(picture).astype(np.uint16) * 257,
    "float array": lambda picture: np.asarray(picture).astype(np.float32) / 255,
}


@pytest.mark.parametrize(("ink", "paper"), [(WHITE, BLACK), (BLACK, WHITE)])
@pytest.mark.parametrize("form", FORMS)
def test_text_shows_whatever_the_transparent_picture_comes_in(
    form: str, ink: Ink, paper: Ink
) -> None:
    got = page(FORMS[form](drawn(ink))).pixels
    assert paper_of(got) == paper
    assert abs(got.astype(int) - ink).max(axis=2).min() <= 8  # somewhere, the ink itself
    away = abs(got.astype(int) - paper).max(axis=2) > 128
    assert 0.04 < away.mean() < 0.3


@pytest.mark.parametrize(
    ("inks", "paper"),
    [
        ([(255, 230, 0)], BLACK),
        ([(150, 220, 255), WHITE], BLACK),
        ([(200, 0, 0)], WHITE),
        ([(0, 0, 160), BLACK], WHITE),
        ([GREY, BLACK], WHITE),
        ([GREY, WHITE], BLACK),
        ([BLACK, WHITE], GREY),
        ([BLACK, BLACK, BLACK, BLACK, BLACK, BLACK, WHITE], GREY),
        ([BLACK, WHITE, GREY], (64, 64, 64)),
    ],
)
def test_the_paper_lets_all_inks_show(inks: list[Ink], paper: Ink) -> None:
    got = page(drawn(*inks)).pixels
    assert paper_of(got) == paper
    for row, ink in enumerate(inks):
        line = got[40 * row : 40 * row + 40]
        assert (line == ink).all(axis=2).any()
        assert max(abs(np.subtract(ink, paper))) > 60


@pytest.mark.parametrize(("ink", "paper"), [(WHITE, BLACK), (BLACK, WHITE)])
def test_faint_ink_shows(ink: Ink, paper: Ink) -> None:
    got = page(drawn(ink, opacity=100)).pixels
    assert paper_of(got) == paper
    assert abs(got.astype(int) - paper).max() == pytest.approx(100, abs=1)


@pytest.mark.parametrize(
    ("ink", "shade"), [(WHITE, (0, 0, 0)), (BLACK, (0, 0, 0)), (BLACK, (255, 255, 255))]
)
def test_text_with_a_soft_shadow_stands_out(ink: Ink, shade: Ink) -> None:
    text = drawn(ink)
    blurred = text.getchannel("A").filter(ImageFilter.GaussianBlur(3))
    shadow = Image.new("RGBA", text.size, shade)
    shadow.putalpha(blurred.point(lambda opacity: int(opacity * 0.5)))
    got = page(Image.alpha_composite(shadow, text)).pixels.astype(int)
    solid = np.asarray(text)[:, :, 3] == 255
    assert (got[solid] == ink).all()
    around = np.asarray(text.getchannel("A").filter(ImageFilter.MaxFilter(9))) == 0
    assert abs(got[around].mean() - ink[0]) > 128


def test_what_is_opaque_stays_as_it_is() -> None:
    picture = noise(80, 1200).convert("RGBA")
    opacity = np.full((1200, 80), 255, np.uint8)
    opacity[300:700, 20:60] = 0
    picture.putalpha(Image.fromarray(opacity))
    got = page(picture).pixels
    assert (got[opacity == 255] == np.asarray(noise(80, 1200))[opacity == 255]).all()
    assert (got[opacity == 0] == got[350, 30]).all()


def test_text_cut_out_of_a_white_sheet_shows() -> None:
    sheet = Image.new("RGBA", (220, 40), "white")
    sheet.putalpha(drawn(BLACK).getchannel("A").point(lambda opacity: 255 - opacity))
    got = page(sheet).pixels
    assert got.min() == 0 and paper_of(got) == WHITE


@pytest.mark.parametrize("colour", [(255, 255, 255, 0), (0, 0, 0, 0), (0, 0, 255, 51)])
def test_nothing_drawn_lies_on_white(colour: tuple[int, int, int, int]) -> None:
    got = page(Image.new("RGBA", (30, 20), colour)).pixels
    opacity = colour[3] / 255
    assert got[0, 0].tolist() == [round(c * opacity + 255 * (1 - opacity)) for c in colour[:3]]
    assert (got == got[0, 0]).all()


def test_writing_below_the_first_rows_counts() -> None:
    picture = Image.new("RGBA", (220, 1300), (0, 0, 0, 0))
    picture.alpha_composite(drawn(WHITE), (0, 1250))
    assert paper_of(page(picture).pixels) == BLACK
