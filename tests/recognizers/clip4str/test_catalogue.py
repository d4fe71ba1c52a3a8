"""The catalogue of named models."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from ocr_plugin.errors import ModelUnavailable
from ocr_plugin.recognizers.clip4str.catalogue import (
    DEFAULT_MODEL,
    ModelEntry,
    catalogue,
    published,
)
from ocr_plugin.recognizers.clip4str.model_files import fetch
from ocr_plugin.runtime.hub import HubFile
from ocr_plugin.runtime.web import UrlFile, ZenodoFile


def test_the_catalogue_lists_distinct_models() -> None:
    entries = catalogue()
    assert len({entry.name for entry in entries}) == len({entry.file for entry in entries}) == 9
    assert {entry.tower for entry in published()} == {"ViT-B/16", "ViT-L/14", "ViT-H/14"}
    assert {entry.licence for entry in entries} == {"Apache-2.0"}
    (bundled,) = set(entries) - set(published())
    assert bundled.name == DEFAULT_MODEL
    sizes = [entry.parameters for entry in entries]
    assert sizes == sorted(sizes)


def test_eight_models_are_published_in_three_places() -> None:
    kinds = [type(entry.source) for entry in published()]
    assert (kinds.count(HubFile), kinds.count(UrlFile), kinds.count(ZenodoFile)) == (4, 2, 2)
    for entry in published():
        assert entry.source is not None and entry.source.page.startswith("https://")
        if isinstance(entry.source, HubFile):
            assert entry.source.file == entry.file
        elif isinstance(entry.source, UrlFile):
            assert entry.source.url.endswith(f"/{entry.file}")
        else:
            assert entry.source.mark in entry.file


@pytest.mark.parametrize("entry", published(), ids=lambda entry: str(entry.name))
def test_each_says_where_a_person_finds_it(
    entry: ModelEntry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCR_PLUGIN_CACHE", str(tmp_path))
    assert entry.source is not None
    digits = entry.file.rpartition("_")[2].partition(".")[0]
    with pytest.raises(ModelUnavailable) as caught:
        fetch(entry, offline=True)
    told, place = str(caught.value).split(" and put it at ")
    assert digits in told and entry.source.page in told
    assert place == str(tmp_path / "models" / entry.file)


def test_known_hashes_are_hashes() -> None:
    known = [entry.sha256 for entry in published() if entry.sha256]
    assert len(set(known)) == 2
    assert all(len(each) == 64 and int(each, 16) for each in known)


def test_entries_can_be_written_as_json() -> None:
    assert json.loads(json.dumps([asdict(entry) for entry in catalogue()]))
