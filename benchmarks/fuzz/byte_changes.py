"""Changes of a file that know nothing of its format."""

import re
import struct
from collections.abc import Callable
from random import Random

Change = Callable[[bytes, Random], bytes]
"""Takes a file and a source of chance; gives the changed file."""

# Where counts, lengths and places go wrong: around the powers of two, and beyond.
INTERESTING = (
    0, 1, 2, 3, 7, 8, 15, 16, 31, 32, 63, 64, 100, 127, 128, 129, 254, 255, 256, 257, 511, 512,
    1000, 1024, 4095, 4096, 10_000, 32_767, 32_768, 32_769, 65_534, 65_535, 65_536, 100_000,
    1 << 20, (1 << 24) - 1, 1 << 24, (1 << 31) - 1, 1 << 31, (1 << 31) + 1, (1 << 32) - 2,
    (1 << 32) - 1,
)  # fmt: skip
_NUMBER = re.compile(rb"\d+")
# Most formats tell sizes and kinds here.
_HEADER = 96


def interesting(chance: Random, width: int) -> int:
    """Returns a number of so many bytes."""
    return chance.choice(INTERESTING) & ((1 << 8 * width) - 1)


def flip_bits(data: bytes, chance: Random) -> bytes:
    """Turns a few bits, anywhere."""
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4, 8, 32)) if out else 0):
        out[chance.randrange(len(out))] ^= 1 << chance.randrange(8)
    return bytes(out)


def overwrite(data: bytes, chance: Random) -> bytes:
    """Puts a run of chance, of zeros or of ones in place of what was there."""
    if not data:
        return data
    place = chance.randrange(len(data))
    length = min(chance.choice((1, 4, 16, 64, 256)), len(data) - place)
    filling = chance.choice((chance.randbytes(length), bytes(length), b"\xff" * length))
    return data[:place] + filling + data[place + length :]


def insert(data: bytes, chance: Random) -> bytes:
    """Puts bytes in between, of chance or the file's own."""
    place, length = chance.randrange(len(data) + 1), chance.choice((1, 2, 4, 16, 200))
    start = chance.randrange(len(data) + 1)
    return data[:place] + chance.choice((chance.randbytes(length), data[start:][:length])) + (
        data[place:]
    )  # fmt: skip


def delete(data: bytes, chance: Random) -> bytes:
    """Takes bytes out."""
    place = chance.randrange(len(data) + 1)
    return data[:place] + data[place + chance.choice((1, 2, 4, 16, 200)) :]


def truncate(data: bytes, chance: Random) -> bytes:
    """Cuts the end off; short files more rarely."""
    return data[: int(len(data) * chance.random() ** 0.5)]


def zero_the_end(data: bytes, chance: Random) -> bytes:
    """Leaves zeros where the end was, as a download does that was allotted and not ended."""
    kept = int(len(data) * chance.random() ** 0.5)
    return data[:kept] + bytes(len(data) - kept)


def header_integer(data: bytes, chance: Random) -> bytes:
    """Puts an interesting number near the start."""
    return _with_integer(data, chance, min(_HEADER, len(data)))


def any_integer(data: bytes, chance: Random) -> bytes:
    """Puts an interesting number anywhere."""
    return _with_integer(data, chance, len(data))


def written_number(data: bytes, chance: Random) -> bytes:
    """Replaces a number that is written out in digits."""
    found = list(_NUMBER.finditer(data))
    if not found:
        return header_integer(data, chance)
    one = chance.choice(found)
    value = chance.choice(
        (interesting(chance, 4), -interesting(chance, 2), 10 ** chance.randrange(20))
    )
    return data[: one.start()] + b"%d" % value + data[one.end() :]


def splice(data: bytes, other: bytes, chance: Random) -> bytes:
    """Returns the start of one file and the end of another."""
    return data[: chance.randrange(len(data) + 1)] + other[chance.randrange(len(other) + 1) :]


def _with_integer(data: bytes, chance: Random, most: int) -> bytes:
    if not most:
        return data
    place, code = chance.randrange(most), chance.choice(("B", "<H", ">H", "<I", ">I"))
    width = struct.calcsize(code)
    return data[:place] + struct.pack(code, interesting(chance, width)) + data[place + width :]


CHANGES: tuple[Change, ...] = (
    flip_bits,
    overwrite,
    insert,
    delete,
    truncate,
    zero_the_end,
    header_integer,
    any_integer,
)
