"""Labels in COCO's and COCO-Text's JSON."""

from pathlib import Path
from typing import Any

import pytest

from ocr_plugin.datasets.page_labels import read_labels
from tests.datasets.label_files import FLAT, SQUARE, json_file, picture, points, refusal, said


def coco(*annotations: dict[str, Any]) -> dict[str, Any]:
    entries = [{"id": 70 + n, "image_id": 1, **each} for n, each in enumerate(annotations)]
    images = [{"id": 1, "file_name": "a.png"}, {"id": 2, "file_name": "train/b.png"}]
    categories = [{"id": 1, "name": "text"}, {"id": 2, "name": "don't care"}]
    return {"images": images, "annotations": entries, "categories": categories}


def coco_text(anns: dict[str, Any], **others: Any) -> dict[str, Any]:
    imgs = {
        "9": {"id": 9, "file_name": "COCO_9.jpg", "set": "train"},
        "11": {"id": 11, "file_name": "train/COCO_11.jpg", "set": "val"},
        "12": {"id": 12, "file_name": "COCO_12.jpg", "set": "test"},
    }
    return {"imgs": imgs, "anns": anns, "cats": {}, "info": {}, **others}


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
        ({"annotations": [{"id": 7, "image_id": 1}]}, "annotation 7: invalid labels: "),
        ({"annotations": [{"image_id": 1, "bbox": [1, 2, 3, 4, 30]}]}, "annotation at place 1: "),
        ({"annotations": [{"id": 7, "image_id": 1, "bbox": []}]}, "annotation 7: "),
        ({"annotations": [{"id": 7, "image_id": 1, "bbox": [1, 2, None, 4]}]}, "annotation 7: "),
        ({"annotations": [{"id": 7, "image_id": 1, "segmentation": [[1, 2, 3]]}]}, "annotation 7"),
        ({"annotations": [{"id": 7, "image_id": 1, "segmentation": [[1, 2, 3, 4]]}]}, "annotation"),
        ({"annotations": [3]}, "annotation at place 1: invalid labels: not an object"),
        ({"images": [{"id": 1, "file_name": "no.png"}]}, "image 1: invalid labels: picture not fo"),
        ({"images": [{"id": 5}]}, "image 5: invalid labels: 'file_name' is missing"),
        ({"images": [{"id": 1, "file_name": "a.png"}] * 2}, "image 1: invalid labels: a second"),
        ({"categories": [{"name": "ignore"}]}, "categories: invalid labels: 'id' is missing"),
    ],
)
def test_a_fault_in_coco_is_told_with_its_entry(
    tmp_path: Path, change: dict[str, Any], place: str
) -> None:
    picture(tmp_path / "a.png")
    picture(tmp_path / "b.png")
    file = json_file(tmp_path / "a.json", {**coco(), **change})
    assert refusal(tmp_path).startswith(f"{file}: {place}")


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
        ({"image_id": 9, "mask": [1, 2, 3]}, "annotation 31: invalid labels: "),
        ({"image_id": 8, "bbox": [1, 2, 3, 4]}, "annotation 31: invalid labels: no picture of id"),
        ({"bbox": [1, 2, 3, 4]}, "annotation 31: invalid labels: '31' is missing"),
        ([], "annotation 31: invalid labels: not an object"),
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
    assert refusal(tmp_path) == f"{file}: image 9: invalid labels: picture not found: COCO_9.jpg"
