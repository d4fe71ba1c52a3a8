"""What all recipes have in common, and where they are found: one TOML file, one table a subject."""

import tomllib
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field

from ocr_plugin.errors import ConfigurationError
from ocr_plugin.options import Options
from ocr_plugin.training.schedule import ScheduleOptions

_RECIPES = Path(__file__).parent / "recipes"


class StepOptions(ScheduleOptions):
    """How many pictures a step sees, and a run."""

    batch_size: int = Field(default=512, ge=1, description="Images of a step, of all processes.")
    samples: int = Field(ge=1, description="Images of the whole run.")


class MachineOptions(Options):
    """What does not change the result, and may differ when a run is resumed."""

    data: Path = Field(default=Path(), description="Folder of the recipe's relative paths.")
    device: str = Field(default="cpu", description="A PyTorch device; with torchrun, cuda or cpu.")
    precision: Literal["float32", "bfloat16"] = Field(
        default="float32", description="bfloat16 is automatic mixed precision."
    )
    loaders: int = Field(default=1, ge=0, description="Processes that draw and load images.")
    checkpoint_minutes: float = Field(default=5.0, gt=0, description="Between checkpoints.")
    validate_samples: int = Field(default=100_000, ge=1, description="Between validations.")


class RecipeOptions(Options):
    """A whole recipe, for any task."""

    seed: int = Field(default=0, ge=0, description="Of all randomness.")
    optimiser: StepOptions
    machine: MachineOptions = MachineOptions()

    def on_machine(self, changes: dict[str, Any]) -> Self:
        """Returns the same recipe with other options of the machine.

        Raises:
            ConfigurationError: a bad option.
        """
        machine = type(self.machine).parse(dict(self.machine) | changes)
        return self.model_copy(update={"machine": machine})

    @classmethod
    def from_toml(cls, path: Path) -> Self:
        """Returns the recipe in a file; with ``extends = "NAME"``, another recipe with its changes.

        Raises:
            ConfigurationError: unreadable, no TOML, or options that cannot be.
        """
        try:
            options = cls.parse(recipe_values(path))
            options.check()
        except ConfigurationError as error:
            if str(error).startswith(f"{path}:"):
                raise
            raise ConfigurationError(f"{path}: {error}") from error
        return options

    def check(self) -> None:
        """Raises `ConfigurationError` if the recipe cannot be run."""


def found_recipe(name: str, beside: Path = Path()) -> Path:
    """Returns a recipe's file: a path, or the name of one that comes with the package.

    Args:
        name: either; an unknown name is treated as a missing file.
        beside: the folder of relative paths.
    """
    path, bundled = beside / name, _RECIPES / f"{name}.toml"
    return bundled if bundled.is_file() and not path.exists() else path


def recipe_values(path: Path) -> dict[str, Any]:
    """Returns what a recipe says together with what it extends.

    Raises:
        ConfigurationError: unreadable, or no TOML.
    """
    return _values(path, frozenset())


def _values(path: Path, extending: frozenset[Path]) -> dict[str, Any]:
    """Returns what a recipe says together with what it extends."""
    if path in extending:
        raise ConfigurationError(f"{path}: extends itself")
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ConfigurationError(f"{path}: no TOML: {error}") from error
    base = values.pop("extends", None)
    if base is None:
        return values
    return _changed(_values(found_recipe(str(base), path.parent), extending | {path}), values)


def _changed(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Returns `base` with `changes`, table by table; lists are replaced whole."""
    merged = dict(base)
    for name, value in changes.items():
        known = merged.get(name)
        both = isinstance(known, dict) and isinstance(value, dict)
        merged[name] = _changed(known, value) if both and known is not None else value
    return merged
