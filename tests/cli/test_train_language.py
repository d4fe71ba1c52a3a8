"""The command that builds a language file, on words of one's own."""

from pathlib import Path

import pytest

from ocr_plugin.cli.app import main
from ocr_plugin.errors import ExitCode
from ocr_plugin.language.files import load_language, read_header
from tests.cli.commands import Capture, run

TRAIN = ("train", "language")


@pytest.fixture
def plants(tmp_path: Path) -> Path:
    path = tmp_path / "plants.txt"
    path.write_text("Quercus\t90\nFraxinus\t40\nCarpinus\t25\nPrunus\nSalix\n", encoding="utf-8")
    return path


@pytest.fixture
def letter(tmp_path: Path) -> Path:
    path = tmp_path / "letter.txt"
    path.write_text("The gardener wrote: the garden grows; the gate is green.", encoding="utf-8")
    return path


def test_own_words_and_texts_become_a_language_file(
    plants: Path, letter: Path, tmp_path: Path, capfd: Capture
) -> None:
    out = tmp_path / "garden.language"
    own = ["--words", f"plants={plants}", "--text", f"letters={letter}", "--languages", ""]
    code, said, err = run(capfd, *TRAIN, "--out", out, *own)
    assert (code, err) == (ExitCode.OK, [])
    size = len(out.read_bytes()) / 1e6
    assert said == f"{out}: {size:.2f} MB, plants, letters\n"
    assert "licence" not in read_header(out)
    language = load_language(out)
    assert language.names == ("plants", "letters", "numbers", "codes", "other")
    good, bad = language.log_probabilities(["QUERCUS", "QVERCUS"])
    assert good > bad + 3
    before = out.read_bytes()
    assert run(capfd, *TRAIN, "--out", out, *own)[0] == ExitCode.OK
    assert out.read_bytes() == before


def test_words_may_join_a_language(plants: Path, tmp_path: Path, capfd: Capture) -> None:
    out = tmp_path / "da.language"
    more = ["--words", f"da={plants}", "--languages", "da", "--size-limit", "0.2"]
    code, said, _ = run(capfd, *TRAIN, "--out", out, *more)
    assert code == ExitCode.OK and said.endswith(" MB, da\n")
    assert len(out.read_bytes()) <= 200_000
    assert read_header(out)["licence"] == "CC BY-SA 4.0"
    language = load_language(out)
    latin, danish, neither = language.part_log_probabilities(["quercus", "huset", "qvrzxcs"])[0]
    assert min(latin, danish) > neither + 5


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--words", "plants"], "--words takes NAME=FILE, not 'plants'"),
        (["--text", "=x.txt"], "--text takes NAME=FILE, not '=x.txt'"),
        (["--words", "plants={tmp}/none.txt"], "{tmp}/none.txt: cannot be read as UTF-8 text"),
        (["--words", "plants={tmp}/bad.txt"], "{tmp}/bad.txt, line 1: not a word, a tab and a"),
        (["--text", "plants={tmp}/numbers.txt"], "{tmp}/numbers.txt: no words of Latin letters"),
        (["--words", "codes={plants}"], "a part cannot be called codes: every file has one"),
        ([], "a language file needs at least one language or word list"),
        (["--languages", "xx"], "wordfreq has no language 'xx': it has ar,"),
        (["--words", "plants={plants}", "--size-limit", "0.001"], "do not fit into 0.001 MB"),
        (["--words", "plants={plants}", "--out", "{tmp}/no/x"], "{tmp}/no/x: cannot be written"),
    ],
)
def test_wrong_input_is_told_in_one_line(
    arguments: list[str], complaint: str, plants: Path, tmp_path: Path, capfd: Capture
) -> None:
    (tmp_path / "bad.txt").write_text("quercus\tmany\n")
    (tmp_path / "numbers.txt").write_text("12 13\n")
    out = tmp_path / "x.language"
    filled = [each.format(tmp=tmp_path, plants=plants) for each in arguments]
    code, said, err = run(capfd, *TRAIN, "--out", out, "--languages", "", *filled)
    assert code == ExitCode.USAGE and not said
    (line,) = err
    assert line.startswith("ocr-plugin: ")
    assert complaint.format(tmp=tmp_path) in line
    assert not out.exists()


def test_help_tells_what_it_takes(capfd: Capture) -> None:
    assert main([*TRAIN, "--help"]) == ExitCode.OK
    text = " ".join(capfd.readouterr().out.split())
    assert "Build a language file" in text
    for option in ("--out FILE", "--languages CODES", "--words NAME=FILE", "--text NAME=FILE",
                   "--size-limit MB"):  # fmt: skip
        assert option in text
