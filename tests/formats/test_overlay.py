import numpy as np
import pytest

from ocr_plugin.formats import overlay
from ocr_plugin.protocols import RGB
from ocr_plugin.schema import (
    Block,
    Component,
    EngineInfo,
    Line,
    Page,
    Point,
    Polygon,
    Source,
    Word,
)

WIDTH, HEIGHT = 300, 200
COMPONENT = Component(name="none", version="0")


def quad(x: float, y: float, width: float, height: float) -> Polygon:
    corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
    return Polygon(tuple(Point(*corner) for corner in corners))


def word(text: str, polygon: Polygon, confidence: float = 1.0) -> Word:
    return Word(text=text, polygon=polygon, confidence=confidence)


def page_of(*words: Word, line: Polygon | None = None, width: int = WIDTH) -> Page:
    lines = [Line(words=(word,), polygon=line or word.polygon) for word in words]
    return Page(
        source=Source(name="p.png", page_index=0, sha256="0" * 64, width=width, height=HEIGHT),
        blocks=tuple(Block(lines=(line,), polygon=line.polygon) for line in lines),
        engine=EngineInfo(version="0", detector=COMPONENT, recognizer=COMPONENT),
    )


def paper(level: int = 200) -> RGB:
    return np.full((HEIGHT, WIDTH, 3), level, np.uint8)


def changed(page: Page, pixels: RGB) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    drawn = np.asarray(overlay.draw(page, pixels))
    return np.asarray((drawn != pixels).any(axis=2))


def test_a_page_without_words_is_left_as_it_is() -> None:
    pixels = paper()
    assert not changed(page_of(), pixels).any()


def test_the_outline_is_drawn_and_nothing_far_from_the_word() -> None:
    touched = changed(page_of(word("Word", quad(100, 80, 90, 40))), paper())
    assert touched[80, 101:190].all() and touched[120, 101:190].all()
    assert touched[81:120, 100].all() and touched[81:120, 190].all()
    # The label stands above, so the word itself stays to be seen.
    assert not touched[84:117, 104:187].any()
    assert touched[40:78, 100:190].any()
    touched[40:124, 96:194] = False
    assert not touched.any()


def test_the_given_pixels_are_not_changed() -> None:
    pixels = paper()
    overlay.draw(page_of(word("Word", quad(100, 80, 90, 40))), pixels)
    assert (pixels == 200).all()


def test_the_same_page_is_drawn_the_same() -> None:
    page = page_of(word("Word", quad(100, 80, 90, 40)), word("two", quad(20, 150, 60, 30), 0.6))
    first, second = overlay.draw(page, paper()), overlay.draw(page, paper())
    assert first.tobytes() == second.tobytes()


@pytest.mark.parametrize(
    ("confidence", "colour"),
    [(0.1, (255, 0, 0)), (0.5, (255, 0, 0)), (0.75, (255, 255, 0)), (1.0, (0, 255, 0))],
)
def test_the_outline_tells_the_confidence(confidence: float, colour: tuple[int, int, int]) -> None:
    page = page_of(word("Word", quad(100, 80, 90, 40), confidence))
    drawn = np.asarray(overlay.draw(page, paper()))
    assert tuple(drawn[100, 100]) == colour


@pytest.mark.parametrize("level", [0, 128, 255])
def test_outline_and_label_show_on_any_ground(level: int) -> None:
    drawn = np.asarray(overlay.draw(page_of(word("Word", quad(100, 80, 90, 40))), paper(level)))
    label = drawn[40:76, 96:194].astype(int)
    assert (abs(label - level) > 100).all(axis=2).any()
    assert (abs(drawn[100, 98:103].astype(int) - level) > 100).any()


def test_the_number_is_the_place_in_reading_order() -> None:
    places = [quad(20, 80, 90, 40), quad(180, 80, 90, 40)]
    same = [np.asarray(overlay.draw(page_of(word("W", place)), paper())) for place in places]
    both = np.asarray(overlay.draw(page_of(*(word("W", place) for place in places)), paper()))
    assert (both[:, :150] == same[0][:, :150]).all()
    assert (both[:, 150:] != same[1][:, 150:]).any()


def test_a_label_without_room_above_goes_inside() -> None:
    touched = changed(page_of(word("Top", quad(100, 5, 90, 40))), paper())
    assert touched[10:40, 105:150].any()
    assert not touched[52:].any()


def test_a_label_is_no_longer_than_its_word_while_legible() -> None:
    touched = changed(page_of(word("fourteen-letters", quad(100, 80, 120, 60))), paper())
    assert touched[50:78, 190:222].any()
    assert not touched[:76, 226:].any()


def test_no_label_covers_that_of_a_neighbour() -> None:
    first, second = word("a-long-word", quad(40, 80, 20, 20)), word("other", quad(64, 80, 20, 20))
    alone = np.asarray(overlay.draw(page_of(first), paper()))
    both = np.asarray(overlay.draw(page_of(first, second), paper()))
    # The first stands above as if it were alone; the second has gone below its word.
    assert (both[:76] == alone[:76]).all() and (both[104:] != alone[104:]).any()
    crowd = [word("a-long-word", quad(40 + 3 * k, 80, 20, 20)) for k in range(20)]
    many = np.asarray(overlay.draw(page_of(*crowd), paper()))
    assert (many[:76, :110] == alone[:76, :110]).all()


def test_a_label_stays_on_the_page_at_its_right_edge() -> None:
    touched = changed(page_of(word("a-long-word", quad(280, 100, 15, 20))), paper())
    # Far more of it is to be seen than the 20 pixels right of the word's left edge.
    assert touched[70:98, 200:270].any()


@pytest.mark.parametrize("text", ["漢字", "עברית", "Ωж", "\U0001f600", "\x00", "é"])
def test_characters_the_font_lacks_are_drawn_in_some_way(text: str) -> None:
    assert changed(page_of(word(text, quad(100, 80, 90, 40))), paper())[40:76].any()


@pytest.mark.parametrize("height", [0.1, 3, 190])
def test_words_of_any_height_have_a_label(height: float) -> None:
    assert changed(page_of(word("Word", quad(100, 5, 90, height))), paper()).any()


def test_a_curved_word_is_outlined_along_its_points() -> None:
    points = [(50, 100), (150, 70), (250, 100), (250, 130), (150, 100), (50, 130)]
    curved = Polygon(tuple(Point(*point) for point in points))
    touched = changed(page_of(word("Word", curved)), paper())
    assert all(touched[y, x] for x, y in points)
    assert touched[85, 100] and touched[85, 200]


def test_a_line_is_outlined_apart_from_its_words() -> None:
    page = page_of(word("Word", quad(100, 80, 90, 40)), line=quad(10, 20, 280, 170))
    drawn = np.asarray(overlay.draw(page, paper()))
    assert (drawn[190, 20:280] == (70, 130, 255)).all()
    assert (drawn[193:] == 200).all() and (drawn[187, 20:280] == 200).all()


def test_a_polygon_that_leaves_the_page_is_cut_off() -> None:
    touched = changed(page_of(word("Word", quad(-40, 180, 80, 60))), paper())
    assert touched[180, :40].all()


def test_a_picture_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="the page is 200 x 200 pixels, but the picture 300 x 200"):
        overlay.draw(page_of(width=200), paper())
