"""A few rows of a picture at a time, so that a large one takes little more memory than it has."""

from collections.abc import Iterator

from PIL import Image

_ROWS = 512


def row_bands(height: int) -> Iterator[slice]:
    """Yields the rows of a picture, a few hundred at a time."""
    for top in range(0, height, _ROWS):
        yield slice(top, min(top + _ROWS, height))


def bands(image: Image.Image) -> Iterator[tuple[slice, Image.Image]]:
    """Yields the same, each with a picture of these rows."""
    for rows in row_bands(image.height):
        yield rows, image.crop((0, rows.start, image.width, rows.stop))
