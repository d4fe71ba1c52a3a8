"""Tasks: what a recipe trains, as its `task` says."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ocr_plugin.datasets.word_sets import BadRecord
from ocr_plugin.errors import ConfigurationError
from ocr_plugin.training.detection.options import DetectorTrainingOptions, PageSetOptions
from ocr_plugin.training.detection.sources import TrainingPages
from ocr_plugin.training.detection.trainer import DetectorTrainer
from ocr_plugin.training.detection.validation import held_pages
from ocr_plugin.training.recipes import RecipeOptions, recipe_values
from ocr_plugin.training.recognition.options import TrainingOptions
from ocr_plugin.training.recognition.trainer import Trainer
from ocr_plugin.training.recognition.training_sets import TrainingSet
from ocr_plugin.training.recognition.validation import validation_set, validation_words
from ocr_plugin.training.run import TrainingRun

_RECIPES: dict[str, type[RecipeOptions]] = {
    "recognition": TrainingOptions,
    "detection": DetectorTrainingOptions,
}


def load_recipe(path: Path) -> RecipeOptions:
    """Returns the recipe in a file, of the kind that its `task` names.

    Raises:
        ConfigurationError: unreadable, no TOML, no such task, or options that cannot be.
    """
    task = recipe_values(path).get("task", "recognition")
    if task not in _RECIPES:
        raise ConfigurationError(f"{path}: task is {' or '.join(_RECIPES)}, not {task!r}")
    return _RECIPES[task].from_toml(path)


def opened(options: RecipeOptions) -> "Task":
    """Returns what a recipe trains, the sets that it names opened.

    Raises:
        ConfigurationError: a set that is missing or unusable.
    """
    if isinstance(options, DetectorTrainingOptions):
        return DetectionTask(options)
    assert isinstance(options, TrainingOptions)
    return RecognitionTask(options)


class Task(ABC):
    """A recipe with its sets."""

    @abstractmethod
    def trainer(self, folder: Path) -> TrainingRun[Any, Any]:
        """Returns the run in a folder, begun or resumed.

        Raises:
            OcrError: the recipe cannot be run.
        """

    @abstractmethod
    def validation(self) -> tuple[Sequence[Any], list[BadRecord]]:
        """Returns what the run measures itself on, and pictures for it that do not decode."""


class RecognitionTask(Task):
    """CLIP4STR, and the words that it learns from."""

    def __init__(self, options: TrainingOptions) -> None:
        self._options = options
        self.sets = training_sets(options)

    def trainer(self, folder: Path) -> Trainer:
        """Returns the run in a folder."""
        return Trainer(self._options, folder, self.sets)

    def validation(self) -> tuple[Sequence[Any], list[BadRecord]]:
        """Returns the words that sets hold back, and those of further sets."""
        options = self._options
        most, config = options.machine.validation_words, options.config
        size, characters = config.image_size, config.characters
        kept = [(words.name, *words.held_back(most)) for words in self.sets]
        own = [validation_words(name, words, size, characters, bad) for name, words, bad in kept]
        below = options.data.below(options.machine.data)
        others = [validation_set(path, most, size, characters) for path in below.validation]
        bad_records = [record for held in [*own, *others] for record in held.bad]
        return [words for words in [*own, *others] if words.labels], bad_records


class DetectionTask(Task):
    """The word detector, and the pages that it learns from."""

    def __init__(self, options: DetectorTrainingOptions) -> None:
        self._options = options
        below = options.data.below(options.machine.data)
        self._sets = [TrainingPages(entry) for entry in below.sets]
        self._validation = [TrainingPages(PageSetOptions(path=path)) for path in below.validation]

    def trainer(self, folder: Path) -> DetectorTrainer:
        """Returns the run in a folder."""
        return DetectorTrainer(self._options, folder, self._sets)

    def validation(self) -> tuple[Sequence[Any], list[BadRecord]]:
        """Returns the pages that sets hold back, and those of further sets."""
        most = self._options.machine.validation_pages
        own = [held_pages(pages.name, pages.held_back, most) for pages in self._sets]
        others = [held_pages(pages.name, pages.pages, most) for pages in self._validation]
        held = [(pages, bad) for pages, bad in [*own, *others] if pages.pages]
        return [pages for pages, _ in held], [record for _, bad in held for record in bad]


def training_sets(options: TrainingOptions) -> list[TrainingSet]:
    """Returns the sets of words that a recipe names, opened."""
    config = options.config
    below = options.data.below(options.machine.data)
    return [TrainingSet(entry, config.characters, config.max_label_length) for entry in below.sets]
