"""Packs what training needs into a small archive, for a machine without network.

    python -m benchmarks.gpu.pack --data DATA --fonts FONTS --out packed.tar.gz
        [--words 4500] [--fonts-kept 700]

DATA has ``words/``, ``backgrounds/`` and ``generic_vocabulary.txt``, as the recipe `compact` names
them. Of a large set of words so many are taken, evenly over the set; fonts are cut down to ASCII,
which leaves 15 KB of each. Needs fonttools.
"""

import argparse
import shutil
import tarfile
import tempfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import lmdb
from fontTools import subset
from fontTools.ttLib import TTFont, TTLibError
from PIL import Image

from ocr_plugin.datasets.word_sets import WordImage, WordSet
from ocr_plugin.training.recipes import found_recipe
from ocr_plugin.training.recognition.options import TrainingOptions
from ocr_plugin.training.synthetic.fonts import find_fonts

_TALLEST = 64
_QUALITY = 88
_ASCII = range(0x20, 0x7F)
_MAP_SIZE = 1 << 30


def pack_words(source: Path, target: Path, most: int) -> int:
    """Copies up to `most` words of a set, none taller than needed; returns how many."""
    words = WordSet(source)
    stride = max(-(-len(words) // most), 1)
    target.mkdir(parents=True)
    count = 0
    with (
        lmdb.open(str(target), map_size=_MAP_SIZE, lock=False) as environment,
        environment.begin(write=True) as transaction,
    ):
        for index in range(0, len(words), stride):
            record = words.record(index)
            if not isinstance(record, WordImage):
                continue
            count += 1
            picture = Image.fromarray(record.pixels)
            if picture.height > _TALLEST:
                width = max(round(picture.width * _TALLEST / picture.height), 1)
                picture = picture.resize((width, _TALLEST), Image.Resampling.LANCZOS)
            coded = BytesIO()
            picture.save(coded, "JPEG", quality=_QUALITY)
            transaction.put(b"image-%09d" % count, coded.getvalue())
            transaction.put(b"label-%09d" % count, record.label.encode())
        transaction.put(b"num-samples", b"%d" % count)
    return count


def pack_font(source: Path, target: Path) -> bool:
    """Writes a font's ASCII characters; returns whether that could be done."""
    options = subset.Options(hinting=False, notdef_outline=True, layout_features=[])
    options.drop_tables += ["GSUB", "GPOS", "GDEF", "DSIG", "STAT", "meta", "SVG ", "COLR", "CPAL"]
    try:
        with TTFont(source) as font:
            cutter = subset.Subsetter(options)
            cutter.populate(unicodes=_ASCII)
            cutter.subset(font)
            font.save(target)
    except (TTLibError, subset.Subsetter.SubsettingError, KeyError, ValueError) as error:
        print(f"left out: {source}: {error}")
        return False
    return True


def main() -> None:
    """Writes the archive and says how large it is."""
    parser = argparse.ArgumentParser(description="Packs what training needs.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--fonts", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--words", type=int, default=4500)
    parser.add_argument("--fonts-kept", type=int, default=700)
    arguments = parser.parse_args()
    write_archive(pack, arguments)


def write_archive(
    fill: Callable[[Path, argparse.Namespace], None], arguments: argparse.Namespace
) -> None:
    """Writes what `fill` puts into a folder to the archive ``arguments.out``."""
    with tempfile.TemporaryDirectory() as folder:
        fill(Path(folder), arguments)
        with tarfile.open(arguments.out, "w:gz") as archive:
            archive.add(folder, "packed")
    print(f"{arguments.out.stat().st_size / 2**20:.1f} MiB in all")


def pack(out: Path, arguments: argparse.Namespace) -> None:
    """Fills a folder with everything that the recipe `compact` names."""
    recipe = TrainingOptions.from_toml(found_recipe("compact"))
    for entry in recipe.data.sets:
        count = pack_words(arguments.data / entry.path, out / entry.path, arguments.words)
        print(f"{entry.path}: {count} words")
    shutil.copytree(arguments.data / "backgrounds", out / "backgrounds")
    shutil.copy(arguments.data / "generic_vocabulary.txt", out)
    pack_fonts(arguments.fonts, out / "fonts", arguments.fonts_kept)


def pack_fonts(source: Path, target: Path, most: int) -> None:
    """Writes the ASCII characters of up to `most` fonts, evenly over a folder; says how many."""
    target.mkdir()
    fonts = find_fonts([source])
    stride = max(-(-len(fonts) // most), 1)
    print(f"{sum(pack_font(path, target / path.name) for path in fonts[::stride])} fonts")


if __name__ == "__main__":
    main()
