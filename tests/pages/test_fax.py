"""Damaged fax data in TIFFs are a warning of their page."""

import io
import os
import sys
import threading

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont, TiffImagePlugin

from ocr_plugin.options import ImageOptions
from ocr_plugin.pages.decode import open_pages
from ocr_plugin.pages.fax import fax_damage
from ocr_plugin.pages.raster import PageImage


def fax(compression: str) -> bytes:
    """Returns a page of text as a TIFF."""
    page = Image.new("1", (1700, 1100), 1)
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(size=40)
    for y in range(40, 1050, 50):
        draw.text((60, y), f"The quick brown fox jumps over the lazy dog {y}", font=font, fill=0)
    file = io.BytesIO()
    page.save(file, "TIFF", compression=compression)
    return file.getvalue()


def damaged(data: bytes, count: int = 20) -> bytes:
    """Returns the file with the middle of its middle strip blotted out."""
    with TiffImagePlugin.TiffImageFile(io.BytesIO(data), "") as image:
        offsets, lengths = image.tag_v2[273], image.tag_v2[279]
    middle = len(offsets) // 2
    start = offsets[middle] + lengths[middle] // 2
    return data[:start] + b"\x5a\x00" * (count // 2) + data[start + count :]


def page_of(data: bytes) -> PageImage:
    (page,) = open_pages(data, ImageOptions())
    assert isinstance(page, PageImage)
    return page


@pytest.mark.parametrize("compression", ["group3", "group4", "tiff_ccitt"])
def test_a_sound_fax_has_no_warning(compression: str) -> None:
    assert page_of(fax(compression)).warnings == ()


@pytest.mark.parametrize("compression", ["group4", "tiff_ccitt"])
def test_a_damaged_middle_is_a_warning(compression: str, capfd: pytest.CaptureFixture[str]) -> None:
    page = page_of(damaged(fax(compression)))
    (warning,) = page.warnings
    assert warning.startswith("the fax data are damaged in ") and "may be wrong" in warning
    assert (page.pixels != page_of(fax(compression)).pixels).any()
    assert capfd.readouterr() == ("", "")


def test_other_compressions_are_left_alone(capfd: pytest.CaptureFixture[str]) -> None:
    with TiffImagePlugin.TiffImageFile(io.BytesIO(fax("tiff_lzw")), "") as image:
        with fax_damage(image) as found:
            os.write(2, b"Fax4Decode: said by somebody else\n")
        assert found == []
    assert "somebody else" in capfd.readouterr().err


def test_what_others_say_meanwhile_is_said(capfd: pytest.CaptureFixture[str]) -> None:
    with TiffImagePlugin.TiffImageFile(io.BytesIO(fax("group4")), "") as image:
        with fax_damage(image) as found:
            os.write(2, b"by the system\nFax4Decode: Bad code word\n")
            print("by Python", file=sys.stderr)
        assert found == ["the fax data are damaged in one place: rows from there on may be wrong"]
    err = capfd.readouterr().err
    assert "by the system\n" in err and "by Python\n" in err and "Fax4" not in err


def test_threads_do_not_take_each_others_messages() -> None:
    sound, bad = fax("group4"), damaged(fax("group4"))
    expected = page_of(bad).warnings
    found: list[tuple[bytes, tuple[str, ...]]] = []
    threads = [
        threading.Thread(target=lambda data=data: found.append((data, page_of(data).warnings)))
        for data in [sound, bad] * 4
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8 and expected
    assert all(warnings == (expected if data == bad else ()) for data, warnings in found)


def test_a_process_without_standard_error_reads_faxes() -> None:
    saved = os.dup(2)
    os.close(2)
    try:
        pixels = page_of(fax("group4")).pixels
    finally:
        os.dup2(saved, 2)
        os.close(saved)
    assert np.ptp(pixels) == 255
