"""Whether a PDF has lost some of what it held: PDFium repairs what it can, and says nothing."""

import re
import zlib
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
# that come out of one.
_MOST_BEFORE, _MOST_STREAMS, _MOST_BYTES = 400, 2_000, 4_000_000


def lost_of(document: pypdfium2.PdfDocument, source: bytes | Path) -> tuple[str, ...]:
    """Returns a warning where a blank page may be blank because the file is damaged.

    Args:
        document: PDFium's.
        source: the file.
    """
    if not raw.FPDF_DocumentHasValidCrossReferenceTable(document):
        return (_TABLE,)
    if isinstance(source, bytes):
        return _told(source)
    with source.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as held:
        return _told(held)


def _told(data: bytes | mmap) -> tuple[str, ...]:
    if _has_broken_streams(data):
        return ("the PDF page is blank, and data of the PDF are damaged",)
    if _is_misled(data):
        return (_TABLE,)
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
    if data.find(_OBJECT_STREAM) >= 0 or data.find(_ENCRYPTED) >= 0:
        return False  # objects are where they cannot be seen
    there = {found[1] for found in _OBJECT.finditer(data)}
    if len(there) > _MOST_OBJECTS:
        return False
    if any(found[1] not in there for found in _NAMED.finditer(data)):
        return True
    return sum(1 for _ in _OBJECT_END.finditer(data)) < len(there)


def _has_broken_streams(data: bytes | mmap) -> bool:
    """Returns whether what is packed in a file cannot be unpacked to its end."""
    for number, found in enumerate(_STREAM.finditer(data)):
        if number == _MOST_STREAMS:
            break
        head = data[max(0, found.start() - _MOST_BEFORE) : found.start()]
        own = head[head.rfind(b" obj") + 1 :]
        # Where it is packed twice, or encrypted, only PDFium knows what comes out.
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
