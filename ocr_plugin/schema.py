"""The public result models.

Coordinates are float pixels of the page as a person sees it (after EXIF orientation), origin at
the top-left corner, x to the right, y down. A polygon runs clockwise and starts at the
reading-order top-left corner of its text, so it also gives the text's direction. ``schema.json``
beside this file is the JSON Schema of `Page`; a test compares the two.
"""

import math
from typing import Annotated, Any, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, RootModel, model_validator

SCHEMA_VERSION = "1.2"

Confidence = Annotated[float, Field(ge=0.0, le=1.0, description="0 (none) to 1 (certain)")]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Point(NamedTuple):
    """A place on the page, in pixels from the top-left corner."""

    x: Annotated[float, Field(allow_inf_nan=False)]
    y: Annotated[float, Field(allow_inf_nan=False)]


class Polygon(RootModel[tuple[Point, ...]]):
    """At least three points, clockwise from the reading-order top-left; a quad has four."""

    model_config = ConfigDict(frozen=True)

    root: Annotated[tuple[Point, ...], Field(min_length=3)]

    @property
    def points(self) -> tuple[Point, ...]:
        """The corners."""
        return self.root

    @property
    def quad(self) -> tuple[Point, Point, Point, Point]:
        """The four corners: the first and the last points of the two long sides."""
        half = len(self.root) // 2
        return self.root[0], self.root[half - 1], self.root[half], self.root[-1]

    @property
    def box(self) -> tuple[float, float, float, float]:
        """The axis-aligned bounds x0, y0, x1, y1, in pixels."""
        xs, ys = zip(*self.root, strict=True)
        return min(xs), min(ys), max(xs), max(ys)


class Character(_Model):
    """One character of a word."""

    text: str = Field(min_length=1)
    confidence: Confidence


class Alternative(_Model):
    """Another reading of the same word that the recognizer considered."""

    text: str
    confidence: Confidence


class Word(_Model):
    """A run of characters without white space."""

    text: str = Field(pattern=r"^\S+$")
    polygon: Polygon
    confidence: Confidence
    characters: tuple[Character, ...] = Field(
        default=(), description="The characters of text in order, or empty if not known."
    )
    alternatives: tuple[Alternative, ...] = Field(default=(), description="Best first.")


class Line(_Model):
    """Words that share a base line, in reading order."""

    words: tuple[Word, ...] = Field(min_length=1)
    polygon: Polygon

    @property
    def text(self) -> str:
        """The words joined by single spaces."""
        return " ".join(word.text for word in self.words)

    @property
    def confidence(self) -> float:
        """The mean of the words' confidences, by their lengths."""
        characters = sum(len(word.text) for word in self.words)
        return sum(len(word.text) * word.confidence for word in self.words) / characters

    @property
    def angle(self) -> float:
        """The reading direction in degrees, clockwise from rightwards, in (-180, 180]."""
        top_left, _, _, bottom_left = self.words[0].polygon.quad
        _, top_right, bottom_right, _ = self.words[-1].polygon.quad
        # From the middle of the left side to the middle of the right one; both doubled.
        x = top_right.x + bottom_right.x - top_left.x - bottom_left.x
        y = top_right.y + bottom_right.y - top_left.y - bottom_left.y
        return math.degrees(math.atan2(y, x))


class Block(_Model):
    """Lines that belong together, in reading order: a paragraph, a sign, a table."""

    lines: tuple[Line, ...] = Field(min_length=1)
    polygon: Polygon
    table: tuple[tuple[tuple[Annotated[int, Field(ge=0)], ...], ...], ...] = Field(
        default=(),
        description="The rows of a table, all with as many cells; a cell is the numbers of its "
        "lines, counted from 0 within the block. Empty if this is no table.",
    )

    @model_validator(mode="after")
    def _holds_every_line_once(self) -> Self:
        if self.table:
            if len(set(map(len, self.table))) > 1:
                raise ValueError("the table's rows have different numbers of cells")
            numbers = [number for row in self.table for cell in row for number in cell]
            if sorted(numbers) != list(range(len(self.lines))):
                raise ValueError("the table's cells do not hold every line once")
        return self

    @property
    def rows(self) -> tuple[tuple[str, ...], ...]:
        """The texts of the table's cells, by rows; an empty cell's is empty."""
        return tuple(
            tuple(" ".join(self.lines[number].text for number in cell) for cell in row)
            for row in self.table
        )

    @property
    def text(self) -> str:
        """The lines, one below the other; of a table the rows, with tabs between their cells."""
        if self.table:
            return "\n".join("\t".join(row).rstrip("\t") for row in self.rows)
        return "\n".join(line.text for line in self.lines)


class Withheld(_Model):
    """A place whose text was not told, as its constraint asks."""

    polygon: Polygon
    reason: str = Field(description="One line.")
    alternatives: tuple[Alternative, ...] = Field(
        default=(), description="What it may be, the withheld text first."
    )


class Source(_Model):
    """Where a page came from."""

    name: str = Field(description="The path as given, or a stand-in such as <bytes>.")
    page_index: int = Field(ge=0, description="Counted from 0 within the source.")
    sha256: str = Field(
        pattern="^[0-9a-f]{64}$",
        description="Of the source's bytes; of the pixels where the source was an array.",
    )
    width: int = Field(gt=0, description="Pixels of the page, after EXIF orientation.")
    height: int = Field(gt=0, description="Pixels of the page, after EXIF orientation.")


class Component(_Model):
    """A detector or recognizer that had a part in a reading."""

    name: str
    version: str = Field(description="Of the distribution it came from.")
    weights_sha256: str | None = Field(
        default=None, description="Of the weights file, or null where there is none."
    )


class EngineInfo(_Model):
    """What made a reading, so that it can be made again."""

    version: str = Field(description="Of ocr-plugin.")
    detector: Component
    recognizer: Component
    splitter: Component | None = Field(
        default=None,
        description="The line reader that cut lines into words, or null where none did.",
    )


class Page(_Model):
    """Everything read on one page. A page without text has no blocks."""

    schema_version: str = Field(default=SCHEMA_VERSION, pattern=r"^1\.\d+$")
    source: Source
    blocks: tuple[Block, ...] = Field(default=(), description="In reading order.")
    withheld: tuple[Withheld, ...] = Field(
        default=(),
        description="Not among the words: doubtful, or not allowed. From the top down.",
    )
    engine: EngineInfo
    warnings: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[Line, ...]:
        """All lines in reading order."""
        return tuple(line for block in self.blocks for line in block.lines)

    @property
    def words(self) -> tuple[Word, ...]:
        """All words in reading order."""
        return tuple(word for line in self.lines for word in line.words)

    @property
    def text(self) -> str:
        """The blocks' texts with an empty line between them."""
        return "\n\n".join(block.text for block in self.blocks)


class PageError(_Model):
    """A page that could not be read, as a value, so that one bad page does not end a run."""

    name: str = Field(description="The source's name.")
    page_index: int | None = Field(
        default=None, description="Null where the source failed before its pages were known."
    )
    kind: str = Field(description="Name of the error's class, such as UnreadableImage.")
    message: str = Field(description="One line.")


def json_schema() -> dict[str, Any]:
    """Returns the JSON Schema of `Page` as it is written and read."""
    return Page.model_json_schema(mode="serialization")
