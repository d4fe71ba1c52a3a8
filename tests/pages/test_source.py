"""What can be opened, what it is called, and what cannot."""

import hashlib
import io
import os
import pickle
import re
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
import pytest
from PIL import Image

from ocr_plugin.errors import UnreadableImage
from ocr_plugin.options import EngineOptions, ImageOptions
from ocr_plugin.pages.decode import open_pages
from ocr_plugin.pages.prefetch import opened
from ocr_plugin.pages.raster import PageFailure, PageImage
from ocr_plugin.pages.source import Source, name_of
from tests.sources import (
    OPTIONS,
    TINY,
    colour_of,
    encoded,
    noise,
    page,
    pages,
    pdf_of,
    plain,
    refusal,
    tiff_of,
)

# What a source can be


@pytest.mark.parametrize(
    "give", ["str", "path", "bytes", "bytearray", "memoryview", "file", "memory"]
)
def test_every_kind_of_encoded_source_gives_the_same_page(give: str, tmp_path: Path) -> None:
    data = encoded(noise())
    path = tmp_path / "noise.png"
    path.write_bytes(data)
    with path.open("rb") as file:
        sources: dict[str, tuple[Source, str]] = {
            "str": (str(path), str(path)),
            "path": (path, str(path)),
            "bytes": (data, "<bytes>"),
            "bytearray": (bytearray(data), "<bytes>"),
            "memoryview": (memoryview(data), "<bytes>"),
            "file": (file, str(path)),
            "memory": (io.BytesIO(data), "<file>"),
        }
        source, name = sources[give]
        got = page(source)
    assert got.name == name == name_of(source)
    assert got.page_index == 0 and got.warnings == ()
    assert got.sha256 == hashlib.sha256(data).hexdigest()
    assert (got.pixels == np.asarray(noise())).all()


def test_a_file_object_is_read_from_where_it_stands_and_stays_open() -> None:
    file = io.BytesIO(b"header" + encoded(plain("red")))
    file.seek(6)
    assert colour_of(page(file).pixels) == (255, 0, 0)
    assert not file.closed


def test_an_array_and_a_pillow_image_are_hashed_by_their_pixels() -> None:
    pixels = np.asarray(noise())
    got = page(pixels), page(noise())
    assert got[0].name == "<array>" and got[1].name == "<image>"
    assert got[0].sha256 == got[1].sha256 == hashlib.sha256(pixels.tobytes()).hexdigest()


def test_a_pillow_image_is_called_by_its_file(tmp_path: Path) -> None:
    path = tmp_path / "noise.png"
    noise().save(path)
    with Image.open(path) as image:
        assert name_of(image) == str(path)
        assert (page(image).pixels == np.asarray(noise())).all()


@pytest.mark.parametrize(
    ("given", "name"), [(os.fsdecode(b"a\xff.png"), "a\\xff.png"), ("\ud800", "\\ud800")]
)
def test_a_name_that_is_no_text_is_made_one(given: str, name: str) -> None:
    assert name_of(given) == name_of(Path(given)) == name
    with pytest.raises(UnreadableImage, match=re.escape(name)):
        pages(given)


def test_the_page_of_an_array_is_a_copy() -> None:
    pixels = np.zeros((4, 5, 3), np.uint8)
    got = page(pixels)
    pixels[:] = 9
    assert not got.pixels.any()


@pytest.mark.parametrize(
    ("array", "level"),
    [
        (np.full((4, 5), 200, np.uint8), 200),
        (np.full((4, 5, 1), 200, np.uint8), 200),
        (np.full((4, 5, 3), 200, np.uint8), 200),
        (np.full((4, 5), 65535, np.uint16), 255),
        (np.full((4, 5, 3), 200 * 257, np.uint16), 200),
        (np.full((4, 5), 200 * 257 + 129, ">u2"), 201),
        (np.full((4, 5), 0.5, np.float32), 128),
        (np.full((4, 5, 3), 1.0, np.float64), 255),
        (np.full((4, 5), 0.25, np.float16), 64),
        (np.full((4, 5), True), 255),
        (np.full((4, 5), False), 0),
    ],
)
def test_arrays_of_every_supported_type(array: np.ndarray[Any, Any], level: int) -> None:
    got = page(array).pixels
    assert got.shape == (4, 5, 3)
    assert colour_of(got) == (level, level, level)


def test_an_array_keeps_its_rows_columns_and_channels() -> None:
    pixels = np.asarray(noise())
    assert (page(pixels).pixels == pixels).all()
    assert (page(pixels[::-1, ::2]).pixels == pixels[::-1, ::2]).all()
    assert (page(pixels[:, :, 0]).pixels == pixels[:, :, :1]).all()


def test_an_array_with_transparency_lies_over_white() -> None:
    array = np.zeros((4, 5, 4), np.uint8)
    array[..., 0], array[..., 3] = 255, 51
    assert colour_of(page(array).pixels) == (255, 204, 204)


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.zeros(5, np.uint8), r"an array of shape (5,) is not an image"),
        (np.zeros((4, 5, 2), np.uint8), r"an array of shape (4, 5, 2) is not an image"),
        (np.zeros((1, 4, 5, 3), np.uint8), r"an array of shape (1, 4, 5, 3) is not an image"),
        (np.zeros((0, 5), np.uint8), "the image has no pixels (5 x 0)"),
        (np.full((4, 5), np.nan), "some values are NaN or infinite"),
        (np.full((4, 5), np.inf), "some values are NaN or infinite"),
        (np.full((4, 5), 255.0), "must lie within 0 and 1, not 255 to 255"),
        (np.full((4, 5), -0.5), "must lie within 0 and 1, not -0.5 to -0.5"),
        (np.zeros((4, 5), np.int64), "an array of int64 is not supported"),
        (np.zeros((4, 5), np.complex64), "an array of complex64 is not supported"),
        (np.zeros((4, 5), object), "an array of object is not supported"),
    ],
)
def test_arrays_that_are_no_image(array: np.ndarray[Any, Any], reason: str) -> None:
    assert reason in refusal(array)


@pytest.mark.parametrize("thing", [None, 7, ["a.png"]])
def test_things_that_are_no_source(thing: object) -> None:
    source = cast("Source", thing)
    assert refusal(source) == "not a path, bytes, a binary file, an array or a Pillow image"
    assert name_of(source) == f"<{type(thing).__name__}>"


# Sources that cannot be read


def test_a_missing_file(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.png") == "no such file"


def test_the_message_names_the_source_and_the_cause_is_chained(tmp_path: Path) -> None:
    path = tmp_path / "none.png"
    with pytest.raises(UnreadableImage, match=f"^{path}: no such file$") as caught:
        pages(path)
    assert isinstance(caught.value.__cause__, FileNotFoundError)


def test_nothing_is_read_before_the_first_page_is_asked_for(tmp_path: Path) -> None:
    opened = open_pages(tmp_path / "none.png", OPTIONS)
    with pytest.raises(UnreadableImage):
        next(opened)


def test_a_directory(tmp_path: Path) -> None:
    assert refusal(tmp_path) == "is a directory"


def test_what_has_no_end_or_never_begins_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for source in ("/dev/zero", tmp_path / "pipe"):
        reason = refusal(source)
        assert reason == "not a regular file; pipe it in and give - for standard input"


def test_a_file_of_more_bytes_than_are_allowed_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "sparse.png"
    with path.open("wb") as file:
        file.truncate(50_000_000_000)  # it takes no room on the disk
    assert refusal(path) == "the file is larger than the limit of 1000000000 bytes (max_bytes)"
    for options in (EngineOptions(), EngineOptions(isolate=True)):
        (failure,) = opened([path], options, 1)
        assert isinstance(failure, PageFailure) and "(max_bytes)" in str(failure.error)


@pytest.mark.parametrize("kind", ["path", "file", "unbuffered"])
def test_the_limit_of_bytes_is_exact(kind: str, tmp_path: Path) -> None:
    data = encoded(noise())
    path = tmp_path / "a.png"
    path.write_bytes(data)
    with path.open("rb", buffering=0 if kind == "unbuffered" else -1) as file:
        source: Source = path if kind == "path" else file
        assert len(pages(source, ImageOptions(max_bytes=len(data)))) == 1
        file.seek(0)
        assert "(max_bytes)" in refusal(source, ImageOptions(max_bytes=len(data) - 1))


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, mode: str) -> BinaryIO:
        raise PermissionError(13, "Permission denied", str(path))

    # Not by chmod: it does not hold root back.
    (tmp_path / "locked.png").touch()
    monkeypatch.setattr(Path, "open", refuse)
    assert refusal(tmp_path / "locked.png") == "no permission to read it"


def test_a_path_that_no_file_can_have() -> None:
    assert "null" in refusal("a\0b.png")
    assert "too long" in refusal("a" * 5000).lower()


def test_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "empty.jpg"
    path.touch()
    assert refusal(path) == "the file is empty"
    assert refusal(b"") == "the file is empty"


def test_a_text_file_that_is_called_jpg(tmp_path: Path) -> None:
    path = tmp_path / "letter.jpg"
    path.write_text("Dear reader, this is no picture.\n" * 20)
    assert refusal(path) == "not an image in a supported format"


def test_a_file_object_in_text_mode() -> None:
    source = cast("BinaryIO", io.StringIO("abc"))
    assert refusal(source) == "the file object gives text; open it in binary mode"


def test_a_closed_file_object() -> None:
    file = io.BytesIO(b"abc")
    file.close()
    assert refusal(file) == "cannot be read: I/O operation on closed file."


def test_a_closed_pillow_image(tmp_path: Path) -> None:
    noise().save(tmp_path / "noise.png")
    with Image.open(tmp_path / "noise.png") as image:
        pass
    assert "cannot be decoded as PNG" in refusal(image)


def test_the_preview_in_a_camera_file_is_no_frame_left_out() -> None:
    data = encoded(noise(), "MPO", save_all=True, append_images=[noise(30, 20)])
    got = page(data)
    assert got.pixels.shape == (40, 60, 3) and got.warnings == ()


def test_the_limit_holds_for_arrays_and_pillow_images() -> None:
    assert "more than the limit" in refusal(np.asarray(noise()), TINY)
    assert "more than the limit" in refusal(noise(), TINY)


@pytest.mark.parametrize("data", [pdf_of((72, 72), (72, 72)), tiff_of(noise(), noise())])
def test_an_abandoned_source_leaves_nothing_open(data: bytes) -> None:
    opened = open_pages(data, OPTIONS)
    next(opened)
    del opened  # an open handle would warn here, and warnings are errors
    assert len(pages(data)) == 2


@pytest.mark.parametrize("index", [None, 2])
def test_the_error_survives_pickling(index: int | None) -> None:
    error = pickle.loads(pickle.dumps(UnreadableImage("a.tif", "the image is truncated", index)))
    assert (error.name, error.reason, error.page_index) == (
        "a.tif",
        "the image is truncated",
        index,
    )
    assert str(error) == "a.tif: the image is truncated"


def test_bytes_that_change_meanwhile_are_read_as_they_were() -> None:
    data = tiff_of(plain("red"), plain("blue"))
    changing = bytearray(data)
    opened = open_pages(changing, OPTIONS)
    next(opened)
    changing[:] = bytes(len(changing))
    second = next(opened)
    assert isinstance(second, PageImage)
    assert colour_of(second.pixels) == (0, 0, 255)


def test_a_memory_that_was_let_go_is_an_error() -> None:
    view = memoryview(b"abc")
    view.release()
    assert refusal(view).startswith("cannot be read: ")
