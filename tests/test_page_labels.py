import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ocr_plugin.datasets.labelled_page import LabelledPage, LabelledWord
from ocr_plugin.datasets.page_labels import read_labels
from ocr_plugin.errors import ConfigurationError

SQUARE = [[10, 20], [50, 20], [50, 40], [10, 40]]
FLAT = [10, 20, 50, 20, 50, 40, 10, 40]


def picture(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 3)).save(path)
    return path


def written(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path


def json_file(path: Path, value: Any) -> Path:
    return written(path, json.dumps(value))


def refusal(path: Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        read_labels(path)
    message = str(caught.value)
    assert "\n" not in message
    return message


def said(page: LabelledPage) -> list[str | None]:
    """Returns the words, None for those to ignore."""
    return [None if word.ignore else word.text for word in page.words]


def points(word: LabelledWord) -> list[list[float]]:
    assert word.polygon.dtype == np.float32
    rounded: list[list[float]] = np.round(word.polygon.astype(float), 3).tolist()
    return rounded


def only(pages: Sequence[LabelledPage]) -> LabelledPage:
    assert len(pages) == 1
    return pages[0]


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
        ("[]", "no object"),
        ('{"image": "a.png"}', "there is no 'lines'"),
        ('{"image": "a.png", "words": {}}', "no list"),
        ('{"image": "a.png", "words": [3]}', "no object"),
        ('{"image": "a.png", "words": [{"text": "a"}]}', "there is no 'polygon'"),
        ('{"image": "a.png", "words": [{"polygon": [[1, 2], [3, 4]]}]}', "no polygon"),
        ('{"image": "a.png", "words": [{"polygon": [[1, 2], [3, 4], [5, NaN]]}]}', "no finite"),
        ('{"image": "a.png", "words": [{"polygon": [[1, 2], [3, 4], [5, 1e99]]}]}', "no finite"),
        ('{"image": "a.png", "words": [{"polygon": [[1, 2], [3, 4], [5]]}]}', "inhomogeneous"),
        ('{"image": "a.png", "words": [{"polygon": [[1, 2], [3, 4], [5, 9]], "text": 7}]}', "no t"),
        ('{"image": 3, "words": []}', "no name of a picture"),
        ('{"image": "b.png", "words": []}', "picture not there: b.png"),
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
    assert message.startswith(f"{labels}:2: not understood: ")
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
        ("1,2,30,40,a\nSunday", ":2: not understood: expected"),
        ("1,2,3", ":1: not understood: expected"),
        ("1,2,nan,40,a", ":1: not understood: expected"),
        ("0 0.5 0.5 0.1 0.1", ":1: not understood: expected"),  # YOLO's
        ("1,2,3,4,5,6,7,8,9,10,11,12,13,text", ":1: not understood: 13 numbers"),
        ("1,2,3,4,5,6,7,8,9,10,11,12,one,two", ":1: not understood: 12 numbers"),
        ("1,2,3,4,5,6,7,8e999,text", ":1: not understood: no finite"),
        ("1,2,3,8e999,text", ":1: not understood: no finite"),
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
    assert refusal(tmp_path) == f"{labels}: picture not there: img_7"
    empty = written(tmp_path / "gt_img_6.txt", "")
    assert refusal(tmp_path) == f"{empty}: picture not there: img_6"


def test_a_picture_and_its_text_file_are_one_to_one(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    written(tmp_path / "a.txt", "1,2,30,40,a")
    labels = written(tmp_path / "gt_a.txt", "1,2,30,40,a")
    assert refusal(tmp_path) == f"{labels}: a.txt is for {tmp_path / 'a.png'} as well"
    (tmp_path / "a.txt").unlink()
    picture(tmp_path / "images" / "a.jpg")
    assert "for which picture" in refusal(tmp_path)


def test_a_mask_named_like_the_labels_is_not_the_picture(tmp_path: Path) -> None:
    picture(tmp_path / "gt_a.png")
    picture(tmp_path / "a.jpg")
    written(tmp_path / "gt_a.txt", "1,2,30,40,a")
    assert only(read_labels(tmp_path)).path == tmp_path / "a.jpg"


def test_captions_are_no_labels(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    written(tmp_path / "a.txt", "a photo of a street")
    assert "no labels there" in refusal(tmp_path)


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
    assert refusal(tmp_path).startswith(f"{labels}:{line}: not understood: ")


def region(kind: str, value: dict[str, Any], key: str = "r1", **others: Any) -> dict[str, Any]:
    size = {"original_width": 200, "original_height": 100, "image_rotation": 0}
    return {"id": key, "type": kind, "value": value, **size, **others}


def rectangle(key: str = "r1", kind: str = "rectanglelabels", **value: Any) -> dict[str, Any]:
    place = {"x": 5, "y": 20, "width": 20, "height": 20, "rotation": 0}
    return region(kind, {**place, kind: ["Text"], **value}, key)


def task(results: list[dict[str, Any]], image: str = "a.png", **others: Any) -> dict[str, Any]:
    return {"id": 4, "data": {"image": image}, "annotations": [{"result": results}], **others}


def test_label_studio(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "a.png")
    place = {"x": 5, "y": 20, "width": 20, "height": 20}
    results = [
        rectangle(),
        region("textarea", {**place, "text": ["two", "words"]}),
        rectangle("r2", rectanglelabels=["Illegible"]),
        region("polygonlabels", {"points": [[5, 20], [5, 40], [25, 40]]}, "r3"),
        # As the template for OCR writes it, where what a region is comes by itself.
        region("rectangle", place, "r4"),
        region("labels", {**place, "labels": ["Text", "ignore_region"]}, "r4"),
        region("textarea", {**place, "text": "unsure"}, "r4"),
        rectangle("r5"),
        region("choices", {**place, "choices": ["unreadable"]}, "r5"),
        rectangle("r6", rectanglelabels=["Ignoreland"]),
        region("textarea", {**place, "text": ["###"]}, "r7"),
        rectangle("r7"),
        region("choices", {"choices": ["good scan"]}, "of the picture"),
        {"type": "relation", "from_id": "r1", "to_id": "r2"},
    ]
    export = json_file(tmp_path / "export.json", [task(results)])
    page = only(read_labels(tmp_path))
    assert page.path == tmp_path / "images" / "a.png"
    assert [word.text for word in page.words] == ["two words", None, None, "unsure"] + [None] * 3
    ignored = [False, True, False, True, True, False, True]
    assert [word.ignore for word in page.words] == ignored
    assert points(page.words[0]) == SQUARE
    assert points(page.words[2]) == [[10, 20], [50, 40], [10, 40]]
    assert only(read_labels(export)).path == page.path


def test_label_studio_turns_a_rectangle_around_its_corner_in_pixels(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    json_file(tmp_path / "a.json", [task([rectangle(rotation=90), rectangle("r2", rotation=30)])])
    down, slanting = only(read_labels(tmp_path)).words
    # 40 by 20 pixels, of which the upper side now runs downwards.
    assert points(down) == [[10, 20], [10, 60], [-10, 60], [-10, 20]]
    assert points(slanting)[1] == [44.641, 40]
    assert points(slanting)[3] == [0, 37.321]


def test_label_studio_takes_the_annotation_that_counts(tmp_path: Path) -> None:
    for name in ("true", "late", "none"):
        picture(tmp_path / f"{name}.png")

    def annotation(text: str, **others: Any) -> dict[str, Any]:
        return {"result": [rectangle(), region("textarea", {"text": [text]})], **others}

    early, late = "2026-01-02T03:04:05.6Z", "2026-02-02T03:04:05.6Z"
    tasks = [
        task([], "late.png", annotations=[
            annotation("early", updated_at=early),
            annotation("late", created_at=late, updated_at=late),
            annotation("earlier", created_at=early),
            annotation("cancelled", updated_at="2027", was_cancelled=True),
        ]),
        task([], "true.png", annotations=[
            annotation("true", updated_at=early, ground_truth=True),
            annotation("late", updated_at=late),
        ]),
        task([], "none.png", annotations=[annotation("cancelled", was_cancelled=True)]),
        task([], "not there.png", annotations=[], predictions=[annotation("guess")]),
        task([], "none.png"),
    ]  # fmt: skip
    json_file(tmp_path / "a.json", tasks)
    late_page, true_page, empty_page = read_labels(tmp_path)
    assert said(late_page) == ["late"]
    assert said(true_page) == ["true"]
    assert empty_page.path.name == "none.png"
    assert empty_page.words == ()


@pytest.mark.parametrize(
    ("data", "upload", "file"),
    [
        ({"image": "/data/upload/3/0a1b2c3d-scan_1.png"}, None, "scan_1.png"),
        ({"image": "/data/upload/3/0a1b2c3d-scan_1.png"}, None, "0a1b2c3d-scan_1.png"),
        ({"image": "/data/upload/3/0a1b2c3d-%C3%A4%201.png"}, None, "ä 1.png"),
        ({"image": "/data/local-files/?d=set%2Fscan%201.png"}, None, "set/scan 1.png"),
        ({"image": "s3://bucket/pages/scan.png"}, None, "scan.png"),
        ({"image": "https://example.org/p/scan.png?X-Signature=a/b"}, None, "scan.png"),
        ({"image": "scan#2?.png"}, None, "scan#2?.png"),
        ({"ocr": "/data/upload/3/0a1b2c3d-scan.png"}, None, "scan.png"),
        ({"ocr": "scan.png", "thumbnail": "b.png"}, None, "scan.png"),
        ({"text": "Total", "page": "/data/upload/3/0a1b2c3d-scan.png"}, None, "scan.png"),
        ({"image": "undefined"}, "0a1b2c3d-scan.png", "scan.png"),
        ({"image": "C:\\scans\\scan.png"}, None, "scan.png"),
    ],
)
def test_label_studio_names_of_pictures(
    tmp_path: Path, data: dict[str, str], upload: str | None, file: str
) -> None:
    picture(tmp_path / "images" / file)
    tasks: list[Any] = [{"data": data, "file_upload": upload, "annotations": [{"result": []}]}]
    json_file(tmp_path / "a.json", tasks)
    assert only(read_labels(tmp_path)).path == tmp_path / "images" / file


@pytest.mark.parametrize(
    ("broken", "place"),
    [
        (task([rectangle(x=None)]), "task 4, region r1: not understood: "),
        (task([rectangle(rotation="left")]), "task 4, region r1: not understood: "),
        (task([rectangle(width=1e999)]), "task 4, region r1: not understood: no finite"),
        (task([region("polygonlabels", {"points": [[1, 2]]})]), "task 4, region r1: not unders"),
        (task([region("brushlabels", {})]), "task 4, region r1: not understood: brushlabels are"),
        (task([region("ellipse", {})]), "task 4, region r1: not understood: ellipse are"),
        (task([{**rectangle(), "image_rotation": 90}]), "task 4, region r1: not understood: labe"),
        (task([{**rectangle(), "original_width": 0}]), "task 4, region r1: not understood: no si"),
        (task([{"id": "r1", "type": "rectangle", "value": {}}]), "task 4, region r1: not underst"),
        (task([{**rectangle(), "value": 3}]), "task 4, region r1: not understood: no object"),
        (task([], annotations=[3]), "task 4: not understood: no object"),
        (task([], annotations=[{}]), "task 4: not understood: there is no 'result'"),
        (task([], id=None, data={"text": "a"}), "task at place 1: not understood: names no pict"),
        (task([], data={"x": "a.png", "y": "b.png"}), "task 4: not understood: names several"),
        (task([], "b.png"), "task 4: not understood: picture not there: b.png"),
        # A list of tasks that was uploaded is not the picture.
        (task([], "b.png", file_upload="0a1b2c3d-a.json"), "task 4: not understood: picture not"),
    ],
)
def test_a_fault_in_label_studio_is_told_with_its_task(
    tmp_path: Path, broken: dict[str, Any], place: str
) -> None:
    picture(tmp_path / "a.png")
    export = json_file(tmp_path / "a.json", [broken])
    assert refusal(tmp_path).startswith(f"{export}: {place}")


def test_two_uploads_of_one_name_are_not_told_apart(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    json_file(tmp_path / "a.json", [task([], "00000001-a.png"), task([], "00000002-a.png")])
    assert "00000001-a.png and 00000002-a.png both lead to" in refusal(tmp_path)


def test_label_studio_min_is_refused(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    json_file(tmp_path / "a.json", [{"image": "a.png", "annotation_id": 1, "label": []}])
    assert "JSON-MIN" in refusal(tmp_path)


def coco(*annotations: dict[str, Any]) -> dict[str, Any]:
    entries = [{"id": 70 + n, "image_id": 1, **each} for n, each in enumerate(annotations)]
    images = [{"id": 1, "file_name": "a.png"}, {"id": 2, "file_name": "train/b.png"}]
    categories = [{"id": 1, "name": "text"}, {"id": 2, "name": "don't care"}]
    return {"images": images, "annotations": entries, "categories": categories}


def test_coco(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    picture(tmp_path / "images" / "b.png")
    box: dict[str, Any] = {"bbox": [10, 20, 40, 20]}
    labels = coco(
        {"segmentation": [FLAT], "bbox": [0, 0, 1, 1], "text": "one"},
        {**box, "segmentation": [], "attributes": {"text": "two", "occluded": False}},
        {**box, "iscrowd": 1, "segmentation": {"counts": [0], "size": [4, 4]}},
        {**box, "category_id": 2},
        {**box, "attributes": {"illegible": "True"}, "image_id": 2},
        {**box, "attributes": {"ignore": "false"}, "text": "counts", "iscrowd": 0},
        {**box, "text": "###"},
        {**box, "text": "turned", "attributes": {"rotation": 90.0}},
        {"segmentation": [[10, 20, 20, 20, 20, 40, 10, 40], [40, 20, 50, 20, 50, 40, 40, 40]]},
        {"segmentation": FLAT, "attributes": None},
        {"bbox": [10, 20, 0, 20]},
    )
    file = json_file(tmp_path / "instances.json", labels)
    first, second = read_labels(tmp_path)
    assert [page.path for page in (first, second)] == [
        tmp_path / "a.png",
        tmp_path / "images" / "b.png",
    ]
    assert said(first) == ["one", "two", None, None, "counts", None, "turned", None, None]
    ignored = [False, False, True, True, False, True, False, False, False]
    assert [word.ignore for word in first.words] == ignored
    assert [word.ignore for word in second.words] == [True]
    for number in (0, 1, 2, -1):
        assert points(first.words[number]) == SQUARE
    # Around its middle, 30, 30.
    assert points(first.words[6]) == [[40, 10], [40, 50], [20, 50], [20, 10]]
    both = first.words[7].polygon
    assert both.min(axis=0).tolist() == [10, 20]
    assert both.max(axis=0).tolist() == [50, 40]
    assert len(read_labels(file)) == 2


def test_coco_in_a_folder_of_annotations(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "a.png")
    picture(tmp_path / "images" / "train" / "b.png")
    file = json_file(tmp_path / "annotations" / "instances_train.json", coco())
    for path in (tmp_path, file):
        first, second = read_labels(path)
        assert first.path.samefile(tmp_path / "images" / "a.png")
        assert second.path.samefile(tmp_path / "images" / "train" / "b.png")
    json_file(tmp_path / "annotations" / "instances_val.json", coco())
    message = refusal(tmp_path)
    assert "annotations/instances_train.json, annotations/instances_val.json" in message


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"annotations": [{"id": 7, "image_id": 3, "bbox": [1, 2, 3, 4]}]}, "annotation 7: "),
        ({"annotations": [{"id": 7, "image_id": 1}]}, "annotation 7: not understood: there is no"),
        ({"annotations": [{"image_id": 1, "bbox": [1, 2, 3, 4, 30]}]}, "annotation at place 1: "),
        ({"annotations": [{"id": 7, "image_id": 1, "bbox": []}]}, "annotation 7: "),
        ({"annotations": [{"id": 7, "image_id": 1, "bbox": [1, 2, None, 4]}]}, "annotation 7: "),
        ({"annotations": [{"id": 7, "image_id": 1, "segmentation": [[1, 2, 3]]}]}, "annotation 7"),
        ({"annotations": [{"id": 7, "image_id": 1, "segmentation": [[1, 2, 3, 4]]}]}, "annotation"),
        ({"annotations": [3]}, "annotation at place 1: not understood: no object"),
        ({"images": [{"id": 1, "file_name": "no.png"}]}, "image 1: not understood: picture not th"),
        ({"images": [{"id": 5}]}, "image 5: not understood: there is no 'file_name'"),
        ({"images": [{"id": 1, "file_name": "a.png"}] * 2}, "image 1: not understood: a second"),
        ({"categories": [{"name": "ignore"}]}, "categories: not understood: there is no 'id'"),
    ],
)
def test_a_fault_in_coco_is_told_with_its_entry(
    tmp_path: Path, change: dict[str, Any], place: str
) -> None:
    picture(tmp_path / "a.png")
    picture(tmp_path / "b.png")
    file = json_file(tmp_path / "a.json", {**coco(), **change})
    assert refusal(tmp_path).startswith(f"{file}: {place}")


def coco_text(anns: dict[str, Any], **others: Any) -> dict[str, Any]:
    imgs = {
        "9": {"id": 9, "file_name": "COCO_9.jpg", "set": "train"},
        "11": {"id": 11, "file_name": "train/COCO_11.jpg", "set": "val"},
        "12": {"id": 12, "file_name": "COCO_12.jpg", "set": "test"},
    }
    return {"imgs": imgs, "anns": anns, "cats": {}, "info": {}, **others}


def test_coco_text(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "COCO_9.jpg")
    picture(tmp_path / "images" / "COCO_11.jpg")
    box = {"id": 1, "image_id": 9, "bbox": [1, 2, 3, 4], "class": "machine printed"}
    legible = {**box, "legibility": "legible"}
    anns = {
        "1": {**legible, "mask": FLAT, "utf8_string": "two"},
        "2": {**legible, "polygon": FLAT, "utf8_string": "."},
        "3": {**box, "legibility": "illegible"},
        "4": {"bbox": [10, 20, 40, 20], "legibility": "legible", "utf8_string": "by map"},
        "5": {"image_id": "9", "points": FLAT, "utf8_string": ".", "bbox": []},
    }
    json_file(tmp_path / "cocotext.v2.json", coco_text(anns, imgToAnns={"9": [1, 2], "11": [4]}))
    first, second = read_labels(tmp_path)
    assert said(first) == ["two", ".", None, None]
    assert [word.ignore for word in first.words] == [False, False, True, True]
    assert points(first.words[0]) == points(first.words[1]) == points(first.words[3]) == SQUARE
    assert points(first.words[2]) == [[1, 2], [4, 2], [4, 6], [1, 6]]
    assert second.path == tmp_path / "images" / "COCO_11.jpg"
    assert said(second) == ["by map"]


@pytest.mark.parametrize(
    ("ann", "place"),
    [
        ({"image_id": 9, "mask": [1, 2, 3]}, "annotation 31: not understood: "),
        ({"image_id": 8, "bbox": [1, 2, 3, 4]}, "annotation 31: not understood: no picture of id"),
        ({"bbox": [1, 2, 3, 4]}, "annotation 31: not understood: there is no '31'"),
        ([], "annotation 31: not understood: no object"),
    ],
)
def test_a_fault_in_coco_text_is_told_with_its_entry(
    tmp_path: Path, ann: object, place: str
) -> None:
    picture(tmp_path / "COCO_9.jpg")
    picture(tmp_path / "COCO_11.jpg")
    file = json_file(tmp_path / "a.json", coco_text({"31": ann}))
    assert refusal(tmp_path).startswith(f"{file}: {place}")


def test_coco_text_needs_its_pictures(tmp_path: Path) -> None:
    file = json_file(tmp_path / "a.json", coco_text({}))
    assert refusal(tmp_path) == f"{file}: image 9: not understood: picture not there: COCO_9.jpg"


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
        ("a.jpg\t{}", "no list"),
        ("a.jpg\t[3]", "no object"),
        ('a.jpg\t[{"transcription": "a"}]', "there is no 'points'"),
        ('a.jpg\t[{"transcription": 3, "points": [[1, 2], [3, 4], [5, 9]]}]', "no text"),
        ("b.jpg\t[]", "picture not there: b.jpg"),
        ("sub/a.jpg\t[]", "both lead to"),
    ],
)
def test_a_fault_in_paddle_is_told_with_its_line(tmp_path: Path, line: str, reason: str) -> None:
    picture(tmp_path / "a.jpg")
    labels = written(tmp_path / "Label.txt", f"a.jpg\t[]\n{line}\n")
    message = refusal(tmp_path)
    assert message.startswith(f"{labels}:2: not understood: ")
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
    assert "Label.txt, export.json, labels.jsonl, gt_a.txt; name the file" in message
    assert len(read_labels(labels)) == 1
    assert len(read_labels(tmp_path / "export.json")) == 1


def test_what_is_no_labels_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none").endswith("none: no such file or folder")
    assert "no labels there" in refusal(tmp_path)
    for name, text in [("a.json", "{}"), ("b.txt", "Hello"), ("c.txt", ""), ("d.xml", "<a/>")]:
        assert "no labels there" in refusal(written(tmp_path / name, text))
    broken = written(tmp_path / "e.json", "{")
    assert refusal(broken).startswith(f"{broken}: not understood: ")
