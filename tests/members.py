"""What is in sources, for the tests; and archives made of names and contents."""

import io
import tarfile
import zipfile
from pathlib import Path

from ocr_plugin.batch.inputs.members import BadMember, Member, SourceOptions
from ocr_plugin.batch.inputs.sources import members

FILES = {"a.png": b"first", "sub/b.JPG": b"second", "sub/notes.json": b"{}"}
TAKEN = {"a.png": b"first", "sub/b.JPG": b"second"}


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
