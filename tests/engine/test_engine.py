import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from ocr_plugin.engine.engine import Engine
from ocr_plugin.errors import ConfigurationError, UnreadableImage
from ocr_plugin.options import EngineOptions
from ocr_plugin.pages.source import Source
from ocr_plugin.protocols import RGB, Reading, Regions, Unit, WordReading
from ocr_plugin.schema import Component, Page, PageError
from tests.pictures import along_arc, draw_lines, in_perspective

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


def picture(*lines: str) -> RGB:
    return draw_lines([(30, 30 + 70 * k, line) for k, line in enumerate(lines)]).pixels


class Cells:
    """A detector of one quad for each bright cell of a 10-pixel grid; dark pages break it."""

    component = Component(name="cells", version="1")

    def detect(self, pages: Sequence[RGB]) -> list[Regions]:
        return [self._regions(page) for page in pages]

    def _regions(self, page: RGB) -> Regions:
        if page.max() == 0:
            raise RuntimeError("too dark to see")
        quads = [
            np.array([(x, y), (x + 10, y), (x + 10, y + 10), (x, y + 10)], np.float32)
            for y in range(0, page.shape[0], 10)
            for x in range(0, page.shape[1], 10)
            if page[y, x, 0] > 200
        ]
        return Regions(quads, np.ones(len(quads), np.float32), kind="word")


class Shades:
    """A recognizer that names a crop's blue value and records the sizes of its batches."""

    component = Component(name="shades", version="1")
    unit: Unit = "word"

    def __init__(self, poison: int | None = None) -> None:
        self.batches: list[int] = []
        self.poison = poison

    def recognize(self, crops: Sequence[RGB]) -> list[Reading]:
        self.batches.append(len(crops))
        shades = [int(crop[2, 2, 2]) for crop in crops]
        if self.poison in shades:
            raise RuntimeError("cannot read this shade")
        return [Reading(f"s{shade}", 0.9) for shade in shades]


def cells(*shades: int, width: int = 40) -> RGB:
    """A page of grid cells, one for each shade of blue, with gaps between."""
    page = np.full((10 * (2 * len(shades) + 1), width, 3), 20, np.uint8)
    for index, shade in enumerate(shades):
        page[20 * index + 10 : 20 * index + 20, 10:20] = (255, 0, shade)
    return page


def texts(page: Page | PageError) -> list[str]:
    assert isinstance(page, Page), page
    return [word.text for word in page.words]


def test_a_picture_is_read(engine: Engine) -> None:
    page = engine.read(picture("Fresh bread", "every morning"))
    assert page.text == "Fresh bread\nevery morning"
    assert [word.text for word in page.words] == ["Fresh", "bread", "every", "morning"]
    assert all(word.confidence > 0.5 for word in page.words)
    assert all(len(word.characters) == len(word.text) for word in page.words)
    assert page.engine.recognizer.name.startswith("clip4str:clip4str-compact+ppocr")
    assert len(page.engine.recognizer.weights_sha256 or "") == 64
    assert Page.model_validate_json(page.model_dump_json()) == page


@pytest.mark.parametrize("inks", [("black", "black"), ("white", "white"), ("white", "black")])
def test_text_of_any_ink_on_a_transparent_picture_is_read(
    engine: Engine, inks: tuple[str, str]
) -> None:
    transparent = Image.new("RGBA", (640, 160), (0, 0, 0, 0))
    for row, (ink, text) in enumerate(zip(inks, ("Fresh bread", "every morning"), strict=True)):
        font = ImageFont.load_default(size=36)
        ImageDraw.Draw(transparent).text((30, 20 + 70 * row), text, font=font, fill=ink)
    assert engine.read(np.asarray(transparent)).text == "Fresh bread\nevery morning"


def test_words_stand_where_they_are_drawn(engine: Engine) -> None:
    drawn = draw_lines([(40, 50, "Willow Lane"), (60, 150, "closed today")])
    for word in engine.read(drawn.pixels).words:
        x0, y0, x1, y1 = drawn.words[word.text]
        left, top, right, bottom = word.polygon.box
        assert left == pytest.approx(x0, abs=14) and right == pytest.approx(x1, abs=14)
        assert top < (y0 + y1) / 2 < bottom


@pytest.mark.parametrize("turn", [0, 1, 2, 3])
def test_turned_pages_read_the_same(engine: Engine, turn: int) -> None:
    upright = picture("Harbour office", "second floor")
    page = engine.read(np.ascontiguousarray(np.rot90(upright, turn)))
    assert page.text == "Harbour office\nsecond floor"
    expected = {0: 0, 1: -90, 2: 180, 3: 90}[turn]
    for line in page.lines:
        difference = (line.angle - expected + 180) % 360 - 180
        assert abs(difference) < 10


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_no_line_of_a_turned_photo_is_read_upside_down(engine: Engine, turn: int) -> None:
    upright = np.asarray(Image.open(EXAMPLES / "shop_signs.jpg").convert("RGB"))
    expected = {"OPENING HOURS", "Mon - Fri 9:30 - 18:00", "Saturday 10:00 - 14:00", "Fresh daily"}
    page = engine.read(np.ascontiguousarray(np.rot90(upright, turn)))
    assert expected <= {line.text for line in page.lines}


def test_text_in_perspective_is_read(engine: Engine) -> None:
    flat = draw_lines([(20, 20, "Platform seven")], size=(320, 80)).pixels
    corners = np.array([(120, 100), (620, 180), (600, 340), (110, 220)], np.float32)
    assert engine.read(in_perspective(flat, corners, (800, 500))).text == "Platform seven"


def test_curved_text_is_read(engine: Engine) -> None:
    flat = draw_lines([(10, 10, "BOTANICAL GARDEN")], size=(360, 56), paper=(245,) * 3).pixels
    page = engine.read(along_arc(flat, 200, (640, 420)))
    assert page.text == "BOTANICAL GARDEN"
    assert all(len(word.polygon.points) > 4 for word in page.words)


@pytest.mark.parametrize("text", ["HOTEL", "PIZZA", "MUSEUM", "STREET"])
def test_letters_below_each_other_are_read(engine: Engine, text: str) -> None:
    letters = [(60, 20 + 50 * k, letter) for k, letter in enumerate(text)]
    page = engine.read(draw_lines(letters, size=(160, 350), height=44).pixels)
    assert page.text == text
    (word,) = page.words
    x0, y0, x1, y1 = word.polygon.box
    assert 25 < x0 < 70 and 80 < x1 < 130 and y0 < 40 and y1 > 240


def test_a_page_without_text_has_no_blocks(engine: Engine) -> None:
    page = engine.read(np.full((200, 300, 3), 255, np.uint8))
    assert page.blocks == () and page.text == ""


@pytest.mark.parametrize("splitter", [None, "ppocr"])
def test_a_word_reader_is_given_words(splitter: str | None) -> None:
    class Widths(Shades):
        def recognize(self, crops: Sequence[RGB]) -> list[Reading]:
            return [Reading(f"w{crop.shape[1] // crop.shape[0]}", 0.99) for crop in crops]

    drawn = draw_lines([(20, 40, "three words here")])
    page = Engine(recognizer=Widths(), splitter=splitter).read(drawn.pixels)
    assert (page.engine.splitter is None) == (splitter is None)
    words = page.words
    assert len(words) == 3
    for word, (x0, _, x1, _) in zip(words, drawn.words.values(), strict=True):
        left, _, right, _ = word.polygon.box
        assert left == pytest.approx(x0, abs=14) and right == pytest.approx(x1, abs=14)


def test_a_line_reader_needs_no_splitter(engine: Engine) -> None:
    assert engine.splitter is None and engine.info.splitter is None


def test_a_splitter_must_read_lines() -> None:
    with pytest.raises(ConfigurationError, match="shades reads words"):
        Engine(Cells(), Shades(), splitter=Shades())


def test_unsure_readings_are_left_out() -> None:
    class Unsure(Shades):
        def recognize(self, crops: Sequence[RGB]) -> list[Reading]:
            return [Reading(f"s{int(crop[2, 2, 2])}", crop[2, 2, 2] / 255) for crop in crops]

    page = cells(20, 120, 250)
    assert texts(Engine(Cells(), Unsure()).read(page)) == ["s250"]
    all_of_them = Engine(Cells(), Unsure(), options=EngineOptions(min_confidence=0))
    assert texts(all_of_them.read(page)) == ["s20", "s120", "s250"]


@pytest.mark.parametrize(
    ("others", "least", "kept"),
    [(0.95, 0.5, True), (0.95, 0.97, False), (0.7, 0.5, False), (0.7, 0.0, True)],
)
def test_a_doubtful_word_of_a_sure_line_is_kept(others: float, least: float, kept: bool) -> None:
    class Typewriter(Shades):
        unit: Unit = "line"

        def recognize(self, crops: Sequence[RGB]) -> list[Reading]:
            words = (
                WordReading("sum", others, (0.0, 0.4)),
                WordReading("5µm", 0.2, (0.45, 0.55)),
                WordReading("dry", others, (0.6, 1.0)),
            )
            return [Reading("sum 5µm dry", others, words) for _ in crops]

    engine = Engine(Cells(), Typewriter(), options=EngineOptions(min_confidence=least))
    assert ("5µm" in texts(engine.read(cells(20)))) is kept


def test_crops_of_many_pages_fill_batches() -> None:
    recognizer = Shades()
    engine = Engine(Cells(), recognizer, options=EngineOptions(recognizer_batch=8))
    pages = list(engine.read_many([cells(1, 2, 3) for _ in range(16)]))
    assert [texts(page) for page in pages] == [["s1", "s2", "s3"]] * 16
    assert recognizer.batches == [8] * 6


def test_bad_pages_are_values_in_their_place(tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture at all")
    sources: list[Source] = [
        cells(1),
        broken,
        np.zeros((30, 30, 3), np.uint8),
        cells(2, 66),
        tmp_path / "missing.png",
        cells(3),
    ]
    engine = Engine(Cells(), Shades(poison=66))
    results = list(engine.read_many(sources))
    assert texts(results[0]) == ["s1"] and texts(results[5]) == ["s3"]
    errors = [result for result in results if isinstance(result, PageError)]
    assert [results.index(error) for error in errors] == [1, 2, 3, 4]
    assert [error.kind for error in errors] == [
        "UnreadableImage",
        "RuntimeError",
        "RuntimeError",
        "UnreadableImage",
    ]
    assert "too dark to see" in errors[1].message
    assert "cannot read this shade" in errors[2].message
    assert errors[3].name.endswith("missing.png")


def test_read_raises_what_read_many_returns(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImage, match=r"nowhere\.png: no such file"):
        Engine(Cells(), Shades()).read(tmp_path / "nowhere.png")
    with pytest.raises(RuntimeError, match="too dark"):
        Engine(Cells(), Shades()).read(np.zeros((30, 30, 3), np.uint8))


def test_every_page_of_a_document_is_read(tmp_path: Path) -> None:
    path = tmp_path / "three.tiff"
    frames = [Image.fromarray(cells(k)) for k in (1, 2, 3)]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    engine = Engine(Cells(), Shades())
    pages = list(engine.read_many([path]))
    assert [texts(page) for page in pages] == [["s1"], ["s2"], ["s3"]]
    assert [page.source.page_index for page in pages if isinstance(page, Page)] == [0, 1, 2]
    first = engine.read(path)
    assert texts(first) == ["s1"]
    assert any("only the first page" in warning for warning in first.warnings)
    assert all(not page.warnings for page in pages if isinstance(page, Page))


def test_sources_are_taken_as_needed() -> None:
    taken = []

    def endless() -> Iterator[RGB]:
        for k in range(10_000):
            taken.append(k)
            yield cells(k % 200)

    engine = Engine(Cells(), Shades(), options=EngineOptions(recognizer_batch=4))
    results = engine.read_many(endless())
    first = [texts(next(results)) for _ in range(5)]
    assert first == [[f"s{k}"] for k in range(5)]
    assert len(taken) < 40
    results.close()


def test_pages_without_text_do_not_wait_for_a_full_batch() -> None:
    engine = Engine(Cells(), Shades(), options=EngineOptions(recognizer_batch=4))
    blank = np.full((20, 20, 3), 30, np.uint8)

    def one_with_text_then_none() -> Iterator[RGB]:
        yield cells(7)
        for _ in range(1000):
            yield blank

    results = engine.read_many(one_with_text_then_none())
    assert texts(next(results)) == ["s7"]
    assert sum(1 for _ in results) == 1000


def test_threads_sharing_an_engine_read_what_one_thread_reads(engine: Engine) -> None:
    pictures = [picture(f"Room {k}", "turn left") for k in range(11, 15)]
    alone = [engine.read(pixels).model_dump_json() for pixels in pictures]
    found: dict[int, str] = {}

    def work(start: int) -> None:
        for index in range(start, len(pictures), 2):
            found[index] = engine.read(pictures[index]).model_dump_json()

    threads = [threading.Thread(target=work, args=(start,)) for start in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[index] for index in range(len(pictures))] == alone


def test_a_page_reads_the_same_alone_and_among_others(engine: Engine) -> None:
    sources = [picture("Quiet carriage"), picture("Mind the gap", "please"), picture("Exit")]
    together = list(engine.read_many(sources * 2))
    alone = [engine.read(source) for source in sources] * 2
    assert [texts(page) for page in together] == [texts(page) for page in alone]


def test_options_for_a_ready_made_part_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="detector_options"):
        Engine(Cells(), Shades(), detector_options={"threshold": 0.2})
    with pytest.raises(ConfigurationError, match="recognizer_options"):
        Engine(Cells(), Shades(), recognizer_options={"threads": 2})
