"""Changes of a PDF's objects."""

import re
import zlib
from random import Random

from benchmarks.fuzz import byte_changes
from benchmarks.fuzz.byte_changes import interesting
from benchmarks.fuzz.pdf_seeds import pdf

_OBJECT = re.compile(rb"(\d+) 0 obj\n(.*?)\nendobj", re.DOTALL)
_REFERENCE = re.compile(rb"\d+ 0 R")
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")
_STREAM = re.compile(rb"stream\n(.*?)\nendstream", re.DOTALL)
_LENGTH = re.compile(rb"/Length \d+")
_NAME = re.compile(rb"/[A-Z][A-Za-z0-9]*")
_NAMES = (
    b"/FlateDecode", b"/DCTDecode", b"/CCITTFaxDecode", b"/JBIG2Decode", b"/JPXDecode",
    b"/LZWDecode", b"/ASCIIHexDecode", b"/ASCII85Decode", b"/RunLengthDecode", b"/Crypt",
    b"/DeviceRGB", b"/DeviceCMYK", b"/Indexed", b"/Pattern", b"/ICCBased", b"/Page", b"/Pages",
    b"/Type3", b"/Type0", b"/Form", b"/Image", b"/SMask", b"/Kids", b"/Count", b"/Parent",
    b"/Rotate", b"/UserUnit", b"/Annots", b"/AcroForm", b"/OpenAction",
)  # fmt: skip
_FILTERS = (
    b"/Filter [/ASCIIHexDecode /FlateDecode]",
    b"/Filter [/FlateDecode /FlateDecode]",
    b"/Filter /LZWDecode",
    b"/Filter /JPXDecode",
    b"/Filter [" + b"/RunLengthDecode " * 40 + b"]",
    b"/DecodeParms << /Predictor 15 /Columns 100000 >>",
)
_OPERATORS = (
    b"q " * 500, b"W n", b"/P Do", b"BI /W 9 /H 9 ID EI", b"0 Tr", b"3 Tr", b"1e9 0 0 1 0 0 cm",
    b"0 0 0 0 0 0 cm", b"/F 1e6 Tf", b"0 0 1e9 1e9 re f", b"BT", b"ET", b"/S sh", b"Q Q Q",
)  # fmt: skip


def objects(data: bytes, chance: Random) -> bytes:
    """Changes an object; the table of objects is right again, mostly."""
    found = [match[2] for match in _OBJECT.finditer(data)]
    if not found:
        return byte_changes.written_number(data, chance)
    place = chance.randrange(len(found))
    changed = chance.choice((_number, _number, _reference, _name, _stream, _filter, _whole))
    found[place] = changed(found[place], chance, len(found))
    if chance.random() < 0.15:
        found.insert(chance.randrange(len(found) + 1), chance.choice(found))
    out = pdf(found)
    return out if chance.random() < 0.8 else chance.choice(byte_changes.CHANGES)(out, chance)


def _number(body: bytes, chance: Random, _: int) -> bytes:
    value = chance.choice(
        (
            b"%d" % interesting(chance, 4),
            b"-%d" % interesting(chance, 3),
            b"%d.%d" % (interesting(chance, 1), interesting(chance, 2)),
            b"1e30",
            b"0",
            b"9" * 40,
        )
    )
    return _replaced(_NUMBER, body, value, chance)


def _reference(body: bytes, chance: Random, count: int) -> bytes:
    """Lets an object name another, itself, or none that there is."""
    return _replaced(_REFERENCE, body, b"%d 0 R" % chance.randrange(count + 2), chance)


def _name(body: bytes, chance: Random, _: int) -> bytes:
    return _replaced(_NAME, body, chance.choice(_NAMES), chance)


def _filter(body: bytes, chance: Random, _: int) -> bytes:
    return body.replace(b"/Length", chance.choice(_FILTERS) + b" /Length", 1)


def _stream(body: bytes, chance: Random, _: int) -> bytes:
    """Changes what is in a stream, packed or not; its length is right, mostly."""
    found = _STREAM.search(body)
    if found is None:
        return chance.choice(byte_changes.CHANGES)(body, chance)
    content = found[1]
    is_packed = b"/FlateDecode" in body and chance.random() < 0.7
    try:
        content = zlib.decompress(content) if is_packed else content
    except zlib.error:
        is_packed = False
    if chance.random() < 0.3:
        parts = content.split(b" ")
        parts.insert(chance.randrange(len(parts) + 1), chance.choice(_OPERATORS))
        content = b" ".join(parts)
    else:
        content = chance.choice((*byte_changes.CHANGES, byte_changes.written_number))(
            content, chance
        )
    content = zlib.compress(content) if is_packed else content
    head = body[: found.start()]
    if chance.random() < 0.8:
        head = _LENGTH.sub(b"/Length %d" % len(content), head)
    return head + b"stream\n" + content + b"\nendstream"


def _whole(body: bytes, chance: Random, _: int) -> bytes:
    return chance.choice(
        (b"null", b"<< >>", b"[ ]", b"<<", b"[" * 2000, b"(", body * 3, body[: len(body) // 2], b"")
    )


def _replaced(pattern: re.Pattern[bytes], body: bytes, value: bytes, chance: Random) -> bytes:
    places = list(pattern.finditer(body))
    if not places:
        return chance.choice(byte_changes.CHANGES)(body, chance)
    one = chance.choice(places)
    return body[: one.start()] + value + body[one.end() :]
