"""Makes the example pictures from the packages that they come from.

    apt-get download coreboot-utils-doc=4.15~dfsg-3 python3-skimage=0.19.3-8
    for package in *.deb; do dpkg -x "$package" unpacked; done
    python examples/make_examples.py unpacked

Where each picture comes from, and under which licence, is told in README.md beside this file.
"""

import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

_HERE = Path(__file__).parent
_BOARD = "usr/share/doc/coreboot-utils/html/_images/t440p_all_flash_chips.jpg"
_SKIMAGE = "usr/lib/python3/dist-packages/skimage/data"
_QUALITY = 88

_Pixels = NDArray[np.float32]
_Colour = tuple[int, int, int]


def main(unpacked: Path) -> None:
    """Writes the pictures beside this file.

    Args:
        unpacked: folder into which both packages were unpacked.
    """
    # Without the edges where labels give the machine's network address and serial number.
    board = Image.open(unpacked / _BOARD).convert("RGB").crop((0, 0, 716, 545))
    board.save(_HERE / "circuit_board.jpg", quality=_QUALITY)
    page = (unpacked / _SKIMAGE / "page.png").read_bytes()
    (_HERE / "printed_page.png").write_bytes(page)
    wall = Image.open(unpacked / _SKIMAGE / "brick.png").convert("L")
    _shop_signs(wall).save(_HERE / "shop_signs.jpg", quality=_QUALITY)


def _shop_signs(brick: Image.Image) -> Image.Image:
    """Returns a brick wall, (960, 1280), with a slanted board and a round sign composed into it."""
    random = np.random.default_rng(20261123)
    # The package keeps the wall lying on its side.
    upright = brick.transpose(Image.Transpose.ROTATE_90).crop((0, 0, 512, 384))
    grey = upright.resize((1280, 960), Image.Resampling.BICUBIC)
    light = np.asarray(grey, np.float32)[:, :, np.newaxis] / 150
    wall = (light * np.array((158, 92, 74))).astype(np.float32)
    _hang(wall, _board(), [(70, 130), (900, 55), (915, 330), (85, 455)])
    _hang(wall, _round_sign(), [(800, 430), (1190, 400), (1215, 800), (815, 850)])
    _hang(wall, _notice(), [(140, 600), (560, 585), (570, 790), (150, 815)])
    # Evening sun from the left, a little out of focus, with the grain of a small sensor.
    wall *= np.linspace(1.12, 0.62, wall.shape[1], dtype=np.float32)[np.newaxis, :, np.newaxis]
    photo = cv2.GaussianBlur(wall, (0, 0), 0.9) + random.normal(0, 5, wall.shape)
    return Image.fromarray(np.clip(photo, 0, 255).astype(np.uint8))


def _hang(wall: _Pixels, sign: Image.Image, corners: list[tuple[int, int]]) -> None:
    """Draws an RGBA sign, and its shadow, into the wall so that its corners come to `corners`."""
    source = np.array(
        [(0, 0), (sign.width, 0), (sign.width, sign.height), (0, sign.height)], np.float32
    )
    size = (wall.shape[1], wall.shape[0])
    matrix = cv2.getPerspectiveTransform(source, np.array(corners, np.float32))
    # Premultiplied, so that no colour of the transparent surroundings bleeds into the rim.
    warped = cv2.warpPerspective(
        np.asarray(sign.convert("RGBa"), np.float32), matrix, size, flags=cv2.INTER_AREA
    )
    cover = warped[:, :, 3:] / 255
    shadow = np.roll(cv2.GaussianBlur(cover, (0, 0), 9), (16, 12), axis=(0, 1))
    wall *= 1 - 0.55 * shadow[:, :, np.newaxis]
    wall[:] = wall * (1 - cover) + warped[:, :, :3]


def _centred(sign: Image.Image, y: int, text: str, height: int, ink: _Colour) -> None:
    font = ImageFont.load_default(size=height)
    place = (sign.width // 2, y)
    # The built-in font is a light one for a sign.
    bold = height // 40
    ImageDraw.Draw(sign).text(place, text, font=font, fill=ink, anchor="mm", stroke_width=bold)


def _board() -> Image.Image:
    sign = Image.new("RGBA", (1660, 600), (24, 66, 52, 255))
    cream = (240, 228, 196)
    ImageDraw.Draw(sign).rectangle((22, 22, 1637, 577), outline=cream, width=8)
    _centred(sign, 205, "CORNER BOOKSHOP", 152, cream)
    _centred(sign, 430, "Maps, Prints & Rare Editions", 104, (226, 188, 92))
    return sign


def _notice() -> Image.Image:
    sign = Image.new("RGBA", (840, 420), (236, 232, 222, 255))
    _centred(sign, 90, "OPENING HOURS", 76, (150, 24, 30))
    _centred(sign, 210, "Mon - Fri  9:30 - 18:00", 64, (34, 34, 40))
    _centred(sign, 320, "Saturday  10:00 - 14:00", 64, (34, 34, 40))
    return sign


def _round_sign() -> Image.Image:
    """Returns a disc, (800, 800), with a name along its upper rim."""
    sign = Image.new("RGBA", (800, 800))
    canvas = ImageDraw.Draw(sign)
    canvas.ellipse((4, 4, 795, 795), fill=(40, 34, 32, 255))
    canvas.ellipse((28, 28, 771, 771), outline=(232, 220, 200), width=8)
    font = ImageFont.load_default(size=112)
    name = "COFFEE ROASTERS"
    # Each letter stands where its middle falls on the arc.
    radius = 300
    total = font.getlength(name)
    for place, letter in enumerate(name):
        middle = font.getlength(name[:place]) + font.getlength(letter) / 2
        degrees = float(np.degrees((total / 2 - middle) / radius))
        tile = Image.new("RGBA", sign.size)
        pen = ImageDraw.Draw(tile)
        pen.text((400, 400 - radius), letter, font=font, fill=(232, 220, 200), anchor="mm")
        sign.alpha_composite(tile.rotate(degrees, Image.Resampling.BICUBIC))
    _centred(sign, 420, "Fresh daily", 92, (226, 188, 92))
    _centred(sign, 560, "since 1987", 72, (232, 220, 200))
    return sign.filter(ImageFilter.SMOOTH)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: make_examples.py FOLDER_WITH_THE_UNPACKED_PACKAGES")
    main(Path(sys.argv[1]))
