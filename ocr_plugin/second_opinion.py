"""Two readers for every word: CLIP4STR and PP-OCR, the more confident of which is believed.

They err on different words, and their confidences mean the same: how likely the whole word is
right. Both are asked for by name, so neither is known here.
"""

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import Field

from ocr_plugin.options import Options
from ocr_plugin.protocols import RGB, Reading, Recognizer, Unit
from ocr_plugin.registry import make_recognizer
from ocr_plugin.schema import Component


class SecondOpinionOptions(Options):
    """Options of `SecondOpinion`; those that are null are the readers' own defaults."""

    model: str | Path | None = Field(
        default=None, description="CLIP4STR's model: its name, or a weights file."
    )
    device: str | None = Field(default=None, description="CLIP4STR's PyTorch device.")
    offline: bool = Field(
        default=False, description="Whether a missing model is an error rather than a download."
    )


class SecondOpinion:
    """Reads words twice. Holds nothing that changes, so that threads may share it.

    Its keyword options are those of `SecondOpinionOptions`.

    Raises:
        ConfigurationError: a bad option.
        ModelError: a model is not to be had, or its file is no good.
    """

    unit: Unit = "word"

    def __init__(self, **options: Any) -> None:
        values = SecondOpinionOptions.parse(options).model_dump(exclude_none=True)
        self._readers: tuple[Recognizer, ...] = (
            make_recognizer("clip4str", **values),
            make_recognizer("ppocr"),
        )
        self.component = Component(
            name="+".join(reader.component.name for reader in self._readers),
            version=version("ocr-plugin"),
            # Of the first reader; the second's is that of the file that this release names.
            weights_sha256=self._readers[0].component.weights_sha256,
        )

    def recognize(self, crops: Sequence[RGB]) -> list[Reading]:
        """Returns the more confident reading of each crop, in order; see `protocols.Recognizer`.

        Where they differ, the other text is among the alternatives.
        """
        opinions = [reader.recognize(crops) for reader in self._readers]
        return [believed(readings) for readings in zip(*opinions, strict=True)]


def believed(readings: Sequence[Reading]) -> Reading:
    """Returns the most confident of some readings of one crop; of equals, the first."""
    best = max(readings, key=lambda reading: reading.confidence)
    others = {
        reading.text: reading.confidence
        for reading in sorted(readings, key=lambda reading: reading.confidence)
        if reading.text != best.text
    }
    alternatives = dict(best.alternatives) | others
    ranked = sorted(alternatives.items(), key=lambda entry: -entry[1])
    return Reading(
        best.text,
        best.confidence,
        best.character_confidences,
        best.character_extents,
        tuple(ranked),
    )
