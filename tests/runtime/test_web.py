"""Downloads from plain URLs and from Zenodo, from a server on this machine."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError

import pytest

from ocr_plugin.errors import ModelUnavailable
from ocr_plugin.runtime.web import UrlFile, ZenodoFile, download
from tests.downloads import Web, served

CONTENT = bytes(range(256)) * 5000


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with served() as server:
        server.files["/a/w.ckpt"] = CONTENT
        yield server


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_downloaded_whole(web: Web, tmp_path: Path) -> None:
    source = UrlFile(f"{web.url}/a/w.ckpt")
    stated, path = source.download(tmp_path / "staging", progress=False)
    assert (stated, path) == (None, tmp_path / "staging" / "w.ckpt")
    assert path.read_bytes() == CONTENT
    assert names(path.parent) == ["w.ckpt"]


def test_an_interrupted_download_goes_on(web: Web, tmp_path: Path) -> None:
    web.stop_after = 1_000_000
    with pytest.raises(ModelUnavailable, match=r"after 1,000,000 of 1,280,000 bytes; try again"):
        download(f"{web.url}/a/w.ckpt", tmp_path / "w", progress=False)
    assert not (tmp_path / "w").exists()
    web.stop_after = None
    download(f"{web.url}/a/w.ckpt", tmp_path / "w", progress=False)
    assert (tmp_path / "w").read_bytes() == CONTENT
    assert web.requests == [("/a/w.ckpt", None), ("/a/w.ckpt", "bytes=1000000-")]
    assert names(tmp_path) == ["w"]


def test_a_file_that_changed_meanwhile_is_downloaded_anew(web: Web, tmp_path: Path) -> None:
    web.stop_after = 1_000_000
    with pytest.raises(ModelUnavailable):
        download(f"{web.url}/a/w.ckpt", tmp_path / "w", progress=False)
    web.stop_after, web.files["/a/w.ckpt"] = None, CONTENT[::-1]
    download(f"{web.url}/a/w.ckpt", tmp_path / "w", progress=False)
    assert (tmp_path / "w").read_bytes() == CONTENT[::-1]


def test_a_part_that_is_as_long_as_the_file_is_no_obstacle(web: Web, tmp_path: Path) -> None:
    (tmp_path / "w.part").write_bytes(bytes(len(CONTENT)))
    (tmp_path / "w.version").write_text(f'"{hash(CONTENT)}"')
    download(f"{web.url}/a/w.ckpt", tmp_path / "w", progress=False)
    assert (tmp_path / "w").read_bytes() == CONTENT


def test_a_server_must_state_the_size(web: Web, tmp_path: Path) -> None:
    web.states_size = False
    with pytest.raises(ModelUnavailable, match="does not state the file's size"):
        download(f"{web.url}/a/w.ckpt", tmp_path / "w", progress=False)


def test_a_missing_file_is_an_error(web: Web, tmp_path: Path) -> None:
    with pytest.raises(HTTPError, match="404"):
        download(f"{web.url}/b", tmp_path / "w", progress=False)


def test_progress_is_shown_on_stderr_when_asked(
    web: Web, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    download(f"{web.url}/a/w.ckpt", tmp_path / "w", progress=False)
    assert capsys.readouterr() == ("", "")
    download(f"{web.url}/a/w.ckpt", tmp_path / "w", progress=True)
    out, err = capsys.readouterr()
    assert out == "" and "100%" in err


def record(web: Web, *names: str, md5: str = hashlib.md5(CONTENT).hexdigest()) -> ZenodoFile:
    """Returns the file `17af` of a record that has files of these names."""
    files = [
        {
            "key": name,
            "size": len(CONTENT),
            "checksum": f"md5:{md5}",
            "links": {"self": f"{web.url}/{name}/content"},
        }
        for name in names
    ]
    web.files["/api/records/1"] = json.dumps({"files": files}).encode()
    web.files |= {f"/{name}/content": CONTENT for name in names}
    return ZenodoFile(f"{web.url}/records/1", f"{web.url}/api/records/1", "17af")


def test_a_file_of_a_zenodo_record_is_known_by_its_digits(web: Web, tmp_path: Path) -> None:
    source = record(web, "clip_17af.ckpt", "clip_17ae.ckpt")
    stated, path = source.download(tmp_path, progress=False)
    assert (stated, path.name, path.read_bytes()) == (None, "clip_17af.ckpt", CONTENT)
    assert web.requests[-1][0] == "/clip_17af.ckpt/content"


@pytest.mark.parametrize("names", [(), ("a",), ("a_17af", "b_17af")])
def test_a_zenodo_record_must_have_one_such_file(
    names: tuple[str, ...], web: Web, tmp_path: Path
) -> None:
    with pytest.raises(ModelUnavailable, match=r"has [02] files with 17af in their name"):
        record(web, *names).download(tmp_path, progress=False)


def test_a_damaged_file_of_zenodo_is_thrown_away(web: Web, tmp_path: Path) -> None:
    source = record(web, "clip_17af.ckpt", md5="0" * 32)
    with pytest.raises(ModelUnavailable, match=f"damaged.*but Zenodo states md5 {'0' * 32}"):
        source.download(tmp_path, progress=False)
    assert names(tmp_path) == []


@pytest.mark.parametrize("content", [b"<html>", b"[]", b'{"files": 3}', b'{"files": [{"key": 1}]}'])
def test_what_is_no_zenodo_record_is_an_error(content: bytes, web: Web, tmp_path: Path) -> None:
    source = record(web)
    web.files["/api/records/1"] = content
    with pytest.raises(ModelUnavailable, match="not a record of Zenodo"):
        source.download(tmp_path, progress=False)
