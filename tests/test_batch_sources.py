"""What sources are made of, and archives that mean harm."""

import io
import os
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import fsspec
import pyarrow
import pyarrow.parquet
import pytest
import zstandard

from ocr_plugin.batch.members import BadMember, Member, SourceOptions, is_unsafe
from ocr_plugin.batch.sources import members
from ocr_plugin.batch.volume import Volume
from ocr_plugin.errors import ConfigurationError

pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning")


def found(*sources: str | Path, **options: object) -> dict[str, bytes | str]:
    """Returns what is in sources: content by name, or the reason why there is none."""
    taken: dict[str, bytes | str] = {}
    for member in members([str(source) for source in sources], SourceOptions.parse(options)):
        assert member.name not in taken
        taken[member.name] = content(member)
    return taken


def content(member: Member) -> bytes | str:
    try:
        return member.read()
    except BadMember as error:
        assert "\n" not in str(error)
        return str(error)


def zipped(files: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    coded = io.BytesIO()
    with zipfile.ZipFile(coded, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return coded.getvalue()


def tarred(files: dict[str, bytes], mode: str = "w") -> bytes:
    coded = io.BytesIO()
    with tarfile.open(fileobj=coded, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return coded.getvalue()


FILES = {"a.png": b"first", "sub/b.JPG": b"second", "sub/notes.json": b"{}"}
TAKEN = {"a.png": b"first", "sub/b.JPG": b"second"}


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz", "a.tgz", "a.tar.bz2", "a.tar.xz",
                                  "a.tar.zst"])  # fmt: skip
def test_an_archive_gives_its_pictures(tmp_path: Path, name: str) -> None:
    kind = {"gz": "gz", "tgz": "gz", "bz2": "bz2", "xz": "xz"}.get(name.rsplit(".", 1)[1], "")
    data = zipped(FILES) if name == "a.zip" else tarred(FILES, f"w:{kind}")
    if name.endswith("zst"):
        data = zstandard.compress(data)
    (tmp_path / name).write_bytes(data)
    assert found(tmp_path / name) == TAKEN


def test_a_folder_gives_its_files_in_order_and_opens_its_archives(tmp_path: Path) -> None:
    for name in ("b.png", "a.png", "x/c.png", "x/readme.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "w.tar").write_bytes(tarred(FILES))
    (tmp_path / "loop").symlink_to(tmp_path)
    names = list(found(tmp_path))
    assert names == ["a.png", "b.png", "w.tar!/a.png", "w.tar!/sub/b.JPG", "x/c.png"]


def test_names_are_chosen_by_patterns(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped(FILES))
    assert list(found(tmp_path / "a.zip", include=("*.json",))) == ["sub/notes.json"]
    assert list(found(tmp_path / "a.zip", exclude=("SUB/*",))) == ["a.png"]


def test_a_list_names_sources_beside_it(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"first")
    (tmp_path / "w.tar").write_bytes(tarred(FILES))
    (tmp_path / "all.txt").write_text("a.png\n\nw.tar\ngone.png\n")
    listed = list(members([str(tmp_path / "all.txt")], SourceOptions()))
    assert [(Path(member.source).name, member.name) for member in listed] == [
        ("a.png", ""), ("w.tar", "a.png"), ("w.tar", "sub/b.JPG"), ("gone.png", ""),
    ]  # fmt: skip
    assert content(listed[0]) == b"first"
    assert content(listed[3]) == "no such file or folder"


def test_numbers_in_braces_are_shards(tmp_path: Path) -> None:
    for number in range(8, 11):
        (tmp_path / f"shard-{number:03}.tar").write_bytes(tarred({"a.png": b"%d" % number}))
    shards = members([str(tmp_path / "shard-{008..010}.tar")], SourceOptions())
    assert [content(member) for member in shards] == [b"8", b"9", b"10"]


def test_tables_have_bytes_paths_or_both(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"first")
    rows = {
        "label": ["x", "y", "z"],
        "image": [
            {"bytes": b"one", "path": "1.png"},
            {"bytes": None, "path": "a.png"},
            {"bytes": None, "path": None},
        ],
    }
    pyarrow.parquet.write_table(pyarrow.table(rows), tmp_path / "t.parquet")
    assert found(tmp_path / "t.parquet") == {
        "row 0": b"one", "row 1": b"first", "row 2": "the row has neither bytes nor a path",
    }  # fmt: skip
    paths = pyarrow.table({"n": [1, 2], "file": ["a.png", "gone.png"]})
    pyarrow.parquet.write_table(paths, tmp_path / "p.parquet")
    assert found(tmp_path / "p.parquet", column="file")["row 0"] == b"first"
    assert "no such file" in str(found(tmp_path / "p.parquet")["row 1"])
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 nothing PAR1")
    assert "the table is damaged" in str(found(tmp_path / "bad.parquet")["*"])


def test_sources_elsewhere_are_read_by_fsspec() -> None:
    files = fsspec.filesystem("memory")
    files.pipe({"/shop/x/a.png": b"first", "/shop/w.zip": zipped(FILES), "/shop/notes.md": b""})
    try:
        assert found("memory://shop") == {
            "w.zip!/a.png": b"first", "w.zip!/sub/b.JPG": b"second", "x/a.png": b"first",
        }  # fmt: skip
        assert found("memory://shop/w.zip") == TAKEN
        with pytest.raises(ConfigurationError, match="memory://gone"):
            found("memory://gone")
        with pytest.raises(ConfigurationError, match="nosuch"):
            found("nosuch://bucket")
    finally:
        files.rm("/shop", recursive=True)


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"gone: no such file or folder"):
        found(tmp_path / "gone")


def test_members_of_one_name_are_told_apart(tmp_path: Path) -> None:
    coded = io.BytesIO()
    with tarfile.open(fileobj=coded, mode="w") as archive:
        for data in (b"one", b"two"):
            entry = tarfile.TarInfo("a.png")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    (tmp_path / "a.tar").write_bytes(coded.getvalue())
    assert found(tmp_path / "a.tar") == {"a.png": b"one", "a.png#2": b"two"}


def test_archives_within_archives_are_opened_to_a_depth(tmp_path: Path) -> None:
    inner = tarred({"deep.png": b"deep", "third.zip": zipped(FILES)}, "w:gz")
    (tmp_path / "a.zip").write_bytes(zipped({"in/inner.tgz": inner, "top.png": b"top"}))
    assert found(tmp_path / "a.zip") == {
        "in/inner.tgz!/deep.png": b"deep",
        "in/inner.tgz!/third.zip": "archives are opened to a depth of 1",
        "top.png": b"top",
    }
    assert len(found(tmp_path / "a.zip", max_depth=2)) == 4


@pytest.mark.parametrize("name", ["../a.png", "/etc/a.png", "x/../../a.png", "C:\\a.png",
                                  "..\\a.png"])  # fmt: skip
def test_names_that_lead_out_are_errors(tmp_path: Path, name: str) -> None:
    assert is_unsafe(name)
    for suffix, data in (("zip", zipped({name: b"x", "b.png": b"y"})),
                         ("tar", tarred({name: b"x", "b.png": b"y"}))):  # fmt: skip
        (tmp_path / f"a.{suffix}").write_bytes(data)
        values = list(found(tmp_path / f"a.{suffix}").values())
        assert values == ["the name leads out of the archive", b"y"]
    assert not is_unsafe("a..b/c...png")


def test_a_bomb_is_stopped_while_it_unpacks(tmp_path: Path) -> None:
    bomb = {"bomb.png": bytes(120_000_000), "b.png": b"fine"}
    (tmp_path / "a.zip").write_bytes(zipped(bomb, compression=zipfile.ZIP_DEFLATED))
    assert found(tmp_path / "a.zip", max_ratio=100) == {
        "bomb.png": "the member unpacks to more than 100 times its size", "b.png": b"fine",
    }  # fmt: skip
    assert "more than 1000 bytes" in str(found(tmp_path / "a.zip", max_bytes=1000)["bomb.png"])


def test_an_encrypted_member_is_an_error(tmp_path: Path) -> None:
    data = bytearray(zipped({"a.png": b"secret", "b.png": b"open"}))
    for signature, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(signature) + flags] |= 1
    (tmp_path / "a.zip").write_bytes(data)
    assert found(tmp_path / "a.zip") == {"a.png": "the member is encrypted", "b.png": b"open"}


def test_a_truncated_archive_gives_what_it_has(tmp_path: Path) -> None:
    files = {f"{number}.png": bytes([number]) * 5000 for number in range(4)}
    (tmp_path / "a.tar").write_bytes(tarred(files)[:12_000])
    taken = found(tmp_path / "a.tar")
    assert taken["0.png"] == files["0.png"]
    assert any(isinstance(value, str) and "damaged" in value for value in taken.values())
    (tmp_path / "a.zip").write_bytes(zipped(files)[:12_000])
    assert "the archive is damaged" in str(found(tmp_path / "a.zip")["*"])
    (tmp_path / "a.tar.zst").write_bytes(zstandard.compress(tarred(files))[:60])
    assert any("damaged" in str(value) for value in found(tmp_path / "a.tar.zst").values())


def test_a_damaged_member_is_its_own_error(tmp_path: Path) -> None:
    data = bytearray(zipped({"a.png": b"first content", "b.png": b"second"}))
    data[data.index(b"first content")] ^= 0xFF
    (tmp_path / "a.zip").write_bytes(data)
    taken = found(tmp_path / "a.zip")
    assert "CRC" in str(taken["a.png"]) and taken["b.png"] == b"second"


def test_links_are_errors(tmp_path: Path) -> None:
    coded = io.BytesIO()
    with tarfile.open(fileobj=coded, mode="w") as archive:
        entry = tarfile.TarInfo("a.png")
        entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(entry)
    (tmp_path / "a.tar").write_bytes(coded.getvalue())
    assert found(tmp_path / "a.tar") == {"a.png": "the member is a link"}


def test_a_file_that_changes_while_it_is_read_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.png").write_bytes(b"first")
    (member,) = members([str(tmp_path)], SourceOptions())
    original = Path.open

    def growing(self: Path, *arguments: Any, **options: Any) -> Any:
        opened = original(self, *arguments, **options)
        with open(self, "ab") as file:  # noqa: PTH123
            file.write(b"more")
        return opened

    monkeypatch.setattr(Path, "open", growing)
    assert content(member) == "the file changed while it was read"


def test_fingerprints_tell_contents_apart(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped({"a.png": b"one"}))
    (before,) = members([str(tmp_path / "a.zip")], SourceOptions())
    (tmp_path / "a.zip").write_bytes(zipped({"a.png": b"two"}))
    (after,) = members([str(tmp_path / "a.zip")], SourceOptions())
    assert before.fingerprint and before.fingerprint != after.fingerprint


def test_a_folder_that_cannot_be_read_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b.png").write_bytes(b"second")
    original = os.scandir

    def refusing(path: str) -> Any:
        if Path(path).name == "a":
            raise PermissionError(13, "Permission denied")
        return original(path)

    monkeypatch.setattr(os, "scandir", refusing)
    assert found(tmp_path) == {
        "a/*": "the folder cannot be read: Permission denied", "b.png": b"second",
    }  # fmt: skip


def test_names_that_are_no_text_are_spelled_out(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.png")).write_bytes(b"first")
    (tmp_path / "w.tar").write_bytes(tarred({os.fsdecode(b"\xfe.png"): b"second"}))
    assert found(tmp_path) == {"w.tar!/\\xfe.png": b"second", "\\xff.png": b"first"}


def test_the_volume_of_sources_is_what_their_members_sum_up_to(tmp_path: Path) -> None:
    files = {f"{number}.png": bytes([number]) * 5000 for number in range(20)}
    (tmp_path / "a.tar").write_bytes(tarred(files))
    (tmp_path / "b.zip").write_bytes(zipped(files))
    (tmp_path / "c.png").write_bytes(bytes(30_000))
    (tmp_path / "notes.md").write_bytes(bytes(30_000))
    rows = pyarrow.table({"image": [b"%04d" % number * 1000 for number in range(20)]})
    pyarrow.parquet.write_table(rows, tmp_path / "d.parquet", compression="none")
    volume = Volume([str(tmp_path)], SourceOptions())
    volume._thread.join()
    names = ("a.tar", "b.zip", "c.png", "d.parquet")
    assert volume.total == sum((tmp_path / name).stat().st_size for name in names)
    told = sum(member.volume for member in members([str(tmp_path)], SourceOptions()))
    assert told == pytest.approx(volume.total, rel=0.05)
    volume.close()
    lost = Volume([str(tmp_path / "gone")], SourceOptions())
    lost.close()
    assert lost.total is None
