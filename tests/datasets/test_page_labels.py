import json
from pathlib import Path

import pytest

from ocr_plugin.datasets.page_labels import read_labels
from tests.datasets.label_files import (
    SQUARE,
    json_file,
    only,
    picture,
    points,
    refusal,
    said,
    task,
    written,
)


def test_json_lines(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "a.png")
    words = [
        {"polygon": SQUARE, "text": "To\u2028:"},  # no end of a line of the file
        {"polygon": SQUARE, "ignore": True},
    ]
    lines = [
        json.dumps({"image": "images/a.png", "words": words}, ensure_ascii=False),
        "",
        json.dumps({"image": "images/a.png", "lines": [{"polygon": SQUARE, "text": "SITE 1066"}]}),
    ]
    labels = written(tmp_path / "labels.jsonl", "\r\n".join(lines))
    first, second = read_labels(tmp_path)
    assert first.path == tmp_path / "images" / "a.png"
    assert first.pixels().shape == (3, 4, 3)
    assert said(first) == ["To\u2028:", None]
    assert [word.ignore for word in first.words] == [False, True]
    assert points(first.words[0]) == SQUARE
    assert said(second) == ["SITE 1066"]
    assert [said(page) for page in read_labels(labels)] == [said(first), said(second)]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "Expecting"),
        ("[]", "not an object"),
        ('{"image": "a.png"}', "'lines' is missing"),
        ('{"image": "a.png", "words": {}}', "not a list"),
        ('{"image": "a.png", "words": [3]}', "not an object"),
        ('{"image": "a.png", "words": [{"text": "a"}]}', "'polygon' is missing"),
        ('{"image": "a.png", "words": [{"polygon": [[1, 2], [3, 4]]}]}', "not a polygon"),
        ('{"image": "a.png", "words": [{"polygon": [[1, 2], [3, 4], [5, NaN]]}]}', "not finite"),
        ('{"image": "a.png", "words": [{"polygon": [[1, 2], [3, 4], [5, 1e99]]}]}', "not finite"),
        ('{"image": "a.png", "words": [{"polygon": [[1, 2], [3, 4], [5]]}]}', "inhomogeneous"),
        (
            '{"image": "a.png", "words": [{"polygon": [[1, 2], [3, 4], [5, 9]], "text": 7}]}',
            "not a text",
        ),
        ('{"image": 3, "words": []}', "not a picture's name"),
        ('{"image": "b.png", "words": []}', "picture not found: b.png"),
        ('{"image": "' + 300 * "b" + '", "words": []}', "too long"),
        (99999 * "[", "recursion"),
    ],
)
def test_a_fault_in_json_lines_is_told_with_its_line(
    tmp_path: Path, line: str, reason: str
) -> None:
    picture(tmp_path / "a.png")
    labels = written(tmp_path / "labels.jsonl", '{"image": "a.png", "words": []}\n' + line)
    message = refusal(tmp_path)
    assert message.startswith(f"{labels}:2: invalid labels: ")
    assert reason in message


def test_outlines_are_clockwise_and_those_that_enclose_nothing_are_left_out(
    tmp_path: Path,
) -> None:
    picture(tmp_path / "a.png")
    lines = [
        "10,20,10,40,50,40,50,20,turned",
        "10,20,50,20,50,20,10,20,flat",
        "7,7,7,7,7,7,7,7,dot",
        "10,20,50,20,10,40,50,40,crossing",
    ]
    written(tmp_path / "a.txt", "\n".join(lines))
    turned, crossing = only(read_labels(tmp_path)).words
    assert turned.text == "turned"
    assert points(turned) == SQUARE
    assert crossing.text == "crossing"


def test_paddle(tmp_path: Path) -> None:
    export = tmp_path / "export"
    for name in ("a.jpg", "b.jpg"):
        picture(export / name)
    entries = [
        {"transcription": "one\ttwo", "points": SQUARE, "difficult": False},
        {"transcription": "###", "points": SQUARE},
        {"transcription": "*", "points": SQUARE},
        {"transcription": "seen", "points": SQUARE, "difficult": True},
        {"transcription": "bent", "points": [[0, 0], [9, 0], [9, 5], [4, 3], [0, 5]]},
    ]
    lines = [f"export/a.jpg\t{json.dumps(entries, ensure_ascii=False)}", "", "b.jpg\t[]"]
    labels = written(export / "Label.txt", "\n".join(lines))
    written(export / "fileState.txt", "export/a.jpg\t1\n")
    written(export / "rec_gt.txt", "crop_img/a_0.jpg\tone\n")
    for path in (export, labels):
        first, second = read_labels(path)
        assert [page.path for page in (first, second)] == [export / "a.jpg", export / "b.jpg"]
        texts = [word.text for word in first.words]
        assert texts == ["one\ttwo", None, None, "seen", "bent"]
        assert [word.ignore for word in first.words] == [False, True, True, True, False]
        assert points(first.words[0]) == SQUARE
        assert len(first.words[4].polygon) == 5
        assert second.words == ()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("a.jpg", "expected: picture, tab, list"),
        ("a.jpg\t{", "Expecting"),
        ("a.jpg\t{}", "not a list"),
        ("a.jpg\t[3]", "not an object"),
        ('a.jpg\t[{"transcription": "a"}]', "'points' is missing"),
        ('a.jpg\t[{"transcription": 3, "points": [[1, 2], [3, 4], [5, 9]]}]', "not a text"),
        ("b.jpg\t[]", "picture not found: b.jpg"),
        ("sub/a.jpg\t[]", "both lead to"),
    ],
)
def test_a_fault_in_paddle_is_told_with_its_line(tmp_path: Path, line: str, reason: str) -> None:
    picture(tmp_path / "a.jpg")
    labels = written(tmp_path / "Label.txt", f"a.jpg\t[]\n{line}\n")
    message = refusal(tmp_path)
    assert message.startswith(f"{labels}:2: invalid labels: ")
    assert reason in message


def test_several_labels_in_one_folder_are_named(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    labels = written(tmp_path / "labels.jsonl", '{"image": "a.png", "words": []}')
    json_file(tmp_path / "export.json", [task([])])
    written(tmp_path / "Label.txt", "a.png\t[]")
    written(tmp_path / "gt_a.txt", "1,2,30,40,a")
    json_file(tmp_path / "package.json", {"name": "other"})
    written(tmp_path / "log.jsonl", "{}")
    message = refusal(tmp_path)
    assert "Label.txt, export.json, labels.jsonl, gt_a.txt; give one" in message
    assert len(read_labels(labels)) == 1
    assert len(read_labels(tmp_path / "export.json")) == 1


def test_what_is_no_labels_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none").endswith("none: no such file or folder")
    assert "no labels found" in refusal(tmp_path)
    for name, text in [("a.json", "{}"), ("b.txt", "Hello"), ("c.txt", ""), ("d.xml", "<a/>")]:
        assert "no labels found" in refusal(written(tmp_path / name, text))
    broken = written(tmp_path / "e.json", "{")
    assert refusal(broken).startswith(f"{broken}: invalid labels: ")
