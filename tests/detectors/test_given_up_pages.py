"""Pages that nobody waits for any more while text is looked for on them."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ocr_plugin.detectors.dbnet import DBNet
from ocr_plugin.engine.engine import Engine
from ocr_plugin.engine.page_task import CropTask, PageRequest, PageWork
from ocr_plugin.pages.raster import PageImage
from ocr_plugin.protocols import RGB, Detector, Regions
from ocr_plugin.schema import Component, Page, PageError
from tests.detectors.test_islands import in_corners
from tests.engine.test_engine import Cells, Shades, cells, texts
from tests.pictures import draw_lines


class Counting:
    """A network that counts its runs."""

    def __init__(self, detector: DBNet) -> None:
        self._network, self.sha256 = detector._network, detector._network.sha256
        self.runs = 0
        detector._network = self

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        self.runs += 1
        return self._network.run(batch)


def strip() -> RGB:
    """A page of six tiles, with a word at its end."""
    page = np.full((40, 12000, 3), 250, np.uint8)
    page[:, 11000:11200] = draw_lines([(0, 2, "faraway")], size=(200, 40), height=28).pixels
    return page


def sign() -> RGB:
    return draw_lines([(30, 30, "Harbour office")], size=(420, 100)).pixels


@pytest.fixture
def counted() -> tuple[DBNet, Counting]:
    detector = DBNet(islands=False)
    return detector, Counting(detector)


def until(runs: int, network: Counting) -> Callable[[], bool]:
    """Tells whether a network has run less often."""
    return lambda: network.runs < runs


def test_a_page_is_given_up_between_its_tiles(counted: tuple[DBNet, Counting]) -> None:
    detector, network = counted
    detector.detect([strip()])
    assert network.runs == 6
    network.runs = 0
    detector.detect([strip()], wanted=[until(2, network)])
    assert network.runs == 2


def test_the_others_of_a_batch_are_as_they_would_be_alone(
    counted: tuple[DBNet, Counting],
) -> None:
    detector, network = counted
    (alone,), (far,) = detector.detect([sign()]), detector.detect([strip()])
    network.runs = 0
    pages, always = [strip(), sign(), strip()], lambda: True
    _, first, second = detector.detect(pages, wanted=[until(2, network), always, always])
    assert network.runs < 6 + 1 + 6
    for found, expected in ((first, alone), (second, far)):
        assert len(found.polygons) == len(expected.polygons) > 0
        for one, other in zip(found.polygons, expected.polygons, strict=True):
            assert np.array_equal(one, other)


def test_a_page_that_is_wanted_again_is_given_up_all_the_same() -> None:
    detector = DBNet(islands=False)
    answers = iter([True, False])
    (found,) = detector.detect([strip()], wanted=[lambda: next(answers, True)])
    assert len(found.polygons) == 0


def test_islands_are_given_up_with_their_page() -> None:
    detector = DBNet()
    network = Counting(detector)
    page = in_corners().pixels
    assert len(detector.detect([page])[0].polygons) == 2 == network.runs
    detector.detect([page], wanted=[until(3, network)])
    assert network.runs == 3


def read(engine: Engine, pages: Sequence[tuple[RGB, Callable[[], bool]]]) -> list[Page | PageError]:
    readers = engine.readers()

    def requests() -> Iterator[PageRequest]:
        for number, (pixels, is_wanted) in enumerate(pages):
            image = PageImage(f"page {number}", 0, pixels, "0" * 64)
            yield PageRequest(image, readers, is_wanted)

    return list(engine.read_guided(requests()))


def test_an_engine_tells_its_detector_what_is_wanted(counted: tuple[DBNet, Counting]) -> None:
    detector, network = counted
    given_up, kept = read(
        Engine(detector, Shades()), [(strip(), until(2, network)), (sign(), lambda: True)]
    )
    assert isinstance(given_up, PageError) and given_up.kind == "Abandoned"
    assert isinstance(kept, Page) and len(kept.blocks) == 1
    assert network.runs < 6


class Partial:
    """A detector that leaves out what is not wanted."""

    component = Component(name="partial", version="1")

    def detect(
        self, pages: Sequence[RGB], wanted: Sequence[Callable[[], bool]] = ()
    ) -> list[Regions]:
        found = Cells().detect(pages)
        nothing = Regions([], np.zeros(0, np.float32))
        return [
            each if is_wanted() else nothing for each, is_wanted in zip(found, wanted, strict=True)
        ]


@pytest.mark.parametrize("detector", [Partial(), Cells()])
def test_a_page_given_up_while_it_is_searched_is_an_error_and_not_read(
    detector: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = list[str]()
    begin = PageWork.begin

    def noted(work: PageWork, *arguments: Any) -> list[CropTask]:
        begun.append(work.image.name)
        return begin(work, *arguments)

    monkeypatch.setattr(PageWork, "begin", noted)
    # Wanted when the page is begun, not while text is looked for, and then again.
    answers = iter([True, False])
    first, second = read(
        Engine(detector, Shades()),
        [(cells(1), lambda: next(answers, True)), (cells(2), lambda: True)],
    )
    assert isinstance(first, PageError) and first.kind == "Abandoned"
    assert isinstance(second, Page) and texts(second) == ["s2"]
    assert begun == ["page 1"]


def test_a_detector_that_was_not_made_for_it_is_asked_as_ever() -> None:
    class Own(DBNet):
        def detect(self, pages: Sequence[RGB]) -> list[Regions]:  # type: ignore[override]
            return Cells().detect(pages)

    for detector in (Own(), Cells()):
        (page,) = read(Engine(detector, Shades()), [(cells(1), lambda: True)])
        assert isinstance(page, Page) and texts(page) == ["s1"]
