"""Labels as Label Studio exports them."""

from pathlib import Path
from typing import Any

import pytest

from ocr_plugin.datasets.page_labels import read_labels
from tests.datasets.label_files import SQUARE, json_file, only, picture, points, refusal, said, task


def region(kind: str, value: dict[str, Any], key: str = "r1", **others: Any) -> dict[str, Any]:
    size = {"original_width": 200, "original_height": 100, "image_rotation": 0}
    return {"id": key, "type": kind, "value": value, **size, **others}


def rectangle(key: str = "r1", kind: str = "rectanglelabels", **value: Any) -> dict[str, Any]:
    place = {"x": 5, "y": 20, "width": 20, "height": 20, "rotation": 0}
    return region(kind, {**place, kind: ["Text"], **value}, key)


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
        (task([rectangle(x=None)]), "task 4, region r1: invalid labels: "),
        (task([rectangle(rotation="left")]), "task 4, region r1: invalid labels: "),
        (task([rectangle(width=1e999)]), "task 4, region r1: invalid labels: not finite"),
        (task([region("polygonlabels", {"points": [[1, 2]]})]), "task 4, region r1: invalid "),
        (
            task([region("brushlabels", {})]),
            "task 4, region r1: invalid labels: brushlabels is not",
        ),
        (task([region("ellipse", {})]), "task 4, region r1: invalid labels: ellipse is not"),
        (task([{**rectangle(), "image_rotation": 90}]), "task 4, region r1: invalid labels: labe"),
        (
            task([{**rectangle(), "original_width": 0}]),
            "task 4, region r1: invalid labels: not a pi",
        ),
        (task([{"id": "r1", "type": "rectangle", "value": {}}]), "task 4, region r1: invalid la"),
        (task([{**rectangle(), "value": 3}]), "task 4, region r1: invalid labels: not an object"),
        (task([], annotations=[3]), "task 4: invalid labels: not an object"),
        (task([], annotations=[{}]), "task 4: invalid labels: 'result' is missing"),
        (task([], id=None, data={"text": "a"}), "task at place 1: invalid labels: no picture"),
        (task([], data={"x": "a.png", "y": "b.png"}), "task 4: invalid labels: several pic"),
        (task([], "b.png"), "task 4: invalid labels: picture not found: b.png"),
        # A list of tasks that was uploaded is not the picture.
        (task([], "b.png", file_upload="0a1b2c3d-a.json"), "task 4: invalid labels: picture not"),
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
