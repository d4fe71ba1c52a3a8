"""Patterns as automata, against Python's own matching."""

import pickle
import random
import re
from itertools import product

import pytest

from ocr_plugin.constraints import pattern_automaton
from ocr_plugin.constraints.automaton import Automaton, walks
from ocr_plugin.constraints.character_set import CharacterSet
from ocr_plugin.constraints.letter_case import fold, forms, letters_of_several_forms
from ocr_plugin.constraints.nfa_builder import MOST_NODES
from ocr_plugin.constraints.pattern_automaton import PatternAutomaton
from ocr_plugin.constraints.pattern_syntax import read_pattern
from ocr_plugin.errors import ConfigurationError
from tests.constraints.walks import completion, state_of

ALPHABET = "abcA-1é"
TEXTS = ["".join(text) for length in range(5) for text in product("abA1", repeat=length)]


def automaton(pattern: str) -> PatternAutomaton:
    return PatternAutomaton(read_pattern(pattern))


def random_pattern(rng: random.Random, depth: int = 3) -> str:
    if depth == 0:
        return rng.choice(["a", "b", "A", "[ab]", "[^a]", ".", r"\d", r"\w", "[^-b]", "", "é"])
    inner = [random_pattern(rng, depth - 1) for _ in range(rng.randint(1, 3))]
    return rng.choice(
        [
            "".join(inner),
            "".join(inner),
            f"(?:{'|'.join(inner)})",
            f"({inner[0]})" + rng.choice(["*", "+", "?", "*?", "{2}", "{1,3}", "{0,2}?", "{2,}"]),
            f"(?i:{inner[0]})",
            rng.choice(["^", "$", r"\A", r"\Z"]) + inner[0],
            inner[0] + rng.choice(["^", "$"]),
        ]
    )


PATTERNS = [random_pattern(random.Random(seed)) for seed in range(400)]


def matches(pattern: str, text: str) -> bool:
    return re.fullmatch(pattern, text) is not None


def test_random_patterns_match_what_python_matches() -> None:
    several = 0
    for pattern in PATTERNS:
        nfa = read_pattern(pattern)
        wanted = [text for text in TEXTS if matches(pattern, text)]
        found = [] if nfa.empty else [t for t in TEXTS if walks(PatternAutomaton(nfa), t)]
        assert found == wanted, pattern
        several += 1 < len(wanted) < len(TEXTS)
    assert several > 100  # or the patterns would show nothing


def test_a_step_is_refused_exactly_where_no_text_can_be_finished() -> None:
    refused = taken = 0
    for pattern in PATTERNS:
        nfa = read_pattern(pattern)
        matching = [text for text in TEXTS if matches(pattern, text)]
        if nfa.empty:
            assert not matching
            continue
        walked = PatternAutomaton(nfa)
        for prefix in TEXTS[:85]:
            state = state_of(walked, prefix)
            if state is None:
                refused += 1
                assert not any(text.startswith(prefix) for text in matching), (pattern, prefix)
            else:
                taken += 1
                rest = completion(walked, state, ALPHABET)
                assert rest is not None and matches(pattern, prefix + rest), (pattern, prefix)
    assert refused > 1000 and taken > 1000


def test_what_may_follow_is_what_can_be_stepped() -> None:
    walked = automaton("ab?[x-z]|q[^a]")
    assert walked.following(walked.start) == frozenset("aq")
    assert walked.following(state_of(walked, "a")) == frozenset("bxyz")
    assert walked.following(state_of(walked, "ax")) == frozenset()
    assert walked.following(state_of(walked, "q")) is None  # more than can be listed


def test_dead_branches_are_not_among_what_may_follow() -> None:
    walked = automaton(r"a[^\s\S]|b|c$d")
    assert walked.following(walked.start) == frozenset("b")


@pytest.mark.parametrize(
    "pattern",
    [
        r"\d{2}",
        r"\D\D",
        r"\s\S",
        r"\w\W",
        r"(?a:\d\w)",
        r"(?a:\s.)",
        r"(?i)ß[k-s]",
        "(?i)[^\u017fa]i",
        r"(?ai)[kK]s",
        r"(?i)\w[^à]",
        "(?i)s(?-i:k)",
        "(?s).\n",
        "(?x) a b # c",
        r"[\d\-]é",
        "(?i)Σ\u03b1",
        r"[^\d].\Z",
    ],
)
def test_classes_and_flags_are_pythons_in_all_of_unicode(pattern: str) -> None:
    walked = automaton(pattern)
    letters = "aksKSbéÀà1٣߁ \u2003\n_-ßẞ\u017fi\u0131İΣ\u03c3ς\u03b1\x1c\u212a中"
    found = {a + b for a in letters for b in letters if walks(walked, a + b)}
    assert found == {a + b for a in letters for b in letters if matches(pattern, a + b)}
    assert found


def test_letters_have_the_forms_that_python_matches_ignoring_case() -> None:
    cased = "".join(sorted(form for letter in letters_of_several_forms() for form in letter))
    assert len(cased) > 2000
    for character in cased:
        assert set(re.findall(re.escape(character), cased, re.IGNORECASE)) == forms(character)
        assert fold(character) == fold(min(forms(character))) and len(fold(character)) == 1


def test_folding_keeps_every_character_in_its_place() -> None:
    assert fold("STRASSE") == "strasse"
    assert fold("STRAẞE İ") == fold("straße i") == "straße i"


@pytest.mark.parametrize(
    ("pattern", "named"),
    [
        ("a(?=b)", "a lookahead is not supported"),
        ("a(?!b)", "a lookahead is not supported"),
        ("a(?!)", "a lookahead is not supported"),
        ("(?<=a)b", "a lookbehind is not supported"),
        (r"(a)\1", "a backreference is not supported"),
        (r"(?P<x>a)(?P=x)", "a backreference is not supported"),
        ("(a)?(?(1)b|c)", "a conditional group (?(...)...) is not supported"),
        ("(?>a|ab)c", "an atomic group (?>...) is not supported"),
        ("a*+a", "a possessive repeat is not supported"),
        (r"a\b", r"the word boundary \b is not supported"),
        (r"a\B", r"the non-boundary \B is not supported"),
        ("(?m)^a", "an anchor at line breaks (?m) is not supported"),
        ("a(", "missing ), unterminated subpattern at position 1"),
        ("(a{1000}){1000}", "too large: more than 20000 nodes"),
        ("(?:){1000000}", "too large"),
        ("(" * 2000 + ")" * 2000, "groups are nested too deep"),
    ],
)
def test_what_no_automaton_can_do_is_refused_by_name(pattern: str, named: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        read_pattern(pattern)
    assert named in str(raised.value) and "\n" not in str(raised.value)


def test_repeats_are_written_out_up_to_the_limit() -> None:
    walked = automaton("[A-Z]{1,1000}")
    assert walks(walked, "X" * 1000) and not walks(walked, "X" * 1001)
    with pytest.raises(ConfigurationError, match="too large"):
        read_pattern(f"a{{{MOST_NODES}}}")


def test_equal_beginnings_lead_to_one_state() -> None:
    walked = automaton("(?:ab|cb)d*")
    assert state_of(walked, "ab") is state_of(walked, "cb")
    assert state_of(walked, "abd") is state_of(walked, "abdd")


def test_what_is_remembered_is_bounded_and_states_outlive_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pattern_automaton, "_MOST_REMEMBERED", 200)
    pattern = ".*a.{8}"  # 512 subsets
    walked = automaton(pattern)
    first = walked.start
    rng = random.Random(0)
    held = []
    for _ in range(300):
        text = "".join(rng.choices("ab", k=14))
        assert walks(walked, text) == matches(pattern, text)
        held.append((text, state_of(walked, text)))
    assert len(walked._states) < 200 and not first.steps
    assert all(state == state_of(walked, text) for text, state in held)


def test_a_pickled_automaton_allows_the_same() -> None:
    walked: Automaton = pickle.loads(pickle.dumps(automaton("(?i)ab+")))
    assert walks(walked, "aBB") and not walks(walked, "a")


def test_sets_of_characters_are_sets() -> None:
    rng = random.Random(1)
    for _ in range(100):
        a, b = ({rng.choice("abcdefghé中") for _ in range(rng.randint(0, 8))} for _ in "ab")
        left, right = CharacterSet.of(a), CharacterSet.of(b)
        assert set(left | right) == a | b and set(left & right) == a & b
        assert set(left & right.complement()) == a - b
        assert len(left) == len(a) and bool(left) == bool(a) and (left == right) == (a == b)
        assert all((character in left) == (character in a) for character in "abcdefghé中z")
    assert len(CharacterSet().complement()) == 0x110000
