"""Packs what the word detector learns from into a small archive, for a machine without network.

    python -m benchmarks.gpu.pack_pages --data DATA --fonts FONTS --out packed.tar.gz
        [--words 1200] [--fonts-kept 400] [--quality 40]

DATA has ``pages/``, ``words/``, ``backgrounds/`` and ``generic_vocabulary.txt``, as the recipe
`word-detector` names them. Photos are coded again as WebP, which takes two fifths of their
space; words and fonts are cut down as in `benchmarks.gpu.pack`. Needs fonttools.
"""

import argparse
import shutil
from pathlib import Path

from PIL import Image

from benchmarks.gpu.pack import pack_fonts, pack_words, write_archive
from ocr_plugin.datasets.labelled_page import LabelledPage
from ocr_plugin.datasets.page_sets import PageSet
from ocr_plugin.errors import UnreadableImage
from ocr_plugin.training.detection.agreement import write_labels
from ocr_plugin.training.detection.options import DetectorTrainingOptions
from ocr_plugin.training.recipes import found_recipe


def pack_photo(source: LabelledPage, target: Path, quality: int) -> LabelledPage | None:
    """Codes a page's photo again; returns the page with that file, None where it is no photo."""
    try:
        pixels = source.pixels()
    except UnreadableImage as error:
        print(f"left out: {error}")
        return None
    Image.fromarray(pixels).save(target, "WEBP", quality=quality)
    return LabelledPage(target, source.words)


def pack_pages(source: Path, target: Path, quality: int) -> int:
    """Copies a set of labelled pages, as `labels.jsonl`; returns how many pages."""
    (target / "images").mkdir(parents=True)
    pages = [
        page
        for number, entry in enumerate(PageSet(source).pages)
        if (page := pack_photo(entry, target / "images" / f"{number}.webp", quality)) is not None
    ]
    write_labels(pages, target / "labels.jsonl")
    return len(pages)


def main() -> None:
    """Writes the archive and says how large it is."""
    parser = argparse.ArgumentParser(description="Packs what the word detector's training needs.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--fonts", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--words", type=int, default=1200)
    parser.add_argument("--fonts-kept", type=int, default=400)
    parser.add_argument("--quality", type=int, default=40)
    arguments = parser.parse_args()
    write_archive(pack, arguments)


def pack(out: Path, arguments: argparse.Namespace) -> None:
    """Fills a folder with everything that the recipe `word-detector` names."""
    recipe = DetectorTrainingOptions.from_toml(found_recipe("word-detector"))
    for entry in recipe.data.sets:
        count = pack_pages(arguments.data / entry.path, out / entry.path, arguments.quality)
        print(f"{entry.path}: {count} pages")
    synthetic = recipe.data.synthetic
    assert synthetic is not None and synthetic.backgrounds is not None
    for path in synthetic.crops:
        print(f"{path}: {pack_words(arguments.data / path, out / path, arguments.words)} words")
    (out / synthetic.backgrounds).mkdir()
    for photo in sorted((arguments.data / synthetic.backgrounds).iterdir()):
        target = out / synthetic.backgrounds / f"{photo.stem}.webp"
        pack_photo(LabelledPage(photo, ()), target, arguments.quality)
    for path in synthetic.vocabularies:
        shutil.copy(arguments.data / path, out / path)
    pack_fonts(arguments.fonts, out / "fonts", arguments.fonts_kept)


if __name__ == "__main__":
    main()
