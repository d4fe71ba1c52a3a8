import re
from difflib import SequenceMatcher
from pathlib import Path

from benchmarks.tables import current
from ocr_plugin import Engine

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_tables_are_those_of_the_committed_results() -> None:
    for path, text in current().items():
        assert path.read_text(encoding="utf-8") == text, path


def test_the_first_command_prints_what_the_readme_shows() -> None:
    shown = re.search(r"ocr-plugin read (\S+)\n(.*?)```", README, re.DOTALL)
    assert shown
    found = Engine().read(ROOT / shown[1]).text
    # On another processor the last bit may tip a character; nothing more.
    assert SequenceMatcher(None, found, shown[2].strip()).ratio() > 0.97


def test_the_files_it_names_are_there() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_test_command_is_that_of_ci() -> None:
    command = "pip install -e '.[dev]' && pytest"
    assert f"$ {command}\n" in README
    assert command in (ROOT / ".ci" / "run").read_text()
