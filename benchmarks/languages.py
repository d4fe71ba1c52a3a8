"""How much of a line is read right, by language and by kind of sign, in drawn lines.

    python -m benchmarks.languages [--only NAME]... [--recognizer NAME[=MODEL.onnx]]...
        [--fonts DIR] [--out FILE.json]

Every line of `language_lines` is drawn in two faces that have all of its characters, at 32 pixels
and at 20, the small ones blurred and saved as JPEG. The figure is 1 - edit distance / length, over
all lines of a language. A character is never right if no reading has it where it belongs. Faces are
those that fontconfig knows, and those in --fonts.
"""

import argparse
import io
import subprocess
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from fontTools.ttLib import TTCollection, TTFont
from PIL import Image, ImageDraw, ImageFont

from benchmarks import machine
from benchmarks.language_lines import LATIN, SCRIPTS, SIGNS
from ocr_plugin.protocols import RGB
from ocr_plugin.recognizers.line_reader import line_reader

# In this order; the first two that have all characters of a line draw it.
_FACES = (
    "DejaVuSans.ttf",
    "LiberationSerif-Regular.ttf",
    "NotoSans-Regular.ttf",
    "NotoSansThai-Regular.ttf",
    "NotoSerifThai-Regular.ttf",
    "NotoNaskhArabic-Regular.ttf",
    "NotoSansArabic-Regular.ttf",
    "NotoSansHebrew-Regular.ttf",
    "NotoSansDevanagari-Regular.ttf",
    "NotoSerifDevanagari-Regular.ttf",
    "DejaVuSerif.ttf",
    "NotoSansArmenian-Regular.ttf",
    "wqy-zenhei.ttc",
)
_LARGE, _SMALL = 32, 20
_READERS = ("ppocr", "second_opinion", "clip4str")
GROUPS = {"latin": LATIN, "signs": SIGNS, "scripts": SCRIPTS}


def drawn(text: str, face: Path, size: int) -> RGB:
    """Returns (h, w, 3) uint8: a line in dark grey on white, cut out as a detector does."""
    font = ImageFont.truetype(str(face), size)
    left, top, right, bottom = (round(each) for each in font.getbbox(text))
    # A line's height is its face's, not that of the sign that happens to stand alone.
    _, highest, _, lowest = (round(each) for each in font.getbbox("x"))
    top, bottom = min(top, highest), max(bottom, lowest)
    margin = max(2, size // 6)
    area = (right - left + 2 * margin, bottom - top + 2 * margin)
    picture = Image.new("RGB", area, (250, 250, 248))
    place = (margin - left, margin - top)
    ImageDraw.Draw(picture).text(place, text, font=font, fill=(35, 35, 40))
    return np.array(picture)


def worn(pixels: RGB) -> RGB:
    """Returns a picture blurred a little and saved as JPEG."""
    stream = io.BytesIO()
    Image.fromarray(cv2.GaussianBlur(pixels, (0, 0), 0.7)).save(stream, "JPEG", quality=50)
    return np.array(Image.open(stream).convert("RGB"))


def views(text: str, faces: Sequence[Path]) -> Iterator[RGB]:
    """Yields the pictures of a line; none if no face has its characters.

    Single signs are drawn in one face.
    """
    able = [face for face in faces if {ord(each) for each in text} <= known(face)]
    able = able[: min(2, len(text))]
    for face in able:
        yield drawn(text, face, _LARGE)
        yield worn(drawn(text, face, _SMALL))


@cache
def known(face: Path) -> frozenset[int]:
    """Returns the code points of a face."""
    if face.suffix == ".ttc":
        return frozenset(TTCollection(face).fonts[0].getBestCmap())
    return frozenset(TTFont(face).getBestCmap())


def installed(folder: Path | None) -> list[Path]:
    """Returns those of the faces that there are, in their order."""
    listed = subprocess.run(["fc-list", ":", "file"], capture_output=True, text=True, check=True)
    paths = [Path(line.rstrip(": ")) for line in listed.stdout.splitlines()]
    paths += folder.rglob("*.tt?") if folder else []
    by_name = {path.name: path for path in paths}
    return [by_name[name] for name in _FACES if name in by_name]


def aligned(text: str, read: str) -> tuple[int, set[str]]:
    """Returns the edit distance of two texts, and the characters of the first that are right."""
    costs = np.zeros((len(text) + 1, len(read) + 1), int)
    costs[:, 0], costs[0] = range(len(text) + 1), range(len(read) + 1)
    for row, one in enumerate(text, start=1):
        for column, other in enumerate(read, start=1):
            changed = costs[row - 1, column - 1] + (one != other)
            left_out = min(costs[row - 1, column], costs[row, column - 1]) + 1
            costs[row, column] = min(changed, left_out)
    row, column, right = len(text), len(read), set()
    while row and column:
        same = text[row - 1] == read[column - 1]
        if costs[row, column] == costs[row - 1, column - 1] + (not same):
            right |= {text[row - 1]} if same else set()
            row, column = row - 1, column - 1
        elif costs[row, column] == costs[row - 1, column] + 1:
            row -= 1
        else:
            column -= 1
    return int(costs[-1, -1]), right


def scores(pairs: Sequence[tuple[str, str, float]]) -> dict[str, Any]:
    """Returns the figures of texts beside what was read in their pictures, with confidences."""
    wrong, right, wanted = 0, set[str](), set[str]()
    for text, read, _ in pairs:
        distance, found = aligned(text, read)
        wrong += min(distance, len(text))
        right |= found
        wanted |= set(text) - {" "}
    length = sum(len(text) for text, _, _ in pairs)
    return {
        "characters_right": round(1 - wrong / length, 4),
        "lines": len(pairs),
        "lines_right": sum(text == read for text, read, _ in pairs),
        "confidence": round(float(np.mean([sure for *_, sure in pairs])), 3),
        "never_right": "".join(sorted(wanted - right)),
    }


def main() -> None:
    """Draws all lines and reads them by each recognizer."""
    parser = argparse.ArgumentParser(description="How much of a line is read right, by language.")
    parser.add_argument("--only", action="append", help="a language or a kind of sign")
    parser.add_argument("--recognizer", action="append", metavar="NAME[=MODEL.onnx]")
    parser.add_argument("--fonts", type=Path)
    parser.add_argument("--verbose", action="store_true", help="show every reading")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    faces = installed(arguments.fonts)
    lines = {
        (group, name): [
            (unicodedata.normalize("NFC", text), picture)
            for text in texts
            for picture in views(text, faces)
        ]
        for group, languages in GROUPS.items()
        for name, texts in languages.items()
        if not arguments.only or {name, group} & set(arguments.only)
    }
    results: dict[str, Any] = {group: {} for group in GROUPS}
    for spec in arguments.recognizer or _READERS:
        plugin, _, model = spec.partition("=")
        reader = line_reader(plugin, **({"model_path": model} if model else {}))
        for (group, name), pictures in lines.items():
            if not pictures:
                print(f"no face has the characters of {name}")
                continue
            read = reader.recognize([picture for _, picture in pictures])
            pairs = [
                (text, unicodedata.normalize("NFC", each.text), each.confidence)
                for (text, _), each in zip(pictures, read, strict=True)
            ]
            results[group].setdefault(name, {})[spec] = scores(pairs)
            print(spec, name, results[group][name][spec], flush=True)
            for pair in pairs if arguments.verbose else ():
                print("   ", *pair, sep=" | ")
    if arguments.out:
        machine.write_report(arguments.out, "languages", results)


if __name__ == "__main__":
    main()
