"""PP-OCR models by name are downloaded once and checked; a server of this machine has them."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from ocr_plugin.cli.app import main
from ocr_plugin.cli.parameters import chosen
from ocr_plugin.errors import CheckpointError, ConfigurationError, ModelUnavailable
from ocr_plugin.protocols import RGB
from ocr_plugin.recognizers import ppocr_catalogue
from ocr_plugin.recognizers.ppocr import BUNDLED_MODEL, PPOcrRecognizer
from ocr_plugin.recognizers.ppocr_catalogue import LineModel, line_models
from ocr_plugin.runtime.web import UrlFile
from ocr_plugin.runtime.weights import bundled_model, cache_directory
from tests.downloads import Web, served

NAME, FILE = "ppocr-test", "test_rec.onnx"


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """A server with a model, which stands in the catalogue."""
    monkeypatch.setenv("OCR_PLUGIN_CACHE", str(tmp_path / "cache"))
    for variable in ("OCR_PLUGIN_OFFLINE", "HF_HUB_OFFLINE", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    content = bundled_model(BUNDLED_MODEL).read_bytes()
    with served() as server:
        server.files[f"/{FILE}"] = content
        sha256 = hashlib.sha256(content).hexdigest()
        source = UrlFile(f"{server.url}/{FILE}")
        model = LineModel(NAME, "a script: xx", FILE, source, sha256)
        monkeypatch.setattr(ppocr_catalogue, "_MODELS", (model,))
        yield server


def line(text: str) -> RGB:
    picture = Image.new("RGB", (300, 48), "white")
    ImageDraw.Draw(picture).text((8, 4), text, font=ImageFont.load_default(size=32), fill="black")
    return np.asarray(picture)


def test_a_named_model_is_downloaded_once_and_read_with(web: Web) -> None:
    first = PPOcrRecognizer(model=NAME)
    (reading,) = first.recognize([line("Straight on 42")])
    assert reading.text == "Straight on 42"
    assert first.component.name == "ppocr:test_rec"
    PPOcrRecognizer(model=NAME)
    assert len(web.requests) == 1


def test_words_of_another_script_are_not_judged_by_latin_ones(web: Web) -> None:
    crops = [line("Straigkt on 42")]
    plain = PPOcrRecognizer(language="none").recognize(crops)
    assert PPOcrRecognizer(model=NAME).recognize(crops) == plain


def test_a_damaged_download_is_refused_and_not_kept(web: Web) -> None:
    web.files[f"/{FILE}"] = b"something else"
    with pytest.raises(ModelUnavailable, match="its sha256 is") as caught:
        PPOcrRecognizer(model=NAME)
    assert "\n" not in str(caught.value)
    assert not (cache_directory() / FILE).exists()


def test_a_file_that_was_changed_is_refused(web: Web) -> None:
    PPOcrRecognizer(model=NAME)
    path = cache_directory() / FILE
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(CheckpointError, match="damaged or was changed") as caught:
        PPOcrRecognizer(model=NAME)
    assert str(path) in str(caught.value)


def test_offline_a_missing_model_says_where_it_is(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCR_PLUGIN_OFFLINE", "1")
    with pytest.raises(ModelUnavailable, match="downloads are off") as caught:
        PPOcrRecognizer(model=NAME)
    assert web.url in str(caught.value)
    assert web.requests == []


def test_there_must_be_such_a_model() -> None:
    with pytest.raises(ConfigurationError, match="no model called 'ppocr-klingon'; models: ppocr-"):
        PPOcrRecognizer(model="ppocr-klingon")
    with pytest.raises(ConfigurationError, match="not both"):
        PPOcrRecognizer(model=NAME, model_path="a.onnx")


def test_the_command_line_downloads_lists_and_chooses_them(
    web: Web, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["models", "download", NAME]) == 0
    assert capfd.readouterr().out.strip() == str(cache_directory() / FILE)
    assert main(["models", "list", "--json"]) == 0
    rows = [json.loads(each) for each in capfd.readouterr().out.splitlines()]
    (row,) = (each for each in rows if each["name"] == NAME)
    assert row["path"] == str(cache_directory() / FILE)
    assert row["sha256_known"]
    assert chosen(None, NAME) == ("ppocr", {"model": NAME})
    Image.fromarray(line("Straight on 42")).save(tmp_path / "a.png")
    assert main(["read", str(tmp_path / "a.png"), "--model", NAME]) == 0
    assert capfd.readouterr().out == "Straight on 42\n"


def test_the_catalogue_has_what_the_default_model_lacks() -> None:
    names = {each.name for each in line_models()}
    assert {"ppocr-eslav", "ppocr-cyrillic", "ppocr-greek", "ppocr-korean"} <= names
    assert all(len(each.sha256) == 64 for each in line_models())
    assert all(each.source.url.endswith(each.file) for each in line_models())
