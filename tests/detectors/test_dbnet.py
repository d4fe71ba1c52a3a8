from pathlib import Path

import numpy as np
import pytest

from ocr_plugin.detectors.dbnet import DBNet
from ocr_plugin.detectors.probability_map import RegionOptions, find_regions
from ocr_plugin.detectors.tiling import stitch, tiles_of
from ocr_plugin.errors import CheckpointError, ConfigurationError
from ocr_plugin.protocols import Points
from ocr_plugin.regions import geometry, ribbons
from tests.pictures import Drawn, along_arc, draw_lines


@pytest.fixture(scope="module")
def detector() -> DBNet:
    return DBNet()


def covered(polygons: list[Points], box: tuple[float, float, float, float]) -> float:
    """Share of a box that the best polygon covers."""
    x0, y0, x1, y1 = box
    word = geometry.shape(np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], np.float32))
    return max(
        (geometry.shape(polygon).intersection(word).area / word.area for polygon in polygons),
        default=0.0,
    )


def sign() -> Drawn:
    return draw_lines([(40, 40, "FRESH BREAD"), (60, 160, "every morning")])


def test_lines_are_found_where_they_are(detector: DBNet) -> None:
    drawn = sign()
    (found,) = detector.detect([drawn.pixels])
    assert len(found.polygons) == 2
    assert found.kind == "line"
    for box in drawn.words.values():
        assert covered(list(found.polygons), box) > 0.9
    assert all(geometry.signed_area(polygon) > 0 for polygon in found.polygons)
    assert (found.confidences > 0.5).all() and (found.confidences <= 1).all()


def test_curved_text_gives_a_curved_polygon(detector: DBNet) -> None:
    flat = draw_lines([(10, 10, "ROUNDABOUT STATION")], size=(420, 56), paper=(245,) * 3).pixels
    (found,) = detector.detect([along_arc(flat, 220, (640, 420))])
    (polygon,) = found.polygons
    assert len(polygon) > 4
    band = ribbons.ribbon(polygon)
    assert band is not None and band.sagitta > 40
    straight = DBNet(curved=False).detect([along_arc(flat, 220, (640, 420))])[0]
    assert all(len(polygon) == 4 for polygon in straight.polygons)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (37, 53)])
def test_blank_pages_of_any_size_have_no_regions(detector: DBNet, shape: tuple[int, int]) -> None:
    (found,) = detector.detect([np.full((*shape, 3), 255, np.uint8)])
    assert len(found.polygons) == 0 == len(found.confidences)


def test_a_long_strip_is_seen_in_tiles(detector: DBNet) -> None:
    page = np.full((40, 12000, 3), 250, np.uint8)
    drawn = draw_lines([(0, 2, "faraway")], size=(200, 40), height=28)
    page[:, 11000:11200] = drawn.pixels
    (found,) = detector.detect([page])
    x0, y0, x1, y1 = drawn.words["faraway"]
    assert covered(list(found.polygons), (x0 + 11000, y0, x1 + 11000, y1)) > 0.9


def test_a_page_of_too_many_tiles_is_shrunk_and_says_so() -> None:
    page = np.full((40, 12000, 3), 250, np.uint8)
    drawn = draw_lines([(0, 2, "faraway")], size=(200, 40), height=28)
    page[:, 11000:11200] = drawn.pixels
    few, enough = (DBNet(most_tiles=count, islands=False) for count in (3, 6))
    (found,) = few.detect([page])
    x0, y0, x1, y1 = drawn.words["faraway"]
    assert covered(list(found.polygons), (x0 + 11000, y0, x1 + 11000, y1)) > 0.8
    assert "12000 x 40 pixels was searched for text at 1/1." in found.warnings[0]
    assert not enough.detect([page])[0].warnings


@pytest.mark.parametrize("size", [(320, 32), (32, 10_000_000), (5000, 5000), (4000, 64)])
@pytest.mark.parametrize("most", [1, 2, 100])
def test_shrinking_comes_to_an_end(most: int, size: tuple[int, int]) -> None:
    detector = DBNet(most_tiles=most, side_limit=64, tile_overlap=0)
    height, width = detector._affordable(size)
    assert len(tiles_of((height, width), 64, 0)) <= most
    assert height % 32 == width % 32 == 0 and min(height, width) >= 32


def test_a_word_on_a_seam_is_found_whole() -> None:
    drawn = draw_lines([(300, 140, "UNSEPARATED")], size=(900, 320), height=40)
    tiled = DBNet(side_limit=512, max_shrink=1, min_side=320, tile_overlap=128)
    (found,) = tiled.detect([drawn.pixels])
    (polygon,) = found.polygons
    assert covered([polygon], drawn.words["UNSEPARATED"]) > 0.9


def test_a_page_does_not_depend_on_its_neighbours(detector: DBNet) -> None:
    drawn = sign().pixels
    others = [np.full_like(drawn, 90), drawn[::-1].copy(), drawn[:, :200].copy()]
    (alone,) = detector.detect([drawn])
    together = detector.detect([others[0], drawn, *others[1:]])[1]
    assert len(alone.polygons) == len(together.polygons) > 0
    for one, other in zip(alone.polygons, together.polygons, strict=True):
        assert np.allclose(one, other, atol=0.01)


@pytest.mark.parametrize("size", [(64, 64), (64, 1000), (1000, 64), (777, 1300), (5000, 33)])
def test_tiles_cover_everything_exactly_once(size: tuple[int, int]) -> None:
    tiles = tiles_of(size, 256, 64)
    whole = np.random.default_rng(0).integers(0, 255, (2, *size), dtype=np.uint8)
    parts = [(t, whole[:, t.y : t.y + t.height, t.x : t.x + t.width]) for t in tiles]
    assert np.array_equal(stitch(size, parts), whole)
    taken = sum((t.right - t.left) * (t.bottom - t.top) for t in tiles)
    assert taken == size[0] * size[1]
    assert all(max(t.width, t.height) <= max(256, min(size)) for t in tiles)


def test_weak_and_tiny_cores_are_left_out() -> None:
    probabilities = np.zeros((100, 200), np.uint8)
    probabilities[20:30, 20:120] = 250
    probabilities[50:60, 20:120] = 90
    probabilities[80:81, 20:120] = 250
    found = find_regions(probabilities, RegionOptions())
    assert len(found.polygons) == 1
    assert found.polygons[0][:, 1].mean() == pytest.approx(25, abs=1)


def test_text_inside_a_ring_of_text_is_found() -> None:
    rows, columns = np.mgrid[0:200, 0:200]
    distance = np.hypot(rows - 100, columns - 100)
    probabilities = np.where((distance > 70) & (distance < 80), 255, 0).astype(np.uint8)
    probabilities[95:105, 70:130] = 255
    found = find_regions(probabilities, RegionOptions())
    boxes = [polygon.max(axis=0) - polygon.min(axis=0) for polygon in found.polygons]
    assert any(60 <= width <= 90 and height < 40 for width, height in boxes)


def test_bad_options_are_one_clear_error() -> None:
    with pytest.raises(ConfigurationError, match=r"threshold.*less than 1"):
        DBNet(threshold=3)
    with pytest.raises(ConfigurationError, match="no_such"):
        DBNet(no_such=1)


def test_a_file_that_is_no_network(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match=r"model\.onnx: not a usable ONNX file"):
        DBNet(model_path=path)
