"""Changes of files whose parts are named by where they lie: TIFF, icons, zip and tar archives."""

import struct
from random import Random

from benchmarks.fuzz import byte_changes
from benchmarks.fuzz.byte_changes import interesting

_TYPES = (0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13, 16, 17, 18, 99, 65_535)
# What decides how a page is decoded: size, depth, compression, strips, tiles, samples, and so on.
_TAGS = (
    254, 256, 257, 258, 259, 262, 266, 270, 273, 274, 277, 278, 279, 284, 292, 317, 320, 322, 323,
    324, 325, 330, 338, 339, 347, 34_665, 34_675, 65_000,
)  # fmt: skip
_COMPRESSIONS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 32_773, 32_946, 34_712, 34_925, 50_000, 50_001)
# A record's signature, and of its fields: place and width.
_ZIP_RECORDS = {
    b"PK\3\4": ((4, 2), (6, 2), (8, 2), (14, 4), (18, 4), (22, 4), (26, 2), (28, 2)),
    b"PK\1\2": (
        (6, 2), (8, 2), (10, 2), (16, 4), (20, 4), (24, 4), (28, 2), (30, 2), (32, 2), (34, 2),
        (42, 4),
    ),
    b"PK\5\6": ((4, 2), (6, 2), (8, 2), (10, 2), (12, 4), (16, 4), (20, 2)),
}  # fmt: skip
_TAR_FIELDS = ((0, 100), (100, 8), (124, 12), (136, 12), (156, 1), (157, 100), (257, 8), (345, 155))
# Of an icon's directory and its picture's header: place and width.
_ICON_FIELDS = (
    (4, 2), (6, 1), (7, 1), (14, 4), (18, 4), (22, 4), (26, 4), (30, 4), (36, 2),
)  # fmt: skip
_NAMES = (b"../up.png", b"/etc/x.png", b"a" * 100, b"\xff\xfe.png", b"", b"in.zip", b"x.tar.gz")


def tiff(data: bytes, chance: Random) -> bytes:
    """Changes entries of directories, and where directories follow."""
    order = "<" if data.startswith(b"II") else ">"
    if data[2:4] not in (b"*\0", b"\0*"):
        return byte_changes.any_integer(data, chance)
    out = bytearray(data)
    try:
        places = _directories(data, order)
        place = chance.choice(places)
        (count,) = struct.unpack_from(order + "H", data, place)
        after = place + 2 + 12 * count
        match chance.randrange(8):
            case 0:  # a loop, or anywhere
                following = chance.choice((*places, place + 1, place + 12, len(data) - 2))
                struct.pack_into(order + "I", out, after, following)
            case 1:
                struct.pack_into(order + "H", out, place, interesting(chance, 2))
            case 2:
                struct.pack_into(order + "I", out, after, interesting(chance, 4))
            case _:
                entry = place + 2 + 12 * chance.randrange(count)
                _change_entry(out, entry, order, chance)
    except (struct.error, IndexError, ValueError):
        return byte_changes.header_integer(data, chance)
    return bytes(out)


def _directories(data: bytes, order: str) -> list[int]:
    (place,) = struct.unpack_from(order + "I", data, 4)
    found: list[int] = []
    while place and place not in found:
        found.append(place)
        (count,) = struct.unpack_from(order + "H", data, place)
        (place,) = struct.unpack_from(order + "I", data, place + 2 + 12 * count)
    return found


def _change_entry(out: bytearray, entry: int, order: str, chance: Random) -> None:
    tag, _, _, place = struct.unpack_from(order + "HHII", out, entry)
    match chance.randrange(6):
        case 0:
            struct.pack_into(order + "H", out, entry, chance.choice(_TAGS))
        case 1:
            struct.pack_into(order + "H", out, entry + 2, chance.choice(_TYPES))
        case 2:
            struct.pack_into(order + "I", out, entry + 4, interesting(chance, 4))
        case 3:  # what it points to
            width = chance.choice((2, 4))
            where = min(max(place, 0) + width * chance.randrange(4), len(out) - width)
            out[where : where + width] = interesting(chance, width).to_bytes(width, "little")
        case 4 if tag == 259:
            struct.pack_into(order + "HH", out, entry + 8, chance.choice(_COMPRESSIONS), 0)
        case _:
            struct.pack_into(order + "I", out, entry + 8, interesting(chance, 4))


def icon(data: bytes, chance: Random) -> bytes:
    """Changes an icon's directory, or the picture in it."""
    if len(data) < 22 or chance.random() < 0.4:
        return byte_changes.overwrite(data, chance)
    out, (place, width) = bytearray(data), chance.choice(_ICON_FIELDS)
    out[place : place + width] = interesting(chance, width).to_bytes(width, "little")
    return bytes(out)


def zip_file(data: bytes, chance: Random) -> bytes:
    """Changes a field of an entry, of the directory, or of its end."""
    signature = chance.choice(list(_ZIP_RECORDS))
    places = [n for n in range(len(data) - 3) if data[n : n + 4] == signature]
    if not places:
        return byte_changes.any_integer(data, chance)
    place, (field, width) = chance.choice(places), chance.choice(_ZIP_RECORDS[signature])
    out = bytearray(data)
    value = chance.choice(
        (interesting(chance, width), chance.choice(places) & (1 << 8 * width) - 1)
    )
    out[place + field : place + field + width] = value.to_bytes(width, "little")
    return bytes(out)


def tar_file(data: bytes, chance: Random) -> bytes:
    """Changes a field of a header; its sum is right again, mostly."""
    headers = [n for n in range(0, len(data) - 511, 512) if data[n + 257 : n + 262] == b"ustar"]
    if not headers:
        return byte_changes.any_integer(data, chance)
    place, (field, width) = chance.choice(headers), chance.choice(_TAR_FIELDS)
    value = chance.choice(
        (
            b"%0*o" % (max(1, width - 1), interesting(chance, 4)),
            chance.choice(_NAMES),
            chance.randbytes(width),
            b"\x80"
            + interesting(chance, min(4, max(1, width - 1))).to_bytes(max(1, width - 1), "big"),
            b"0123456789gLKxSV"[(kind := chance.randrange(16)) : kind + 1],
        )
    )
    out = bytearray(data)
    out[place + field : place + field + width] = value[:width].ljust(width, b"\0")
    if chance.random() < 0.9:
        out[place + 148 : place + 156] = b" " * 8
        out[place + 148 : place + 156] = b"%06o\0 " % (sum(out[place : place + 512]) & 0o777777)
    return bytes(out)
