"""What can be set, one model a stage, with units, ranges and defaults.

Detectors and recognizers bring options of their own, documented at their classes.
"""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ocr_plugin.errors import ConfigurationError

DEFAULT_DETECTOR = "dbnet"
DEFAULT_RECOGNIZER = "second_opinion"
"""What finds and what reads where nothing else is named; docs/decisions/0006 says why."""


class Options(BaseModel):
    """Base of every options model: immutable, and unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def parse(cls, values: dict[str, Any]) -> Self:
        """Returns the options that `values` spell.

        Raises:
            ConfigurationError: one line that names each bad option.
        """
        try:
            return cls(**values)
        except ValidationError as error:
            problems = "; ".join(
                f"{'.'.join(map(str, item['loc'])) or cls.__name__}: {item['msg']}"
                for item in error.errors()
            )
            raise ConfigurationError(f"bad options: {problems}") from None


class ImageOptions(Options):
    """How sources become pages."""

    max_pixels: int = Field(
        default=178_956_970,
        gt=0,
        description="Pixels a page may decode to before it is refused as a decompression bomb.",
    )
    pdf_dpi: float = Field(
        default=200.0, ge=36, le=1200, description="Resolution at which PDF pages are rendered."
    )


class EngineOptions(Options):
    """How the stages are run and joined."""

    images: ImageOptions = ImageOptions()
    min_confidence: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="Words below this are left out of the page.",
    )
    detector_batch: int = Field(
        default=4, ge=1, description="Pages that the detector is given at once."
    )
    recognizer_batch: int = Field(
        default=64, ge=1, description="Crops, of any page, that the recognizer is given at once."
    )
    decode_threads: int = Field(default=2, ge=1, description="Threads that open and decode files.")
