"""JPEG files that claim more than they hold."""

import time

import numpy as np
import pytest
from PIL import Image

from tests.sources import encoded, noise, page, plain, refusal

SCAN, END = b"\xff\xda", b"\xff\xd9"


def drawing(width: int = 400, height: int = 320) -> Image.Image:
    """A picture whose every row differs."""
    rows = np.linspace(0, 250, height).astype(np.uint8)
    levels = np.repeat(rows[:, np.newaxis], width, axis=1)
    levels[::3, ::5] = 20
    return Image.fromarray(np.repeat(levels[:, :, np.newaxis], 3, axis=2))


def resized(data: bytes, width: int, height: int) -> bytes:
    """A JPEG whose header claims another size."""
    start = max(data.find(b"\xff\xc0\x00"), data.find(b"\xff\xc2\x00")) + 5
    size = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    return data[:start] + size + data[start + 4 :]


@pytest.mark.parametrize("progressive", [False, True])
def test_a_claim_of_far_more_pixels_than_there_can_be(progressive: bool) -> None:
    data = encoded(plain("white", (16, 16)), "JPEG", progressive=progressive)
    start = time.process_time()
    reason = refusal(resized(data, 13_000, 13_000))
    assert reason.startswith("the image is truncated: ")
    assert reason.endswith(" bytes cannot hold 13000 x 13000 pixels")
    assert time.process_time() - start < 1


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize(
    "options",
    [{}, {"optimize": True}, {"progressive": True}, {"subsampling": 0}, {"restart_marker_rows": 1}],
)
def test_a_blank_page_is_no_cut_one(mode: str, options: dict[str, int]) -> None:
    for colour in ("white", "black", "gray"):
        got = page(encoded(plain(colour, (2000, 1504), mode), "JPEG", quality=5, **options))
        assert got.warnings == ()


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_picture_that_was_cut_off_and_closed_says_so(mode: str) -> None:
    data = encoded(drawing().convert(mode), "JPEG")
    scan = data.index(SCAN)
    cut = data[: scan + (len(data) - scan) // 2] + END
    got = page(cut)
    assert got.warnings == ("the lower rows are all one grey: the file may have been cut off",)
    assert page(data).warnings == ()


def test_many_scans_are_not_decoded() -> None:
    data = encoded(noise(), "JPEG", progressive=True)
    first = data.index(SCAN)
    second = data.index(SCAN, first + 2)
    scan = data[first:second]
    assert page(data[:first] + scan * 3 + data[first:]).pixels.shape == (40, 60, 3)
    reason = refusal(data[:first] + scan * 100 + data[first:])
    assert reason == "a JPEG of more than 100 scans is not decoded"


def test_the_preview_in_a_picture_is_not_counted() -> None:
    preview = encoded(noise(16, 16), "JPEG", progressive=True) * 30
    data = encoded(noise(), "JPEG")
    marked = data[:2] + b"\xff\xe5" + (len(preview) + 2).to_bytes(2, "big") + preview + data[2:]
    assert (page(marked).pixels == page(data).pixels).all()
