"""The examples of docs/languages.md, run as they stand there."""

import shutil
from pathlib import Path

from ocr_plugin.recognizers.ppocr import BUNDLED_MODEL
from ocr_plugin.runtime.weights import bundled_model
from tests.examples import Examples, python

LANGUAGES = Examples("languages.md")


def test_what_the_default_model_can_say(tmp_path: Path) -> None:
    (example,) = LANGUAGES.blocks("Which characters there are", "python")
    (shown,) = LANGUAGES.blocks("Which characters there are", "text")
    assert python(tmp_path, example) == shown


def test_the_models_for_other_scripts(tmp_path: Path) -> None:
    example, _ = LANGUAGES.blocks("Read another script", "python")
    (shown,) = LANGUAGES.blocks("Read another script", "text")
    assert python(tmp_path, example) == shown


def test_another_model_by_its_file(tmp_path: Path) -> None:
    _, example = LANGUAGES.blocks("Read another script", "python")
    # Any file that lists its characters will do.
    shutil.copy(bundled_model(BUNDLED_MODEL), tmp_path / "cyrillic_rec.onnx")
    code = example.replace("\nEngine(", "\nengine = Engine(") + "print(engine.info.recognizer.name)"
    assert python(tmp_path, code) == "ppocr:cyrillic_rec\n"
