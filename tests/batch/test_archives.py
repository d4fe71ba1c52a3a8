"""Archives as they should be, damaged ones, and such as mean harm."""

import bz2
import gzip
import io
import lzma
import os
import random
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
import zstandard

from ocr_plugin.batch.inputs.members import SourceOptions, is_unsafe
from ocr_plugin.batch.inputs.sources import members
from tests.members import FILES, content, found, tarred, zipped

pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning")


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
    assert not is_unsafe("a..b/c...png") and not is_unsafe("12:30:01.png")


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


PICTURES = {f"{number}.png": bytes([65 + number]) * 300 * number for number in range(5)}
KINDS: dict[str, Callable[[bytes], bytes]] = {
    "a.tar": lambda data: data,
    "a.tar.gz": lambda data: gzip.compress(data, mtime=0),
    "a.tar.bz2": bz2.compress,
    "a.tar.xz": lzma.compress,
    "a.tar.zst": zstandard.compress,
}


@pytest.mark.parametrize("name", KINDS)
def test_an_archive_that_is_cut_off_anywhere_loses_nothing_in_silence(
    tmp_path: Path, name: str
) -> None:
    data = KINDS[name](tarred(PICTURES))
    path = tmp_path / name
    path.write_bytes(data)
    assert found(path) == PICTURES
    for end in range(0, len(data), 13 if name == "a.tar" else 1):
        path.write_bytes(data[:end])
        taken = found(path)
        whole = {key: value for key, value in taken.items() if isinstance(value, bytes)}
        assert whole.items() <= PICTURES.items()
        assert whole == PICTURES or any(isinstance(value, str) for value in taken.values()), end


def test_a_damaged_header_is_an_error(tmp_path: Path) -> None:
    data = bytearray(tarred(PICTURES))
    data[data.index(b"3.png")] ^= 0xFF
    (tmp_path / "a.tar").write_bytes(data)
    taken = found(tmp_path / "a.tar")
    assert list(taken) == ["0.png", "1.png", "2.png", "*"]
    assert "the archive is damaged: invalid header" in str(taken["*"])


def test_archives_joined_end_to_end_are_read_to_the_last(tmp_path: Path) -> None:
    for name, pack in KINDS.items():
        (tmp_path / name).write_bytes(pack(tarred({"a.png": b"one"})) + pack(tarred(PICTURES)))
        assert found(tmp_path / name) == {"a.png": b"one"} | PICTURES


def test_an_end_that_is_not_marked_is_an_error_after_all_members(tmp_path: Path) -> None:
    data = tarred(PICTURES)
    (tmp_path / "a.tar").write_bytes(data[: len(data.rstrip(b"\0")) // 512 * 512 + 512])
    taken = found(tmp_path / "a.tar")
    assert taken.pop("*") == "the archive is damaged: it is truncated"
    assert taken == PICTURES


def test_names_never_meet(tmp_path: Path) -> None:
    coded = io.BytesIO()
    with tarfile.open(fileobj=coded, mode="w") as archive:
        for name in ("a.png", "a.png", "a.png#2", "a.png", "b.png#2", "b.png", "b.png"):
            archive.addfile(tarfile.TarInfo(name))
    (tmp_path / "a.tar").write_bytes(coded.getvalue())
    taken = found(tmp_path / "a.tar", include=("*.png*",))
    assert list(taken) == [
        "a.png",
        "a.png#2",
        "a.png#2#2",
        "a.png#3",
        "b.png#2",
        "b.png",
        "b.png#3",
    ]


def test_a_member_without_a_name_is_an_error(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(zipfile.ZipInfo("x"), b"first")
        archive.writestr("a.png", b"second")
        archive.infolist()[0].filename = ""
    assert found(tmp_path / "a.zip") == {"?": "the member has no name", "a.png": b"second"}


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz", "tar.zst"])
def test_no_damage_ends_the_reading(tmp_path: Path, kind: str) -> None:
    chance = random.Random(11)
    whole = zipped(PICTURES) if kind == "zip" else KINDS[f"a.{kind}"](tarred(PICTURES))
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(chance.choice((1, 2, 8))):
            place = chance.randrange(len(data))
            data[place : place + chance.choice((0, 1, 4))] = chance.randbytes(
                chance.choice((0, 1, 4))
            )
        (tmp_path / f"a.{kind}").write_bytes(data)
        for member in members([str(tmp_path / f"a.{kind}")], SourceOptions()):
            content(member)


def test_the_fingerprint_of_a_member_is_also_that_of_its_archive(tmp_path: Path) -> None:
    states: list[list[str]] = []
    for data in (b"one", b"two"):
        (tmp_path / "a.tar").write_bytes(tarred({"a.png": data}))  # of the same size and time
        os.utime(tmp_path / "a.tar", (1, len(states)))
        inner = zipped({"b.tar": tarred({"a.png": data})})
        (tmp_path / "a.zip").write_bytes(inner)
        states.append([m.fingerprint for m in members([str(tmp_path)], SourceOptions())])
    assert all(states[0]) and not set(states[0]) & set(states[1])


def test_a_compressed_tar_that_unpacks_to_too_much_is_stopped(tmp_path: Path) -> None:
    (tmp_path / "a.tar.xz").write_bytes(lzma.compress(tarred({"a.png": bytes(150_000_000)})))
    assert "unpacks to more than 1000 times its size" in str(found(tmp_path / "a.tar.xz"))


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE])
def test_a_header_that_would_fill_the_memory_is_an_error(tmp_path: Path, kind: bytes) -> None:
    header = tarfile.TarInfo("a.png")
    header.type, header.size = kind, 4_000_000_000
    data = header.tobuf(tarfile.GNU_FORMAT)
    (tmp_path / "a.tar").write_bytes(data + bytes(1_000_000))
    assert found(tmp_path / "a.tar")["*"] == (
        "the archive is damaged: a header of 4000000000 bytes"
    )


def test_a_large_archive_is_not_held_in_memory(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for number in range(5_000):
            archive.addfile(tarfile.TarInfo(f"{number}.json"))
            cast(Any, archive).members.clear()
    tracemalloc.start()
    assert found(tmp_path / "a.tar") == {}
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3_000_000
