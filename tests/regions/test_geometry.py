import numpy as np
import pytest

from ocr_plugin.regions import geometry, ribbons

SQUARE = np.array([(0, 0), (10, 0), (10, 10), (0, 10)], np.float32)


def test_clockwise_has_positive_area() -> None:
    assert geometry.signed_area(SQUARE) == 100
    assert geometry.signed_area(SQUARE[::-1]) == -100
    turned = geometry.clockwise(SQUARE[::-1])
    assert geometry.signed_area(turned) == 100
    assert np.array_equal(turned[0], SQUARE[::-1][0])


@pytest.mark.parametrize("degrees", [-40, -10, 0, 10, 40])
def test_upright_quad_starts_at_the_texts_top_left(degrees: float) -> None:
    angle = np.radians(degrees)
    rotation = np.array([(np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))])
    quad = (np.array([(0, 0), (50, 0), (50, 10), (0, 10)]) @ rotation).astype(np.float32)
    for shift in range(4):
        found = geometry.upright_quad(np.roll(quad, shift, axis=0))
        assert np.allclose(found, quad, atol=1e-4)


def test_unclip_grows_by_the_papers_offset() -> None:
    grown = geometry.unclip(SQUARE, 1.5)
    offset = 100 * 1.5 / 40
    assert np.allclose(grown.min(axis=0), -offset, atol=0.02)
    assert np.allclose(grown.max(axis=0), 10 + offset, atol=0.02)


def test_unclip_of_nothing_is_nothing() -> None:
    assert geometry.unclip(np.zeros((3, 2), np.float32), 1.5).shape == (0, 2)


def test_resample_keeps_ends_and_spacing() -> None:
    path = np.array([(0, 0), (1, 0), (10, 0)], np.float32)
    points = geometry.resample(path, 5)
    assert np.allclose(points[:, 0], [0, 2.5, 5, 7.5, 10])


def arc(radius: float, height: float, degrees: float, count: int = 40) -> geometry.Points:
    """A band bent upwards, as text over a gate: from left to right and back."""
    angles = np.radians(np.linspace(-degrees / 2, degrees / 2, count))
    outer, inner = radius + height / 2, radius - height / 2
    top = np.stack([np.sin(angles) * outer, -np.cos(angles) * outer], axis=1)
    bottom = np.stack([np.sin(angles) * inner, -np.cos(angles) * inner], axis=1)
    band: geometry.Points = np.concatenate([top, bottom[::-1]]).astype(np.float32)
    return band


def test_ribbon_follows_an_arc() -> None:
    band = ribbons.ribbon(np.roll(arc(100, 20, 120), 11, axis=0))
    assert band is not None
    assert band.centre[0][0] < band.centre[-1][0], "it runs rightwards"
    radii = np.linalg.norm(band.centre, axis=1)
    assert np.abs(radii - 100).max() < 3
    assert band.height == pytest.approx(20, abs=3)
    assert band.sagitta == pytest.approx(100 * (1 - np.cos(np.radians(60))), rel=0.15)
    top, bottom = band.sides()
    assert np.linalg.norm(top, axis=1).mean() > np.linalg.norm(bottom, axis=1).mean()


def test_ribbon_of_a_straight_line_is_straight() -> None:
    band = ribbons.ribbon(np.array([(0, 0), (200, 0), (200, 20), (0, 20)], np.float32))
    assert band is not None
    assert band.sagitta < 0.05 * band.height
    assert band.length == pytest.approx(200, rel=0.1)


def test_a_compact_shape_is_no_ribbon() -> None:
    assert ribbons.ribbon(SQUARE) is None


def test_ribbon_polygon_is_clockwise() -> None:
    band = ribbons.ribbon(arc(100, 20, 120))
    assert band is not None
    polygon = band.polygon(8)
    assert polygon.shape == (16, 2)
    assert geometry.signed_area(polygon) > 0
