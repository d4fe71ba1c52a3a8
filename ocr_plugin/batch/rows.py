"""What the manifest tells of files, pages and groups of records."""

from dataclasses import dataclass

from ocr_plugin.batch.members import place_of

ERRORS = 0
"""The number under which the file of errors is kept among the shards."""


@dataclass(frozen=True)
class FileKey:
    """Which content at which place."""

    source: str
    member: str
    sha256: str

    @property
    def place(self) -> str:
        """Source and member in one line."""
        return place_of(self.source, self.member)


@dataclass(frozen=True)
class Group:
    """Records that were written at once.

    Attributes:
        shard: number of the record file; `ERRORS` for the errors.
        frame: where in it the group begins.
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
    """A page that is done, and where its record lies.

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
    """A file of which nothing is missing.

    Attributes:
        key: which.
        fingerprint: of the member, as `members.Member` has it.
        page_count: how many pages it has, errors among them; None where that was told before.
    """

    key: FileKey
    fingerprint: str
    page_count: int | None


@dataclass(frozen=True)
class FileState:
    """What of a file is done.

    Attributes:
        pages: their indices.
        is_complete: whether that is all of them.
        fingerprint: that the file had then.
    """

    pages: frozenset[int] = frozenset()
    is_complete: bool = False
    fingerprint: str = ""
