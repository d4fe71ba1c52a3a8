"""Pages whose texts are known in part: language, constraints, regions, and what is withheld."""

from collections.abc import Sequence

import numpy as np
import pytest

from ocr_plugin.constraints.constraint import Constraint
from ocr_plugin.engine.engine import Engine
from ocr_plugin.engine.page_task import PageRequest
from ocr_plugin.engine.shared_engine import SharedEngine
from ocr_plugin.errors import ConfigurationError
from ocr_plugin.pages.decode import open_pages
from ocr_plugin.pages.raster import PageImage
from ocr_plugin.protocols import RGB, Reading, Recognizer, Regions, Unit, WordReading
from ocr_plugin.recognizers.guidance import Guidance
from ocr_plugin.schema import Component, Page
from tests.pictures import Drawn, draw_lines

DIGITS = Constraint(characters="0123456789")
LETTERS = Constraint(pattern="[A-Za-z]+")
FORM = draw_lines([(30, 30, "Rechnung 4711"), (30, 130, "Betrag 1250"), (30, 230, "29.02.2024")])


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(recognizer="ppocr")


def around(drawn: Drawn, *words: str) -> list[tuple[float, float]]:
    boxes = np.array([drawn.words[word] for word in words])
    x0, y0 = boxes[:, :2].min(axis=0) - 8
    x1, y1 = boxes[:, 2:].max(axis=0) + 8
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


def texts(page: object) -> list[str]:
    assert isinstance(page, Page), page
    return [word.text for word in page.words]


def withheld(page: Page) -> list[str]:
    return [each.alternatives[0].text for each in page.withheld]


def test_without_guidance_a_page_is_as_ever(engine: Engine) -> None:
    page = engine.read(FORM.pixels)
    assert texts(page) == ["Rechnung", "4711", "Betrag", "1250", "29.02.2024"]
    assert page.withheld == ()
    assert engine.readers() is engine.readers(None, None, [])


def test_a_constraint_holds_for_every_word_of_the_page(engine: Engine) -> None:
    page = engine.read(FORM.pixels, constraint=DIGITS)
    assert sorted(texts(page)) == ["1250", "4711"]
    assert withheld(page) == ["Rechnung", "Betrag"]
    assert page.withheld[0].reason == "no allowed text was found"
    x0, _, x1, _ = page.withheld[0].polygon.box
    known = FORM.words["Rechnung"]
    assert abs(x0 - known[0]) < 25 and abs(x1 - known[2]) < 25
    # The page after it is read as ever.
    assert texts(engine.read(FORM.pixels))[0] == "Rechnung"


def test_lines_in_a_region_are_read_under_its_constraint(engine: Engine) -> None:
    regions = [
        (around(FORM, "Rechnung", "4711"), DIGITS),
        (around(FORM, "29.02.2024"), Constraint(pattern="date")),
    ]
    page = engine.read(FORM.pixels, regions=regions)
    assert texts(page) == ["4711", "Betrag", "1250", "29.02.2024"]
    assert withheld(page) == ["Rechnung"]


def test_a_region_without_lines_is_read_as_one() -> None:
    class Blind:
        component = Component(name="blind", version="1")

        def detect(self, pages: Sequence[RGB]) -> list[Regions]:
            return [Regions([], np.zeros(0, np.float32)) for _ in pages]

    engine = Engine(Blind(), "ppocr")
    empty = [(10.0, 280.0), (200.0, 280.0), (200.0, 318.0), (10.0, 318.0)]
    regions = [
        (around(FORM, "4711"), DIGITS),
        (around(FORM, "Betrag", "1250"), Constraint(pattern="[A-Z][a-z]+ [0-9]+")),
        (empty, DIGITS),
    ]
    page = engine.read(FORM.pixels, regions=regions)
    assert texts(page) == ["4711", "Betrag", "1250"]
    (nothing,) = page.withheld
    assert nothing.reason == "nothing was read" and nothing.alternatives == ()
    assert nothing.polygon.box == pytest.approx((10, 280, 200, 318))


class Two:
    """Reads a sure word and a doubtful one."""

    component = Component(name="two", version="1")
    unit: Unit = "line"

    def recognize(self, crops: Sequence[RGB]) -> list[Reading]:
        words = (
            WordReading("sure", 0.97, (0.0, 0.5)),
            WordReading("maybe", 0.7, (0.5, 1.0), alternatives=(("may", 0.2),)),
        )
        return [Reading("sure maybe", 0.8, words) for _ in crops]


def test_doubtful_words_are_withheld() -> None:
    engine = Engine("whole_image", Two(), constraint=Constraint(abstain_below=0.75))
    page = engine.read(FORM.pixels)
    assert texts(page) == ["sure"]
    (kept,) = page.withheld
    assert kept.reason == "the confidence, 0.700, is below 0.75"
    assert [each.text for each in kept.alternatives] == ["maybe", "may"]
    x0, _, x1, _ = kept.polygon.box
    assert (x0, x1) == pytest.approx((320, 640), abs=1)
    assert texts(engine.read(FORM.pixels, constraint=Constraint(abstain_below=0.6))) == [
        "sure",
        "maybe",
    ]
    assert Page.model_validate_json(page.model_dump_json()) == page


def test_a_line_is_withheld_as_a_whole() -> None:
    lines = Constraint(pattern="[a-z ]+", abstain_below=0.9)
    page = Engine("whole_image", Two(), constraint=lines).read(FORM.pixels)
    assert texts(page) == [] and withheld(page) == ["sure maybe"]


def test_pages_of_one_stream_do_not_share_their_guidance(engine: Engine) -> None:
    (image,) = open_pages(FORM.pixels, engine.options.images)
    assert isinstance(image, PageImage)
    wanted = [engine.readers(), engine.readers(constraint=DIGITS), engine.readers("de", LETTERS)]
    together = list(engine.read_guided(PageRequest(image, each) for each in wanted))
    alone = [page for each in wanted for page in engine.read_guided([PageRequest(image, each)])]
    assert together == alone
    assert texts(together[1]) == ["4711", "1250"] and texts(together[2]) == ["Rechnung", "Betrag"]
    with SharedEngine(engine) as shared:
        futures = [shared.submit(image, None, each) for each in wanted]
        assert [future.result() for future in futures] == alone


@pytest.mark.parametrize("recognizer", ["clip4str", "second_opinion"])
def test_readers_of_words_and_both_together(recognizer: str) -> None:
    engine = Engine(recognizer=recognizer, constraint=DIGITS)
    assert texts(engine.read(FORM.pixels)) == ["4711", "1250"]
    date = [(around(FORM, "29.02.2024"), Constraint(pattern="date"))]
    assert "29.02.2024" in texts(engine.read(FORM.pixels, regions=date))
    line = Constraint(pattern="[A-Z][a-z]+ [0-9]{4}")
    page = engine.read(FORM.pixels, constraint=line)
    assert texts(page) == ["Rechnung", "4711", "Betrag", "1250"]


def test_contradictions_are_refused_before_anything_is_read(engine: Engine) -> None:
    nothing = Constraint(characters="")
    with pytest.raises(ConfigurationError, match="the set is empty"):
        Engine("whole_image", "ppocr", constraint=nothing)
    with pytest.raises(ConfigurationError, match="the set is empty"):
        engine.read_many(["missing.png"], constraint=nothing)
    with pytest.raises(ConfigurationError, match="xx"):
        engine.read(FORM.pixels, language="xx")
    for region in ([(0, 0), (1, 1)], [0, 0, 5, 5], "no", [(0, 0), (1, 0), (float("nan"), 1)]):
        with pytest.raises(ConfigurationError, match="a region"):
            engine.read(FORM.pixels, regions=[(region, DIGITS)])


def test_the_engines_own_guidance_stands_where_none_is_given() -> None:
    engine = Engine("whole_image", "ppocr", language="de", constraint=DIGITS)
    assert engine.guidance == Guidance("de", DIGITS)
    assert engine.readers("en").rest.constraint == DIGITS
    assert engine.readers("de") is not engine.readers("de", DIGITS)
    assert engine.readers("de").rest is engine.readers("de", DIGITS).rest


def test_few_guided_readers_are_kept() -> None:
    made: list[Guidance] = []

    class Noting(Two):
        def guided(self, guidance: Guidance) -> Recognizer:
            made.append(guidance)
            return self

    engine = Engine("whole_image", Noting())
    for length in range(1, 21):
        engine.readers(constraint=Constraint(pattern=f"a{{{length}}}"))
    assert len(made) == 20
    engine.readers(constraint=Constraint(pattern="a{20}"))
    assert len(made) == 20
    engine.readers(constraint=Constraint(pattern="a{1}"))
    assert len(made) == 21
