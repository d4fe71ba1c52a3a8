"""The inputs of the fuzzing, each made again from its number."""

import gzip
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from random import Random

from benchmarks.fuzz import byte_changes, chunk_changes, pdf_changes, place_changes
from benchmarks.fuzz.byte_changes import Change
from benchmarks.fuzz.seeds import Seed, seeds

# Of a hundred inputs so many are changed by what knows their format, and so many are spliced.
_STRUCTURED, _SPLICED = 55, 5
_STRUCTURES: dict[str, tuple[Change, ...]] = {
    "AVIF": (chunk_changes.boxes,),
    "GIF": (chunk_changes.gif,),
    "HEIF": (chunk_changes.boxes,),
    "ICO": (place_changes.icon,),
    "JPEG": (chunk_changes.jpeg,),
    "JPEG2000": (chunk_changes.boxes, byte_changes.header_integer),
    "MPO": (chunk_changes.jpeg,),
    "PDF": (pdf_changes.objects,),
    "PNG": (chunk_changes.png,),
    "PPM": (byte_changes.written_number,),
    "TAR": (place_changes.tar_file,),
    "TIFF": (place_changes.tiff,),
    "WEBP": (chunk_changes.riff,),
    "ZIP": (place_changes.zip_file,),
}
# Formats of a fixed header, whose fields are numbers.
_OTHERS: tuple[Change, ...] = (byte_changes.header_integer,)


@dataclass(frozen=True)
class Input:
    """A damaged file.

    Attributes:
        number: it is made again from this.
        seed: what it was made from.
        changes: names of what was done to it.
        data: the file.
    """

    number: int
    seed: Seed
    changes: tuple[str, ...]
    data: bytes


def made(number: int) -> Input:
    """Returns the input of a number; formats take turns."""
    chance = Random(f"ocr-plugin {number}")
    formats = list(seeds())
    of_format = seeds()[formats[number % len(formats)]]
    seed = chance.choice(of_format)
    data, changes = seed.data, list[str]()
    if chance.randrange(100) < _SPLICED:
        other = chance.choice(of_format if chance.random() < 0.5 else _all()).data
        data = byte_changes.splice(data, other, chance)
        changes.append("splice")
    for _ in range(chance.choice((0, 1, 1, 2)) if changes else chance.choice((1, 1, 1, 2, 3))):
        structured = chance.randrange(100) < _STRUCTURED
        kinds = _STRUCTURES.get(seed.format, _OTHERS) if structured else byte_changes.CHANGES
        change = chance.choice(kinds)
        changes.append(change.__name__)
        data = _within(seed, data, change, chance)
    return Input(number, seed, tuple(changes), data)


def _within(seed: Seed, data: bytes, change: Change, chance: Random) -> bytes:
    """Changes a file, or what is packed in it."""
    if seed.suffix != ".tar.gz" or chance.random() < 0.3:
        return change(data, chance)
    try:
        return gzip.compress(change(gzip.decompress(data), chance), mtime=0)
    except Exception:  # gzip raises anything on what was changed before
        return change(data, chance)


@cache
def _all() -> tuple[Seed, ...]:
    return tuple(seed for several in seeds().values() for seed in several)


def fingerprint() -> str:
    """Returns a hash of all seeds: with others, numbers stand for other inputs."""
    digest = sha256()
    for seed in _all():
        digest.update(f"{seed.format} {seed.variant} {len(seed.data)} ".encode())
        digest.update(seed.data)
    return digest.hexdigest()[:16]
