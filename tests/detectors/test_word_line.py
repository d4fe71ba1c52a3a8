"""The word detector that comes with the package."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ocr_plugin.datasets.labelled_page import LabelledWord
from ocr_plugin.detectors.word_line import WordLine, joined
from ocr_plugin.engine.engine import Engine
from ocr_plugin.errors import CheckpointError, ConfigurationError
from ocr_plugin.evaluation.detection import matched
from ocr_plugin.plugins import make_detector
from ocr_plugin.protocols import Points, Regions
from ocr_plugin.regions import geometry
from tests.pictures import Drawn, along_arc, draw_lines

PRINTED_PAGE = Path(__file__).parents[2] / "examples" / "printed_page.png"


def box(x0: float, y0: float, x1: float, y1: float) -> Points:
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], np.float32)


def lines(*polygons: Points) -> Regions:
    return Regions(polygons, np.linspace(0.6, 0.9, len(polygons), dtype=np.float32))


@pytest.fixture(scope="module")
def detector() -> WordLine:
    return WordLine()


def sign() -> Drawn:
    return draw_lines([(40, 40, "FRESH WHITE BREAD"), (60, 160, "every single morning")])


def test_words_are_found_in_their_lines(detector: WordLine) -> None:
    drawn = sign()
    (found,) = detector.detect([drawn.pixels])
    assert found.kind == "line" and len(found.polygons) == len(found.words) == 2
    assert sorted(len(words) for words in found.words) == [3, 3]
    labels = [LabelledWord(box(*corners)) for corners in drawn.words.values()]
    assert matched(labels, [word for words in found.words for word in words])[0].hits == 6
    assert all(geometry.signed_area(word) > 0 for words in found.words for word in words)


def test_pages_do_not_depend_on_each_other(detector: WordLine) -> None:
    pages = [sign().pixels, np.full((320, 640, 3), 255, np.uint8), sign().pixels[:, ::2].copy()]
    together = detector.detect(pages)
    for page, found in zip(pages, together, strict=True):
        (alone,) = detector.detect([page])
        assert len(alone.polygons) == len(found.polygons)
        assert [len(words) for words in alone.words] == [len(words) for words in found.words]
    assert len(together[1].polygons) == 0


def test_curved_words_have_curved_outlines(detector: WordLine) -> None:
    flat = draw_lines([(10, 10, "ROUNDABOUT STATION")], size=(420, 56), paper=(245,) * 3).pixels
    (found,) = detector.detect([along_arc(flat, 220, (640, 420))])
    words = [word for members in found.words for word in members]
    assert len(words) == 2 and any(len(word) > 4 for word in words)


def test_short_words_of_a_photographed_page_are_straight(detector: WordLine) -> None:
    (found,) = detector.detect([np.asarray(Image.open(PRINTED_PAGE).convert("RGB"))])
    words = [word for line in found.words or () for word in line]
    sizes = [geometry.quad_size(geometry.min_area_quad(word)) for word in words]
    short = [word for word, (width, height) in zip(words, sizes, strict=True) if width < 3 * height]
    assert len(short) > 20
    assert all(len(word) == 4 for word in short)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (37, 53)])
def test_blank_pages_of_any_size_have_no_words(detector: WordLine, shape: tuple[int, int]) -> None:
    (found,) = detector.detect([np.full((*shape, 3), 255, np.uint8)])
    assert len(found.polygons) == 0 == len(found.words)


def test_the_engine_reads_word_by_word() -> None:
    page = Engine("word_line").read(sign().pixels)
    assert [line.text for line in page.lines] == ["FRESH WHITE BREAD", "every single morning"]
    assert len(page.words) == 6
    assert page.engine.detector.name == "word_line:word_line"
    assert len(page.engine.detector.weights_sha256 or "") == 64


def test_words_go_to_the_line_that_holds_most_of_them() -> None:
    first, second = box(0, 0, 200, 20), box(0, 22, 200, 42)
    words = lines(box(5, 2, 50, 20), box(60, 16, 100, 40), box(300, 0, 350, 20))
    found = joined(words, lines(first, second))
    assert [len(members) for members in found.words] == [1, 1, 1]
    assert found.words[1][0] is words.polygons[1]
    assert found.polygons[2] is words.polygons[2]  # it stands in no line, and is one
    assert found.confidences[2] == words.confidences[2]
    nothing = joined(lines(), lines(first))
    assert [list(members) for members in nothing.words] == [[]]
    assert len(joined(lines(), lines()).polygons) == 0


def test_options_and_files_that_cannot_be_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"words\.threshold"):
        WordLine(words={"threshold": 2})
    with pytest.raises(CheckpointError, match="not a network of word and line maps"):
        from ocr_plugin.runtime.weights import bundled_model

        WordLine(model_path=bundled_model("PP-OCRv6_det_small.onnx"))
    assert isinstance(make_detector("word_line", words={"threshold": 0.4}), WordLine)
