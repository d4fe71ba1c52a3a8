"""What a recipe for CLIP4STR says."""

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from ocr_plugin.errors import ConfigurationError
from ocr_plugin.options import Options
from ocr_plugin.recognizers.clip4str.config import PRESETS, Clip4StrConfig
from ocr_plugin.training.recipes import MachineOptions, RecipeOptions, StepOptions
from ocr_plugin.training.recognition.training_sets import TrainingSetOptions
from ocr_plugin.training.synthetic.words import SyntheticOptions


class StartOptions(Options):
    """Where the first weights come from; see `initial_weights`."""

    source: Literal["nothing", "ppocr", "open_clip", "timm", "checkpoint"] = Field(
        default="nothing",
        description="nothing: random weights; ppocr: the convolutional stem of PP-OCRv6 small;"
        " open_clip: both towers of a CLIP model; timm: the image tower of an ImageNet model;"
        " checkpoint: a whole CLIP4STR network.",
    )
    name: str = Field(
        default="",
        description="The model: open_clip's or timm's name, or a checkpoint's path or name.",
    )
    pretrained: str = Field(
        default="", description="Which weights of the open_clip model, such as openai."
    )
    file: Path | None = Field(
        default=None,
        description="Weights of the open_clip or timm model on this machine; null to fetch them.",
    )


class FreezeOptions(Options):
    """What keeps its weights; the defaults are the paper's. See `freezing.freeze`."""

    text_blocks: int = Field(default=6, ge=0, description="First blocks of the text tower.")
    text_embeddings: bool = Field(default=True, description="The text tower's embeddings.")
    image_blocks: int = Field(default=0, ge=0, description="First blocks of the image tower.")
    stem_until: float = Field(
        default=0.0, ge=0, le=1, description="Share of the run with a frozen convolutional stem."
    )


class ObjectiveOptions(Options):
    """What is minimised."""

    permutations: int = Field(
        default=6, ge=1, description="Orders of reading a batch is read in: 1, or an even number."
    )
    length_groups: int = Field(
        default=1,
        ge=1,
        description="Groups of words of like length that a batch is read in, to save time; each has"
        " orders of its own. 1 as published.",
    )
    ctc_weight: float = Field(
        default=0.0, ge=0, description="Of the CTC head's loss beside the two branches'."
    )
    ctc_alone_until: float = Field(
        default=0.0, ge=0, le=1, description="Share of the run in which only the CTC head learns."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.permutations > 1 and self.permutations % 2:
            raise ValueError("permutations are 1, or mirrored pairs and so an even number")
        if self.ctc_alone_until and not self.ctc_weight:
            raise ValueError("ctc_alone_until needs a ctc_weight")
        return self


class OptimiserOptions(StepOptions):
    """AdamW and its schedule; the defaults are the paper's."""

    accumulate: int = Field(
        default=1,
        ge=1,
        description="Parts a process reads its share of a batch in, to save memory.",
    )
    learning_rate: float = Field(
        default=8.4e-5, gt=0, description="Of the towers, for a batch of 512; scales with it."
    )
    decoder_factor: float = Field(
        default=19.0, gt=0, description="Learning rate of decoders and heads over the towers'."
    )
    stem_factor: float = Field(
        default=1.0, gt=0, description="Learning rate of the convolutional stem over the towers'."
    )
    weight_decay: float = Field(
        default=0.2, ge=0, description="None acts on biases, norms, positions and characters."
    )
    beta1: float = Field(default=0.9, ge=0, lt=1, description="Of AdamW.")
    beta2: float = Field(default=0.98, ge=0, lt=1, description="Of AdamW.")
    epsilon: float = Field(default=1e-6, gt=0, description="Of AdamW.")
    clip_norm: float = Field(default=20.0, gt=0, description="Largest norm of all gradients.")
    average: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="Decay of the moving average of the weights that is kept; 0 for none.",
    )


class DataOptions(Options):
    """What the network sees."""

    sets: tuple[TrainingSetOptions, ...] = Field(
        default=(), description="Labelled word images, each with its weight in the mix."
    )
    synthetic: SyntheticOptions | None = Field(
        default=None, description="Words drawn on the fly; null for none."
    )
    synthetic_weight: float = Field(default=1.0, gt=0, description="In the mix, at the start.")
    synthetic_final_weight: float | None = Field(
        default=None, gt=0, description="In the mix, at the end; null for the same."
    )
    validation: tuple[Path, ...] = Field(
        default=(), description="Further sets to validate on, beside what the sets hold back."
    )

    def below(self, root: Path) -> Self:
        """Returns a copy with paths relative to `root`."""
        sets = tuple(entry.model_copy(update={"path": root / entry.path}) for entry in self.sets)
        synthetic = self.synthetic
        if synthetic is not None:
            synthetic = synthetic.model_copy(
                update={
                    "fonts": tuple(root / path for path in synthetic.fonts),
                    "vocabularies": tuple(root / path for path in synthetic.vocabularies),
                    "backgrounds": synthetic.backgrounds and root / synthetic.backgrounds,
                }
            )
        validation = tuple(root / path for path in self.validation)
        return self.model_copy(
            update={"sets": sets, "synthetic": synthetic, "validation": validation}
        )


class RecognitionMachineOptions(MachineOptions):
    """What does not change the result, and may differ when a run is resumed."""

    validation_words: int = Field(default=1000, ge=1, description="Of a set, to validate on.")


class TrainingOptions(RecipeOptions):
    """A whole recipe for a recognizer."""

    task: Literal["recognition"] = "recognition"
    preset: str | None = Field(default=None, description="A published size, such as B/16.")
    network: dict[str, Any] = Field(
        default_factory=dict, description="Fields of `Clip4StrConfig` that differ from the preset."
    )
    start: StartOptions = StartOptions()
    freeze: FreezeOptions = FreezeOptions()
    objective: ObjectiveOptions = ObjectiveOptions()
    optimiser: OptimiserOptions
    data: DataOptions = DataOptions()
    machine: RecognitionMachineOptions = RecognitionMachineOptions()

    @property
    def config(self) -> Clip4StrConfig:
        """The network.

        Raises:
            ConfigurationError: no such preset, or sizes that cannot be.
        """
        if self.preset is not None and self.preset not in PRESETS:
            raise ConfigurationError(f"no size is called {self.preset!r}: {', '.join(PRESETS)}")
        base = vars(PRESETS[self.preset]) if self.preset is not None else {}
        return Clip4StrConfig.from_values(base | self.network)

    def check(self) -> None:
        """Raises `ConfigurationError` for a network that cannot be."""
        _ = self.config
