"""Crops in, readings out: CLIP4STR as a recognizer plugin."""

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

import torch
from pydantic import Field
from torch import Tensor

from ocr_plugin.errors import ConfigurationError
from ocr_plugin.language.choice import language_for
from ocr_plugin.options import Options, Precision, RuntimeOptions
from ocr_plugin.protocols import RGB, CharacterReading, Reading, Unit, WordReading
from ocr_plugin.recognizers.calibration import Calibration
from ocr_plugin.recognizers.charset import Charset
from ocr_plugin.recognizers.clip4str.batch_buckets import pad_to_bucket
from ocr_plugin.recognizers.clip4str.catalogue import DEFAULT_MODEL
from ocr_plugin.recognizers.clip4str.checkpoint import load_weights
from ocr_plugin.recognizers.clip4str.config import CLIP_MEAN, CLIP_STD, HALF, Clip4StrConfig
from ocr_plugin.recognizers.clip4str.reader import Reader, ready_to_read
from ocr_plugin.recognizers.clip4str.resizing import resized_by_pil, resized_on_device
from ocr_plugin.recognizers.clip4str.scoring import ScoredTexts, score_texts
from ocr_plugin.recognizers.constrained_beam import allowed_texts
from ocr_plugin.recognizers.ctc import ctc_reading
from ocr_plugin.recognizers.ctc_evidence import CtcEvidence
from ocr_plugin.recognizers.decision import View, Weights, WeightsByKind
from ocr_plugin.recognizers.guidance import UNGUIDED, Guidance, compiled
from ocr_plugin.recognizers.word_decider import WordDecider
from ocr_plugin.runtime.devices import StreamPool, usable_device
from ocr_plugin.runtime.precision import chosen_dtype
from ocr_plugin.runtime.threads import cores, torch_workers
from ocr_plugin.schema import Component

# On a CPU fewer crops than this are read by one thread: each of a network's thousands of operations
# takes Python's lock to start, so threads with little work block each other.
_LEAST_PART = 4
# A guess is a tie if the next one has more than this share of its probability. Of the words that
# bfloat16 reads differently from float32, six in seven have a tie; of all words, one in thirty.
_TIE = 0.8
# Of the search for likely texts.
_BEAM = 4
# Fitted on words of all kinds; see docs/language.md.
_WEIGHTS = WeightsByKind(
    letters=Weights(
        readers=(0.56,), language=0.22, length=0.9, calibration=Calibration(1.32, 0.14, 4.3)
    ),
    digits=Weights(
        readers=(0.82,), language=0.02, length=0.07, calibration=Calibration(0.52, 0.53, 7.3)
    ),
)
_NORMALISATIONS = {"clip": (CLIP_MEAN, CLIP_STD), "half": (HALF, HALF)}

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


class Clip4StrOptions(Options):
    """How words are read."""

    model: str | Path = Field(
        default=DEFAULT_MODEL, description="Name of a published model, or a weights file."
    )
    device: str = Field(default="cpu", description="A PyTorch device, such as cpu or cuda:0.")
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


class _Guess(NamedTuple):
    """A reading, and whether one of its characters, or its end, is a tie."""

    reading: Reading
    tie: bool


class Clip4StrRecognizer:
    """Reads words with CLIP4STR. Threads may share it.

    On a GPU each thread uses its own stream: one's crops are uploaded and resized while another's
    are read. The left-to-right readings are CUDA graphs, replayed one at a time.

    Its keyword options are those of `Clip4StrOptions`.

    Raises:
        ConfigurationError: a bad option, or an unavailable device.
        ModelError: the model is unavailable, or its file is unusable.
    """

    def __init__(self, runtime: RuntimeOptions | None = None, **options: Any) -> None:
        self.options = Clip4StrOptions.parse((runtime or RuntimeOptions()).model_dump() | options)
        self._device = device = usable_device(self.options.device)
        dtype = chosen_dtype(self.options.precision, device)
        network, path, sha256 = load_weights(self.options.model, device, self.options.offline)
        config = network.config
        if self.options.mode == "ctc" and not config.ctc:
            raise ConfigurationError(f"mode 'ctc': {self.options.model} has no CTC head")
        settles = self.options.settle_ties and self.options.mode != "ctc"
        settles &= device.type == "cpu" and dtype != torch.float32
        ready = partial(ready_to_read, refinements=self.options.refinements)
        self._exact = ready(copy.deepcopy(network), torch.float32) if settles else None
        self._reader = ready(network, dtype)
        self._charset: Charset = config.charset
        self._power = config.confidence_power
        mean, std = (
            _NORMALISATIONS[self.options.normalisation]
            if self.options.normalisation
            else (config.mean, config.std)
        )
        self._mean = torch.tensor(mean, device=device).view(3, 1, 1)
        self._std = torch.tensor(std, device=device).view(3, 1, 1)
        self._streams = StreamPool(device)
        self.characters = frozenset(self._charset.characters)
        # Only the name of a file is recorded: local paths stay private.
        named = str(self.options.model)
        self._component = Component(
            name=f"clip4str:{path.name if Path(named) == path else named}",
            version=version("ocr-plugin"),
            weights_sha256=sha256,
        )
        self._guide(UNGUIDED)

    def guided(self, guidance: Guidance) -> "Clip4StrRecognizer":
        """Returns a reader with this one's networks that heeds guidance; see `Guidable`.

        It reads words, so of a constraint on lines as a whole only texts without a space count. In
        the modes fast and ctc, words are decided by the constraint, without language.
        """
        other = copy.copy(self)
        other._guide(guidance)
        return other

    def _guide(self, guidance: Guidance) -> None:
        """Sets what is decided by; only before the reader is handed out."""
        known = language_for(guidance.language or self.options.language)
        known = known if self.options.mode == "accurate" else None
        self._constraint = compiled(guidance.constraint, self.characters, "CLIP4STR")
        decides = known is not None or self._constraint is not None
        decider = WordDecider(self._views, _WEIGHTS, known, self._constraint, guidance.views)
        self._decide = decider if decides else None

    @property
    def component(self) -> Component:
        """The model's name, this package's version and the weights' hash."""
        return self._component

    @property
    def model_config(self) -> Clip4StrConfig:
        """The network's configuration."""
        return self._reader.config

    @property
    def unit(self) -> Unit:
        """A crop should hold a single word."""
        return "word"

    def recognize(self, crops: Sequence[RGB]) -> list[Reading]:
        """Returns the reading of each crop, in order; see `protocols.Recognizer`.

        Args:
            crops: (h, w, 3) uint8 RGB each, upright and rectified, of any size from 1x1.
        """
        found = self._first_readings(crops)
        if self._decide is None:
            return found
        words = [reading.words or (WordReading("", reading.confidence),) for reading in found]
        decided = self._decide.decide_lines(
            crops, [(each, [None]) for each in words], self._is_doubtful
        )
        if self._constraint is not None:
            return decided
        return [
            second if second.text else first for first, second in zip(found, decided, strict=True)
        ]

    def reconsidered(self, words: Sequence[WordReading]) -> list[WordReading]:
        """Returns the words of a page, doubtful ones chosen again; see `protocols.PageAware`."""
        if self._decide is None:
            return list(words)
        return self._decide.reconsidered(words, self.options.sure)

    def _is_doubtful(self, word: WordReading) -> bool:
        allowed = self._constraint is None or self._constraint.allows(word.text)
        return word.confidence < self.options.sure or not allowed

    def _views(self, crops: Sequence[RGB], known: Sequence[object]) -> list[View]:
        """Returns the likely texts of crops."""
        scored = self.score(crops, [[]] * len(crops))
        return [View(each.texts, each.log_probabilities[:, None]) for each in scored]

    def _first_readings(self, crops: Sequence[RGB]) -> list[Reading]:
        found = self._read_all(self._reader, crops)
        if self._exact is not None:
            ties = [place for place, (_, tie) in enumerate(found) if tie]
            settled = self._read_all(self._exact, [crops[place] for place in ties])
            for place, guess in zip(ties, settled, strict=True):
                found[place] = guess
        return [reading for reading, _ in found]

    def score(self, crops: Sequence[RGB], given: Sequence[Sequence[str]]) -> list[ScoredTexts]:
        """Returns given texts and the network's own likely ones with their scores, for each crop.

        Under a constraint, texts that it allows are among its own.

        Texts with characters that the network does not have, and too long ones, are left out.

        Args:
            crops: as for `recognize`.
            given: texts for each crop.
        """
        fit = [[text for text in own if self._has(text)] for own in given]
        return self._in_parts(self._score, list(zip(crops, fit, strict=True)))

    def _has(self, text: str) -> bool:
        long = self.model_config.max_label_length
        return self.characters.issuperset(text) and 0 < len(text) <= long

    def _allowed(self, likely: Sequence[str], columns: CtcEvidence | None) -> list[str]:
        """Returns texts that the constraint allows, of the CTC head and of the lexicon."""
        if self._constraint is None:
            return []
        found = allowed_texts(columns, self._constraint, likely)
        return [text for text in found if self._has(text)]

    @torch.inference_mode()
    def _score(self, words: Sequence[tuple[RGB, list[str]]]) -> list[ScoredTexts]:
        with self._streams.use():
            images = pad_to_bucket(
                self._images([crop for crop, _ in words]), self.options.batch_size
            )
            given = [*(texts for _, texts in words), *([()] * (len(images) - len(words)))]
            network = self._reader.network
            return score_texts(network, images, given, _BEAM, self._allowed)[: len(words)]

    def _read_all(self, reader: Reader, crops: Sequence[RGB]) -> list[_Guess]:
        """Returns a reader's guesses for crops."""
        return self._in_parts(partial(self._read, reader), crops)

    def _in_parts(
        self, ask: Callable[[Sequence[Asked]], list[Answer]], words: Sequence[Asked]
    ) -> list[Answer]:
        """Returns the answers for words, asked for in batches, in parallel on a CPU."""
        size, threads = self.options.batch_size, self.options.threads or cores()
        if self._device.type != "cpu":
            return [found for part in _parts(words, size) for found in ask(part)]
        share = max(-(-len(words) // threads), _LEAST_PART)
        answers = torch_workers().map(ask, _parts(words, min(size, share)))
        return [found for part in answers for found in part]

    def _read(self, reader: Reader, crops: Sequence[RGB]) -> list[_Guess]:
        """Returns a reader's guesses for one batch of crops."""
        with self._streams.use():
            images = self._images(crops)
            filled = pad_to_bucket(images, self.options.batch_size)
            return self._read_images(reader, filled)[: len(crops)]

    @torch.inference_mode()
    def _images(self, crops: Sequence[RGB]) -> Tensor:
        """Returns the network's input, (N, 3, H, W) float32 on the device."""
        size = self._reader.config.image_size
        if self._device.type == "cpu":
            levels = resized_by_pil(crops, size)
        else:
            levels = resized_on_device(crops, size, self._device)
        return (levels.float() / 255 - self._mean) / self._std

    @torch.inference_mode()
    def _read_images(self, reader: Reader, images: Tensor) -> list[_Guess]:
        if self.options.mode == "ctc":
            network = reader.network
            columns = network.ctc_logits(network.encode_image(images)).float().softmax(-1)
            return [
                _Guess(ctc_reading(row, self._charset, self._power), False)
                for row in columns.cpu().numpy()
            ]
        logits = reader(images, independent=True, autoregressive=self.options.mode == "accurate")
        likelihoods = logits.float().softmax(-1)
        confidences, tokens = likelihoods.max(-1)
        ties = (likelihoods > _TIE * confidences[..., None]).sum(-1) > 1  # more than the best
        rows = zip(tokens.tolist(), confidences.tolist(), ties.tolist(), strict=True)
        return [self._guess(*row) for row in rows]

    def _guess(self, tokens: list[int], confidences: list[float], ties: list[bool]) -> _Guess:
        text = self._charset.decode(tokens)
        read = len(text) + 1  # the end counts too: it is predicted like a character
        confidence = math.prod(confidences[:read]) ** self._power
        if not text:
            return _Guess(Reading("", confidence), any(ties[:read]))
        characters = tuple(map(CharacterReading, text, confidences))
        word = WordReading(text, confidence, characters=characters)
        return _Guess(Reading(text, confidence, (word,)), any(ties[:read]))


def _parts(words: Sequence[Asked], size: int) -> Iterator[Sequence[Asked]]:
    """Yields words in order, at most `size` at a time."""
    for start in range(0, len(words), size):
        yield words[start : start + size]
