"""What a CTC network says about a word, against all of its paths written out."""

from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from ocr_plugin.recognizers.ctc_evidence import CtcEvidence

CHARACTERS = ("", "a", "b", " ")


def probabilities(columns: int, seed: int = 3) -> NDArray[np.float32]:
    drawn = np.random.default_rng(seed).random((columns, len(CHARACTERS))).astype(np.float32)
    normalized: NDArray[np.float32] = drawn / drawn.sum(1, keepdims=True)
    return normalized


def every_text(rows: NDArray[np.float32]) -> dict[str, float]:
    """The probability of each text: of all paths that collapse to it, spaces being blanks."""
    found: dict[str, float] = {}
    for path in product(range(len(CHARACTERS)), repeat=len(rows)):
        collapsed = [
            each for index, each in enumerate(path) if not index or each != path[index - 1]
        ]
        # A space parts equal letters, as a blank does.
        text = "".join(CHARACTERS[each] for each in collapsed if CHARACTERS[each].strip())
        likelihood = float(np.prod([row[each] for row, each in zip(rows, path, strict=True)]))
        found[text] = found.get(text, 0.0) + likelihood
    return found


@pytest.mark.parametrize("columns", [1, 2, 5])
def test_a_text_is_as_likely_as_all_its_paths(columns: int) -> None:
    rows = probabilities(columns)
    expected = every_text(rows)
    evidence = CtcEvidence.of(rows, CHARACTERS, blanks=[3])
    assert evidence.characters == ("a", "b")
    scores = evidence.score(list(expected))
    assert np.exp(scores) == pytest.approx(list(expected.values()), rel=1e-4)
    assert sum(np.exp(scores)) == pytest.approx(1, rel=1e-4)


def test_a_wide_beam_finds_the_likeliest_texts_in_order() -> None:
    rows = probabilities(5)
    ranked = sorted(every_text(rows).items(), key=lambda entry: -entry[1])
    found = CtcEvidence.of(rows, CHARACTERS, blanks=[3]).candidates(40)
    assert [text for text, _ in found[:10]] == [text for text, _ in ranked[:10]]
    assert np.exp([score for _, score in found[:10]]) == pytest.approx(
        [likelihood for _, likelihood in ranked[:10]], rel=1e-3
    )


def test_a_narrow_beam_still_finds_the_text_that_the_best_path_misses() -> None:
    # The best path is "a" alone; "ab" and "b" together make "b" in the end likelier.
    rows = np.array([[0.6, 0.4, 0, 0], [0.6, 0.4, 0, 0]], np.float32)
    (best, _), *_ = CtcEvidence.of(rows, CHARACTERS, blanks=[]).candidates(2)
    assert best == "a"  # .64 in all, while the blank path has .36


def test_what_was_never_seen_is_unlikely_but_not_impossible() -> None:
    evidence = CtcEvidence.of(probabilities(3), CHARACTERS, blanks=[3])
    (strange, longer) = evidence.score(["ß", "abababab"])
    assert -40 < strange < -10
    assert longer == -np.inf  # more characters than columns
    assert evidence.score([]).shape == (0,)
