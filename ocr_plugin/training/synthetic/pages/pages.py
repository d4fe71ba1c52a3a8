"""Endless synthetic pages."""

import random
from collections.abc import Callable

from ocr_plugin.datasets.labelled_page import LabelledPage
from ocr_plugin.datasets.word_sets import BadRecord
from ocr_plugin.errors import ConfigurationError
from ocr_plugin.protocols import RGB
from ocr_plugin.training.synthetic.pages.canvas import Canvas
from ocr_plugin.training.synthetic.pages.codes import codes
from ocr_plugin.training.synthetic.pages.collage import collage
from ocr_plugin.training.synthetic.pages.curves import curve
from ocr_plugin.training.synthetic.pages.documents import document, form, receipt, table, ticket
from ocr_plugin.training.synthetic.pages.materials import Materials
from ocr_plugin.training.synthetic.pages.options import SyntheticPageOptions
from ocr_plugin.training.synthetic.pages.photos import Photos
from ocr_plugin.training.synthetic.pages.phrases import Phrases
from ocr_plugin.training.synthetic.pages.scenes import lettering, scene, sign
from ocr_plugin.training.synthetic.pages.screens import screen
from ocr_plugin.training.synthetic.pages.typefaces import Typefaces
from ocr_plugin.training.synthetic.texts import read_vocabulary

_TRIES = 20

_KINDS: dict[str, Callable[[Materials, random.Random, list[BadRecord]], Canvas]] = {
    "scene": scene,
    "sign": sign,
    "curve": curve,
    "lettering": lettering,
    "codes": codes,
    "document": document,
    "collage": collage,
    "form": form,
    "table": table,
    "receipt": receipt,
    "ticket": ticket,
    "screen": screen,
}


class SyntheticPages:
    """Draws pages. Immutable; may be passed to loader processes."""

    name = "synthetic"

    def __init__(self, options: SyntheticPageOptions) -> None:
        """Finds fonts, words and photos; opens none of the fonts, photos and crops.

        Raises:
            ConfigurationError: no fonts, an unreadable word list, no photos in a folder, or no
                kind of page is wanted.
        """
        vocabulary, _ = read_vocabulary(options.vocabularies)
        self._vocabulary_size = len(vocabulary)
        self._materials = Materials(
            Typefaces(options.fonts),
            Phrases(vocabulary),
            Photos(options.backgrounds),
            options.crops,
            options.foreign,
        )
        shares = options.kinds.model_dump()
        if not options.crops:
            shares["collage"] = 0.0
        self._shares = {name: share for name, share in shares.items() if share}
        if not self._shares:
            raise ConfigurationError("synthetic pages: the shares of all kinds of pages are 0")

    def describe(self) -> str:
        """Returns one line: what pages are made of."""
        materials = self._materials
        words = f"{self._vocabulary_size:,} words" if self._vocabulary_size else "made-up words"
        return (
            f"synthetic pages: {', '.join(self._shares)};"
            f" {len(materials.typefaces.paths):,} font files, {words},"
            f" {len(materials.photos.paths):,} photos, {len(materials.crops)} sets of crops"
        )

    def draw(self, rng: random.Random, passed_over: list[BadRecord]) -> tuple[RGB, LabelledPage]:
        """Returns a page; the same state of `rng` gives the same page.

        Args:
            rng: source of all randomness.
            passed_over: photos and crops that do not decode are added to it.

        Raises:
            ConfigurationError: no font is usable, no photo decodes, or a set of crops cannot be
                opened.
        """
        (kind,) = rng.choices(list(self._shares), list(self._shares.values()))
        for _ in range(_TRIES):
            canvas = _KINDS[kind](self._materials, rng, passed_over)
            page = canvas.page()
            # Where nothing found room there is nothing to learn from.
            if any(not word.ignore for word in page.words):
                break
        return canvas.pixels, page
