"""Icons, HEIF and its kin: which picture is read, and what is said where none can be."""

import io
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ocr_plugin.errors import UnreadableImage
from ocr_plugin.options import ImageOptions
from ocr_plugin.pages.decode import has_more_pages, open_pages
from tests.sources import TINY, colour_of, encoded, noise, page, plain, refusal

# Icons


def icon_of(*pictures: Image.Image, png: bool, depths: tuple[int, ...] = ()) -> bytes:
    """An icon of some pictures as PNGs or as bitmaps, in their order."""
    heads, bodies = b"", b""
    for index, picture in enumerate(pictures):
        depth = depths[index] if depths else 24
        body = encoded(picture) if png else bitmap(picture, depth)
        sides = (picture.width % 256, picture.height % 256)
        place = 6 + 16 * len(pictures) + len(bodies)
        heads += struct.pack("<4B2H2I", *sides, 0, 0, 1, depth, len(body), place)
        bodies += body
    return struct.pack("<3H", 0, 1, len(pictures)) + heads + bodies


def bitmap(picture: Image.Image, depth: int) -> bytes:
    """A bitmap as icons have it: without a file header, twice as high, with an empty mask."""
    coloured = picture if depth == 24 else picture.convert("1")
    dib = bytearray(encoded(coloured, "DIB"))
    struct.pack_into("<i", dib, 8, 2 * picture.height)
    return bytes(dib) + bytes((picture.width + 31) // 32 * 4 * picture.height)


@pytest.mark.parametrize("png", [True, False])
@pytest.mark.parametrize("order", [(16, 64, 32), (64, 32, 16), (16, 256, 48)])
def test_the_largest_picture_of_an_icon_is_read(png: bool, order: tuple[int, ...]) -> None:
    colours = {16: "red", 32: "lime", 48: "lime", 64: "blue", 256: "blue"}
    data = icon_of(*(plain(colours[side], (side, side)) for side in order), png=png)
    got = page(data)
    assert got.pixels.shape == (max(order), max(order), 3)
    assert colour_of(got.pixels) == (0, 0, 255)
    assert got.warnings == ()


def test_of_two_as_large_the_one_with_more_colours_is_read() -> None:
    both = icon_of(plain("white", (32, 32)), plain("red", (32, 32)), png=False, depths=(1, 24))
    assert colour_of(page(both).pixels) == (255, 0, 0)
    both = icon_of(plain("red", (32, 32)), plain("white", (32, 32)), png=False, depths=(24, 1))
    assert colour_of(page(both).pixels) == (255, 0, 0)


def test_icons_as_pillow_writes_them() -> None:
    data = encoded(noise(200, 200), "ICO", sizes=[(16, 16), (200, 200), (48, 48)])
    assert (page(data).pixels == np.asarray(noise(200, 200))).all()


def test_a_picture_in_an_icon_may_be_larger_than_its_directory_can_say() -> None:
    big = Image.new("RGB", (600, 520), "navy")
    for pictures in ((plain("red", (64, 64)), big), (big, plain("red", (64, 64)))):
        assert page(icon_of(*pictures, png=True)).pixels.shape == (520, 600, 3)


def test_the_limit_holds_for_icons_before_they_are_decoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = icon_of(noise(), png=True)
    monkeypatch.setattr(Image.Image, "load", lambda _: pytest.fail("decoded"))
    assert "60 x 40 pixels are more than the limit of 100" in refusal(data, TINY)
    assert not has_more_pages(data, 1)


def test_a_bitmap_that_no_icon_holds_is_refused() -> None:
    data = bytearray(icon_of(noise(), png=False))
    struct.pack_into("<2i", data, 22 + 4, 13_000, 26_000)
    damaged = "the image looks like ICO, but its header is damaged or cut off"
    assert refusal(bytes(data)) == damaged
    assert refusal(bytes(data)[:15]) == damaged
    assert refusal(b"\0\0\1\0\0\0") == damaged


# HEIF and its kin


def heic(picture: Image.Image) -> bytes:
    """A picture as HEIC; an orientation in its EXIF becomes one of HEIF's own."""
    heif = pytest.importorskip("pillow_heif")
    buffer, exif = io.BytesIO(), picture.getexif().tobytes()
    heif.encode(picture.mode, picture.size, picture.tobytes(), buffer, quality=95, exif=exif)
    return buffer.getvalue()


def quadrants() -> Image.Image:
    """Four colours, so that a turn shows."""
    picture = plain("white", (128, 64))
    for colour, place in (("red", (0, 0)), ("lime", (64, 0)), ("blue", (0, 32))):
        picture.paste(colour, (*place, place[0] + 64, place[1] + 32))
    return picture


def test_a_heic_picture_is_known_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(heic(quadrants()))
    Image.init()
    known = set(Image.OPEN)
    got = page(path)
    assert got.pixels.shape == (64, 128, 3) and got.warnings == ()
    assert abs(got.pixels.astype(int) - np.asarray(quadrants())).mean() < 6
    assert set(Image.OPEN) == known  # what else runs in the process opens what it did


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_heic_picture_stands_upright(orientation: int) -> None:
    stored = quadrants()
    stored.getexif()[0x0112] = orientation
    # The same as a JPEG, whose orientation is in EXIF alone.
    upright = page(encoded(stored, "JPEG", quality=95, exif=stored.getexif())).pixels
    got = page(heic(stored)).pixels
    assert got.shape == upright.shape
    assert abs(got.astype(int) - upright).mean() < 8


def test_the_limit_holds_for_heic_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    data = heic(noise())
    monkeypatch.setattr(Image.Image, "load", lambda _: pytest.fail("decoded"))
    assert "60 x 40 pixels are more than the limit of 100" in refusal(data, TINY)


def test_a_damaged_heic_picture() -> None:
    data = heic(noise())
    assert refusal(data[: len(data) // 2]) == "the image is truncated"
    assert refusal(data[:40] + bytes(500)).startswith("cannot be decoded as HEIC: ")


def test_transparent_heic_lies_on_paper_that_shows_it() -> None:
    picture = Image.new("RGBA", (128, 64), (255, 255, 255, 0))
    picture.paste((255, 255, 255, 255), (32, 16, 96, 48))
    got = page(heic(picture)).pixels
    assert got[2, 2].max() < 10 and got[32, 64].min() > 245


def signature(brand: bytes, *others: bytes) -> bytes:
    """The first bytes of a file of that brand."""
    brands = b"".join(others)
    return struct.pack(">I", 16 + len(brands)) + b"ftyp" + brand + bytes(4) + brands + bytes(99)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (signature(b"heic", b"mif1"), "HEIC"),
        (signature(b"mif1", b"heic"), "HEIC"),
        (signature(b"msf1", b"hevc"), "HEIC"),
        (signature(b"avif", b"mif1"), "AVIF"),
        (signature(b"mif1", b"avif"), "AVIF"),
    ],
)
def test_the_missing_extra_is_named(
    data: bytes, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    monkeypatch.setattr("ocr_plugin.pages.containers._reads_avif", lambda: False)
    path = tmp_path / "photo.png"
    path.write_bytes(data)
    with pytest.raises(UnreadableImage) as caught:
        next(open_pages(path, ImageOptions()))
    needs = f"{kind} pictures need the extra heif: pip install 'ocr-plugin[heif]'"
    assert str(caught.value) == f"{path}: {needs}"


def test_avif_is_read_by_pillow_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    for brand in (b"avif", b"mif1"):
        data = encoded(quadrants(), "AVIF", quality=90)
        assert b"avif" in data[16:40]
        got = page(data[:8] + brand + data[12:]).pixels
        assert abs(got.astype(int) - np.asarray(quadrants())).mean() < 8
    assert "60 x 40 pixels are more than the limit" in refusal(encoded(noise(), "AVIF"), TINY)


@pytest.mark.parametrize("data", [b"\xff\x0a" + bytes(50), b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(50)])
def test_jpeg_xl_says_how_to_go_on(data: bytes) -> None:
    assert refusal(data) == (
        "JPEG XL pictures cannot be read; convert them first: djxl IN.jxl OUT.png"
    )


@pytest.mark.parametrize("brand", [b"mp42", b"isom", b"qt  "])
def test_films_are_no_pictures(brand: bytes) -> None:
    assert refusal(signature(brand, b"avc1")) == "not an image in a supported format"
