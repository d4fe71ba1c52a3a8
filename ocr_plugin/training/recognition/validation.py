"""Validation during a run: how well the branches read."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ocr_plugin.datasets.labels import clean_label, compared
from ocr_plugin.datasets.word_sets import BadRecord, WordImage, open_word_set
from ocr_plugin.recognizers.charset import CHARACTERS
from ocr_plugin.recognizers.clip4str.model import Clip4Str
from ocr_plugin.recognizers.clip4str.reader import Reader, read_texts
from ocr_plugin.recognizers.ctc import greedy_texts
from ocr_plugin.training.recognition.training_sets import resized

_BATCH = 128


@dataclass(frozen=True)
class ValidationSet:
    """Word images at the network's size, held in memory.

    Attributes:
        name: for the log.
        images: (N, 3, H, W) uint8.
        labels: N words.
        bad: records that do not decode.
    """

    name: str
    images: Tensor
    labels: Sequence[str]
    bad: Sequence[BadRecord] = ()


def validation_words(
    name: str,
    words: Sequence[WordImage],
    size: tuple[int, int],
    characters: str = CHARACTERS,
    bad: Sequence[BadRecord] = (),
) -> ValidationSet:
    """Returns words as a set to validate on; those that `compared` leaves nothing of are dropped.

    Args:
        name: for the log.
        words: with clean labels.
        size: height and width of the network's input.
        characters: that the network reads.
        bad: records that did not decode.
    """
    kept = [word for word in words if compared(word.label, characters)]
    images = np.stack(
        [resized(word.pixels, size) for word in kept] or [np.zeros((*size, 3), np.uint8)]
    )
    tensor = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()
    return ValidationSet(name, tensor[: len(kept)], [word.label for word in kept], bad)


def validation_set(
    path: Path, most: int, size: tuple[int, int], characters: str = CHARACTERS
) -> ValidationSet:
    """Returns up to `most` usable words of a set.

    Raises:
        ConfigurationError: no such set.
    """
    words: list[WordImage] = []
    bad: list[BadRecord] = []
    for record in open_word_set(path):
        if isinstance(record, BadRecord):
            bad.append(record)
        elif label := _clean(record.label, characters):
            words.append(WordImage(record.name, record.pixels, label))
        if len(words) == most:
            break
    return validation_words(path.name, words, size, characters, bad)


def _clean(label: str, characters: str) -> str | None:
    return clean_label(label) if characters == CHARACTERS else "".join(label.split())


def accuracies(
    model: Clip4Str, words: ValidationSet, device: torch.device, branches: Iterable[str]
) -> dict[str, float]:
    """Returns the share of words that each branch reads right, as `compared`.

    Args:
        model: left in the mode it was in.
        words: what to read.
        device: where the model is.
        branches: of "ctc", "visual" and "cross" (the whole reading).
    """
    training = model.training
    model.eval()
    characters = model.config.characters
    wanted = [compared(label, characters) for label in words.labels]
    found: dict[str, float] = {}
    with torch.inference_mode():
        for branch in branches:
            texts = _texts(model, words.images, device, branch)
            hits = [
                compared(text, characters) == label
                for text, label in zip(texts, wanted, strict=True)
            ]
            found[branch] = sum(hits) / max(len(hits), 1)
    model.train(training)
    return found


def _texts(model: Clip4Str, images: Tensor, device: torch.device, branch: str) -> Iterator[str]:
    mean, std = (
        torch.tensor(values, device=device).view(3, 1, 1)
        for values in (model.config.mean, model.config.std)
    )
    for part in torch.split(images, _BATCH):
        inputs = (part.to(device).float() / 255 - mean) / std
        if branch == "ctc":
            logits = model.ctc_logits(model.encode_image(inputs))
            yield from greedy_texts(logits, model.config.charset)
        elif branch == "visual":
            yield from read_texts(model.config, Reader(model).read_visually(inputs))
        else:
            yield from read_texts(model.config, Reader(model)(inputs, independent=True))
