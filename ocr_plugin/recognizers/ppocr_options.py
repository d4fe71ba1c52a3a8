"""Options of PP-OCR."""

from pathlib import Path
from typing import Any, Self

from pydantic import Field, model_validator

from ocr_plugin.options import OnnxPrecision, Options, RuntimeOptions


class PPOcrOptions(Options):
    """Options of `PPOcrRecognizer`."""

    model: str | None = Field(
        default=None,
        description="Name of a published model for another script, downloaded if missing; null for"
        " PP-OCRv6 small of the rapidocr wheel.",
    )
    model_path: Path | None = Field(
        default=None, description="An ONNX file of one's own, that lists its characters."
    )
    batch_size: int = Field(default=8, ge=1, description="Crops of equal width per run.")
    width_step: int = Field(
        default=32,
        ge=8,
        multiple_of=8,
        description="Pixels; crops are padded to a multiple of this before they are read.",
    )
    min_width: int = Field(
        default=160, ge=8, description="Pixels to which narrower crops are padded."
    )
    max_width: int = Field(
        default=3200, ge=8, description="Pixels at height 48; wider crops are shrunk to this."
    )
    precision: OnnxPrecision = Field(
        default="float32",
        description="Numeric precision; bfloat16 runs in OpenVINO (extra openvino) on CPUs that"
        " support it.",
    )
    space_prior: float = Field(
        default=5.0,
        gt=0,
        allow_inf_nan=False,
        description="Factor for the probability of a space by the network; the gaps in the ink"
        " and the language count as well.",
    )
    threads: int = Field(default=0, ge=0, description="CPU threads; 0 for one per core.")
    sure: float = Field(
        default=0.95, gt=0, le=1, description="Words of this confidence are not looked at again."
    )
    language: str = Field(
        default="auto",
        description="What words are likely: auto for all languages, none, or some, such as de,fr;"
        " without language, no word is looked at again. With another model, auto is none.",
    )

    @model_validator(mode="after")
    def _one_model(self) -> Self:
        if self.model is not None and self.model_path is not None:
            raise ValueError("give model or model_path, not both")
        return self


def runtime_defaults(runtime: RuntimeOptions) -> dict[str, Any]:
    """Returns options by the runtime; the network runs on the CPU, in float32 or bfloat16."""
    precision = "bfloat16" if runtime.precision == "bfloat16" else "float32"
    on_cpu = runtime.device == "cpu"
    return {"threads": runtime.threads, "precision": precision if on_cpu else "float32"}
