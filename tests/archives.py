"""Sources of every kind for the tests of jobs, and the records that jobs left."""

import io
import json
import tarfile
import zipfile
from pathlib import Path
from typing import Any

from PIL import Image

from ocr_plugin.batch.records.shards import read_records

PAGES, ERRORS = 20 + 1 + 9 + 20 + 9 + 20, 2
"""What `archives` holds; ten of the pages are there twice."""


def picture(*colour: int) -> bytes:
    coded = io.BytesIO()
    Image.new("RGB", (24, 16), colour).save(coded, "PNG")
    return coded.getvalue()


def document(*colours: tuple[int, int, int]) -> bytes:
    sheets = [Image.new("RGB", (24, 16), colour) for colour in colours]
    coded = io.BytesIO()
    sheets[0].save(coded, "TIFF", save_all=True, append_images=sheets[1:])
    return coded.getvalue()


def archives(folder: Path) -> list[str]:
    """Makes sources of every kind; 3 x 20 pictures, 9 document pages, twins, and what is bad."""
    pictures = folder / "pictures"
    pictures.mkdir(parents=True)
    for number in range(20):
        (pictures / f"{number:02}.png").write_bytes(picture(1, number, 0))
    (pictures / "twin.png").write_bytes(picture(1, 3, 0))
    (pictures / "bad.png").write_bytes(b"no picture")
    (pictures / "pages.tiff").write_bytes(document(*[(4, number, 0) for number in range(9)]))
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        for number in range(20):
            archive.writestr(f"{number:02}.png", picture(2, number, 0))
        archive.writestr("twin.tiff", document(*[(4, number, 0) for number in range(9)]))
        archive.writestr("../escaped.png", picture(9, 9, 9))
    with tarfile.open(folder / "b.tar.gz", "w:gz") as shards:
        for number in range(20):
            data = picture(3, number, 0)
            entry = tarfile.TarInfo(f"{number:02}.png")
            entry.size = len(data)
            shards.addfile(entry, io.BytesIO(data))
    return [str(pictures), str(folder / "a.zip"), str(folder / "b.tar.gz")]


def records(job: Path) -> list[str]:
    return sorted(json.dumps(record, sort_keys=True) for record in read_records(job))


def errors(job: Path) -> list[dict[str, Any]]:
    lines = (job / "errors.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]
