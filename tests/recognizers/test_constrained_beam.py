"""What a constraint leaves of a CTC network's columns, against all of their texts written out."""

from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from ocr_plugin.constraints.constraint import Constraint
from ocr_plugin.recognizers.constrained_beam import allowed_texts
from ocr_plugin.recognizers.ctc_alignment import aligned
from ocr_plugin.recognizers.ctc_evidence import CtcEvidence

CHARACTERS = ("", "1", "2", "O", " ")


def probabilities(columns: int, seed: int) -> NDArray[np.float32]:
    drawn = np.random.default_rng(seed).random((columns, len(CHARACTERS))).astype(np.float32)
    normalized: NDArray[np.float32] = drawn / drawn.sum(1, keepdims=True)
    return normalized


def every_text(rows: NDArray[np.float32]) -> dict[str, float]:
    """The probability of each text, of all paths that collapse to it."""
    found: dict[str, float] = {}
    for path in product(range(len(CHARACTERS)), repeat=len(rows)):
        kept = [each for index, each in enumerate(path) if not index or each != path[index - 1]]
        text = "".join(CHARACTERS[each] for each in kept)
        likelihood = float(np.prod([row[each] for row, each in zip(rows, path, strict=True)]))
        found[text] = found.get(text, 0.0) + likelihood
    return found


def read(rows: NDArray[np.float32], constraint: Constraint, most: int = 6) -> list[str]:
    evidence = CtcEvidence.of(rows, CHARACTERS, [], 1e-6)
    likely = [text for text, _ in evidence.candidates(6)]
    return allowed_texts(evidence, constraint.compiled(), likely, most)


def clear(text: str, **instead: float) -> NDArray[np.float32]:
    """Columns of which each is sure of a character, with a blank behind it.

    `instead` has characters' probabilities in the columns of the letter O.
    """
    rows = np.full((2 * len(text), len(CHARACTERS)), 1e-5, np.float32)
    rows[1::2, 0] = 1
    for place, character in enumerate(text):
        rows[2 * place, CHARACTERS.index(character)] = 1
        for other, likelihood in instead.items() if character == "O" else ():
            rows[2 * place, CHARACTERS.index(other.removeprefix("d"))] = likelihood
    return rows


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    "constraint",
    [
        Constraint(characters="12"),
        Constraint(pattern="[12]{2}"),
        Constraint(pattern="(1|2O|O2)+"),
        Constraint(pattern="[12] ?[12O]"),
        Constraint(lexicon=("12", "2o1", "O", "o o")),
    ],
)
def test_the_likeliest_allowed_text_is_found(seed: int, constraint: Constraint) -> None:
    rows = probabilities(5, seed)
    allowed = constraint.compiled().allows
    best = max(
        (text for text in every_text(rows) if allowed(text) and text == " ".join(text.split())),
        key=every_text(rows).__getitem__,
    )
    found = read(rows, constraint)
    assert best in found
    assert all(map(allowed, found))


def test_a_character_with_next_to_no_probability_is_found_where_it_must_stand() -> None:
    assert read(clear("1O2", d1=2e-5, d2=4e-5), Constraint(pattern="[0-9]{3}"))[0] == "122"
    assert read(clear("1O2"), Constraint(characters="O1"))[0] == "1O"


def test_what_is_allowed_anyway_stays_first() -> None:
    assert read(clear("1O2"), Constraint(pattern="[0-9A-Z]+"))[0] == "1O2"


def test_check_digits_choose() -> None:
    # Of 12-digit numbers that begin so, one in ten has the right last digit.
    constraint = Constraint(pattern="card")
    texts = read(clear("1212121212121O", d1=0.2, d2=0.1), constraint)
    assert all(map(constraint.compiled().allows, texts))


def test_a_lexicons_entry_is_found_by_its_letters_or_by_its_neighbours() -> None:
    assert read(clear("1O2"), Constraint(lexicon=("112", "1o2")))[0] == "1O2"
    assert read(clear("1O2"), Constraint(lexicon=("XO2Y", "elsewhere"))) == ["XO2Y"]
    assert read(clear("1O2"), Constraint(lexicon=("elsewhere",))) == []
    # One that is only preferred counts beside what is likely.
    assert read(clear("1O2"), Constraint(lexicon=("XO2",), lexicon_weight=3))[0] == "1O2"
    assert "XO2" in read(clear("1O2"), Constraint(lexicon=("XO2",), lexicon_weight=3))


def test_spaces_stand_between_words_alone() -> None:
    rows = clear(" 1  2 ")
    evidence = CtcEvidence.of(rows, CHARACTERS, [])
    assert allowed_texts(evidence, Constraint(characters="12 ").compiled(), [])[0] == "1 2"


def test_without_columns_the_likely_texts_and_their_neighbours_remain() -> None:
    lexicon = Constraint(lexicon=("cat", "cot")).compiled()
    assert allowed_texts(None, lexicon, ["cut"]) == ["cat", "cot"]
    assert allowed_texts(None, lexicon, []) == []


def test_characters_stand_on_the_likeliest_path() -> None:
    evidence = CtcEvidence.of(clear("1 22"), CHARACTERS, [])
    assert aligned(evidence, "1 22") == [(0, 1), (2, 3), (4, 5), (6, 7)]
    assert aligned(evidence, "122122122") is None
    assert aligned(evidence, "x") is not None


@pytest.mark.parametrize("seed", range(3))
def test_the_path_is_the_likeliest_of_all(seed: int) -> None:
    rows = probabilities(5, seed)
    evidence = CtcEvidence.of(rows, CHARACTERS, [])
    best: tuple[float, list[tuple[int, int]]] = (0.0, [])
    for path in product(range(len(CHARACTERS)), repeat=len(rows)):
        runs = [
            (each, index) for index, each in enumerate(path) if not index or each != path[index - 1]
        ]
        ends = [*(index for _, index in runs[1:]), len(path)]
        kept = [(each, start, end) for (each, start), end in zip(runs, ends, strict=True) if each]
        if [each for each, _, _ in kept] == [1, 1, 3]:
            likelihood = float(np.prod([row[each] for row, each in zip(rows, path, strict=True)]))
            best = max(best, (likelihood, [(start, end) for _, start, end in kept]))
    assert aligned(evidence, "11O") == best[1]
