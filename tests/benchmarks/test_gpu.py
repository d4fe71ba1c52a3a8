"""What is run on a GPU, run on a CPU once, so that it works where one is at hand."""

import json
import sys
import tarfile
from pathlib import Path

import pytest
import torch
from PIL import Image, ImageFont

from benchmarks.gpu import floor, pack_pages, parity
from ocr_plugin.clip4str import PRESETS
from ocr_plugin.datasets.page_sets import PageSet
from ocr_plugin.training.detection.options import DetectorTrainingOptions
from ocr_plugin.training.detection.preview import target_sheet
from ocr_plugin.training.recipes import found_recipe
from ocr_plugin.training.tasks import load_recipe


def test_the_towers_arithmetic_is_what_the_paper_has() -> None:
    config = PRESETS["B/16"]
    width, tokens = config.vision_width, 1 + config.grid[0] * config.grid[1]
    block = 12 * width**2 * tokens + 2 * tokens**2 * width
    patches = 3 * config.patch_size[0] ** 2 * width * (tokens - 1)
    expected = 2 * (config.vision_layers * block + patches + tokens * width * config.embed_dim)
    assert floor.tower_flop(config) == pytest.approx(expected, rel=1e-3)
    assert floor.tower_flop(config) == pytest.approx(35e9, rel=0.02)


def test_the_floor_runs_on_a_cpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "floor.json"
    arguments = ["--device", "cpu", "--size", "64", "--rounds", "3", "--out", str(out)]
    monkeypatch.setattr(sys, "argv", ["floor", *arguments, "--model", "clip4str-compact"])
    floor.main()
    found = json.loads(out.read_text())["sets"]["products"]
    assert found == json.loads(capsys.readouterr().out)
    compact = found["clip4str-compact"]
    assert 0.5 < compact["tower_gflop_per_crop"] < 2
    # Both are rounded to four digits.
    assert compact["least_ms_per_crop"] * compact["most_crops_per_s"] == pytest.approx(
        1000, rel=1e-3
    )


def test_the_parity_runs_on_a_cpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "parity.json"
    arguments = ["--device", "cpu", "--images", "3", "--crops", "20", "--out", str(out)]
    monkeypatch.setattr(sys, "argv", ["parity", *arguments, "--model", "clip4str-compact"])
    monkeypatch.setattr(parity, "_PAGE", (256, 320))
    before = torch.backends.cudnn.allow_tf32
    try:
        parity.main()
    finally:
        torch.backends.cudnn.allow_tf32 = before
    found = json.loads(out.read_text())["sets"]
    assert {"clip4str-compact", "constant shapes", "resizing", "detector"} < set(found)
    assert found["clip4str-compact"]["float32"] == {"largest_difference": 0, "same_texts": 1}
    assert found["resizing"]["largest_difference"] == 0
    assert json.loads(capsys.readouterr().out)["detector"] == found["detector"]


def test_pages_are_packed_as_the_recipe_names_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, photo = tmp_path / "data", Image.effect_noise((60, 40), 40).convert("RGB")
    word = {"polygon": [[5, 5], [40, 5], [40, 20], [5, 20]], "text": "Öl", "ignore": False}
    for name in ("ic15_train", "mlt_train"):
        (data / "pages" / name).mkdir(parents=True)
        photo.save(data / "pages" / name / "a.png")
        photo.save(data / "pages" / name / "b.png")
        (data / "pages" / name / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0")
        lines = [
            json.dumps({"image": image, "words": [word]}) for image in ("a.png", "cut.jpg", "b.png")
        ]
        (data / "pages" / name / "labels.jsonl").write_text("\n".join(lines))
    for name in ("FUNSD_train", "SROIE_train"):
        (data / "words" / name).mkdir(parents=True)
        photo.save(data / "words" / name / "a.png")
        (data / "words" / name / "labels.jsonl").write_text('{"image": "a.png", "text": "a"}')
    (data / "backgrounds").mkdir()
    photo.save(data / "backgrounds" / "street.png")
    (data / "generic_vocabulary.txt").write_text("word\n")
    font = ImageFont.load_default(size=20)
    assert isinstance(font, ImageFont.FreeTypeFont)
    (data / "plain.ttf").write_bytes(font.font_bytes)
    out = tmp_path / "packed.tar.gz"
    arguments = ["--data", str(data), "--fonts", str(data / "plain.ttf"), "--out", str(out)]
    monkeypatch.setattr(sys, "argv", ["pack_pages", *arguments])
    pack_pages.main()
    assert "left out" in capsys.readouterr().out
    with tarfile.open(out) as archive:
        archive.extractall(tmp_path, filter="data")
    recipe = load_recipe(found_recipe("word-detector-gpu")).on_machine(
        {"data": tmp_path / "packed", "device": "cpu", "loaders": 0}
    )
    assert isinstance(recipe, DetectorTrainingOptions)
    sheet, bad = target_sheet(recipe, 4, 0)
    assert sheet.size[0] and not bad
    page, _ = PageSet(tmp_path / "packed" / "pages" / "mlt_train").pages
    assert page.words[0].text == "Öl" and page.pixels().shape == (40, 60, 3)


def test_texts_that_change_count_as_such() -> None:
    model = parity.network("clip4str-compact")
    expected = torch.zeros(2, 3, model.config.charset.classes)
    expected[:, 0, 5] = expected[:, 1, 0] = 10.0  # a character, then the end
    found = expected.clone()
    found[0, 0, 5], found[0, 2, 7] = 9.0, 99.0
    assert parity.agreement(model, found, expected) == {
        "largest_difference": 0.1,
        "same_texts": 1.0,
    }
    found[1, 0, 6] = float("inf")
    assert parity.agreement(model, found, expected) == {
        "largest_difference": 0.1,
        "same_texts": 0.5,
    }


def test_the_parity_fails_where_numbers_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["parity", "--device", "cpu"])
    monkeypatch.setattr(parity, "network", lambda name: None)
    good = {"largest_difference": 0.0, "same_texts": 1.0}
    monkeypatch.setattr(parity, "compare", lambda *_: {"float32": good})
    monkeypatch.setattr(parity, "compare_graphs", lambda *_: good)
    monkeypatch.setattr(parity, "compare_resizing", lambda *_: {"largest_difference": 1})
    monkeypatch.setattr(parity, "compare_detectors", lambda *_: {"float32": good})
    with pytest.raises(SystemExit, match="differ by too much: resizing"):
        parity.main()
