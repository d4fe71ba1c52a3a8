"""Options of CLIP4STR as a recognizer."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from ocr_plugin.options import Options, Precision
from ocr_plugin.recognizers.clip4str.catalogue import DEFAULT_MODEL


class Clip4StrOptions(Options):
    """How words are read."""

    model: str | Path = Field(
        default=DEFAULT_MODEL, description="Name of a published model, or a weights file."
    )
    device: str = Field(default="cpu", description="A PyTorch device, such as cpu or cuda:0.")
    backend: Literal["onnxruntime", "torch"] | None = Field(
        default=None,
        description="Backend of the network; null for ONNX Runtime where it can, which is for the"
        " bundled model on the CPU in float32, and PyTorch (extra torch) elsewhere.",
    )
    batch_size: int = Field(default=64, ge=1, description="Crops per run of the network.")
    threads: int = Field(
        default=0,
        ge=0,
        description="On a CPU, number of single-threaded workers that share the crops; 0 for one"
        " per core.",
    )
    refinements: int = Field(
        default=1, ge=0, description="Rounds of refinement after the left-to-right reading."
    )
    normalisation: Literal["clip", "half"] | None = Field(
        default=None,
        description="Mean and standard deviation of the input: CLIP's, or 0.5 as in the public"
        " test script; null for the model's own.",
    )
    precision: Precision = Field(
        default="auto",
        description="Numeric precision; auto is bfloat16 on a GPU that supports it, otherwise"
        " float32.",
    )
    settle_ties: bool = Field(
        default=True,
        description="On a CPU in bfloat16, whether words in which another character is nearly as"
        " likely are read again in float32, so that nearly all texts are as in float32. Keeps both"
        " sets of weights. Not in mode ctc.",
    )
    mode: Literal["accurate", "fast", "ctc"] = Field(
        default="accurate",
        description="accurate: left to right, then refined; fast: all characters at once, then"
        " refined; ctc: the CTC head alone, if the model has one.",
    )
    offline: bool = Field(
        default=False, description="Whether a missing model is an error rather than a download."
    )
    sure: float = Field(
        default=0.95, gt=0, le=1, description="Words of this confidence are not looked at again."
    )
    language: str = Field(
        default="auto",
        description="What words are likely: auto for all languages, none, or some, such as de,fr;"
        " without language, and in the modes fast and ctc, no word is looked at again.",
    )
