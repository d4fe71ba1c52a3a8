"""What synthetic pages are made of, and how often each kind of page is drawn."""

from pathlib import Path
from typing import Self

from pydantic import Field

from ocr_plugin.options import Options


class PageShares(Options):
    """How often each kind of page is drawn; only the ratios count."""

    scene: float = Field(default=22, ge=0, description="Texts on photos and made-up surfaces.")
    sign: float = Field(default=12, ge=0, description="Panels with texts, as on shops and roads.")
    curve: float = Field(default=16, ge=0, description="Texts along arcs, waves and circles.")
    lettering: float = Field(default=8, ge=0, description="Letters over half the picture.")
    codes: float = Field(
        default=8, ge=0, description="Numbers and letters on plates, clocks, price tags, cables."
    )
    document: float = Field(default=8, ge=0, description="Paragraphs in one or two columns.")
    collage: float = Field(
        default=7, ge=0, description="Pasted together from real crops; none without crops."
    )
    form: float = Field(default=5, ge=0, description="Labels, boxes and rules.")
    table: float = Field(default=4, ge=0, description="Ruled and unruled.")
    receipt: float = Field(default=5, ge=0, description="Narrow, with prices on the right.")
    ticket: float = Field(default=4, ge=0, description="Tickets and labels of parcels and goods.")
    screen: float = Field(default=5, ge=0, description="Windows with menus, lists and buttons.")


class SyntheticPageOptions(Options):
    """What synthetic pages are made of."""

    fonts: tuple[Path, ...] = Field(
        default=(), description="Folders and files of fonts; empty for the system's."
    )
    vocabularies: tuple[Path, ...] = Field(
        default=(), description="Word lists, one word per line; empty for made-up words."
    )
    backgrounds: Path | None = Field(
        default=None, description="A folder of photos to write on; null for made-up surfaces."
    )
    crops: tuple[Path, ...] = Field(
        default=(), description="Sets of real word crops that documents are pasted together from."
    )
    kinds: PageShares = Field(default=PageShares(), description="The mix of kinds of pages.")
    foreign: float = Field(
        default=0.06, ge=0, le=1, description="Share of texts that are not in Latin letters."
    )

    def below(self, root: Path) -> Self:
        """Returns a copy with paths relative to `root`."""
        return self.model_copy(
            update={
                "fonts": tuple(root / path for path in self.fonts),
                "vocabularies": tuple(root / path for path in self.vocabularies),
                "backgrounds": None if self.backgrounds is None else root / self.backgrounds,
                "crops": tuple(root / path for path in self.crops),
            }
        )
