"""Raised and lowered pieces, and dot leaders, in their lines."""

from ocr_plugin.layout import page
from tests.layout.test_layout import piece, texts


def test_a_superscript_is_read_after_its_base() -> None:
    pieces = [piece(10, 20, "Ca"), piece(33, 14, "2+", height=11), piece(55, 20, "and more")]
    assert texts(page.arrange(pieces)) == ["Ca 2+ and more"]


def test_a_subscript_is_read_before_what_follows_it() -> None:
    pieces = [piece(10, 20, "H"), piece(22, 33, "2", height=11), piece(30, 20, "O")]
    assert texts(page.arrange(pieces)) == ["H 2 O"]


def test_a_note_is_read_after_its_raised_number() -> None:
    lines = [
        piece(16, 20, "the first note"),
        piece(10, 18, "1", height=10),
        piece(16, 44, "the second note"),
        piece(10, 42, "2", height=10),
    ]
    assert texts(page.arrange(lines)) == ["1 the first note", "2 the second note"]


def test_a_superscript_between_close_lines_belongs_to_the_nearer_one() -> None:
    pieces = [piece(10, 0, "above Ca"), piece(10, 23, "below Ca"), piece(106, 18, "2+", height=11)]
    assert texts(page.arrange(pieces)) == ["above Ca", "below Ca 2+"]


def test_small_cents_are_read_after_their_large_price() -> None:
    pieces = [piece(0, 0, "12", height=80), piece(98, 4, "99", height=36)]
    assert texts(page.arrange([*pieces, piece(0, 90, "per kilo")])) == ["12 99", "per kilo"]


def test_lines_beside_a_large_initial_are_no_scripts_of_it() -> None:
    beside = [piece(45, 3 + 26 * k, text) for k, text in enumerate(("nce upon", "a time", "lived"))]
    assert texts(page.arrange([*beside, piece(0, 0, "O", height=75)])) == [
        "O",
        "nce upon",
        "a time",
        "lived",
    ]


def test_small_print_below_a_heading_is_no_script_of_it() -> None:
    pieces = [piece(0, 0, "Heading", height=50), piece(180, 58, "note", height=18)]
    assert texts(page.arrange(pieces)) == ["Heading", "note"]


def test_a_flat_leader_stays_between_its_title_and_its_number() -> None:
    pieces = []
    for k, title in enumerate(("Introduction", "Method", "Thanks")):
        pieces += [
            piece(0, 26 * k, title),
            piece(150, 26 * k + 14, "." * 60, height=5),
            piece(340, 26 * k, f"{k + 3}"),
        ]
    dots = "." * 60
    assert " ".join(texts(page.arrange(pieces))) == (
        f"Introduction {dots} 3 Method {dots} 4 Thanks {dots} 5"
    )


def test_stacked_letters_have_their_place_as_one() -> None:
    stack = [piece(0, 40 + 22 * k, letter) for k, letter in enumerate("PRICE")]
    ticks = [piece(60, 20 + 60 * k, f"{40 - 10 * k}") for k in range(4)]
    assert texts(page.arrange([*ticks, *stack])) == [*"PRICE", "40", "30", "20", "10"]


def test_single_letters_beside_text_are_no_stack() -> None:
    letters = [piece(0, 22 * k, letter) for k, letter in enumerate("ADB")]
    answers = [piece(30, 22 * k, text) for k, text in enumerate(("Paris", "Rome", "Oslo"))]
    assert " ".join(texts(page.arrange([*letters, *answers]))) == "A Paris D Rome B Oslo"
