"""Crops in, readings out: CLIP4STR as a recognizer plugin."""

import copy
import math
from collections.abc import Iterator, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from pydantic import Field
from torch import Tensor

from ocr_plugin.clip4str.batch_size import padded
from ocr_plugin.clip4str.catalogue import DEFAULT_MODEL, resolve
from ocr_plugin.clip4str.charset import Charset
from ocr_plugin.clip4str.checkpoint import load_model
from ocr_plugin.clip4str.config import CLIP_MEAN, CLIP_STD, HALF, Clip4StrConfig
from ocr_plugin.clip4str.ctc import ctc_reading
from ocr_plugin.clip4str.model import Clip4Str
from ocr_plugin.clip4str.precision import Precision, chosen_dtype, ready_to_read
from ocr_plugin.clip4str.resizing import resized_by_pil, resized_on_device
from ocr_plugin.device import Lanes, usable_device
from ocr_plugin.errors import ConfigurationError
from ocr_plugin.hashes import sha256_of
from ocr_plugin.options import Options
from ocr_plugin.protocols import RGB, Reading, Unit
from ocr_plugin.schema import Component
from ocr_plugin.threads import cores, torch_workers

# On a CPU fewer crops than this are read by one thread alone: to begin each of a network's
# thousands of operations takes Python's lock, so that threads with little to do stand in each
# other's way.
_LEAST_PART = 4
# A guess is a tie where the next one has more than this share of its probability. Of the words that
# bfloat16 reads otherwise than float32, six in seven hold one; of all words, one in thirty.
_TIE = 0.8
_NORMALISATIONS = {"clip": (CLIP_MEAN, CLIP_STD), "half": (HALF, HALF)}


class Clip4StrOptions(Options):
    """How words are read."""

    model: str | Path = Field(
        default=DEFAULT_MODEL, description="A published model's name, or a weights file."
    )
    device: str = Field(default="cpu", description="A PyTorch device, such as cpu or cuda:0.")
    batch_size: int = Field(default=64, ge=1, description="Crops read at once.")
    threads: int = Field(
        default=0,
        ge=0,
        description="On a CPU, into how many parts crops are divided that are read side by side,"
        " each by one thread; 0 takes one a core.",
    )
    refinements: int = Field(
        default=1, ge=0, description="Rounds of refinement after the left-to-right reading."
    )
    normalisation: Literal["clip", "half"] | None = Field(
        default=None,
        description="Mean and deviation of the input: CLIP's, or 0.5 as in the public test script;"
        " null for what the model says.",
    )
    precision: Precision = Field(
        default="auto",
        description="Numbers to reckon with: auto takes bfloat16 on a GPU that has it, otherwise"
        " float32.",
    )
    settle_ties: bool = Field(
        default=True,
        description="On a CPU in bfloat16, whether words in which another character is nearly as"
        " likely are read again in float32: nearly all texts are float32's then. It keeps both"
        " sets of weights. Not in mode ctc.",
    )
    mode: Literal["accurate", "fast", "ctc"] = Field(
        default="accurate",
        description="Left to right, then refined; all characters at once, then refined; or the"
        " CTC head alone, where the model has one.",
    )
    offline: bool = Field(
        default=False, description="Whether a missing model is an error rather than a download."
    )


class _Guess(NamedTuple):
    """A reading, and whether one of its characters, or its end, is a tie."""

    reading: Reading
    tie: bool


class Clip4StrRecognizer:
    """Reads words with CLIP4STR. Threads may share it.

    On a GPU each thread has a stream there: one's crops go up and are resized while another's are
    read. The left-to-right readings are CUDA graphs and take turns.

    Its keyword options are those of `Clip4StrOptions`.

    Raises:
        ConfigurationError: a bad option, or a device that is not there.
        ModelError: the model is not to be had, or its file is no good.
    """

    def __init__(self, **options: Any) -> None:
        self.options = Clip4StrOptions.parse(options)
        path = resolve(self.options.model, offline=self.options.offline)
        self._device = device = usable_device(self.options.device)
        dtype = chosen_dtype(self.options.precision, device)
        model = load_model(path, refinements=self.options.refinements, device=device)
        config = model.config
        if self.options.mode == "ctc" and not config.ctc:
            raise ConfigurationError(f"mode 'ctc': {self.options.model} has no CTC head")
        settles = self.options.settle_ties and self.options.mode != "ctc"
        settles &= device.type == "cpu" and dtype != torch.float32
        self._exact = ready_to_read(copy.deepcopy(model), torch.float32) if settles else None
        self._model = ready_to_read(model, dtype)
        self._charset: Charset = config.charset
        self._power = config.confidence_power
        mean, std = (
            _NORMALISATIONS[self.options.normalisation]
            if self.options.normalisation
            else (config.mean, config.std)
        )
        self._mean = torch.tensor(mean, device=device).view(3, 1, 1)
        self._std = torch.tensor(std, device=device).view(3, 1, 1)
        self._lanes = Lanes(device)
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
        found = self._read_all(self._model, crops)
        if self._exact is not None:
            ties = [place for place, (_, tie) in enumerate(found) if tie]
            settled = self._read_all(self._exact, [crops[place] for place in ties])
            for place, guess in zip(ties, settled, strict=True):
                found[place] = guess
        return [reading for reading, _ in found]

    def _read_all(self, model: Clip4Str, crops: Sequence[RGB]) -> list[_Guess]:
        """Returns what a network makes of crops, in batches, side by side where that is faster."""
        size, threads = self.options.batch_size, self.options.threads or cores()
        read = partial(self._read, model)
        if self._device.type != "cpu":
            return [found for part in _parts(crops, size) for found in read(part)]
        share = max(-(-len(crops) // threads), _LEAST_PART)
        answers = torch_workers().map(read, _parts(crops, min(size, share)))
        return [found for part in answers for found in part]

    def _read(self, model: Clip4Str, crops: Sequence[RGB]) -> list[_Guess]:
        """Returns what a network makes of crops that it reads at once."""
        with self._lanes.own():
            images = self._images(crops)
            filled = padded(images, self.options.batch_size)
            return self._read_images(model, filled)[: len(crops)]

    @torch.inference_mode()
    def _images(self, crops: Sequence[RGB]) -> Tensor:
        """Returns the input, (N, 3, H, W) float32 on the device, whatever the aspect ratios."""
        size = self._model.config.image_size
        if self._device.type == "cpu":
            levels = resized_by_pil(crops, size)
        else:
            levels = resized_on_device(crops, size, self._device)
        return (levels.float() / 255 - self._mean) / self._std

    @torch.inference_mode()
    def _read_images(self, model: Clip4Str, images: Tensor) -> list[_Guess]:
        if self.options.mode == "ctc":
            columns = model.ctc_logits(model.encode_image(images)).float().softmax(-1)
            return [
                _Guess(ctc_reading(row, self._charset, self._power), False)
                for row in columns.cpu().numpy()
            ]
        logits = model(images, independent=True, autoregressive=self.options.mode == "accurate")
        likelihoods = logits.float().softmax(-1)
        confidences, tokens = likelihoods.max(-1)
        ties = (likelihoods > _TIE * confidences[..., None]).sum(-1) > 1  # more than the best
        rows = zip(tokens.tolist(), confidences.tolist(), ties.tolist(), strict=True)
        return [self._guess(*row) for row in rows]

    def _guess(self, tokens: list[int], confidences: list[float], ties: list[bool]) -> _Guess:
        text = self._charset.decode(tokens)
        read = len(text) + 1  # the end counts too: it is a guess like every character
        reading = Reading(
            text=text,
            confidence=math.prod(confidences[:read]) ** self._power,
            character_confidences=tuple(confidences[: len(text)]),
        )
        return _Guess(reading, any(ties[:read]))


def _parts(crops: Sequence[RGB], size: int) -> Iterator[Sequence[RGB]]:
    """Yields crops in their order, so many at a time."""
    for start in range(0, len(crops), size):
        yield crops[start : start + size]
