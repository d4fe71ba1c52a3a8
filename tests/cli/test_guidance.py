"""What the commands are told about the texts."""

import json
from pathlib import Path

import pytest

from ocr_plugin.errors import ExitCode
from tests.cli.commands import Capture, run

READ = ("read", "--recognizer", "ppocr")


def test_words_are_read_as_they_are_allowed(capfd: Capture, folder: Path, tmp_path: Path) -> None:
    picture = folder / "a.png"
    assert run(capfd, *READ, picture, "--pattern", "[a-z]+") == (0, "there\n", [])
    assert run(capfd, *READ, picture, "--allow", "Helot")[1] == "Hello\n"
    (tmp_path / "words.txt").write_text("# greetings\nhello\nthese\n")
    entries = ("--lexicon", tmp_path / "words.txt")
    assert run(capfd, *READ, picture, *entries)[1].split()[0] == "Hello"
    assert run(capfd, *READ, picture, *entries, "--lexicon-weight", "1")[1] == "Hello there\n"
    assert run(capfd, *READ, picture, "--language", "en,de")[1] == "Hello there\n"


def test_what_is_withheld_is_in_the_json(capfd: Capture, folder: Path) -> None:
    code, out, _ = run(capfd, *READ, folder / "a.png", "--json", "--abstain-below", "1")
    page = json.loads(out)
    assert code == 0 and page["blocks"] == []
    assert [each["alternatives"][0]["text"] for each in page["withheld"]] == ["Hello", "there"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--allow", ""], "characters: the set is empty"),
        (["--pattern", "[a"], "pattern '[a'"),
        (["--pattern", "[0-9]", "--allow", "ab"], "exclude each other"),
        (["--lexicon", "missing.txt"], "lexicon missing.txt: No such file"),
        (["--lexicon-weight", "2"], "there is no lexicon to prefer"),
        (["--abstain-below", "2"], "abstain_below"),
        (["--language", "xx"], "xx"),
    ],
)
def test_contradictions_are_wrong_usage(
    capfd: Capture, folder: Path, arguments: list[str], message: str
) -> None:
    code, out, err = run(capfd, *READ, folder / "a.png", *arguments)
    assert (code, out, len(err)) == (ExitCode.USAGE, "", 1) and message in err[0]


@pytest.mark.parametrize("command", [["read"], ["batch", "run"], ["serve"], ["eval", "pages"]])
def test_the_help_names_the_options(capfd: Capture, command: list[str]) -> None:
    _, out, _ = run(capfd, *command, "--help")
    assert "--language" in out
    assert ("--abstain-below" in out) == (command[0] != "eval")
