"""Lexicons: closed and preferred, files, case, neighbours, and with a pattern."""

import random
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from ocr_plugin.constraints.automaton import walks
from ocr_plugin.constraints.constraint import Constraint
from ocr_plugin.constraints.intersection import Intersection
from ocr_plugin.constraints.lexicon import Lexicon
from ocr_plugin.constraints.lexicon_automaton import LexiconAutomaton
from ocr_plugin.constraints.neighbours import Neighbours
from ocr_plugin.constraints.pattern_automaton import PatternAutomaton
from ocr_plugin.constraints.pattern_syntax import read_pattern
from ocr_plugin.errors import ConfigurationError
from tests.constraints.walks import completion, state_of


def random_words(count: int, letters: str = "abcA", most: int = 5, seed: int = 0) -> list[str]:
    rng = random.Random(seed)
    return ["".join(rng.choices(letters, k=rng.randint(1, most))) for _ in range(count)]


def edits(a: str, b: str) -> int:
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        above, row = row, [i]
        for j, y in enumerate(b, start=1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (x != y)))
    return row[-1]


def test_a_closed_lexicon_allows_its_entries_in_any_case_and_nothing_else() -> None:
    entries = random_words(30)
    compiled = Constraint(lexicon=tuple(entries)).compiled()
    wanted = {entry.lower() for entry in entries}
    texts = random_words(2000, "abcABC", seed=1)
    assert {text for text in texts if compiled.allows(text)} == {
        text for text in texts if text.lower() in wanted
    }
    assert all(compiled.allows(entry.upper()) for entry in entries)
    assert not compiled.allows("") and compiled.preference(entries[0]) == 0


def test_what_may_follow_in_a_lexicon_goes_on_to_an_entry() -> None:
    entries = {entry.lower() for entry in random_words(30)}
    walked = LexiconAutomaton(Lexicon(entries))
    for prefix in {entry[:length] for entry in entries for length in range(len(entry) + 1)}:
        state = state_of(walked, prefix)
        assert state is not None
        lower = {each for each in walked.following(state) if each.islower()}
        longer = {entry for entry in entries if entry.startswith(prefix) and entry != prefix}
        assert lower == {entry[len(prefix)] for entry in longer}
        for other in set("abcxé") - lower:
            assert walked.step(state, other) is None
    assert walked.following(walked.start) >= {"A", "a"}


def test_case_is_ignored_beyond_ascii() -> None:
    compiled = Constraint(lexicon=("Straße", "ΟΔΟΣ", "\U0010ffffz", "e\u0301t\u00e9")).compiled()
    for text in ("STRAẞE", "straße", "οδος", "ΟΔΟΣ", "\U0010ffffZ", "ÉTÉ"):
        assert compiled.allows(text), text
    assert not compiled.allows("STRASSE")


def test_a_preferred_lexicon_forbids_nothing() -> None:
    compiled = Constraint(lexicon=("Paris",), lexicon_weight=1.5).compiled()
    assert compiled.automaton is None and compiled.allows("anything")
    assert compiled.preference("PARIS") == 1.5 and compiled.preference("Pari") == 0


def test_a_lexicon_and_a_pattern_allow_what_both_do() -> None:
    entries = random_words(60)
    texts = set(random_words(3000, "abcABC", seed=2))
    for pattern in ("[a-c]+", "a.*|.B?", "(?i)a+b?", ".{3}", "[A-C][a-c]*"):
        both = Constraint(lexicon=tuple(entries), pattern=pattern).compiled()
        closed = Constraint(lexicon=tuple(entries)).compiled()
        alone = Constraint(pattern=pattern).compiled()
        wanted = {text for text in texts if closed.allows(text) and alone.allows(text)}
        assert {text for text in texts if both.allows(text)} == wanted and wanted


def test_an_intersection_enters_no_pair_from_which_no_text_ends() -> None:
    # Behind Ab the list goes on to x alone and the pattern to z alone.
    both = Intersection(
        LexiconAutomaton(Lexicon(["abx", "acy"])), PatternAutomaton(read_pattern("abx|Ac.|Abz"))
    )
    assert not both.empty
    assert both.following(both.start) == {"a", "A"}
    behind = state_of(both, "A")
    assert both.following(behind) == {"c"} and both.step(behind, "b") is None
    assert walks(both, "AcY") and not walks(both, "Abx")


def test_every_state_of_a_random_intersection_leads_to_an_end() -> None:
    checked = 0
    for seed in range(40):
        words = random_words(8, seed=seed)
        pattern = "|".join(random_words(6, "abAB.", most=4, seed=seed + 100))
        both = Intersection(
            LexiconAutomaton(Lexicon(words)), PatternAutomaton(read_pattern(pattern))
        )
        if both.empty:
            continue
        for prefix in random_words(60, "abcABC", most=3, seed=seed):
            state = state_of(both, prefix)
            if state is not None:
                checked += 1
                rest = completion(both, state, "abcABC")
                assert rest is not None
                steps = {each for each in "abcABC" if both.step(state, each) is not None}
                assert both.following(state) == steps
    assert checked > 50


def test_an_intersection_without_texts_is_empty() -> None:
    numbers = PatternAutomaton(read_pattern("a[0-9]*"))
    assert Intersection(LexiconAutomaton(Lexicon(["ab", "b1"])), numbers).empty


@pytest.mark.parametrize("letters", ["abc", "abcdefghijkl", "0123456789"])
def test_neighbours_are_those_of_a_plain_count_of_edits(letters: str) -> None:
    words = random_words(300, letters, most=7)
    near = Neighbours(words)
    for text in ["", *random_words(40, letters, most=8, seed=3)]:
        wanted = {(index, edits(text, word)) for index, word in enumerate(words)}
        assert set(near.of(text)) == {(index, count) for index, count in wanted if count <= 2}


def test_the_nearest_come_first_then_the_first_of_the_list() -> None:
    compiled = Constraint(lexicon=("cart", "Card", "care", "carts", "xyz", "card")).compiled()
    assert compiled.nearest("CARD", 9) == ["Card", "card", "cart", "care", "carts"]
    assert compiled.nearest("CARD", 2) == ["Card", "card"]
    assert compiled.nearest("quite else", 5) == []
    assert Constraint(pattern="a").compiled().nearest("a", 5) == []


def test_the_nearest_are_allowed_by_the_pattern_and_its_check() -> None:
    compiled = Constraint(lexicon=("paris", "Parma"), pattern="[A-Z]+").compiled()
    assert compiled.nearest("PAR1S", 5) == ["PARIS", "PARMA"]
    numbers = Constraint(lexicon=("4006381333931", "4006381333932"), pattern="ean13").compiled()
    assert numbers.nearest("4006381333933", 5) == ["4006381333931"]


def test_the_nearest_of_a_preferred_lexicon_keep_to_the_characters() -> None:
    compiled = Constraint(lexicon=("Nice", "Lyon"), lexicon_weight=1, characters="LNOYnecilyo")
    assert compiled.compiled().nearest("Lyor", 5) == ["Lyon"]


def test_a_file_has_an_entry_a_line(tmp_path: Path) -> None:
    path = tmp_path / "names.txt"
    path.write_bytes("\ufeffOslo\r\n# towns\r\nNew York\r\n\r\n  # more\nC# minor \n".encode())
    compiled = Constraint(lexicon=path).compiled()
    assert compiled.allows("oslo") and compiled.allows("NEW YORK") and compiled.allows("c# minor")
    assert not compiled.allows("# towns") and not compiled.allows("towns")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "names.txt"
    path.write_bytes(b"ab\xff")
    for wrong, reason in (
        (path, "not UTF-8 at byte 2"),
        (tmp_path / "none", "No such file or directory"),
        (tmp_path, "Is a directory"),
    ):
        with pytest.raises(ConfigurationError) as raised:
            Constraint(lexicon=wrong).compiled()
        assert str(raised.value) == f"lexicon {wrong}: {reason}"


def sizes(values: Iterable[object]) -> int:
    return sum(map(sys.getsizeof, values))


def test_a_hundred_thousand_entries_take_a_list_and_no_tree() -> None:
    words = list(dict.fromkeys(random_words(130_000, "abcdefghijklmnop", most=12)))[:100_000]
    assert len(words) == 100_000
    lexicon = Lexicon(words)
    walked = LexiconAutomaton(lexicon)
    assert all(walks(walked, word) for word in words[::1000])
    lexicon.nearest(words[0])
    near = lexicon._neighbours
    assert near is not None
    tables = sum(table.nbytes for group in near._groups.values() for table in group)
    lists: list[list[str] | list[int]] = [lexicon.folded, lexicon._entries, lexicon._ranks]
    held = tables + sizes(lists) + sum(sizes(each) for each in lists) + sizes(walked._steps)
    assert held < 40e6
    # Steps are remembered for what was walked alone.
    assert len(walked._steps) <= sum(map(len, words[::1000]))


def test_what_a_lexicon_remembers_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules[LexiconAutomaton.__module__]
    monkeypatch.setattr(module, "_MOST_REMEMBERED", 50)
    monkeypatch.setattr(module, "_MOST_LISTED", 50)
    words = random_words(200, "abcdef", most=8)
    walked = LexiconAutomaton(Lexicon(words))
    for word in words:
        assert walks(walked, word)
        assert walked.following(state_of(walked, word[:-1]))
        assert len(walked._steps) <= 50 and len(walked._followers) <= 50
