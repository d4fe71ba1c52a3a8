from collections.abc import Callable

import numpy as np
import pytest

from ocr_plugin.layout import blocks, columns, page, pieces, reading_order
from ocr_plugin.layout import rows as rows_module
from ocr_plugin.protocols import Points
from ocr_plugin.schema import Block, Word


def piece(x: float, y: float, text: str, height: float = 20, turn: float = 0.0) -> pieces.Piece:
    """A line of text, each character 0.6 heights wide, the whole page turned by `turn` degrees."""
    words = []
    for index, token in enumerate(text.split(" ")):
        start = x + 0.6 * height * len(" ".join(text.split(" ")[:index]) + " " * bool(index))
        words.append(
            Word(
                text=token,
                polygon=pieces.polygon_of(
                    box(start, y, start + 0.6 * height * len(token), y + height, turn)
                ),
                confidence=0.9,
            )
        )
    return pieces.piece_of(words, box(x, y, x + 0.6 * height * len(text), y + height, turn))


def box(x0: float, y0: float, x1: float, y1: float, turn: float) -> Points:
    angle = np.radians(turn)
    rotation = np.array([(np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))])
    corners = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
    turned: Points = (corners @ rotation).astype(np.float32)
    return turned


def texts(blocks: tuple[Block, ...]) -> list[str]:
    return [line.text for block in blocks for line in block.lines]


def test_nothing_gives_nothing() -> None:
    assert page.arrange([]) == ()


def test_a_line_in_pieces_is_joined_in_order() -> None:
    pieces = [piece(150, 12, "world"), piece(10, 10, "hello there")]
    assert texts(page.arrange(pieces)) == ["hello there world"]


def test_lines_of_a_paragraph_are_one_block_in_order() -> None:
    pieces = [
        piece(10, 60, "third line"),
        piece(10, 10, "first line"),
        piece(10, 35, "second line"),
    ]
    blocks = page.arrange(pieces)
    assert len(blocks) == 1
    assert texts(blocks) == ["first line", "second line", "third line"]


def test_a_paragraph_far_below_is_another_block() -> None:
    blocks = page.arrange([piece(10, 10, "one"), piece(10, 200, "two")])
    assert [block.text for block in blocks] == ["one", "two"]


COLUMNS = [
    *[piece(10, 60 + 25 * k, f"left column line {k}") for k in range(4)],
    *[piece(320, 60 + 25 * k, f"right column line {k}") for k in range(4)],
]
IN_ORDER = [f"{side} column line {k}" for side in ("left", "right") for k in range(4)]


@pytest.mark.parametrize("turn", [0, 5, -5, 90, 180, -90])
def test_columns_of_prose_are_read_one_after_the_other(turn: float) -> None:
    pieces = [piece_turned(index, turn) for index in (5, 2, 7, 0, 3, 6, 1, 4)]
    assert texts(page.arrange(pieces)) == IN_ORDER


def piece_turned(index: int, turn: float) -> pieces.Piece:
    side, line = divmod(index, 4)
    return piece(10 if side == 0 else 320, 60 + 25 * line, IN_ORDER[index], turn=turn)


def test_a_heading_over_columns_comes_first() -> None:
    heading = piece(10, 5, "A heading as wide as the page is wide", height=24)
    assert texts(page.arrange([*COLUMNS, heading])) == [
        "A heading as wide as the page is wide",
        *IN_ORDER,
    ]


def test_narrow_cells_are_read_by_rows() -> None:
    pieces = []
    for row, (item, price) in enumerate([("Tea", "2.10"), ("Coffee", "3.40"), ("Cake", "4.00")]):
        pieces += [piece(300, 10 + 26 * row, price), piece(10, 10 + 26 * row, item)]
    assert texts(page.arrange(pieces)) == ["Tea", "2.10", "Coffee", "3.40", "Cake", "4.00"]


def test_the_work_on_a_long_table_grows_with_its_length(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = 0
    find_columns = columns.columns_of

    def counted(items: list[pieces.Item]) -> list[list[pieces.Item]]:
        nonlocal looked_at
        looked_at += len(items)
        return find_columns(items)

    monkeypatch.setattr(reading_order, "columns_of", counted)
    work = []
    for rows in (40, 80):
        cells = [
            piece(x, 10 + 26 * row, text)
            for row in range(rows)
            for x, text in ((10, f"item{row}"), (300, f"{row}.10"))
        ]
        looked_at = 0
        expected = [text for row in range(rows) for text in (f"item{row}", f"{row}.10")]
        assert texts(page.arrange(cells)) == expected
        work.append(looked_at)
    assert work[1] < 2.5 * work[0]


def level_cells(number: int) -> list[pieces.Piece]:
    return [piece(300 * column, 40 * row, f"{row}") for row in range(number) for column in range(3)]


def lines_under_headings(number: int) -> list[pieces.Piece]:
    return [
        piece(
            400 * column,
            26 * row,
            "a long line of the text" if row % 20 else "a heading over the two columns of it",
        )
        for row in range(number)
        for column in (range(2) if row % 20 else range(1))
    ]


@pytest.mark.parametrize("sheet", [level_cells, lines_under_headings])
def test_the_work_on_a_page_grows_with_its_length(
    sheet: Callable[[int], list[pieces.Piece]], monkeypatch: pytest.MonkeyPatch
) -> None:
    work: list[int] = []
    close, covered, cut = blocks._close, rows_module.merged_spans, rows_module.cut

    def counted_close(above: pieces.Item, line: pieces.Item) -> bool:
        work[-1] += 1
        return close(above, line)

    def counted_covered(spans: rows_module.Spans, least: float) -> rows_module.Spans:
        work[-1] += len(spans)
        return covered(spans, least)

    def counted_cut(items: list[pieces.Item], *args: object) -> list[list[pieces.Item]]:
        work[-1] += len(items)
        return cut(items, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(blocks, "_close", counted_close)
    monkeypatch.setattr(reading_order, "merged_spans", counted_covered)
    for module in (reading_order, columns, rows_module):
        monkeypatch.setattr(module, "cut", counted_cut)
    for number in (100, 200):
        work.append(0)
        page.arrange(sheet(number))
    assert 0 < work[1] < 2.5 * work[0]


def test_text_across_the_page_does_not_disturb_the_rest() -> None:
    pieces = [piece(10, 10, "upright one"), piece(10, 35, "upright two")]
    below = piece(100, -80, "side", turn=90)
    assert texts(page.arrange([below, *pieces])) == ["upright one", "upright two", "side"]


@pytest.mark.parametrize(("x", "place"), [(-40, 0), (200, 2)])
def test_text_across_the_page_has_its_place_beside_level_text(x: float, place: int) -> None:
    pieces = [piece(10, 10, "upright one"), piece(10, 35, "upright two")]
    expected = ["upright one", "upright two"]
    expected.insert(place, "side")
    side = piece(8, -x - 20, "side", turn=90)
    assert texts(page.arrange([*pieces, side])) == expected


def test_every_piece_comes_out_once() -> None:
    rng = np.random.default_rng(3)
    pieces = [
        piece(
            rng.uniform(0, 900),
            rng.uniform(0, 900),
            f"w{k}",
            height=rng.uniform(8, 60),
            turn=rng.uniform(-180, 180),
        )
        for k in range(60)
    ]
    words = [
        word.text for block in page.arrange(pieces) for line in block.lines for word in line.words
    ]
    assert sorted(words) == sorted(f"w{k}" for k in range(60))


def test_line_angle_tells_the_turn() -> None:
    (block,) = page.arrange([piece(10, 10, "turned by thirty", turn=30)])
    assert block.lines[0].angle == pytest.approx(30, abs=0.5)
