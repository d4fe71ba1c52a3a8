"""The examples of docs/language.md, run as they stand there."""

from pathlib import Path

from ocr_plugin.language.choice import language_for
from tests.examples import Examples, python, shell

LANGUAGE = Examples("language.md")


def test_asking(tmp_path: Path) -> None:
    (example,) = LANGUAGE.blocks("Ask it", "python")
    (shown,) = LANGUAGE.blocks("Ask it", "text")
    assert python(tmp_path, example) == shown


def test_adapting(tmp_path: Path) -> None:
    (example,) = LANGUAGE.blocks("Adapt it to a page", "python")
    german, french = (line.split() for line in python(tmp_path, example).splitlines())
    assert float(german[2]) > 2 * float(german[1]) and float(french[2]) < float(french[1])


def test_building(tmp_path: Path) -> None:
    (tmp_path / "plants.txt").write_text("quercus\t4\nsalix\n")
    (tmp_path / "letters.txt").write_text("Kære Anna, tak for dit brev.", encoding="utf-8")
    own, shipped = LANGUAGE.commands("Build your own")
    assert shell(tmp_path, own).stdout.endswith(" MB, plants, da\n")
    model = language_for(str(tmp_path / "mine.language"))
    assert model and model.names == ("plants", "da", "numbers", "codes", "other")
    # That the shipped file is what this command gives takes too long for a test.
    assert shipped == "ocr-plugin train language --out latin.language"
