"""Rows of the manifest: files, pages and groups of records."""

from dataclasses import dataclass

from ocr_plugin.batch.inputs.members import label_of

ERRORS = 0
"""Shard number of the file of errors."""


@dataclass(frozen=True)
class FileKey:
    """A file: its source, its name there, and its content."""

    source: str
    member: str
    sha256: str

    @property
    def place(self) -> str:
        """Source and member in one line."""
        return label_of(self.source, self.member)


@dataclass(frozen=True)
class Group:
    """Records that were written at once.

    Attributes:
        shard: number of the record file; `ERRORS` for the errors.
        frame: offset of the group in it, in bytes.
        size: bytes in the file.
        records: how many.
        checksum: CRC-32 of the bytes in the file.
    """

    shard: int
    frame: int
    size: int
    records: int
    checksum: int


@dataclass(frozen=True)
class PageRow:
    """A page that is done, and the position of its record.

    Attributes:
        key: the file.
        fingerprint: of the member, as `members.Member` has it.
        page_index: counted from 0; -1 stands for a file that could not be read at all.
        group: where the record is.
        line: which record of the group, counted from 0.
    """

    key: FileKey
    fingerprint: str
    page_index: int
    group: Group
    line: int


@dataclass(frozen=True)
class FileRow:
    """A complete file.

    Attributes:
        key: which.
        fingerprint: of the member, as `members.Member` has it.
        page_count: errors included; None if already stored.
    """

    key: FileKey
    fingerprint: str
    page_count: int | None


@dataclass(frozen=True)
class FileState:
    """How much of a file is done.

    Attributes:
        pages: their indices.
        is_complete: whether that is all of them.
        fingerprint: of the file when it was recorded.
    """

    pages: frozenset[int] = frozenset()
    is_complete: bool = False
    fingerprint: str = ""
