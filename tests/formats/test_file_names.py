"""Names of output files, for whatever sources are called."""

import time
import unicodedata
from pathlib import Path

import pytest

from ocr_plugin.formats.file_names import FileNames, NestedNames, fitting


def test_names_are_given_once() -> None:
    names = FileNames()
    assert names.of("dir/A.b.png", ".txt") == "A.b.txt"
    assert names.of("a.B.jpg", ".txt") == "a.B-2.txt"
    assert names.of("<stdin>", ".txt", 4) == "stdin.page5.txt"
    assert names.of("<>", ".txt") == "page.txt"


def test_thousands_of_one_name_take_no_longer_for_each() -> None:
    names = FileNames()
    start = time.process_time()
    given = [names.of(f"{number}/scan.png", ".txt") for number in range(8000)]
    assert time.process_time() - start < 2
    assert given[:2] == ["scan.txt", "scan-2.txt"] and given[-1] == "scan-8000.txt"
    assert len(set(given)) == 8000


def test_a_number_that_a_source_has_itself_is_passed_over() -> None:
    names = FileNames()
    sources = ("a.png", "a-2.png", "a.tif", "a.gif", "a-2.gif")
    given = [names.of(source, ".txt") for source in sources]
    assert given == ["a.txt", "a-2.txt", "a-3.txt", "a-4.txt", "a-2-2.txt"]


@pytest.mark.parametrize("names", [FileNames(), NestedNames()])
def test_names_that_some_file_system_takes_for_one(names: FileNames) -> None:
    composed = "Größe.png"
    given = [names.of(each, ".txt") for each in (
        composed, unicodedata.normalize("NFD", composed), composed.upper(), "GRÖSSE.png"
    )]  # fmt: skip
    compared = {unicodedata.normalize("NFC", name).casefold() for name in given}
    assert len(compared) == 4


@pytest.mark.parametrize("letter", ["a", "ä", "字", "😀"])
def test_a_long_name_is_cut_and_told_apart(letter: str, tmp_path: Path) -> None:
    names = NestedNames()
    long = letter * 300
    given = [names.of(f"x.zip!/{long}/{long}{end}.png", ".overlay.png", 1234) for end in ("1", "2")]
    assert given[0] != given[1]
    for name in given:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    assert fitting(letter * 50) == letter * 50


def test_characters_that_steer_a_terminal_are_replaced() -> None:
    names = NestedNames()
    name = names.of("a.zip!/\x1b]0;x\x07/gnp\u202e.exe\0\ud800\n.png", ".txt")
    assert name == "a.zip/_]0;x_/gnp_.exe___.txt"


def test_a_folder_never_has_the_name_of_a_file(tmp_path: Path) -> None:
    names = NestedNames()
    given = [names.of(f"a.zip!/{each}", ".hocr") for each in ("x.png", "x.hocr/y.png", "X.HOCR/z")]
    assert given == ["a.zip/x.hocr", "a.zip/x.hocr_/y.hocr", "a.zip/X.HOCR_/z.hocr"]
    for name in given:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def test_no_name_leaves_the_folder() -> None:
    names = NestedNames()
    assert names.of("a.zip!/../../b.png", ".txt") == "a.zip/b.txt"
    assert names.of("..", ".txt") == "page.txt"
    assert names.of("/a.zip!//etc/c.png", ".txt") == "etc/c.txt"
