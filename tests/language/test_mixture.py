"""Which languages a mixture has, and how it follows what it has seen."""

from pathlib import Path

import numpy as np
import pytest

from ocr_plugin.errors import ConfigurationError
from ocr_plugin.language.choice import language_for
from ocr_plugin.language.mixture import Language
from ocr_plugin.training.language.building import build_language

GERMAN = [
    "Die", "Öffnungszeiten", "der", "Bibliothek", "sind", "wegen", "Feiertagen", "geändert",
    "worden",
]  # fmt: skip
BESIDES = ("numbers", "codes", "other")


def weight(language: Language, name: str) -> float:
    return float(language.weights[language.names.index(name)])


def test_seen_texts_move_the_weights_towards_what_they_are(shipped: Language) -> None:
    seen = shipped.adapted(GERMAN)
    assert weight(seen, "de") > 2 * weight(shipped, "de")
    assert weight(seen, "fr") < weight(shipped, "fr")
    assert seen.weights.sum() == pytest.approx(1)
    own, other = seen.log_probabilities(["Ausgang", "Avsgang"])
    before, _ = shipped.log_probabilities(["Ausgang", "Avsgang"])
    assert own > before and own > other


def test_codes_and_numbers_have_weights_as_well(shipped: Language) -> None:
    assert weight(shipped.adapted(["7F3A09KD", "166G02", "4X7B9Q2"]), "codes") > 0.1
    assert weight(shipped.adapted(["12.50", "3.99", "20:15"]), "numbers") > 0.2


def test_many_more_texts_move_more_and_never_to_nothing(shipped: Language) -> None:
    found = [weight(shipped.adapted(n * GERMAN), "de") for n in (1, 5, 50)]
    assert found == sorted(found) and found[-1] < 1
    # What was not seen keeps what its prior share is worth among all tokens.
    seen, count = shipped.adapted(50 * GERMAN), 50 * len(GERMAN)
    assert (seen.weights >= 20 * shipped.weights / (20 + count) - 1e-12).all()


@pytest.mark.parametrize("strength", [1.0, 20.0, 500.0])
def test_strength_bounds_how_far_the_weights_move(shipped: Language, strength: float) -> None:
    moved = np.abs(shipped.adapted(GERMAN, strength).weights - shipped.weights).sum() / 2
    assert 0 < moved <= len(GERMAN) / (strength + len(GERMAN))


def test_nothing_seen_changes_nothing(shipped: Language) -> None:
    assert shipped.adapted([]) is shipped
    assert shipped.adapted(["", "  "]) is shipped


def test_adapting_leaves_the_original_as_it_was(shipped: Language) -> None:
    before = shipped.weights.copy()
    shipped.adapted(GERMAN)
    assert (shipped.weights == before).all()
    with pytest.raises(ValueError, match="read-only"):
        shipped.weights[0] = 1


def test_a_restricted_mixture_has_some_languages_and_what_is_no_language(
    shipped: Language,
) -> None:
    some = shipped.restricted(["fr", "de"])
    assert some.names == ("de", "fr", *BESIDES)
    assert some.weights.sum() == pytest.approx(1)
    for name in BESIDES:
        assert weight(some, name) == weight(shipped, name)
    ratio = weight(shipped, "de") / weight(shipped, "fr")
    assert weight(some, "de") / weight(some, "fr") == pytest.approx(ratio)


def test_a_restricted_mixture_has_the_same_parts(shipped: Language) -> None:
    tokens = ["gyógyszertár", "Ausgang", "sortie", "12.50", "166G02"]
    some = shipped.restricted(["hu", "fr"])
    whole = shipped.part_log_probabilities(tokens)
    rows = [shipped.names.index(name) for name in some.names]
    assert np.allclose(some.part_log_probabilities(tokens), whole[rows], atol=1e-9)
    again = some.restricted(["hu"])
    assert again.names == ("hu", *BESIDES)
    assert again.log_probabilities(["gyógyszertár"]) > shipped.log_probabilities(["gyógyszertár"])


@pytest.mark.parametrize("unknown", ["xx", "numbers", "other", "DE", ""])
def test_an_unknown_language_is_named_beside_those_that_there_are(
    shipped: Language, unknown: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        shipped.restricted(["de", unknown])
    assert str(caught.value).startswith(f"no language {unknown!r}: there are en, de, fr,")
    assert "numbers" not in str(caught.value).partition("there are")[2]


def test_no_language_at_all_is_refused(shipped: Language) -> None:
    with pytest.raises(ConfigurationError, match="at least one language of en, de, fr"):
        shipped.restricted([])


def test_a_file_of_ones_own_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "own.language"
    path.write_bytes(build_language({"plants": {"quercus": 1.0, "salix": 1.0}}, 1e6, {}))
    own = language_for(str(path))
    assert own and own.names == ("plants", *BESIDES) and language_for(str(path)) is own
    with pytest.raises(ConfigurationError, match="cannot be read"):
        language_for(str(tmp_path / "none.language"))


def test_a_language_by_what_a_user_asks_for() -> None:
    assert language_for("none") is None
    everything = language_for("auto")
    assert everything and everything.names[:3] == ("en", "de", "fr")
    some = language_for("de, fr")
    assert some and some.names == ("de", "fr", *BESIDES)
    assert language_for("de, fr") is some and language_for("auto") is everything
    assert some._table is everything._table  # loaded once, whatever is asked for
    for wrong in ("klingon", "", "auto,de", "de;fr"):
        with pytest.raises(ConfigurationError, match=r"no language '.*': there are en, de"):
            language_for(wrong)


def test_languages_fall_with_their_rank_and_rare_ones_count_little(shipped: Language) -> None:
    common, rare = shipped.names[:7], shipped.names[7:15]
    assert common[0] == "en" and "pl" in rare
    falling = [weight(shipped, name) for name in (*common, *rare)]
    assert falling == sorted(falling, reverse=True)
    assert falling[7] < falling[6] / 5 and sum(falling[7:]) > 0.01
