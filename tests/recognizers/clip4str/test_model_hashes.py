"""The bytes of named models are compared with what is known of them, whenever they are loaded."""

import dataclasses
import hashlib
import logging
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ocr_plugin.errors import CheckpointError, ModelUnavailable
from ocr_plugin.recognizers.clip4str import model_files
from ocr_plugin.recognizers.clip4str.catalogue import DEFAULT_MODEL, ModelEntry
from ocr_plugin.recognizers.clip4str.checkpoint import load_network
from ocr_plugin.recognizers.clip4str.model_files import fetch, opened, resolve
from ocr_plugin.recognizers.clip4str.recognizer import Clip4StrRecognizer
from ocr_plugin.runtime.web import UrlFile
from tests.downloads import Web, served

CONTENT = resolve(DEFAULT_MODEL).read_bytes()
SHA256 = hashlib.sha256(CONTENT).hexdigest()
FILE = "tested.safetensors"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OCR_PLUGIN_CACHE", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for variable in ("OCR_PLUGIN_OFFLINE", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path / "models"


@pytest.fixture
def web(cache: Path) -> Iterator[Web]:
    with served() as server:
        server.files[f"/{FILE}"] = CONTENT
        yield server


def known(web: Web, monkeypatch: pytest.MonkeyPatch, sha256: str | None) -> ModelEntry:
    """Returns the only model of the catalogue, of which this hash is known."""
    source = UrlFile(f"{web.url}/{FILE}")
    entry = ModelEntry("tested", "none", "none", "none", 1, FILE, source, sha256)
    monkeypatch.setattr(model_files, "catalogue", lambda: (entry,))
    return entry


def test_a_model_of_known_hash_is_downloaded_and_read(
    web: Web, cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    known(web, monkeypatch, SHA256)
    reader = Clip4StrRecognizer(model="tested")
    assert (reader.component.name, reader.component.weights_sha256) == ("clip4str:tested", SHA256)
    assert caplog.text == ""
    assert cache.stat().st_mode & 0o777 == 0o700
    assert (cache / FILE).stat().st_mode & 0o777 == 0o600


def test_a_download_of_another_hash_is_thrown_away(
    web: Web, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = known(web, monkeypatch, "0" * 64)
    with pytest.raises(ModelUnavailable) as caught:
        fetch(entry, progress=False)
    assert SHA256 in str(caught.value) and f"{'0' * 64} was published" in str(caught.value)
    assert [path.name for path in cache.iterdir()] == [f".{FILE}.lock"]


def test_a_model_of_unknown_hash_is_unverified_and_recorded(
    web: Web, cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    entry = known(web, monkeypatch, None)
    path = fetch(entry, progress=False)
    assert "tested is unverified" in caplog.text and SHA256 in caplog.text
    assert (cache / f"{FILE}.sha256").read_text() == f"{SHA256}  {FILE}\n"
    caplog.clear()
    load_network("tested")
    assert caplog.text == ""
    path.unlink()
    web.files[f"/{FILE}"] = CONTENT[::-1]
    with pytest.raises(ModelUnavailable, match=f"{SHA256} was recorded in .*{FILE}.sha256"):
        fetch(entry, progress=False)


def test_a_file_put_there_by_hand_is_recorded_when_it_is_first_read(
    web: Web, cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    known(web, monkeypatch, None)
    cache.mkdir(mode=0o700)
    (cache / FILE).write_bytes(CONTENT)
    load_network("tested")
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "is unverified" in caplog.text and SHA256 in caplog.text
    (cache / FILE).write_bytes(CONTENT + b" ")
    with pytest.raises(CheckpointError, match="was recorded in"):
        load_network("tested")
    assert web.requests == []


@pytest.mark.parametrize("pinned", [True, False])
@pytest.mark.parametrize("by_path", [True, False])
def test_a_changed_file_is_not_loaded(
    by_path: bool, pinned: bool, web: Web, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = known(web, monkeypatch, SHA256 if pinned else None)
    path = fetch(entry, progress=False)
    path.write_bytes(CONTENT[:-1] + b"\x55")
    changed = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(CheckpointError) as caught:
        load_network(path if by_path else "tested")
    message = str(caught.value)
    for part in (str(path), SHA256, changed, "ocr-plugin models download tested"):
        assert part in message
    assert "\n" not in message
    path.unlink()
    fetch(entry, progress=False)
    load_network("tested")


def test_what_is_read_is_what_was_checked(
    web: Web, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = fetch(known(web, monkeypatch, SHA256), progress=False)
    other = cache / "other"
    other.write_bytes(b"other")
    with opened(path) as (file, sha256):
        other.replace(path)
        assert (file.read(), sha256) == (CONTENT, SHA256)


@pytest.mark.parametrize("which", ["", FILE])
def test_a_cache_that_others_may_write_to_is_not_read(
    which: str, web: Web, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = known(web, monkeypatch, SHA256)
    fetch(entry, progress=False)
    (cache / which).chmod(0o777)
    with pytest.raises(ModelUnavailable, match="others may write to"):
        load_network("tested")
    if not which:
        with pytest.raises(ModelUnavailable, match="others may write to"):
            fetch(dataclasses.replace(entry, file="another"), progress=False)


def test_an_own_file_is_read_wherever_it_lies(tmp_path: Path) -> None:
    own = tmp_path / "own.safetensors"
    shutil.copy(resolve(DEFAULT_MODEL), own)
    tmp_path.chmod(0o777)
    load_network(own)


def test_of_two_processes_one_downloads_and_the_other_waits(web: Web, cache: Path) -> None:
    source = f"UrlFile({f'{web.url}/{FILE}'!r})"
    code = (
        "from ocr_plugin.recognizers.clip4str.catalogue import ModelEntry\n"
        "from ocr_plugin.recognizers.clip4str.model_files import fetch\n"
        "from ocr_plugin.runtime.web import UrlFile\n"
        f"entry = ModelEntry('tested', '', '', '', 1, {FILE!r}, {source})\n"
        "print('begun', flush=True)\n"
        "print(fetch(entry, progress=False))\n"
    )
    web.hold.clear()
    both = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for each in both:
        assert each.stdout is not None and each.stdout.readline() == "begun\n"
    time.sleep(1)
    web.hold.set()
    printed = [each.communicate(timeout=60)[0] for each in both]
    assert printed == [f"{cache / FILE}\n"] * 2
    assert [each.returncode for each in both] == [0, 0]
    assert web.requests == [(f"/{FILE}", None)]
