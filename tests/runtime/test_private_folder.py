"""Folders whose files are trusted."""

import os
import stat
from pathlib import Path

import pytest

from ocr_plugin.errors import ModelUnavailable
from ocr_plugin.runtime.private_folder import check_private, private_folder


def test_a_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        folder = private_folder(tmp_path / "cache" / "models")
    finally:
        os.umask(before)
    for each in (folder, folder.parent):
        assert stat.S_IMODE(each.stat().st_mode) == 0o700
    assert private_folder(folder) == folder


@pytest.mark.parametrize("mode", [0o770, 0o777, 0o702])
@pytest.mark.parametrize("which", ["cache", "cache/models"])
def test_a_folder_that_others_may_write_to_is_refused(
    which: str, mode: int, tmp_path: Path
) -> None:
    folder = private_folder(tmp_path / "cache" / "models")
    (tmp_path / which).chmod(mode)
    with pytest.raises(ModelUnavailable) as caught:
        private_folder(folder)
    message = str(caught.value)
    assert f"{tmp_path / which} (mode {mode:04o})" in message
    assert f"chmod go-w {tmp_path / which} " in message and "OCR_PLUGIN_CACHE" in message
    (tmp_path / which).chmod(0o755)
    assert private_folder(folder) == folder


def test_a_folder_in_a_shared_one_is_trusted_if_others_may_not_rename_it(tmp_path: Path) -> None:
    folder = private_folder(tmp_path / "models")
    tmp_path.chmod(0o1777)
    assert private_folder(folder) == folder


def test_a_folder_of_another_user_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid() == 0:
        os.chown(tmp_path, 12345, -1)
        owner = 12345
    else:
        owner = os.geteuid()
        monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(ModelUnavailable, match=rf"belongs to another user \(id {owner}\)"):
        check_private(tmp_path)


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ModelUnavailable, match="cannot be made: Not a directory"):
        private_folder(tmp_path / "file" / "models")
