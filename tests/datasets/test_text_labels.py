"""Labels in text files beside the pictures: ICDAR's and Total-Text's."""

from pathlib import Path

import pytest

from ocr_plugin.datasets.page_labels import read_labels
from tests.datasets.label_files import FLAT, SQUARE, only, picture, points, refusal, said, written


def test_icdar_2015(tmp_path: Path) -> None:
    lines = [
        "10,20,50,20,50,40,10,40,Hello",
        "10,20,50,20,50,40,10,40,###",
        "10,20,50,20,50,40,10,40,12,50 a, b",
        "10,20,50,20,50,40,10,40,2015",
        "10,20,50,20,50,40,10,40,12,50",
        "10,20,50,20,50,40,10,40,12,50,Won",
        '10,20,50,20,50,40,10,40,9,"x"',
        "10,20,50,20,50,40,10,40,Latin,script",
        '10,20,50,20,50,40,10,40,"he said ""',
        "10,20,50,20,50,40,10,40",
        "-1,+2.5,50,20,50,40,10,40, x ",
    ]
    for name in ("img_1.jpg", "img_2.jpg", "not_labelled.jpg"):
        picture(tmp_path / name)
    written(tmp_path / "gt_img_1.txt", "\r\n".join(lines) + "\r\n", "utf-8-sig")
    written(tmp_path / "gt_img_2.txt", "")
    written(tmp_path / "readme.txt", "About this set")
    first, second = read_labels(tmp_path)
    assert first.path == tmp_path / "img_1.jpg"
    texts = ["Hello", None, "12,50 a, b", "2015", "12,50", "12,50,Won", '9,"x"']
    texts += ["Latin,script", 'he said "', None, "x"]
    assert said(first) == texts
    assert [word.ignore for word in first.words] == [False, True, *[False] * 9]
    assert points(first.words[0]) == SQUARE
    assert points(first.words[-1])[0] == [-1, 2.5]
    assert second.path == tmp_path / "img_2.jpg"
    assert second.words == ()


def test_icdar_2013(tmp_path: Path) -> None:
    picture(tmp_path / "commas.jpg")
    picture(tmp_path / "spaces.jpg")
    commas = ['10, 20, 50, 40, "Save, now"', r'50, 40, 10, 20, "a \"b\" \\ 5"', "1,2,30,40,12"]
    written(tmp_path / "gt_commas.txt", "\n".join([*commas, '10, 20, 50, 40, "1,2,3,4"']))
    written(tmp_path / "gt_spaces.txt", '10 20 50 40 "Tired, 1 2"\n10 20\t50 40 "###"\n')
    with_commas, with_spaces = read_labels(tmp_path)
    assert said(with_commas) == ["Save, now", r'a "b" \ 5', "12", "1,2,3,4"]
    assert points(with_commas.words[0]) == points(with_commas.words[1]) == SQUARE
    assert said(with_spaces) == ["Tired, 1 2", None]
    assert points(with_spaces.words[0]) == SQUARE


def test_icdar_mlt(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    quad = ",".join(map(str, FLAT))
    lines = ["Latin,one,two", "None,###", "Arabic,مرحبا", "Symbols,-"]
    written(tmp_path / "gt_a.txt", "\n".join(f"{quad},{line}" for line in lines))
    assert said(only(read_labels(tmp_path))) == ["one,two", None, "مرحبا", "-"]


def test_polygons_of_many_points(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    outline = [[0, 10], [20, 5], [40, 10], [40, 20], [20, 15], [0, 20]]
    six = ",".join(f"{x},{y}" for x, y in outline)
    lines = [
        f'{six},"CVAT, too"',
        f"{six},####CTW 1,500",
        f"{six},#######",
        f"{six},word",
        f"{six},44",
        six,
        '0,0,10,0,5,8,"triangle"',
    ]
    written(tmp_path / "a.png.txt", "\n".join(lines))
    page = only(read_labels(tmp_path))
    assert said(page) == ["CVAT, too", "CTW 1,500", None, "word", "44", None, "triangle"]
    assert all(points(word) == outline for word in page.words[:-1])
    assert points(page.words[-1]) == [[0, 0], [10, 0], [5, 8]]


def test_labels_beside_the_pictures_folder(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "a.JPG")
    labels = written(tmp_path / "gt" / "a.txt", '1,2,30,40,"text"')
    for path in (tmp_path, tmp_path / "gt", labels):
        page = only(read_labels(path))
        assert page.path.samefile(tmp_path / "images" / "a.JPG")
        assert said(page) == ["text"]


def test_one_file_of_a_folder(tmp_path: Path) -> None:
    for name in ("a", "b"):
        picture(tmp_path / f"{name}.png")
        written(tmp_path / f"gt_{name}.txt", f"1,2,30,40,{name}")
    assert said(only(read_labels(tmp_path / "gt_b.txt"))) == ["b"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("1,2,30,40,a\nSunday", ":2: invalid labels: expected"),
        ("1,2,3", ":1: invalid labels: expected"),
        ("1,2,nan,40,a", ":1: invalid labels: expected"),
        ("0 0.5 0.5 0.1 0.1", ":1: invalid labels: expected"),  # YOLO's
        ("1,2,3,4,5,6,7,8,9,10,11,12,13,text", ":1: invalid labels: 13 numbers"),
        ("1,2,3,4,5,6,7,8,9,10,11,12,one,two", ":1: invalid labels: 12 numbers"),
        ("1,2,3,4,5,6,7,8e999,text", ":1: invalid labels: not finite"),
        ("1,2,3,8e999,text", ":1: invalid labels: not finite"),
        ("\xe4", ": cannot be read: not UTF-8"),
    ],
)
def test_a_fault_in_a_text_file_is_told_with_its_line(
    tmp_path: Path, text: str, place: str
) -> None:
    picture(tmp_path / "a.png")
    labels = written(tmp_path / "gt_a.txt", text, "latin-1")
    assert refusal(tmp_path).startswith(f"{labels}{place}")


def test_a_text_file_needs_its_picture(tmp_path: Path) -> None:
    labels = written(tmp_path / "img_7.txt", "1,2,30,40,a")
    assert refusal(tmp_path) == f"{labels}: picture not found: img_7"
    empty = written(tmp_path / "gt_img_6.txt", "")
    assert refusal(tmp_path) == f"{empty}: picture not found: img_6"


def test_a_picture_and_its_text_file_are_one_to_one(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    written(tmp_path / "a.txt", "1,2,30,40,a")
    labels = written(tmp_path / "gt_a.txt", "1,2,30,40,a")
    assert refusal(tmp_path) == f"{labels}: {tmp_path / 'a.png'} has labels in a.txt"
    (tmp_path / "a.txt").unlink()
    picture(tmp_path / "images" / "a.jpg")
    assert "fits several pictures" in refusal(tmp_path)


def test_a_mask_named_like_the_labels_is_not_the_picture(tmp_path: Path) -> None:
    picture(tmp_path / "gt_a.png")
    picture(tmp_path / "a.jpg")
    written(tmp_path / "gt_a.txt", "1,2,30,40,a")
    assert only(read_labels(tmp_path)).path == tmp_path / "a.jpg"


def test_captions_are_no_labels(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    written(tmp_path / "a.txt", "a photo of a street")
    assert "no labels found" in refusal(tmp_path)


def test_total_text(tmp_path: Path) -> None:
    picture(tmp_path / "img1.jpg")
    entry = "x: [[10 50 50 10]], y: [[20 20  40 40]], ornt: [u'{}'], transcriptions: [{}]"
    entries = [
        "x: [[10 50\n50 10]], y: [[ 20  20 40\n 40]], ornt: [u'c'], transcriptions: [u\"Joe's\"]",
        entry.format("h", "u'#'"),
        entry.format("#", "u'SEEN'"),
        entry.format("m", "u'a]',\n u',b'"),
        entry.format("m", ""),
        entry.format("m", r"u'caf\xe9'"),
    ]
    written(tmp_path / "poly_gt_img1.txt", "\r\n".join(entries) + "\n")
    page = only(read_labels(tmp_path))
    assert page.path == tmp_path / "img1.jpg"
    assert said(page) == ["Joe's", None, None, "a],b", None, "caf\xe9"]
    assert [word.ignore for word in page.words] == [False, True, True, False, True, False]
    assert points(page.words[0]) == SQUARE


@pytest.mark.parametrize(
    "entry",
    [
        "x: [[1 2 3]], y: [[1 2]], ornt: [u'c'], transcriptions: [u'a']",
        "x: [[1 2 z]], y: [[1 2 3]], ornt: [u'c'], transcriptions: [u'a']",
        "x: [[1 2]], y: [[1 2]], ornt: [u'c'], transcriptions: [u'a']",
        "x: [[1 2 3]], y: [[1 2 3]], ornt: [u'c'], transcriptions: [u'a'",
        "x: [[1 2 3]], y: [[1 2 3]], ornt: [u'c'], transcriptions: [a b]",
        "x: [[1 2 3]], y: [[1 2 3]], ornt: [u'c'], transcriptions: [7]",
        "x: [[1 2 3]], ornt: [u'c'], transcriptions: [u'a']",
        "1,2,30,40,a",
    ],
)
def test_a_fault_in_total_text_is_told_with_its_line(tmp_path: Path, entry: str) -> None:
    picture(tmp_path / "a.jpg")
    good = "x: [[1 2 1\n]], y: [[1 2 3]], ornt: [u'c'], transcriptions: [u'a']"
    labels = written(tmp_path / "a.txt", f"{good}\n{entry}")
    # Where an entry does not end is known only at the next.
    line = 1 if entry.startswith("1,") else 3
    assert refusal(tmp_path).startswith(f"{labels}:{line}: invalid labels: ")
