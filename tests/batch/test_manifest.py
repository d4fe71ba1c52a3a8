"""The manifest's connection, where it cannot be used."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from ocr_plugin.batch.records.manifest import FILE_NAME, Manifest
from ocr_plugin.errors import OcrError


@pytest.mark.parametrize("read_only", [False, True])
def test_a_file_that_is_no_manifest_is_closed(
    read_only: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def noted(*arguments: Any, **options: Any) -> sqlite3.Connection:
        made.append(connect(*arguments, **options))
        return made[-1]

    monkeypatch.setattr(sqlite3, "connect", noted)
    with connect(tmp_path / FILE_NAME) as other:
        other.execute("PRAGMA user_version = 77")
        other.execute("CREATE TABLE things (id)")
    other.close()
    with pytest.raises(OcrError, match="version"):
        Manifest(tmp_path, read_only=read_only)
    assert made
    for connection in made:
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            connection.execute("SELECT 1")
