"""Small sound files of every format that is read, each with a text drawn in it."""

import gzip
import io
import struct
import tarfile
import zipfile
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, Literal

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks.fuzz.pdf_seeds import pdf_files

TEXT = "Pier 47"
_SIZE = (132, 44)
# Of a seed of several pages.
_PAGES = 3

Kind = Literal["picture", "archive"]


@dataclass(frozen=True)
class Seed:
    """A sound file.

    Attributes:
        format: as Pillow calls it, or the archive's.
        variant: what is particular about it.
        data: the file.
        suffix: of its name, which tells what an archive is, and an old TGA.
    """

    format: str
    variant: str
    data: bytes
    suffix: str

    @property
    def kind(self) -> Kind:
        """Whether it is opened as a picture or as an archive of pictures."""
        return "archive" if self.format in ("ZIP", "TAR") else "picture"


def drawn(text: str = TEXT, mode: str = "L") -> Image.Image:
    """Returns a text in black on white."""
    picture = Image.new("L", _SIZE, 255)
    ImageDraw.Draw(picture).text((10, 8), text, fill=0, font=ImageFont.load_default(24))
    return picture.convert(mode)


def pages() -> list[Image.Image]:
    """Returns pages of different texts."""
    return [drawn(f"Page {number}") for number in range(1, _PAGES + 1)]


@cache
def seeds() -> dict[str, tuple[Seed, ...]]:
    """Returns the seeds by format."""
    found: dict[str, list[Seed]] = {}
    for each in (*_by_pillow(), *_by_hand(), *_tiffs(), *_documents(), *_archives()):
        found.setdefault(each.format, []).append(each)
    return {name: tuple(found[name]) for name in sorted(found)}


def saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    """Returns a picture as a file."""
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def _by_pillow() -> list[Seed]:
    grey, colour, ink = drawn(), drawn(mode="RGB"), drawn(mode="1")
    palette, clear = drawn(mode="P"), drawn(mode="RGBA")
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    turned = Image.Exif()
    turned[0x0112] = 6
    several = {"save_all": True, "append_images": pages()}
    return [
        Seed("AVIF", "grey", saved(grey, "AVIF"), ".avif"),
        Seed("AVIF", "alpha", saved(clear, "AVIF"), ".avif"),
        Seed("BMP", "1 bit", saved(ink, "BMP"), ".bmp"),
        Seed("BMP", "palette", saved(palette, "BMP"), ".bmp"),
        Seed("BMP", "colour", saved(colour, "BMP"), ".bmp"),
        Seed("DIB", "colour", saved(colour, "DIB"), ".dib"),
        Seed("GIF", "one", saved(palette, "GIF"), ".gif"),
        Seed("GIF", "animated", saved(palette, "GIF", **several), ".gif"),
        Seed("ICO", "PNG", saved(clear, "ICO", sizes=[_SIZE]), ".ico"),
        Seed("ICO", "bitmap", saved(clear, "ICO", sizes=[_SIZE], bitmap_format="bmp"), ".ico"),
        Seed("JPEG", "grey", saved(grey, "JPEG"), ".jpg"),
        Seed("JPEG", "colour", saved(colour, "JPEG", exif=turned), ".jpg"),
        Seed("JPEG", "progressive", saved(colour, "JPEG", progressive=True), ".jpg"),
        Seed("JPEG", "CMYK", saved(drawn(mode="CMYK"), "JPEG"), ".jpg"),
        Seed("JPEG", "restarts", saved(colour, "JPEG", restart_marker_rows=1), ".jpg"),
        Seed("JPEG2000", "jp2", saved(colour, "JPEG2000"), ".jp2"),
        Seed("JPEG2000", "codestream", saved(grey, "JPEG2000", no_jp2=True), ".j2k"),
        Seed("MPO", "two", saved(colour, "MPO", save_all=True, append_images=[colour]), ".jpg"),
        Seed("PCX", "1 bit", saved(ink, "PCX"), ".pcx"),
        Seed("PCX", "palette", saved(palette, "PCX"), ".pcx"),
        Seed("PCX", "colour", saved(colour, "PCX"), ".pcx"),
        Seed("PNG", "grey", saved(grey, "PNG"), ".png"),
        Seed("PNG", "1 bit", saved(ink, "PNG"), ".png"),
        Seed("PNG", "palette", saved(palette, "PNG"), ".png"),
        Seed("PNG", "alpha", saved(clear, "PNG", exif=turned), ".png"),
        Seed("PNG", "16 bit", saved(deep, "PNG"), ".png"),
        Seed("PNG", "animated", saved(colour, "PNG", **several), ".png"),
        Seed("PPM", "P4", saved(ink, "PPM"), ".pbm"),
        Seed("PPM", "P5", saved(grey, "PPM"), ".pgm"),
        Seed("PPM", "P6", saved(colour, "PPM"), ".ppm"),
        Seed("QOI", "colour", saved(colour, "QOI"), ".qoi"),
        Seed("QOI", "alpha", saved(clear, "QOI"), ".qoi"),
        Seed("SGI", "grey", saved(grey, "SGI"), ".sgi"),
        Seed("SGI", "colour, 16 bit", saved(colour, "SGI", bpc=2), ".sgi"),
        Seed("TGA", "plain", saved(colour, "TGA"), ".tga"),
        Seed("TGA", "run lengths", saved(colour, "TGA", compression="tga_rle"), ".tga"),
        Seed("TGA", "palette", saved(palette, "TGA"), ".tga"),
        Seed("WEBP", "lossy", saved(colour, "WEBP"), ".webp"),
        Seed("WEBP", "lossless", saved(clear, "WEBP", lossless=True, exif=turned), ".webp"),
        Seed("WEBP", "animated", saved(colour, "WEBP", **several), ".webp"),
    ]


def _by_hand() -> list[Seed]:
    heic: Any = import_module("pillow_heif")
    width, height = _SIZE
    levels = np.asarray(drawn())
    plain = b"P2\n%d %d\n255\n" % _SIZE + b"\n".join(
        b" ".join(b"%d" % v for v in r) for r in levels
    )
    coded = io.BytesIO()
    heic.from_pillow(drawn(mode="RGB")).save(coded, quality=60)
    head = struct.pack(">4sH6xHIIHH", b"8BPS", 1, 3, height, width, 8, 3) + bytes(12)
    rows = [_packed(row.tobytes()) for row in levels] * 3
    lengths = struct.pack(f">{len(rows)}H", *map(len, rows))
    return [
        Seed("HEIF", "colour", coded.getvalue(), ".heic"),
        Seed("PPM", "P2", plain, ".pgm"),
        Seed("PSD", "raw", head + bytes(2) + levels.tobytes() * 3, ".psd"),
        Seed("PSD", "run lengths", head + b"\0\1" + lengths + b"".join(rows), ".psd"),
        Seed("SGI", "run lengths", _sgi_of_runs(), ".sgi"),
    ]


def _packed(row: bytes) -> bytes:
    """Returns a row as PackBits has it: a length, and bytes as they are or one repeated."""
    out, place = bytearray(), 0
    while place < len(row):
        end = place + 1
        while end < len(row) and row[end] == row[place] and end - place < 128:
            end += 1
        out += bytes([(257 - (end - place)) & 0xFF, row[place]]) if end - place > 1 else (
            bytes([0, row[place]])
        )  # fmt: skip
        place = end
    return bytes(out)


def _sgi_of_runs() -> bytes:
    """Returns a grey SGI file of run lengths, which Pillow does not write."""
    levels = np.flipud(np.asarray(drawn()))
    height, width = levels.shape
    rows = []
    for row in levels:
        out, place = bytearray(), 0
        while place < width:
            end = place + 1
            while end < width and row[end] == row[place] and end - place < 127:
                end += 1
            out += bytes([end - place, int(row[place])])
            place = end
        rows.append(bytes(out) + b"\0")
    head = struct.pack(">HBBHHHHII", 474, 1, 1, 2, width, height, 1, 0, 255).ljust(512, b"\0")
    starts = [512 + 8 * height + sum(map(len, rows[:number])) for number in range(height)]
    tables = struct.pack(f">{2 * height}I", *starts, *map(len, rows))
    return head + tables + b"".join(rows)


def _tiffs() -> list[Seed]:
    grey, colour, ink = drawn(), drawn(mode="RGB"), drawn(mode="1")
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    several = {"save_all": True, "append_images": pages()[1:]}
    variants = {
        "plain": saved(grey, "TIFF"),
        "1 bit": saved(ink, "TIFF"),
        "16 bit": saved(deep, "TIFF"),
        "float": saved(grey.convert("F"), "TIFF"),
        "LZW": saved(colour, "TIFF", compression="tiff_lzw"),
        "deflate": saved(colour, "TIFF", compression="tiff_adobe_deflate"),
        "PackBits": saved(grey, "TIFF", compression="packbits"),
        "G3": saved(ink, "TIFF", compression="group3"),
        "G4": saved(ink, "TIFF", compression="group4"),
        "JPEG": saved(colour, "TIFF", compression="jpeg"),
        "big": saved(grey, "TIFF", big_tiff=True),
        "tiled": _tiled(np.asarray(grey)),
        "pages": saved(pages()[0], "TIFF", **several),
        "pages, G4": saved(
            pages()[0].convert("1"),
            "TIFF",
            save_all=True,
            append_images=[page.convert("1") for page in pages()[1:]],
            compression="group4",
        ),
    }
    return [Seed("TIFF", name, data, ".tiff") for name, data in variants.items()]


def _tiled(levels: np.ndarray[Any, np.dtype[np.uint8]], side: int = 32) -> bytes:
    """Returns a TIFF of uncompressed tiles, which Pillow does not write."""
    height, width = levels.shape
    across, down = -(-width // side), -(-height // side)
    whole = np.full((down * side, across * side), 255, np.uint8)
    whole[:height, :width] = levels
    tiles = [
        whole[y * side : (y + 1) * side, x * side : (x + 1) * side].tobytes()
        for y in range(down)
        for x in range(across)
    ]
    tags = 10
    offsets_at = 8 + 2 + 12 * tags + 4
    counts_at = offsets_at + 4 * len(tiles)
    data_at = counts_at + 4 * len(tiles)
    size = side * side
    entries = [
        (256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1),
        (277, 3, 1, 1), (322, 4, 1, side), (323, 4, 1, side),
        (324, 4, len(tiles), offsets_at), (325, 4, len(tiles), counts_at),
    ]  # fmt: skip
    directory = struct.pack("<H", tags) + b"".join(
        struct.pack("<HHIHH" if kind == 3 else "<HHII", tag, kind, count, value, *[0] * (kind == 3))
        for tag, kind, count, value in entries
    )
    offsets = struct.pack(f"<{len(tiles)}I", *(data_at + size * n for n in range(len(tiles))))
    counts = struct.pack(f"<{len(tiles)}I", *[size] * len(tiles))
    return b"II*\0\x08\0\0\0" + directory + bytes(4) + offsets + counts + b"".join(tiles)


def _documents() -> list[Seed]:
    return [Seed("PDF", name, data, ".pdf") for name, data in pdf_files(drawn(), TEXT).items()]


def _archives() -> list[Seed]:
    files = {
        "a.png": saved(drawn(), "PNG"),
        "b/c.jpg": saved(drawn(), "JPEG"),
        "d.tiff": saved(pages()[0], "TIFF", save_all=True, append_images=pages()[1:]),
    }
    plain, packed = _zip(files, zipfile.ZIP_STORED), _zip(files, zipfile.ZIP_DEFLATED)
    tar = _tar(files)
    return [
        Seed("ZIP", "stored", plain, ".zip"),
        Seed("ZIP", "deflated", packed, ".zip"),
        Seed("ZIP", "nested", _zip({"in.zip": packed, "in.tar": tar}, zipfile.ZIP_STORED), ".zip"),
        Seed("TAR", "plain", tar, ".tar"),
        Seed("TAR", "gzip", gzip.compress(tar, mtime=0), ".tar.gz"),
        Seed("TAR", "nested", _tar({"in.zip": packed, "e.png": files["a.png"]}), ".tar"),
    ]


def _zip(files: dict[str, bytes], compression: int) -> bytes:
    coded = io.BytesIO()
    with zipfile.ZipFile(coded, "w", compression) as archive:
        for name, data in files.items():
            # With a fixed time: the same seeds at any hour.
            archive.writestr(zipfile.ZipInfo(name), data, compression)
    return coded.getvalue()


def _tar(files: dict[str, bytes]) -> bytes:
    coded = io.BytesIO()
    with tarfile.open(fileobj=coded, mode="w") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return coded.getvalue()
