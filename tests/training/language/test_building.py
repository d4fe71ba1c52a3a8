"""Word lists, made-up numbers, and the file that comes of them."""

import io
import json
import re
import zipfile
from pathlib import Path

import pytest

from ocr_plugin.errors import ConfigurationError
from ocr_plugin.training.language.building import build_language
from ocr_plugin.training.language.number_shapes import number_shapes
from ocr_plugin.training.language.parts import parts_of
from ocr_plugin.training.language.word_lists import listed_words, text_words, wordfreq_words


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "words.txt"


def header_of(data: bytes) -> dict[str, object]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return dict(json.loads(archive.read("header.json")))


def test_a_list_has_words_with_counts_and_without(file: Path) -> None:
    file.write_text(
        "\ufeffAlpha\t3\nbeta\n\nALPHA\t2.5\n4711\t9\n\u0441\u043e\u0432\u0430\nnaïve\t1e2\n",
        "utf-8",
    )
    assert listed_words(file) == {"alpha": 5.5, "beta": 1.0, "naïve": 100.0}


@pytest.mark.parametrize("line", ["word\tmany", "word\t0", "word\t-1", "word\tnan", "word\tinf"])
def test_a_line_that_is_no_word_and_count_is_named(file: Path, line: str) -> None:
    file.write_text(f"good\t1\n{line}\n", "utf-8")
    with pytest.raises(ConfigurationError) as caught:
        listed_words(file)
    assert str(caught.value) == f"{file}, line 2: not a word, a tab and a count"


def test_a_text_has_the_words_between_its_signs(file: Path) -> None:
    file.write_text("Don't panic: the U2's\n(the \"panic\") e-mail, straße 12kg.\n", "utf-8")
    assert text_words(file) == {
        "don't": 1.0, "e": 1.0, "kg": 1.0, "mail": 1.0, "panic": 2.0, "s": 1.0, "straße": 1.0,
        "the": 2.0, "u": 1.0,
    }  # fmt: skip


@pytest.mark.parametrize("read", [listed_words, text_words])
def test_files_without_words_and_files_of_other_kinds_are_refused(
    file: Path, read: type[object]
) -> None:
    for content, complaint in [
        (b"12 34\n", "no words of Latin letters"),
        (b"", "no words of Latin letters"),
        (b"caf\xe9\n", "cannot be read as UTF-8 text"),
    ]:
        file.write_bytes(content)
        with pytest.raises(ConfigurationError, match=complaint) as caught:
            read(file)  # type: ignore[call-arg]
        assert "\n" not in str(caught.value)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read(file.parent / "none.txt")  # type: ignore[call-arg]


def test_wordfreq_gives_the_most_frequent_words() -> None:
    words = wordfreq_words("da", most=50)
    assert len(words) == 50 and list(words.values()) == sorted(words.values(), reverse=True)
    assert {"og", "ikke", "på"} <= set(words)
    assert all(re.fullmatch("[a-zåæø']+", word) for word in words)


def test_wordfreq_says_which_languages_it_has() -> None:
    with pytest.raises(ConfigurationError, match="no language 'xx': it has ar, bg,"):
        wordfreq_words("xx")


def test_own_words_are_parts_before_the_languages_or_join_them() -> None:
    parts, about = parts_of(["da"], [("plants", {"acer": 2.0}), ("da", {"zyxwv": 1.0})])
    assert list(parts) == ["plants", "da"]
    assert parts["plants"] == {"acer": 2.0}
    assert parts["da"]["zyxwv"] / sum(parts["da"].values()) == pytest.approx(0.3)
    assert [source["name"] for source in about["sources"]] == [
        "the owner's words: da", "the owner's words: plants", "wordfreq",
    ]  # fmt: skip
    assert about["licence"] == "CC BY-SA 4.0"


def test_own_words_alone_owe_nothing_to_wordfreq() -> None:
    parts, about = parts_of([], [("plants", {"acer": 2.0}), ("plants", {"acer": 1.0, "rosa": 1.0})])
    assert parts == {"plants": {"acer": 3.0, "rosa": 1.0}}
    assert about == {"sources": [{"name": "the owner's words: plants"}]}


@pytest.mark.parametrize("name", ["numbers", "codes", "other"])
def test_what_every_file_has_cannot_be_a_part(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"a part cannot be called {name}"):
        parts_of([], [(name, {"acer": 1.0})])


def test_numbers_have_the_shapes_of_print() -> None:
    shapes = number_shapes(20_000)
    assert number_shapes(20_000) == shapes and number_shapes(20_000, seed=1) != shapes
    assert sum(shapes.values()) == 20_000 and list(shapes) == sorted(shapes)
    common = [
        "0",
        "00.00",
        "0,000",
        "$0.00",
        "00/00/0000",
        "00:00",
        "000-0000",
        "0kg",
        "00%",
        "00-00",
    ]
    for shape in common:
        assert shapes.get(shape, 0) >= 3, shape
    assert not any(re.search("[1-9A-Z\\s]", shape) for shape in shapes)


def test_a_file_keeps_to_its_limit() -> None:
    words = {"da": wordfreq_words("da", most=3000)}
    whole = build_language(words, 10e6, {})
    half = build_language(words, len(whole) // 2, {})
    assert len(whole) // 3 < len(half) <= len(whole) // 2
    assert header_of(half)["threshold"] > header_of(whole)["threshold"]  # type: ignore[operator]


def test_what_cannot_be_built_is_told() -> None:
    with pytest.raises(ConfigurationError, match=r"do not fit into 0\.001 MB"):
        build_language({"aa": {"anna": 1.0}}, 1000, {})
    with pytest.raises(ConfigurationError, match="needs at least one language or word list"):
        build_language({}, 1e6, {})
    letters = {chr(c): 1.0 for c in range(0x100, 0x250)}
    with pytest.raises(ConfigurationError, match="different letters; at most 253"):
        build_language({"aa": letters}, 1e6, {})
