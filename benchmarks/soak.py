"""A long batch job over mixed archives: nothing lost, nothing twice, memory flat.

    python -m benchmarks.soak --data DIR [--pages 20000] [--stops 0] [--out FILE.json]

Archives of every kind are made from the pictures below DIR: a page is a window somewhere in one of
them, no two alike but those that are meant to be. Some files are broken. Then a job reads them;
with --stops it is stopped on the way and goes on, in this same process. Memory is what this process
and its decoders hold (resident, the shared pages of each counted in full), every few seconds. The
detector does not enlarge the windows, which would take most of the time and say nothing about the
job.
"""

import argparse
import io
import itertools
import random
import statistics
import tarfile
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pyarrow
import pyarrow.parquet
import zstandard
from PIL import Image

from benchmarks import machine
from ocr_plugin.batch.job import Job
from ocr_plugin.batch.options import JobOptions, RunOptions
from ocr_plugin.batch.records.manifest import Manifest
from ocr_plugin.batch.records.shards import read_records
from ocr_plugin.batch.verification import problems

# Pages of an archive, and of a document: so few that archives of all kinds are in each tenth of the
# run. Documents are rendered at 200 dpi, and take much more memory than pictures.
_ARCHIVE, _DOCUMENT = 100, 25
# Of a hundred files, so many are broken, and so many are there twice.
_BROKEN, _TWICE = 1, 2
_SIDES = (160, 480)
_SAMPLED_EVERY_S = 5.0
# Until the models are loaded and an archive of each kind has been read: pages of documents are the
# largest, and decide how large the buffers get.
_WARM_UP = 0.2


Pictures = Iterator[Image.Image]


@dataclass
class Made:
    """What was made: the sources, and what has to come out of them."""

    sources: list[str] = field(default_factory=list)
    pages: int = 0
    broken: int = 0


def windows(folder: Path, chance: random.Random) -> Pictures:
    """Yields parts of pictures without end, no two of the same pixels."""
    suffixes = {".jpg", ".jpeg", ".png"}
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in suffixes)
    while True:
        with Image.open(chance.choice(files)) as opened:
            picture = opened.convert("RGB")
        width, height = (min(side, chance.randint(*_SIDES)) for side in picture.size)
        x, y = chance.randint(0, picture.width - width), chance.randint(0, picture.height - height)
        window = picture.crop((x, y, x + width, y + height))
        window.putpixel((0, 0), tuple(chance.randbytes(3)))
        yield window


def coded(picture: Image.Image, chance: random.Random) -> bytes:
    """Returns a picture as a JPEG or a PNG file."""
    out = io.BytesIO()
    if chance.random() < 0.7:
        picture.save(out, "JPEG", quality=chance.randint(80, 95))
    else:
        picture.save(out, "PNG", compress_level=1)
    return out.getvalue()


def files(pictures: Pictures, made: Made, chance: random.Random) -> Iterator[bytes]:
    """Yields the files of one archive, broken ones and twins among them."""
    written: list[bytes] = []
    for _ in range(_ARCHIVE):
        draw = chance.randrange(100)
        data = coded(next(pictures), chance)
        if draw < _BROKEN:
            made.broken += 1
            yield data[: len(data) // 3]
            continue
        if draw < _BROKEN + _TWICE and written:
            data = chance.choice(written)
        written.append(data)
        made.pages += 1
        yield data


def make(folder: Path, pictures: Pictures, count: int, chance: random.Random) -> Made:
    """Writes archives of at least so many pages."""
    made = Made()
    kinds = itertools.cycle((_folder, _zip, _tar, _zstd, _table, _documents))
    while made.pages < count:
        place = folder / f"{len(made.sources):03}"
        made.sources.append(str(next(kinds)(place, pictures, made, chance)))
        print(f"{made.pages} pages made", end="\r", flush=True)
    return made


def _folder(place: Path, pictures: Pictures, made: Made, chance: random.Random) -> Path:
    place.mkdir()
    for number, data in enumerate(files(pictures, made, chance)):
        (place / f"{number}.jpg").write_bytes(data)
    return place


def _zip(place: Path, pictures: Pictures, made: Made, chance: random.Random) -> Path:
    path = place.with_suffix(".zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, data in enumerate(files(pictures, made, chance)):
            archive.writestr(f"{number}.jpg", data)
    return path


def _tar(place: Path, pictures: Pictures, made: Made, chance: random.Random) -> Path:
    path = place.with_suffix(".tar")
    with tarfile.open(path, "w") as archive:
        for number, data in enumerate(files(pictures, made, chance)):
            # As WebDataset has it: the label beside the picture.
            for suffix, content in (("jpg", data), ("json", b"{}")):
                entry = tarfile.TarInfo(f"{number:06}.{suffix}")
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
    return path


def _zstd(place: Path, pictures: Pictures, made: Made, chance: random.Random) -> Path:
    plain = _tar(place, pictures, made, chance)
    path = plain.with_suffix(".tar.zst")
    with plain.open("rb") as source, path.open("wb") as target:
        zstandard.ZstdCompressor().copy_stream(source, target)
    plain.unlink()
    return path


def _table(place: Path, pictures: Pictures, made: Made, chance: random.Random) -> Path:
    path = place.with_suffix(".parquet")
    rows = [{"bytes": data, "path": None} for data in files(pictures, made, chance)]
    pyarrow.parquet.write_table(pyarrow.table({"image": rows}), path, row_group_size=100)
    return path


def _documents(place: Path, pictures: Pictures, made: Made, chance: random.Random) -> Path:
    place.mkdir()
    for number in range(_ARCHIVE // _DOCUMENT):
        sheets = [next(pictures) for _ in range(_DOCUMENT)]
        suffix = chance.choice(("tiff", "pdf"))
        sheets[0].save(place / f"{number}.{suffix}", save_all=True, append_images=sheets[1:])
        made.pages += len(sheets)
    return place


class Memory(threading.Thread):
    """Notes, every few seconds, the bytes that this process holds, and those of its children."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.own: list[int] = []
        self.children: list[int] = []
        self.is_over = threading.Event()

    def run(self) -> None:
        """Samples until it is over."""
        own = psutil.Process()
        while not self.is_over.wait(_SAMPLED_EVERY_S):
            held = 0
            for process in own.children(recursive=True):
                with suppress(psutil.NoSuchProcess):  # it has ended meanwhile
                    held += process.memory_info().rss
            self.own.append(own.memory_info().rss)
            self.children.append(held)

    def growth(self) -> dict[str, Any]:
        """Returns how it went after the warm-up, together and of each kind, in MB."""
        together = [own + children for own, children in zip(self.own, self.children, strict=True)]
        return {
            **growth(together),
            "job_mb_by_tenth": growth(self.own)["mb_by_tenth"],
            "decoders_mb_by_tenth": growth(self.children)["mb_by_tenth"],
        }


def growth(samples: list[int]) -> dict[str, Any]:
    """Returns how memory went after the warm-up: medians of tenths of the time, in MB."""
    warm = samples[int(len(samples) * _WARM_UP) :]
    if len(warm) < 10:
        raise SystemExit("the run was too short to tell how its memory went")
    edges = [len(warm) * part // 10 for part in range(11)]
    tenths = [statistics.median(warm[start:end]) for start, end in itertools.pairwise(edges)]
    return {
        "mb_by_tenth": [round(value / 1e6) for value in tenths],
        "largest_mb": round(max(warm) / 1e6),
        "last_over_first": round(tenths[-1] / tenths[0], 3),
        "highest_over_lowest": round(max(tenths) / min(tenths), 3),
    }


def read(made: Made, place: Path, stops: int) -> dict[str, Any]:
    """Runs the job, in as many runs as it is stopped and one more; returns what was measured."""
    job = Job(place, JobOptions(detector_options={"min_side": _SIDES[0]}))
    memory = Memory()
    memory.start()
    start = time.perf_counter()
    totals = dict.fromkeys(("pages", "errors", "duplicates", "crops"), 0)
    share = []
    for number in range(stops + 1):
        limit = made.pages // (stops + 1) if number < stops else None
        done = job.run(made.sources, RunOptions(limit=limit))
        for name in totals:
            totals[name] += getattr(done, name)
        share.append(round(done.recognizer_share, 3))
        print(f"run {number + 1}: {done}", flush=True)
    seconds = time.perf_counter() - start
    memory.is_over.set()
    memory.join()
    with Manifest(place) as manifest:
        counts = manifest.counts()
    places = {(row["source"], row["member"], row["page_index"]) for row in read_records(place)}
    return {
        "sources": len(made.sources),
        "pages_made": made.pages,
        "broken_made": made.broken,
        "runs": stops + 1,
        **totals,
        "recorded": counts,
        "distinct_places": len(places),
        "problems": list(problems(place)),
        "seconds": round(seconds),
        "pages_per_s": round((totals["pages"] + totals["duplicates"]) / seconds, 2),
        "recognizer_share": share,
        "memory": memory.growth(),
    }


def main() -> None:
    """Makes the archives, reads them, and says whether all is well."""
    parser = argparse.ArgumentParser(description="A long batch job over mixed archives.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pages", type=int, default=20_000)
    parser.add_argument("--stops", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory(prefix="ocr-soak-") as folder:
        sources = Path(folder, "sources")
        sources.mkdir()
        made = make(sources, windows(arguments.data, chance), arguments.pages, chance)
        result = read(made, Path(folder, "job"), arguments.stops)
    print(result)
    if arguments.out:
        machine.write_report(arguments.out, "soak", {f"{made.pages} pages": result})
    recorded = result["recorded"]
    whole = recorded["pages"] == made.pages == result["distinct_places"]
    if not whole or recorded["errors"] != made.broken or result["problems"]:
        raise SystemExit("pages were lost or doubled")
    if result["memory"]["highest_over_lowest"] > 1.1:
        raise SystemExit("memory was not flat within 10 %")


if __name__ == "__main__":
    main()
