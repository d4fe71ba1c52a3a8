import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.page_score import Tally, tally

TOOL = Path(__file__).parents[3] / "shared" / "tools" / "score_pages.py"


def box(x: float, y: float, width: float = 40, height: float = 10) -> list[tuple[float, float]]:
    return [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]


def word(text: str, x: float, y: float, ignore: bool = False) -> dict[str, object]:
    return {"polygon": box(x, y), "text": text, "ignore": ignore}


def test_words_read_at_their_place_count_once() -> None:
    labels = [word("Open", 0, 0), word("now", 50, 0)]
    items = [word("OPEN!", 1, 1), word("now", 0, 200), word("Open", 0, 1)]
    assert tally(labels, items) == Tally(read=1, labelled=2, answered=3)


def test_a_line_may_hold_several_words() -> None:
    labels = [word("mind", 0, 0), word("the", 45, 0), word("gap", 90, 0)]
    items = [{"polygon": box(0, 0, 130), "text": "mind the gap"}]
    assert tally(labels, items).scores() == {"recall": 1.0, "precision": 1.0, "hmean": 1.0}


def test_what_touches_an_unjudged_region_is_excused() -> None:
    labels = [word("###", 0, 0, ignore=True)]
    assert tally(labels, [word("noise", 5, 2)]) == Tally(0, 0, 0)
    assert tally(labels, [word("noise", 500, 2)]) == Tally(0, 0, 1)


@pytest.mark.skipif(not TOOL.is_file(), reason="needs the project's shared scoring tool")
def test_it_scores_as_the_shared_tool_does() -> None:
    spec = importlib.util.spec_from_file_location("score_pages", TOOL)
    assert spec and spec.loader
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    rng = np.random.default_rng(5)
    texts = ["Open", "now", "24/7", "Cafe Bar", "###", "o'clock", "B"]
    for _ in range(200):
        labels, items = (
            [
                word(
                    str(rng.choice(texts)),
                    rng.uniform(0, 150),
                    rng.uniform(0, 150),
                    ignore=bool(rng.random() < 0.2),
                )
                for _ in range(rng.integers(0, 8))
            ]
            for _ in range(2)
        )
        labels, items = json.loads(json.dumps([labels, items]))
        ours = tally(labels, items)
        assert (ours.read, ours.labelled, ours.answered) == tool.score_page(labels, items)
