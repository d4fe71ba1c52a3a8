"""What sources are made of."""

import os
from pathlib import Path
from typing import Any

import fsspec
import pyarrow
import pyarrow.parquet
import pytest
import zstandard

from ocr_plugin.batch.inputs.members import SourceOptions
from ocr_plugin.batch.inputs.sources import checked, members
from ocr_plugin.batch.inputs.total_bytes import ByteCounter
from ocr_plugin.errors import ConfigurationError
from tests.members import FILES, TAKEN, content, found, tarred, zipped

pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning")


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
    (tmp_path / "b.tar").write_bytes(tarred(FILES))
    assert list(found(tmp_path, exclude=("a.zip",))) == ["b.tar!/a.png", "b.tar!/sub/b.JPG"]
    taken = found(tmp_path, exclude=("b.*!/sub/*", "a.zip!/a*"))
    assert list(taken) == ["a.zip!/sub/b.JPG", "b.tar!/a.png"]
    assert list(found(tmp_path, include=("b.tar!/*.json",))) == ["b.tar!/sub/notes.json"]


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


def test_a_list_that_names_itself_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("b.txt\n./a.txt\nc.png\n" + "x" * 300 + "\n\0\n")
    (tmp_path / "b.txt").write_text("../" + tmp_path.name + "/a.txt\n")
    (tmp_path / "c.png").write_bytes(b"first")
    values = [content(member) for member in members([str(tmp_path / "a.txt")], SourceOptions())]
    assert values[:3] == ["the list includes itself, perhaps by way of others"] * 2 + [b"first"]
    assert "too long" in str(values[3]) and "null" in str(values[4])


def test_numbers_in_braces_are_shards(tmp_path: Path) -> None:
    for number in range(8, 11):
        (tmp_path / f"shard-{number:03}.tar").write_bytes(tarred({"a.png": b"%d" % number}))
    shards = members([str(tmp_path / "shard-{008..010}.tar")], SourceOptions())
    assert [content(member) for member in shards] == [b"8", b"9", b"10"]
    with pytest.raises(ConfigurationError, match="3 is more than 1"):
        found(tmp_path / "shard-{3..1}.tar")


def test_a_source_has_one_name_and_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    spelled = [f"{tmp_path}/{name}" for name in ("in", "in/", "./in", "in//", "i{n}")[:4]]
    assert checked([*spelled, tmp_path / "in"]) == [f"{tmp_path}/in"]


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


def test_a_table_names_nothing_outside_of_its_folder(tmp_path: Path) -> None:
    inside = tmp_path / "in"
    (inside / "sub").mkdir(parents=True)
    (inside / "sub" / "a.png").write_bytes(b"first")
    (tmp_path / "secret.png").write_bytes(b"secret")
    names = [
        "sub/a.png", str(inside / "sub" / "a.png"), "../secret.png", str(tmp_path / "secret.png"),
        "sub/../../secret.png", "file:///etc/passwd", "http://127.0.0.1:9/x.png", "/dev/zero",
    ]  # fmt: skip
    pyarrow.parquet.write_table(pyarrow.table({"file": names}), inside / "t.parquet")
    taken = list(found(inside / "t.parquet").values())
    assert taken[:2] == [b"first", b"first"]
    outside = "a path outside of the table's folder is not read without allow_paths"
    assert taken[2:5] == [f"{name}: {outside}" for name in names[2:5]]
    url = "a URL in a table is not read without allow_paths"
    assert taken[5:7] == [f"{name}: {url}" for name in names[5:7]]
    assert outside in str(taken[7])
    allowed = list(found(inside / "t.parquet", allow_paths=True).values())
    assert allowed[:5] == [b"first", b"first", b"secret", b"secret", b"secret"]
    assert "neither a file nor a folder" in str(allowed[7])


def test_a_table_elsewhere_names_files_beside_it(tmp_path: Path) -> None:
    files = fsspec.filesystem("memory")
    (tmp_path / "a.png").write_bytes(b"local")
    names = ["a.png", str(tmp_path / "a.png"), "../other/b.png", "memory://other/b.png"]
    pyarrow.parquet.write_table(pyarrow.table({"file": names}), tmp_path / "t.parquet")
    table = (tmp_path / "t.parquet").read_bytes()
    files.pipe({"/shop/t.parquet": table, "/shop/a.png": b"first", "/other/b.png": b"other"})
    try:
        taken = list(found("memory://shop/t.parquet").values())
        assert taken[0] == b"first"
        assert all("is not read without allow_paths" in str(each) for each in taken[1:])
        allowed = list(found("memory://shop/t.parquet", allow_paths=True).values())
        assert allowed[0] == b"first" and allowed[3] == b"other"
    finally:
        files.rm("/shop", recursive=True)
        files.rm("/other", recursive=True)


def test_a_table_that_unpacks_to_too_much_is_not_read(tmp_path: Path) -> None:
    groups = [["one"], ["x" * 2_000_000] * 100, ["three"]]
    schema = pyarrow.schema([("image", pyarrow.binary())])
    path = tmp_path / "t.parquet"
    with pyarrow.parquet.ParquetWriter(
        path, schema, compression="zstd", use_dictionary=False
    ) as writer:
        for values in groups:
            rows = {"image": [value.encode() for value in values]}
            writer.write_table(pyarrow.table(rows, schema))
    assert path.stat().st_size < 100_000
    assert found(path) == {
        "row 0": b"one",
        "rows 1 to 100": "its row group unpacks to more than 1000 times its size",
        "row 101": b"three",
    }


def test_a_column_of_captions_is_no_end_of_the_table(tmp_path: Path) -> None:
    rows = pyarrow.table({"text": ["c" * 300, "a.png"], "n": [1, 2]})
    pyarrow.parquet.write_table(rows, tmp_path / "t.parquet")
    (tmp_path / "a.png").write_bytes(b"first")
    taken = found(tmp_path / "t.parquet")
    assert "too long" in str(taken["row 0"]) and taken["row 1"] == b"first"


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
    with pytest.raises(ConfigurationError, match="File name too long"):
        found(tmp_path / ("x" * 300))


def test_what_is_no_regular_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.png").symlink_to(tmp_path / "gone")
    (tmp_path / "b.png").symlink_to("b.png")
    os.mkfifo(tmp_path / "c.png")
    os.mkfifo(tmp_path / "notes.md")
    (tmp_path / "folder").mkdir()
    (tmp_path / "d.png").symlink_to(tmp_path / "folder")
    assert found(tmp_path) == {
        "a.png": "a broken link",
        "b.png": "cannot be read: Too many levels of symbolic links",
        "c.png": "not a regular file",
    }


def test_a_very_deep_folder_is_read(tmp_path: Path) -> None:
    folders = [f"{tmp_path}/{'x/' * depth}" for depth in range(1, 1200)]
    for folder in folders:
        os.mkdir(folder)  # noqa: PTH102 - pathlib would go down anew every time
    picture = Path(folders[-1], "a.png")
    picture.write_bytes(b"first")
    assert found(tmp_path) == {"x/" * 1199 + "a.png": b"first"}
    picture.unlink()
    for folder in reversed(folders):
        os.rmdir(folder)  # noqa: PTH106 - as above; pytest could not


def test_the_folder_of_a_job_is_left_out(tmp_path: Path) -> None:
    for name in ("a.png", "job/b.png", "job/manifest.sqlite"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"first")
    assert list(found(tmp_path)) == ["a.png"]
    assert list(found(tmp_path / "job")) == ["b.png"]


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
    counter = ByteCounter([str(tmp_path)], SourceOptions())
    counter._thread.join()
    names = ("a.tar", "b.zip", "c.png", "d.parquet")
    assert counter.total == sum((tmp_path / name).stat().st_size for name in names)
    told = sum(member.volume for member in members([str(tmp_path)], SourceOptions()))
    assert told == pytest.approx(counter.total, rel=0.05)
    counter.close()
    lost = ByteCounter([str(tmp_path / "gone")], SourceOptions())
    lost.close()
    assert lost.total is None


def test_a_listing_that_fails_is_reported_by_its_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: Any) -> Any:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("ocr_plugin.batch.inputs.total_bytes.split", failing)
    counter = ByteCounter([str(tmp_path)], SourceOptions())
    counter._thread.join()
    assert counter.total is None
