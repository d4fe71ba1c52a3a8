"""Crops in, readings out: CLIP4STR as a recognizer plugin."""

import math
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image
from pydantic import Field
from torch import Tensor

from ocr_plugin.clip4str.catalogue import DEFAULT_MODEL, resolve, sha256_of
from ocr_plugin.clip4str.charset import Charset
from ocr_plugin.clip4str.checkpoint import load_model
from ocr_plugin.clip4str.config import CLIP_MEAN, CLIP_STD, HALF, Clip4StrConfig
from ocr_plugin.options import Options
from ocr_plugin.protocols import RGB, Reading, Unit
from ocr_plugin.schema import Component

_NORMALISATIONS = {"clip": (CLIP_MEAN, CLIP_STD), "half": (HALF, HALF)}


class Clip4StrOptions(Options):
    """How words are read."""

    model: str | Path = Field(
        default=DEFAULT_MODEL, description="A published model's name, or a weights file."
    )
    device: str = Field(default="cpu", description="A PyTorch device, such as cpu or cuda:0.")
    batch_size: int = Field(default=64, ge=1, description="Crops read at once.")
    refinements: int = Field(
        default=1, ge=0, description="Rounds of refinement after the left-to-right reading."
    )
    normalisation: Literal["clip", "half"] | None = Field(
        default=None,
        description="Mean and deviation of the input: CLIP's, or 0.5 as in the public test script;"
        " null for what the model says.",
    )
    offline: bool = Field(
        default=False, description="Whether a missing model is an error rather than a download."
    )


class Clip4StrRecognizer:
    """Reads words with CLIP4STR. Holds nothing that changes, so that threads may share it.

    Its keyword options are those of `Clip4StrOptions`.

    Raises:
        ConfigurationError: a bad option, or a device that is not there.
        ModelError: the model is not to be had, or its file is no good.
    """

    def __init__(self, **options: Any) -> None:
        self.options = Clip4StrOptions.parse(options)
        path = resolve(self.options.model, offline=self.options.offline)
        self._model = load_model(
            path, refinements=self.options.refinements, device=self.options.device
        ).requires_grad_(False)
        config = self._model.config
        self._charset: Charset = config.charset
        self._power = config.confidence_power
        mean, std = (
            _NORMALISATIONS[self.options.normalisation]
            if self.options.normalisation
            else (config.mean, config.std)
        )
        self._mean = torch.tensor(mean).view(3, 1, 1)
        self._std = torch.tensor(std).view(3, 1, 1)
        # A file is called by its name: where it lay is nobody's business but this machine's.
        named = str(self.options.model)
        self._component = Component(
            name=f"clip4str:{path.name if Path(named) == path else named}",
            version=version("ocr-plugin"),
            weights_sha256=sha256_of(path),
        )

    @property
    def component(self) -> Component:
        """The model's name, this package's version and the weights' hash."""
        return self._component

    @property
    def model_config(self) -> Clip4StrConfig:
        """What the network is."""
        return self._model.config

    @property
    def unit(self) -> Unit:
        """A crop should hold a single word."""
        return "word"

    def recognize(self, crops: Sequence[RGB]) -> list[Reading]:
        """Returns the reading of each crop, in order; see `protocols.Recognizer`.

        Args:
            crops: (h, w, 3) uint8 RGB each, upright and rectified, of any size from 1x1.
        """
        size = self.options.batch_size
        readings: list[Reading] = []
        for start in range(0, len(crops), size):
            images = [self._prepare(crop) for crop in crops[start : start + size]]
            readings += self._read(torch.stack(_filled(images, size)))[: len(images)]
        return readings

    def _prepare(self, crop: RGB) -> Tensor:
        """Returns the network's input, (3, H, W) float32, with no regard to the aspect ratio."""
        height, width = self._model.config.image_size
        # PIL's bicubic filter widens as the crop shrinks, as it did in training; OpenCV's does not.
        resized = Image.fromarray(crop).resize((width, height), Image.Resampling.BICUBIC)
        pixels = torch.from_numpy(np.array(resized)).permute(2, 0, 1).float() / 255
        return (pixels - self._mean) / self._std

    @torch.inference_mode()
    def _read(self, images: Tensor) -> list[Reading]:
        logits = self._model(images.to(self.options.device), independent=True)
        confidences, tokens = logits.softmax(-1).max(-1)
        return [
            self._reading(*row) for row in zip(tokens.tolist(), confidences.tolist(), strict=True)
        ]

    def _reading(self, tokens: list[int], confidences: list[float]) -> Reading:
        text = self._charset.decode(tokens)
        return Reading(
            text=text,
            # The end counts too: it is a guess like every character.
            confidence=math.prod(confidences[: len(text) + 1]) ** self._power,
            character_confidences=tuple(confidences[: len(text)]),
        )


def _filled(images: list[Tensor], most: int) -> list[Tensor]:
    """Returns a batch of one of few sizes (1, 2, 3, 4, 6, 8, 12, 16, 24...), repeating the last.

    PyTorch keeps what it prepared for each size that ever was: with every size from 1 to 64, 2 GB
    for the compact model, where these hold 0.3.
    """
    full = 1 << (len(images) - 1).bit_length()
    size = full * 3 // 4 if len(images) <= full * 3 // 4 else full
    return images + images[-1:] * (min(size, most) - len(images))
