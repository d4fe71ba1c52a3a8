"""Pages that tests draw."""

from pathlib import Path

from ocr_plugin.datasets.labelled_page import LabelledPage, LabelledWord
from ocr_plugin.training.synthetic.pages.options import PageShares, SyntheticPageOptions
from ocr_plugin.training.synthetic.pages.pages import SyntheticPages

KINDS = list(PageShares.model_fields)


def pages_of(kind: str, font: Path, crops: Path | None = None, **options: object) -> SyntheticPages:
    """Returns pages of one kind alone."""
    shares = PageShares(**{**dict.fromkeys(KINDS, 0.0), kind: 1.0})
    sets = () if crops is None else (crops,)
    values = {"fonts": (font,), "crops": sets, "kinds": shares, **options}
    return SyntheticPages(SyntheticPageOptions.parse(values))


def counted(page: LabelledPage) -> list[LabelledWord]:
    return [word for word in page.words if not word.ignore]
