"""Whether a PDF has lost some of what it held: PDFium repairs what it can, and says nothing."""

import re
import zlib
from functools import cached_property, lru_cache
from itertools import islice
from mmap import ACCESS_READ, mmap
from pathlib import Path

import pypdfium2
from pypdfium2 import raw

# An entry of the table of objects: ten digits that say where one is.
_ENTRY = re.compile(rb"\n([^ \r\n]{10}) \d{5} n")
_OBJECT_HERE = re.compile(rb"\s*\d+\s+\d+\s+obj\b")
_LONGEST_START = 40
# Of a stream: what it is packed with, and where it starts.
_STREAM = re.compile(rb"(?<!end)stream\r?\n")
_PACKED = b"/FlateDecode"
_END = b"endstream"
_OBJECT = re.compile(rb"(?<!\d)(\d{1,10}) \d{1,5} obj\b")
_OBJECT_END = re.compile(rb"\bendobj\b")
_NAMED = re.compile(rb"(?<!\d)(\d{1,10}) \d{1,5} R\b")
_OBJECT_STREAM, _ENCRYPTED = b"/ObjStm", b"/Encrypt"
_MOST_OBJECTS = 100_000
_TABLE = "the PDF page is blank, and the PDF's table of objects is damaged"
# A stream's dictionary is no longer than this; so many streams are looked at, and so many bytes
# that come out of one; larger files would take seconds to search.
_MOST_BEFORE, _MOST_STREAMS, _MOST_BYTES = 400, 500, 1_000_000
_MOST_SEARCHED = 10_000_000


class Losses:
    """What a document may have lost; looked for at its first page of nothing, once.

    Args:
        document: PDFium's.
        source: the file.
    """

    def __init__(self, document: pypdfium2.PdfDocument, source: bytes | Path) -> None:
        self._document, self._source = document, source

    def of_blank(self, page: pypdfium2.PdfPage) -> tuple[str, ...]:
        """Returns a warning where a blank page may be blank because the file is damaged."""
        if not raw.FPDF_DocumentHasValidCrossReferenceTable(self._document):
            return (_TABLE,)
        # What has objects, such as a picture of white paper, is drawn.
        return () if raw.FPDFPage_CountObjects(page) else self._found

    @cached_property
    def _found(self) -> tuple[str, ...]:
        if isinstance(self._source, bytes):
            return _told(self._source)
        state = self._source.stat()
        return _told_of_file(self._source, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=4)
def _told_of_file(path: Path, size: int, changed: int) -> tuple[str, ...]:
    """Returns what a file has lost; a long document is opened once for every few pages."""
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as held:
        return _told(held)


def _told(data: bytes | mmap) -> tuple[str, ...]:
    if len(data) > _MOST_SEARCHED:
        return ()
    if _is_misled(data):
        return (_TABLE,)
    if data.find(_ENCRYPTED) >= 0:
        return ()  # what is in the objects cannot be seen
    if _has_broken_streams(data):
        return ("the PDF page is blank, and data of the PDF are damaged",)
    if _lacks_objects(data):
        return ("the PDF page is blank, and objects that the PDF names are not in it",)
    return ()


def _is_misled(data: bytes | mmap) -> bool:
    """Returns whether the table of objects names a place where no object begins."""
    # Places are counted from the header, which may come after foreign bytes.
    start = max(0, data.find(b"%PDF-", 0, 1024))
    for entry in islice(_ENTRY.finditer(data), _MOST_OBJECTS):
        if not entry[1].isdigit():
            return True
        place = int(entry[1])
        if place and not any(
            _OBJECT_HERE.match(data[each : each + _LONGEST_START])
            for each in (place, start + place)
        ):
            return True
    return False


def _lacks_objects(data: bytes | mmap) -> bool:
    """Returns whether an object is named that is not there, or has no end."""
    if data.find(_OBJECT_STREAM) >= 0:
        return False  # where they cannot be seen
    there = {found[1] for found in _OBJECT.finditer(data)}
    if len(there) > _MOST_OBJECTS:
        return False
    if any(found[1] not in there for found in _NAMED.finditer(data)):
        return True
    return sum(1 for _ in _OBJECT_END.finditer(data)) < len(there)


def _has_broken_streams(data: bytes | mmap) -> bool:
    """Returns whether what is packed in a file cannot be unpacked to its end."""
    for found in islice(_STREAM.finditer(data), _MOST_STREAMS):
        head = data[max(0, found.start() - _MOST_BEFORE) : found.start()]
        own = head[head.rfind(b" obj") + 1 :]
        # Where it is packed twice, only PDFium knows what comes out.
        if own.count(b"Decode") - own.count(b"/DecodeParms") != 1 or _PACKED not in own:
            continue
        end = data.find(_END, found.end())
        if end < 0 or not _unpacks(data[found.end() : end]):
            return True
    return False


def _unpacks(packed: bytes) -> bool:
    unpacking = zlib.decompressobj()
    try:
        unpacking.decompress(packed, _MOST_BYTES)
    except zlib.error:
        return False
    # What was left because it is too long is not known to be broken.
    return unpacking.eof or bool(unpacking.unconsumed_tail)
