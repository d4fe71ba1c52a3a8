"""Which formats are read, and that no reader of another is asked."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from ocr_plugin.errors import UnreadableImage
from ocr_plugin.pages.decode import has_more_pages
from ocr_plugin.pages.image_formats import READ, identified
from tests.sources import colour_of, encoded, noise, page, plain, refusal


@pytest.mark.parametrize("kind", ["EPS", "BLP", "DDS", "ICNS", "MSP", "XBM"])
def test_other_formats_are_refused_by_name(kind: str) -> None:
    mode = {"BLP": "P", "MSP": "1", "XBM": "1"}.get(kind, "RGB")
    data = encoded(noise(64, 64).convert(mode), kind)
    assert refusal(data) == f"{kind} files are not read; convert it to PDF or PNG"


def test_no_reader_of_another_format_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    Image.init()

    def forbidden(*_: object) -> None:
        raise AssertionError("a reader that is not on the list was called")

    for kind in set(Image.OPEN) - set(READ) - {"TGA"}:
        monkeypatch.setitem(Image.OPEN, kind, (forbidden, Image.OPEN[kind][1]))
    starts = [
        b"%!PS-Adobe-3.0 EPSF-3.0\n",
        b"\x1c\x02\0\0\x05hello",
        b"\0\0\2\0",
        b"SIMPLE  =",
        b"BLP2",
    ]
    for start in starts:
        assert "not" in refusal(start + bytes(1000))


def test_no_program_is_started_for_a_postscript_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, ran = tmp_path / "gs", tmp_path / "ran"
    program.write_text(f"#!/bin/sh\necho x >> {ran}\necho 10.0\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    path = tmp_path / "scan.eps"
    path.write_bytes(encoded(noise(), "EPS"))
    with pytest.raises(UnreadableImage, match=r"scan\.eps: EPS files are not read; convert it"):
        page(path)
    assert not ran.exists()


def test_a_tga_is_told_by_its_footer_or_its_name(tmp_path: Path) -> None:
    data = encoded(noise(), "TGA")
    bare = data[: data.rindex(b"TRUEVISION") - 8]
    (tmp_path / "a.TGA").write_bytes(bare)
    (tmp_path / "a.dat").write_bytes(bare)
    assert (page(data).pixels == np.asarray(noise())).all()
    assert (page(tmp_path / "a.TGA").pixels == np.asarray(noise())).all()
    assert refusal(tmp_path / "a.dat") == "not an image in a supported format"
    assert not has_more_pages(bare, 1, "a.tga")


def test_random_bytes_are_no_picture() -> None:
    rng = np.random.default_rng(5)
    found = 0
    for _ in range(2000):
        # As a TGA of true colours begins.
        start = bytes([0, 0, int(rng.integers(1, 4))])
        try:
            identified(start + rng.bytes(200))
        except Exception:
            found += 1
    assert found == 2000


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


@pytest.mark.parametrize("where", [33, -12])
@pytest.mark.parametrize("kind", [b"iCCP", b"zTXt", b"iTXt", b"tEXt"])
def test_a_png_with_a_large_profile_or_text_is_read(kind: bytes, where: int) -> None:
    packed = zlib.compress(np.random.default_rng(1).bytes(3_000_000))
    bodies = {
        b"iCCP": b"profile\0\0" + packed,
        b"zTXt": b"settings\0\0" + packed,
        b"iTXt": b"settings\0\1\0\0\0" + packed,
        b"tEXt": b"settings\0" + b"a" * 3_000_000,
    }
    data = encoded(noise())
    large = data[:where] + chunk(kind, bodies[kind]) + data[where:]
    before = PngImagePlugin.MAX_TEXT_CHUNK
    assert (page(large).pixels == np.asarray(noise())).all()
    assert before == PngImagePlugin.MAX_TEXT_CHUNK


def test_a_png_keeps_the_text_that_tells_how_it_is_turned() -> None:
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><d tiff:Orientation="6"/></x:xmpmeta>'
    data = encoded(noise(5, 3))
    told = chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp)
    assert page(data[:33] + told + data[33:]).pixels.shape == (5, 3, 3)


def gif_of(frames: int) -> bytes:
    """A GIF of one pixel with many frames."""
    one = encoded(plain("red", (1, 1)).convert("P"), "GIF")
    start = one.index(b",\0\0\0\0")
    return one[:start] + one[start:-1] * frames + one[-1:]


@pytest.mark.parametrize(
    ("frames", "told"), [(999, "999"), (1000, "at least 1000"), (50_000, "at least 1000")]
)
def test_frames_are_counted_up_to_a_limit(frames: int, told: str) -> None:
    got = page(gif_of(frames))
    assert colour_of(got.pixels) == (255, 0, 0)
    assert got.warnings[0].startswith(f"only the first of {told} frames was read")


def test_a_count_of_frames_that_only_a_header_claims() -> None:
    data = encoded(plain("red"), save_all=True, append_images=[plain("lime")])
    start = data.index(b"acTL") + 4
    body = struct.pack(">II", 4_000_000, 0)
    claimed = data[: start - 8] + chunk(b"acTL", body) + data[start + 12 :]
    assert page(claimed).warnings == ("only the first of at least 1000 frames was read",)


def test_what_a_wrapper_holds_is_limited_too() -> None:
    # An IPTC record of 64 x 64 pixels that holds a larger PNG.
    inner = encoded(noise(100, 100))
    fields = [
        (3, 20, b"\0\x40"),
        (3, 30, b"\0\x40"),
        (3, 60, b"\1\0"),
        (3, 65, b"\0"),
        (3, 120, b"\5"),
    ]
    head = b"".join(
        b"\x1c" + bytes(key) + struct.pack(">H", len(body)) + body for *key, body in fields
    )
    data = head + b"\x1c\x08\x0a" + struct.pack(">H", len(inner)) + inner
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "IPTC"
    assert refusal(data) == "not an image in a supported format"
