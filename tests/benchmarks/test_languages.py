"""How the benchmark of languages counts."""

from benchmarks.languages import aligned, scores


def test_characters_are_right_where_they_stand() -> None:
    assert aligned("gęś", "ges") == (2, {"g"})
    assert aligned("„a“", "a") == (2, {"a"})
    assert aligned("abc", "") == (3, set())
    assert aligned("ab", "xaxb") == (2, {"a", "b"})


def test_a_language_has_what_is_right_of_all_its_lines() -> None:
    found = scores([("gęś", "ges", 0.5), ("ś a", "ś a", 0.9), ("a", "nonsense", 0.1)])
    assert found["characters_right"] == round(1 - 3 / 7, 4)  # no line is worse than all wrong
    assert (found["lines"], found["lines_right"]) == (3, 1)
    assert found["confidence"] == 0.5 and found["never_right"] == "ę"
