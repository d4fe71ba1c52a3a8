"""Language files: the one that ships, and those that are none."""

import io
import json
import random
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ocr_plugin.errors import ConfigurationError, ModelError
from ocr_plugin.language.files import load_language, packed, read_header
from ocr_plugin.language.mixture import Language
from ocr_plugin.language.ngrams import Level, NgramTable
from ocr_plugin.training.language.building import build_language

WORDS = {"aa": {"anna": 5.0, "nana": 3.0, "ana": 1.0}, "bb": {"bob": 2.0, "obo": 1.0}}


@pytest.fixture(scope="module")
def small() -> bytes:
    return build_language(WORDS, 1e6, {"sources": [{"name": "two lists"}], "licence": "none"})


def changed(data: bytes, contents: dict[str, bytes | None]) -> bytes:
    """Returns a language file with other contents under some of its names, or without them."""
    made = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as old,
        zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            content = contents.get(name, old.read(name))
            if content is not None:
                new.writestr(name, content)
    return made.getvalue()


def header(data: bytes, **values: object) -> bytes:
    """Returns a language file whose header has other values, or lacks those that are None."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        whole = {**json.loads(archive.read("header.json")), **values}
    kept = {key: value for key, value in whole.items() if value is not None}
    return changed(data, {"header.json": json.dumps(kept).encode()})


def test_the_shipped_file_says_what_it_is_made_of(shipped: Language) -> None:
    about = read_header()
    (source,) = about["sources"]
    assert source["name"] == "wordfreq" and source["version"] == "3.1.1"
    assert source["licence"] == about["licence"] == "CC BY-SA 4.0"
    for name in ("Google Books Ngrams", "Leeds", "Wikipedia", "OpenSubtitles", "SUBTLEX"):
        assert name in source["from"]
    assert (*about["languages"], "numbers", "codes", "other") == shipped.names
    assert set(about["built_with"]["words"]) == set(about["languages"])


def test_the_shipped_file_is_small() -> None:
    path = files("ocr_plugin.language") / "data" / "latin.language"
    assert len(path.read_bytes()) <= read_header()["built_with"]["size_limit"] <= 3e6


def test_a_file_says_the_same_from_another_place(shipped: Language, tmp_path: Path) -> None:
    path = tmp_path / "copy.language"
    path.write_bytes((files("ocr_plugin.language") / "data" / "latin.language").read_bytes())
    texts = ["Straße", "166G02", "$5.99"]
    found = load_language(path).log_probabilities(texts)
    assert (found == shipped.log_probabilities(texts)).all()
    assert read_header(path) == read_header()


def test_a_file_built_is_the_file_loaded(small: bytes, tmp_path: Path) -> None:
    path = tmp_path / "small.language"
    path.write_bytes(small)
    language = load_language(path)
    assert language.names == ("aa", "bb", "numbers", "codes", "other")
    about = read_header(path)
    assert about["sources"] == [{"name": "two lists"}] and about["licence"] == "none"
    assert about["built_with"]["words"] == {"aa": 3, "bb": 2}
    anna, bob = language.part_log_probabilities(["anna", "bob"])[:2].T
    assert anna[0] > anna[1] + 3 and bob[1] > bob[0] + 3


def test_the_same_words_give_the_same_bytes(small: bytes) -> None:
    about = {"sources": [{"name": "two lists"}], "licence": "none"}
    assert build_language(WORDS, 1e6, about) == small
    other = {**WORDS, "bb": {"bob": 2.0, "obob": 1.0}}
    assert build_language(other, 1e6, about) != small


def test_packing_what_was_unpacked_gives_the_same_bytes(small: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(small)) as archive:
        whole = json.loads(archive.read("header.json"))

        def array(name: str) -> NDArray[np.uint8]:
            return np.frombuffer(archive.read(name), np.uint8)

        levels = [
            Level(*(array(f"{n}.{field}") for field in ("characters", "children", "masses")))
            for n in range(1, whole["levels"] + 1)
        ]
        table = NgramTable(whole["alphabet"], array("roots"), levels)
    for key in ("format", "alphabet", "levels"):
        del whole[key]
    assert packed(whole, table) == small


def refused(path: Path, data: bytes) -> str:
    """Returns the one line by which a file is refused."""
    path.write_bytes(data)
    with pytest.raises(ModelError) as caught:
        load_language(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: not a usable language file: ")
    assert "\n" not in message and len(message) < len(str(path)) + 250
    return message.removeprefix(f"{path}: not a usable language file: ")


@pytest.mark.parametrize("data", [b"", b"no archive", b"PK\x03\x04", bytes(5000), b"{}"])
def test_files_of_other_kinds_are_refused(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "other.language"
    assert refused(path, data)
    with pytest.raises(ModelError, match="not a usable language file"):
        read_header(path)


def test_a_missing_file_and_a_folder_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path / "none.language", tmp_path):
        for function in (load_language, read_header):
            with pytest.raises(ConfigurationError) as caught:
                function(path)
            assert str(caught.value).startswith(f"{path}: cannot be read: ")


WRONG: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "another format": (lambda data: header(data, format=2), "format 2, not 1"),
    "no format": (lambda data: header(data, format=None), "format"),
    "no languages": (lambda data: header(data, languages=None), "languages"),
    "a language less": (lambda data: header(data, languages=["aa"]), "do not fit"),
    "languages without names": (lambda data: header(data, languages=[1, 2]), "name"),
    "a weight less": (lambda data: header(data, weights=[1, 1, 1, 1]), "do not fit"),
    "no weight": (lambda data: header(data, weights=[1, 1, 1, 1, 0]), "above 0"),
    "a weight below 0": (lambda data: header(data, weights=[1, 1, 1, 1, -1]), "above 0"),
    "a weight that is none": (lambda data: header(data, weights=[1, 1, 1, 1, float("nan")]), ""),
    "a weight too large": (lambda data: header(data, weights=[1, 1, 1, 1, 10**400]), ""),
    "weights of another kind": (lambda data: header(data, weights={"aa": 1}), ""),
    "no level": (lambda data: header(data, levels=0), "0 levels"),
    "too many levels": (lambda data: header(data, levels=10**12), ""),
    "half a level": (lambda data: header(data, levels=1.5), ""),
    "a level less": (lambda data: header(data, levels=3), "has children"),
    "a level more": (lambda data: header(data, levels=7), "7.characters"),
    "too many letters": (lambda data: header(data, alphabet="".join(map(chr, range(300)))), "300"),
    "no letters": (lambda data: header(data, alphabet=None), "alphabet"),
    "letters that are numbers": (lambda data: header(data, alphabet=5), ""),
    "a list as header": (lambda data: changed(data, {"header.json": b"[1, 2]"}), ""),
    "a header of garbage": (lambda data: changed(data, {"header.json": b"\xff\xfe{"}), ""),
    "a deep header": (lambda data: changed(data, {"header.json": b"[" * 100_000}), ""),
    "no header": (lambda data: changed(data, {"header.json": None}), "header.json"),
    "no roots": (lambda data: changed(data, {"roots": None}), "roots"),
    "other roots": (lambda data: changed(data, {"roots": b"\x01\x02\x03"}), "do not fit"),
    "masses cut short": (lambda data: changed(data, {"3.masses": b"\x01"}), "do not fit"),
    "no children": (lambda data: changed(data, {"2.children": b""}), "do not fit"),
    "a missing array": (lambda data: changed(data, {"4.masses": None}), "4.masses"),
    "more after": (lambda data: changed(data, {"2.masses": bytes(300 << 20)}), "larger than"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_contents_are_told_in_one_line(case: str, small: bytes, tmp_path: Path) -> None:
    change, complaint = WRONG[case]
    assert complaint in refused(tmp_path / "wrong.language", change(small))


def test_a_file_is_not_unpacked_beyond_what_it_says(small: bytes, tmp_path: Path) -> None:
    """A size that is not true, as of an archive that unpacks to a thousand times as much."""
    bomb = bytearray(changed(small, {"2.masses": bytes(64 << 20)}))
    # The directory at the end is believed; a local header need not agree.
    place = bomb.rindex(b"2.masses") - 46
    assert bomb[place : place + 4] == b"PK\x01\x02"
    bomb[place + 24 : place + 28] = struct.pack("<I", 100)
    tracemalloc.start()
    try:
        assert refused(tmp_path / "bomb.language", bytes(bomb))
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


def test_a_file_too_large_is_not_read_whole(
    small: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ocr_plugin.language.files._LARGEST", len(small) - 1)
    assert "larger than" in refused(tmp_path / "large.language", small)


def test_a_damaged_file_is_refused_or_says_the_same(small: bytes, tmp_path: Path) -> None:
    """Bytes changed anywhere: the archive's checksums see them, or they say nothing."""
    path = tmp_path / "damaged.language"
    path.write_bytes(small)
    expected = load_language(path).log_probabilities(["anna", "12.50"])
    rng = random.Random(0)
    damaged = 0
    for _ in range(300):
        data = bytearray(small)
        for _ in range(rng.choice((1, 1, 20))):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        path.write_bytes(data if rng.random() < 0.9 else data[: rng.randrange(len(data))])
        try:
            found = load_language(path).log_probabilities(["anna", "12.50"])
        except ModelError as error:
            damaged += 1
            assert "\n" not in str(error)
        else:
            assert np.allclose(found, expected)
    assert damaged > 200


def test_any_table_that_fits_gives_finite_answers(small: bytes, tmp_path: Path) -> None:
    """Contents that no builder writes, in an archive that is whole."""
    rng = np.random.default_rng(0)
    with zipfile.ZipFile(io.BytesIO(small)) as archive:
        sizes = {info.filename: info.file_size for info in archive.infolist()}
    path = tmp_path / "made_up.language"
    for _ in range(20):
        contents: dict[str, bytes | None] = {
            name: rng.integers(0, 256, size, np.uint8).tobytes()
            for name, size in sizes.items()
            if name.endswith(("characters", "masses"))
        }
        path.write_bytes(changed(small, contents))
        language = load_language(path)
        assert np.isfinite(language.log_probabilities(["anna", "12.50", "日本"])).all()
        assert np.isfinite(language.adapted(["anna", "bob"]).weights).all()


def test_a_table_may_have_empty_levels() -> None:
    """As in a file that is as small as can be."""
    one = Level(*(np.array(each, np.uint8) for each in ([1, 2, 3], [0, 0, 0], [255, 5, 6])))
    none = Level(*(np.zeros(0, np.uint8) for _ in range(3)))
    table = NgramTable("a", np.array([3], np.uint8), [one, none, none])
    found = table.log_probabilities(["a", "aa", "b"], np.array([0]))[0]
    assert found[0] > found[1] > found[2] > -20
