"""Folders of models as PaddleX expects them, shared by processes."""

from pathlib import Path

import pytest

from ocr_plugin.errors import ConfigurationError
from ocr_plugin.runtime.paddlex_models import write_folder


def test_files_of_the_same_bytes_are_kept_and_others_replaced(tmp_path: Path) -> None:
    source, target = tmp_path / "model", tmp_path / "made"
    source.write_bytes(b"weights")
    write_folder(target, {"a": 1}, {"inference.onnx": source})
    made = target / "inference.onnx", target / "inference.yml"
    before = [path.stat().st_ino for path in made]
    write_folder(target, {"a": 1}, {"inference.onnx": source})
    assert [path.stat().st_ino for path in made] == before
    # As long as before, and damaged.
    made[0].write_bytes(b"weightz")
    write_folder(target, {"a": 2}, {"inference.onnx": source})
    assert made[0].read_bytes() == b"weights" and b'"a": 2' in made[1].read_bytes()
    assert sorted(path.name for path in target.iterdir()) == [path.name for path in made]


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="cannot be written"):
        write_folder(tmp_path / "file" / "made", {}, {})
