"""How much text is seen where there is none, in drawn pictures and pieces of photos.

    python -m benchmarks.no_text [--data PAGES --pieces N]... [--each 12] [--first 0] [--sheet DIR]
        [--out FILE.json]

Pictures are those of `no_text_pictures`. A false word has a letter or a digit. Signs alone (a
bullet read as one, an arrow) are told apart, as they are often what is drawn. With --sheet, each
picture with a false word is saved there with what was read.
"""

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.no_text_pictures import KINDS, cut, drawn
from ocr_plugin import Engine, Page
from ocr_plugin.formats.overlay import draw
from ocr_plugin.protocols import RGB


def main() -> None:
    """Runs the command line described at the top of this file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, action="append", default=[])
    parser.add_argument("--pieces", type=int, default=30)
    parser.add_argument("--each", type=int, default=12)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    engine = Engine()
    counts: dict[str, Counter[str]] = {}
    for kind, pixels in _pictures(arguments):
        page = engine.read(pixels)
        found = counts.setdefault(kind, Counter())
        words = [word.text for line in page.lines for word in line.words]
        false = [word for word in words if any(each.isalnum() for each in word)]
        found.update(pictures=1, false_words=len(false), signs=len(words) - len(false))
        found.update(pictures_with_false_words=bool(false))
        if false and arguments.sheet:
            _save(arguments.sheet / f"{kind}-{found['pictures']}.png", pixels, page)
    total = sum(counts.values(), Counter())
    for kind, found in [*sorted(counts.items()), ("all", total)]:
        print(
            f"{kind:14} {found['pictures']:4} pictures  {found['false_words']:4} false words in"
            f" {found['pictures_with_false_words']:3}  {found['signs']:4} signs"
        )
    if arguments.out:
        sets: dict[str, Any] = {kind: dict(found) for kind, found in sorted(counts.items())}
        machine.write_report(arguments.out, "no_text", sets | {"all": dict(total)})


def _pictures(arguments: argparse.Namespace) -> Iterator[tuple[str, RGB]]:
    for kind in KINDS:
        for number in range(arguments.first, arguments.first + arguments.each):
            yield kind, drawn(kind, number)
    for pages in arguments.data:
        for pixels in cut(pages, arguments.pieces):
            yield f"photos {pages.name}", pixels


def _save(path: Path, pixels: RGB, page: Page) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draw(page, pixels).save(path)
    words = [word for line in page.lines for word in line.words]
    print(path.stem, *(f"{word.text!r} {word.confidence:.2f}" for word in words), flush=True)


if __name__ == "__main__":
    main()
