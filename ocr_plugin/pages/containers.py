"""Files that hold pictures in other formats: icons, HEIF and its kin, told by their first bytes.

None of them is left to Pillow's own readers alone: of an icon these decode a picture before its
size is known, and what HEIF holds takes a decoder that may be missing.
"""

import io
import struct
from importlib import import_module
from typing import Any, Literal

from PIL import IcoImagePlugin, Image, ImageFile, PngImagePlugin, features

from ocr_plugin.errors import one_line
from ocr_plugin.pages.png import without_texts
from ocr_plugin.pages.raster import Unusable

_ICON = b"\0\0\1\0"
_PNG = b"\x89PNG\r\n\x1a\n"
# An icon's own bitmaps have no more pixels a side; pictures in it that are PNGs may.
_ICON_SIDE = 256
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs")
_AVIF_BRANDS = (b"avif", b"avis")
# Of any codec: the brands that follow tell which.
_ANY_BRANDS = (b"mif1", b"msf1")
_JPEG_XL = (b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")


def contained(data: bytes) -> ImageFile.ImageFile | None:
    """Returns the picture in an icon or a HEIC file, its header read; None for other files.

    AVIF is left to Pillow where Pillow reads it.

    Raises:
        Unusable: the file is damaged, or nothing that is installed decodes it.
    """
    if data.startswith(_ICON):
        return _largest_of_icon(data)
    kind = _kind_of(data)
    if kind == "JPEG XL":
        raise Unusable("JPEG XL pictures cannot be read; convert them first: djxl IN.jxl OUT.png")
    if kind == "HEIC":
        return _heic(data)
    if kind == "AVIF" and not _reads_avif():
        raise Unusable(_needs_extra(kind))
    return None


def _kind_of(data: bytes) -> Literal["HEIC", "AVIF", "JPEG XL"] | None:
    if data.startswith(_JPEG_XL):
        return "JPEG XL"
    if data[4:8] != b"ftyp":
        return None
    brand, size = data[8:12], int.from_bytes(data[:4], "big")
    further = {data[start : start + 4] for start in range(16, min(size, 256), 4)}
    if brand in _AVIF_BRANDS or (brand in _ANY_BRANDS and further & set(_AVIF_BRANDS)):
        return "AVIF"
    return "HEIC" if brand in _HEIC_BRANDS + _ANY_BRANDS else None


def _heic(data: bytes) -> ImageFile.ImageFile:
    try:
        # Not registered with Pillow, which would change what it opens elsewhere in the process.
        reader: Any = import_module("pillow_heif").HeifImageFile
    except ImportError as error:
        raise Unusable(_needs_extra("HEIC")) from error
    try:
        image: ImageFile.ImageFile = reader(io.BytesIO(data), "")
    except Exception as error:  # readers raise anything on damaged headers
        reason = one_line(error)
        if "end of file" in reason.lower():
            raise Unusable("the image is truncated") from error
        raise Unusable(f"cannot be decoded as HEIC: {reason}") from error
    return image


def _reads_avif() -> bool:
    Image.init()
    # Asked of a feature that it does not know, an older Pillow would warn.
    return "AVIF" in Image.OPEN and bool(features.check("avif"))


def _needs_extra(kind: str) -> str:
    return f"{kind} pictures need the extra heif: pip install 'ocr-plugin[heif]'"


def _largest_of_icon(data: bytes) -> ImageFile.ImageFile:
    """Returns an icon's largest picture; of several, the one with the most colours."""
    try:
        (count,) = struct.unpack_from("<H", data, 4)
        # Width and height (0 for 256 and more), colours, planes, bits a pixel, bytes, place.
        entries = [struct.unpack_from("<4B2H2I", data, 6 + 16 * index) for index in range(count)]
        pictures = [(entry, data[entry[7] : entry[7] + entry[6]]) for entry in entries]
        entry, body = max(pictures, key=lambda each: (_pixels(each[1]), each[0][5]))
        if body.startswith(_PNG):
            return PngImagePlugin.PngImageFile(io.BytesIO(without_texts(body)), "")
        width, height = _size(body)
        if not (0 < width <= _ICON_SIDE and 0 < height <= _ICON_SIDE):
            raise ValueError(f"a bitmap of {width} x {height} in an icon")
        # Pillow's reader decodes at once, which is safe for so small a picture. It is given no
        # other: of two as large it would take the one with fewer colours.
        head = struct.pack("<4B2H2I", width % 256, height % 256, *entry[2:7], 22)
        return IcoImagePlugin.IcoImageFile(io.BytesIO(_ICON + b"\1\0" + head + body), "")
    except Exception as error:  # readers raise anything on damaged headers
        reason = "the image looks like ICO, but its header is damaged or cut off"
        raise Unusable(reason) from error


def _pixels(body: bytes) -> int:
    width, height = _size(body)
    return width * height


def _size(body: bytes) -> tuple[int, int]:
    """Returns width and height of a PNG or a bitmap, by its own header."""
    if body.startswith(_PNG):
        width, height = struct.unpack_from(">2I", body, 16)
        return width, height
    # A bitmap's mask counts as further rows.
    width, rows = struct.unpack_from("<2i", body, 4)
    return width, rows // 2
