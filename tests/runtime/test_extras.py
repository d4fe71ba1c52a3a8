"""Packages that are missing, and the extras that bring them."""

import re
import sys
import tomllib
from pathlib import Path

import pytest

from ocr_plugin.cli.app import main
from ocr_plugin.errors import ConfigurationError, ExitCode
from ocr_plugin.runtime.extras import _EXTRAS, missing_in, needed_for

ROOT = Path(__file__).parents[2]
# What a package is called where it is installed, where that is another name.
DISTRIBUTIONS = {"open_clip": "open_clip_torch"}


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[^\w.-]", each)[0] for each in requirements}


def test_every_named_extra_brings_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    for module, extra in _EXTRAS.items():
        wanted = DISTRIBUTIONS.get(module, module)
        listed = extras[extra] + extras["torch"] * ("ocr-plugin[torch]" in extras[extra])
        if module != "torchvision":  # open_clip's
            assert wanted in names(listed), (module, extra)
        assert wanted not in names(project["dependencies"])


def test_a_missing_package_is_an_error_that_names_its_extra() -> None:
    line = r"^it needs onnx: pip install 'ocr-plugin\[gpu\]'$"
    with pytest.raises(ConfigurationError, match=line), needed_for("it", "gpu"):
        raise ModuleNotFoundError("No module named 'onnx'", name="onnx.helper")
    with pytest.raises(ModuleNotFoundError, match="elsewhere"), needed_for("it"):
        raise ModuleNotFoundError("No module named 'elsewhere'", name="elsewhere")
    assert missing_in(ValueError("torch")) is None


@pytest.mark.parametrize(
    ("missing", "arguments", "wanted"),
    [
        ("torch", ["read", "a.png", "--model", "LICENSE"], "'ocr-plugin[torch]'"),
        ("torch", ["train", "synth", "--preview", "a.png"], "'ocr-plugin[train]'"),
        ("onnx", ["models", "export", "clip4str-compact", "--out", "new"], "'ocr-plugin[export]'"),
        ("huggingface_hub", ["models", "download", "clip4str-b16-rbu"], "'ocr-plugin[torch]'"),
    ],
)
def test_a_command_says_what_to_install(
    missing: str,
    arguments: list[str],
    wanted: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("OCR_PLUGIN_CACHE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "LICENSE").write_text("no weights")
    monkeypatch.setitem(sys.modules, missing, None)
    # As in a process that has not imported what needs it.
    for name in list(sys.modules):
        if name.startswith(("ocr_plugin.training", "ocr_plugin.recognizers.clip4str.")):
            monkeypatch.delitem(sys.modules, name)
    assert main(arguments) in (ExitCode.USAGE, ExitCode.MODEL)
    (line,) = capsys.readouterr().err.splitlines()
    assert wanted in line
