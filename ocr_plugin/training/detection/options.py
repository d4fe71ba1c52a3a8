"""What a recipe for the word detector says."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field

from ocr_plugin.options import Options
from ocr_plugin.training.recipes import MachineOptions, RecipeOptions, StepOptions
from ocr_plugin.training.synthetic.pages.options import SyntheticPageOptions


class DetectorStartOptions(Options):
    """Where the first weights come from."""

    source: Literal["ppocr", "checkpoint"] = Field(
        default="ppocr",
        description="ppocr: PP-OCRv6 small detection; checkpoint: the weights of another run.",
    )
    file: Path | None = Field(
        default=None,
        description="A run's model.safetensors or an exported .onnx; null for the detector that"
        " ships.",
    )


class DetectorObjectiveOptions(Options):
    """What is minimised."""

    negative_ratio: float = Field(
        default=3.0, gt=0, description="Hardest pixels without text, for each one in a core."
    )
    gap_weight: float = Field(
        default=2.0, ge=1, description="Weight of pixels between words that nearly touch."
    )
    line_weight: float = Field(
        default=1.0,
        ge=0,
        description="Weight of the map of lines, taught by PP-OCRv6 small; 0 for none.",
    )
    taught_share: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="Share of a batch that is taught; the teacher takes a tenth of a step.",
    )


class DetectorStepOptions(StepOptions):
    """AdamW and its schedule."""

    batch_size: int = Field(default=2, ge=1, description="Pieces of a step, of all processes.")
    learning_rate: float = Field(
        default=2e-3,
        gt=0,
        description="The highest, as a share of the root mean square of a tensor's numbers.",
    )
    weight_decay: float = Field(default=1e-4, ge=0, description="None acts on biases.")
    clip_norm: float = Field(default=5.0, gt=0, description="Largest norm of all gradients.")
    schedule: Literal["onecycle", "cosine"] = "cosine"
    warmup: float = Field(default=0.02, ge=0, lt=1, description="Share of the run it rises in.")
    average: float = Field(
        default=0.998, ge=0, lt=1, description="Decay of the weights' moving average; 0 for none."
    )


class PageSetOptions(Options):
    """A set of labelled pages, and its part in the mix."""

    path: Path = Field(description="Labelled pages; see `datasets.page_labels`.")
    weight: float = Field(default=1.0, gt=0, description="In the mix, at the start.")
    final_weight: float | None = Field(
        default=None, gt=0, description="In the mix, at the end; null for the same."
    )
    hold_back: int = Field(
        default=0, ge=0, description="Every so many pages one is kept for validation; 0 for none."
    )
    scales: tuple[float, float] = Field(
        default=(0.8, 3.0), description="Least and greatest enlargement of a page."
    )


class DetectorDataOptions(Options):
    """What the network sees."""

    side: int = Field(default=640, ge=64, multiple_of=32, description="Pixels of a piece's side.")
    sets: tuple[PageSetOptions, ...] = Field(
        default=(), description="Labelled pages, each set with its weight in the mix."
    )
    synthetic: SyntheticPageOptions | None = Field(
        default=None, description="Pages drawn on the fly; null for none."
    )
    synthetic_weight: float = Field(default=1.0, gt=0, description="In the mix, at the start.")
    synthetic_final_weight: float | None = Field(
        default=None, gt=0, description="In the mix, at the end; null for the same."
    )
    synthetic_scales: tuple[float, float] = Field(
        default=(0.6, 1.8), description="Least and greatest enlargement of a synthetic page."
    )
    validation: tuple[Path, ...] = Field(
        default=(), description="Further sets to validate on, beside what the sets hold back."
    )

    def below(self, root: Path) -> Self:
        """Returns a copy with paths relative to `root`."""
        sets = tuple(entry.model_copy(update={"path": root / entry.path}) for entry in self.sets)
        validation = tuple(root / path for path in self.validation)
        synthetic = self.synthetic and self.synthetic.below(root)
        return self.model_copy(
            update={"sets": sets, "validation": validation, "synthetic": synthetic}
        )


class DetectorMachineOptions(MachineOptions):
    """What does not change the result, and may differ when a run is resumed."""

    validate_samples: int = Field(default=1_000, ge=1, description="Between validations.")
    validation_pages: int = Field(default=60, ge=1, description="Of a set, to validate on.")


class DetectorTrainingOptions(RecipeOptions):
    """A whole recipe for a word detector."""

    task: Literal["detection"] = "detection"
    start: DetectorStartOptions = DetectorStartOptions()
    objective: DetectorObjectiveOptions = DetectorObjectiveOptions()
    optimiser: DetectorStepOptions
    data: DetectorDataOptions = DetectorDataOptions()
    machine: DetectorMachineOptions = DetectorMachineOptions()
