"""Changes of files that are made of parts with lengths: PNG, RIFF, JPEG, GIF, boxes.

A file is taken apart, its parts are changed, and it is put together again with the lengths and
sums as they should be, so that a decoder gets past them; or now and then as they should not.
"""

import struct
import zlib
from random import Random

from benchmarks.fuzz import byte_changes
from benchmarks.fuzz.byte_changes import interesting

Part = tuple[bytes, bytes]
"""A part's kind, and what is in it."""

_PNG = b"\x89PNG\r\n\x1a\n"
_GROUPS = (b"meta", b"iprp", b"ipco", b"jp2h", b"moov", b"trak", b"mdia", b"minf", b"stbl")
_FULL = (b"meta",)
_WITHOUT_LENGTH = (0x01, *range(0xD0, 0xDA))
_SCAN = 0xDA
# A file that has been repeated already.
_MANY = 100_000


def of_parts(parts: list[Part], chance: Random) -> list[Part]:
    """Returns parts of which one is changed, dropped, doubled or moved."""
    if not parts:
        return parts
    out, place = list(parts), chance.randrange(len(parts))
    kind, body = out[place]
    match chance.randrange(8):
        case 0:
            del out[place]
        case 1:
            out.insert(chance.randrange(len(out) + 1), out[place])
        case 2:
            other = chance.randrange(len(out))
            out[place], out[other] = out[other], out[place]
        case 3:
            out[place] = chance.choice(out)[0], body
        case 4:
            out = out[:place]
        case _:
            out[place] = kind, chance.choice(byte_changes.CHANGES)(body, chance)
    return out


def png(data: bytes, chance: Random) -> bytes:
    """Changes chunks; the sums are right, so that what is in them is decoded."""
    parts, place = [], len(_PNG)
    while place + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        parts.append((kind, data[place + 8 : place + 8 + length]))
        place += 12 + length
    parts = _pixels_of_png(parts, chance) if chance.random() < 0.3 else of_parts(parts, chance)
    out = bytearray(_PNG)
    lying = chance.randrange(len(parts)) if parts and chance.random() < 0.15 else -1
    for number, (kind, body) in enumerate(parts):
        length = interesting(chance, 4) if number == lying else len(body)
        out += struct.pack(">I", length) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return bytes(out)


def _pixels_of_png(parts: list[Part], chance: Random) -> list[Part]:
    """Changes what is packed in a PNG, and packs it again."""
    packed = b"".join(body for kind, body in parts if kind == b"IDAT")
    try:
        rows = zlib.decompress(packed)
    except zlib.error:
        return of_parts(parts, chance)
    coded = zlib.compress(chance.choice(byte_changes.CHANGES)(rows, chance))
    if chance.random() < 0.3:
        coded = coded[: chance.randrange(len(coded) + 1)]
    before = [part for part in parts if part[0] not in (b"IDAT", b"IEND")]
    return [*before, (b"IDAT", coded), (b"IEND", b"")]


def riff(data: bytes, chance: Random) -> bytes:
    """Changes a WebP's chunks; the lengths are right, but for one now and then."""
    parts, place = [], 12
    while place + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, place)
        parts.append((kind, data[place + 8 : place + 8 + length]))
        place += 8 + length + (length & 1)
    parts = of_parts(parts, chance)
    lying = chance.randrange(len(parts)) if parts and chance.random() < 0.15 else -1
    body = b"".join(
        struct.pack("<4sI", kind, interesting(chance, 4) if number == lying else len(content))
        + content
        + bytes(len(content) & 1)
        for number, (kind, content) in enumerate(parts)
    )
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def jpeg(data: bytes, chance: Random) -> bytes:
    """Changes segments and scans; one that was cut off may have its end put back."""
    parts, place = [], 2
    while place + 4 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker in _WITHOUT_LENGTH:
            parts.append((data[place : place + 2], b""))
            place += 2
            continue
        (length,) = struct.unpack_from(">H", data, place + 2)
        end = place + 2 + length
        if marker == _SCAN:
            while end < len(data) - 1 and (data[end] != 0xFF or data[end + 1] in _IN_A_SCAN):
                end += 1
        parts.append((data[place : place + 2], data[place + 2 : end]))
        place = end
    if chance.random() < 0.2:
        parts = _cut_scan(parts, chance)
    elif chance.random() < 0.1:
        parts = [part for part in parts for _ in range(150 if part[0][1:] == b"\xda" else 1)]
    else:
        parts = of_parts(parts, chance)
    out = b"\xff\xd8" + b"".join(kind + body for kind, body in parts)
    return out + (b"\xff\xd9" if chance.random() < 0.5 else b"")


_IN_A_SCAN = (0x00, *range(0xD0, 0xD8))


def _cut_scan(parts: list[Part], chance: Random) -> list[Part]:
    scans = [number for number, (kind, _) in enumerate(parts) if kind[1] == _SCAN]
    if not scans:
        return parts
    out, place = list(parts), chance.choice(scans)
    kind, body = out[place]
    kept = chance.randrange(12, max(13, len(body)))
    filling = chance.choice((b"", bytes(len(body) - kept if len(body) > kept else 0)))
    out[place] = kind, body[:kept] + filling
    return out


def gif(data: bytes, chance: Random) -> bytes:
    """Changes blocks: frames, extensions, the blocks of a frame's data."""
    try:
        head = 13 + (3 << (data[10] & 7) + 1 if data[10] & 0x80 else 0)
        parts, place = [], head
        while data[place] in (0x21, 0x2C):
            start = place
            if data[place] == 0x21:
                place += 2
            else:
                place += 10 + (3 << (data[place + 9] & 7) + 1 if data[place + 9] & 0x80 else 0) + 1
            while size := data[place]:
                place += 1 + size
            place += 1
            parts.append((b"", data[start:place]))
    except IndexError:
        return byte_changes.header_integer(data, chance)
    if chance.random() < 0.1 and len(data) < _MANY:
        parts *= 400
    parts = of_parts(parts, chance)
    ending = b";" if chance.random() < 0.8 else b""
    return data[:head] + b"".join(body for _, body in parts) + ending


def boxes(data: bytes, chance: Random) -> bytes:
    """Changes boxes of AVIF, HEIF or JPEG 2000, also within others."""
    return _boxes(data, chance, 0)


def _boxes(data: bytes, chance: Random, depth: int) -> bytes:
    parts, place = [], 0
    while place + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        length = length if 8 <= length <= len(data) - place else len(data) - place
        parts.append((kind, data[place + 8 : place + length]))
        place += length
    groups = [number for number, (kind, _) in enumerate(parts) if kind in _GROUPS]
    if groups and depth < 5 and chance.random() < 0.7:
        place = chance.choice(groups)
        kind, body = parts[place]
        skipped = 4 if kind in _FULL else 0
        parts[place] = kind, body[:skipped] + _boxes(body[skipped:], chance, depth + 1)
    else:
        parts = of_parts(parts, chance)
    lying = chance.randrange(len(parts)) if parts and chance.random() < 0.1 else -1
    return b"".join(
        struct.pack(">I", interesting(chance, 4) if number == lying else 8 + len(body))
        + kind
        + body
        for number, (kind, body) in enumerate(parts)
    )
