"""A constraint's options: its parts together, and what is refused in one line."""

import copy
import pickle

import pytest

from ocr_plugin.constraints.constraint import Constraint
from ocr_plugin.errors import ConfigurationError
from tests.constraints.walks import state_of


def test_nothing_forbids_nothing() -> None:
    compiled = Constraint().compiled()
    assert compiled.automaton is None
    assert compiled.allows("") and compiled.allows("any\nthing")
    assert compiled.writable(frozenset()) and compiled.preference("a") == 0


def test_characters_are_allowed_as_given() -> None:
    compiled = Constraint(characters="ab ").compiled()
    assert compiled.allows("a b") and compiled.allows("")
    assert not compiled.allows("A") and not compiled.allows("ab\n")
    assert compiled.automaton is not None
    assert compiled.automaton.following(compiled.automaton.start) == frozenset("ab ")


def test_characters_and_a_pattern_leave_no_dead_ends() -> None:
    automaton = Constraint(pattern="a*b|a*c|d.", characters="abe").compiled().automaton
    assert automaton is not None
    assert automaton.following(automaton.start) == frozenset("ab")
    assert state_of(automaton, "aa") is not None and state_of(automaton, "d") is None


@pytest.mark.parametrize(
    ("parts", "line"),
    [
        ({"characters": ""}, "characters: the set is empty, so no text is allowed"),
        ({"pattern": r"a[^\s\S]"}, r"pattern 'a[^\\s\\S]': no text can match it"),
        ({"pattern": "a$b"}, "pattern 'a$b': no text can match it"),
        ({"pattern": "a^b"}, "pattern 'a^b': no text can match it"),
        ({"pattern": "(?=a)"}, "pattern '(?=a)': a lookahead is not supported"),
        (
            {"pattern": "[0-9]+", "characters": "abc"},
            "pattern '[0-9]+' and characters 'abc' exclude each other: no text satisfies both",
        ),
        ({"lexicon": ()}, "lexicon: there is no entry in it"),
        ({"lexicon": (" ", "")}, "lexicon: there is no entry in it"),
        (
            {"lexicon": ("ab", "c"), "pattern": "[0-9]", "characters": "1b"},
            "lexicon: none of its entries is allowed by characters '1b' and pattern '[0-9]'",
        ),
        (
            {"lexicon": ("ab",), "characters": "a", "lexicon_weight": 1.0},
            "lexicon: none of its entries is allowed by characters 'a'",
        ),
        (
            {"lexicon": ("4006381333932",), "pattern": "ean13"},
            "lexicon: none of its entries is allowed by pattern 'ean13'",
        ),
        ({"lexicon_weight": 1.0}, "lexicon_weight: there is no lexicon to prefer"),
    ],
)
def test_what_allows_no_text_is_refused_in_one_line(parts: dict[str, object], line: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        Constraint.parse(parts).compiled()
    assert str(raised.value) == line


@pytest.mark.parametrize(
    "parts",
    [
        {"abstain_below": 1.5},
        {"lexicon_weight": -1.0},
        {"lexicon_weight": float("inf")},
        {"letters": "abc"},
    ],
)
def test_values_out_of_range_are_refused(parts: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match=f"bad options: {next(iter(parts))}"):
        Constraint.parse({"lexicon": ["a"], **parts})


def test_an_entry_in_another_case_is_enough_for_a_pattern() -> None:
    compiled = Constraint(lexicon=("aBc", "abd"), pattern="Ab[A-C]").compiled()
    assert compiled.allows("AbC") and not compiled.allows("aBc") and not compiled.allows("AbD")


@pytest.mark.parametrize(
    ("parts", "enough", "lacking"),
    [
        ({"pattern": "[A-Z]{2}[0-9]"}, "X1", "XYZ"),
        ({"pattern": ".*€"}, "€", "abc"),
        ({"characters": "ab", "pattern": "a|b+"}, "b", "cd"),
        ({"lexicon": ("Rome", "Oslo")}, "SLO", "romsac"),
        ({"lexicon": ("rome", "oslo"), "pattern": "[A-Z]+|r.*"}, "OLS", "osl"),
        ({"pattern": "iban"}, "NO0123", "NO"),
    ],
)
def test_a_reader_must_have_the_characters_of_some_text(
    parts: dict[str, object], enough: str, lacking: str
) -> None:
    compiled = Constraint.parse(parts).compiled()
    assert compiled.writable(frozenset(enough)) and not compiled.writable(frozenset(lacking))
    assert compiled.writable({*enough, "<unk>", ""})  # readers have entries that are no character


def test_a_constraint_is_compiled_once() -> None:
    constraint = Constraint(pattern="a+")
    assert constraint.compiled() is constraint.compiled()


def test_a_copy_with_another_pattern_is_compiled_anew() -> None:
    constraint = Constraint(pattern="a+")
    constraint.compiled()
    other = constraint.model_copy(update={"pattern": "b+"})
    assert other.compiled().allows("b") and constraint.compiled().allows("a")


def test_compiling_changes_neither_equality_nor_pickles_nor_json() -> None:
    constraint, fresh = Constraint(lexicon=("a", "B")), Constraint(lexicon=("a", "B"))
    constraint.compiled()
    assert constraint == fresh and hash(constraint) == hash(fresh)
    assert len(pickle.dumps(constraint)) == len(pickle.dumps(fresh))
    for twin in (pickle.loads(pickle.dumps(constraint)), copy.deepcopy(constraint)):
        assert twin == fresh and twin.compiled().allows("b")
    assert Constraint.model_validate_json(constraint.model_dump_json()) == fresh
