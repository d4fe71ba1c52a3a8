"""The benchmark of detectors, on a page that is drawn."""

import json
from pathlib import Path

import pytest
from PIL import Image

from benchmarks import detection
from tests.pictures import draw_lines


def test_it_counts_the_words_that_a_detector_finds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn = draw_lines([(40, 60, "BAKERY"), (60, 180, "pharmacy")])
    Image.fromarray(drawn.pixels).save(tmp_path / "sign.png")
    words = [
        {"polygon": [[x0, y0], [x1, y0], [x1, y1], [x0, y1]], "text": text}
        for text, (x0, y0, x1, y1) in drawn.words.items()
    ]
    (tmp_path / "labels.jsonl").write_text(json.dumps({"image": "sign.png", "words": words}))
    out = tmp_path / "detection.json"
    detection.main(["--data", str(tmp_path), "--detector", "dbnet", "--out", str(out)])
    (sets,) = json.loads(out.read_text())["sets"].values()
    assert sets["dbnet"]["f"] == 1 and sets["dbnet"]["words"] == 2
    assert sets["dbnet"]["seconds_per_page"]["median"] > 0
    assert "dbnet" in capsys.readouterr().out
