"""Options, one model per stage, with units, ranges and defaults.

Detectors and recognizers have options of their own, documented at their classes.
"""

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ocr_plugin.errors import ConfigurationError

DEFAULT_DETECTOR = "word_line"
DEFAULT_RECOGNIZER = "second_opinion"
"""Used where no other plugin is named; docs/decisions/0006 says why."""

DEFAULT_SPLITTER = "ppocr"
"""The line recognizer whose spaces split lines into words, for a word recognizer."""

MODEL_RECOGNIZER = "clip4str"
"""The recognizer used where only a model is named."""

Precision = Literal["auto", "float32", "bfloat16", "float16"]
PdfText = Literal["auto", "ocr", "layer"]
OnnxPrecision = Literal["float32", "bfloat16"]

DEFAULT_PDF_TEXT: PdfText = "ocr"
"""docs/decisions/0013 says why."""

DEFAULT_MEMORY, LEAST_MEMORY = 4.0, 0.5
"""Gigabytes of address space of a process that decodes, which has 0.3 before it begins."""

MAX_MEMORY = (
    "Gigabytes that each process which decodes may take; a page that needs more is an error."
)
"""What `max_memory` says, wherever it is an option."""


class Options(BaseModel):
    """Base of every options model: immutable, and unknown names are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def parse(cls, values: dict[str, Any]) -> Self:
        """Returns the options given by `values`.

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


class RuntimeOptions(Options):
    """Where and how networks run; passed to every plugin that takes it."""

    device: str = Field(
        default="cpu",
        description="A PyTorch device, such as cpu or cuda:0, for all networks that can run there.",
    )
    precision: Precision = Field(
        default="auto",
        description="Numeric precision; auto is bfloat16 on a GPU that supports it, otherwise"
        " float32. bfloat16 on a CPU applies to ONNX networks too, if the extra openvino is"
        " installed.",
    )
    threads: int = Field(default=0, ge=0, description="CPU threads; 0 for one per core.")
    offline: bool = Field(
        default=False, description="Whether a missing model is an error rather than a download."
    )


class ImageOptions(Options):
    """How sources become pages."""

    max_pixels: int = Field(
        default=178_956_970,
        gt=0,
        description="Most pixels of a page; a larger one is refused as a decompression bomb.",
    )
    max_bytes: int = Field(
        default=1_000_000_000,
        gt=0,
        description="Most bytes of a file that is read; a larger one is refused.",
    )
    max_pages: int = Field(
        default=10_000,
        gt=0,
        description="Most pages of a document; one error stands for those after them.",
    )
    pdf_dpi: float = Field(
        default=200.0, ge=36, le=1200, description="Resolution at which PDF pages are rendered."
    )
    pdf_text: PdfText = Field(
        default=DEFAULT_PDF_TEXT,
        description="Where the text of PDF pages comes from: ocr reads them as pictures, layer"
        " takes the text that they carry, auto takes it where it is sound and reads the others.",
    )


class EngineOptions(Options):
    """How the stages are run and their results joined."""

    images: ImageOptions = ImageOptions()
    min_confidence: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="Words of less confidence are left out of the page, unless their line as a"
        " whole has at least 0.8 and this.",
    )
    detector_batch: int = Field(default=4, ge=1, description="Pages per call of the detector.")
    recognizer_batch: int = Field(
        default=64, ge=1, description="Crops, of one or several pages, per call of the recognizer."
    )
    decode_threads: int = Field(default=2, ge=1, description="Threads that open and decode files.")
    isolate: bool = Field(
        default=False,
        description="Whether files are decoded in processes of their own, limited in memory and"
        " time, which cost their file alone where they crash (extra serve or batch). A script must"
        ' then read under: if __name__ == "__main__":',
    )
    page_seconds: float = Field(
        default=60.0, gt=0, description="Where isolated, that decoding a page may take."
    )
    max_memory: float = Field(
        default=DEFAULT_MEMORY, ge=LEAST_MEMORY, description=f"Where isolated: {MAX_MEMORY}"
    )
