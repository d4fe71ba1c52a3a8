"""Crops in, readings out: CLIP4STR as a recognizer plugin."""

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from ocr_plugin.errors import ConfigurationError
from ocr_plugin.language.choice import language_for
from ocr_plugin.options import RuntimeOptions
from ocr_plugin.protocols import RGB, CharacterReading, Reading, Unit, WordReading
from ocr_plugin.recognizers.calibration import Calibration
from ocr_plugin.recognizers.charset import Charset
from ocr_plugin.recognizers.clip4str.catalogue import DEFAULT_MODEL
from ocr_plugin.recognizers.clip4str.config import Clip4StrConfig
from ocr_plugin.recognizers.clip4str.model_files import bundled, resolve
from ocr_plugin.recognizers.clip4str.onnx_network import OnnxWordNetwork
from ocr_plugin.recognizers.clip4str.options import Clip4StrOptions
from ocr_plugin.recognizers.clip4str.scoring import ScoredTexts
from ocr_plugin.recognizers.clip4str.word_network import WordNetwork
from ocr_plugin.recognizers.constrained_beam import allowed_texts
from ocr_plugin.recognizers.ctc import ctc_reading
from ocr_plugin.recognizers.ctc_evidence import CtcEvidence
from ocr_plugin.recognizers.decision import View, Weights, WeightsByKind
from ocr_plugin.recognizers.guidance import UNGUIDED, Guidance, compiled
from ocr_plugin.recognizers.word_decider import WordDecider
from ocr_plugin.runtime.extras import needed_for
from ocr_plugin.runtime.threads import cores
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
Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


class _Guess(NamedTuple):
    """A reading, and whether one of its characters, or its end, is a tie."""

    reading: Reading
    tie: bool


class Clip4StrRecognizer:
    """Reads words with CLIP4STR. Threads may share it.

    Its keyword options are those of `Clip4StrOptions`.

    Raises:
        ConfigurationError: a bad option, an unavailable device, or the extra torch is missing.
        ModelError: the model is unavailable, or its file is unusable.
    """

    def __init__(self, runtime: RuntimeOptions | None = None, **options: Any) -> None:
        self.options = Clip4StrOptions.parse((runtime or RuntimeOptions()).model_dump() | options)
        path = resolve(self.options.model, offline=self.options.offline)
        self._network = _network(path, self.options)
        config = self._network.config
        if self.options.mode == "ctc" and not config.ctc:
            raise ConfigurationError(f"mode 'ctc': {self.options.model} has no CTC head")
        self._charset: Charset = config.charset
        self._power = config.confidence_power
        self.characters = frozenset(self._charset.characters)
        # Only the name of a file is recorded: local paths stay private.
        named = str(self.options.model)
        self._component = Component(
            name=f"clip4str:{path.name if Path(named) == path else named}",
            version=version("ocr-plugin"),
            weights_sha256=self._network.sha256,
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
        return self._network.config

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
        found = self._read_all(self._network, crops)
        if self._network.exact is not None:
            ties = [place for place, (_, tie) in enumerate(found) if tie]
            settled = self._read_all(self._network.exact, [crops[place] for place in ties])
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

    def _score(self, words: Sequence[tuple[RGB, list[str]]]) -> list[ScoredTexts]:
        crops, given = [crop for crop, _ in words], [texts for _, texts in words]
        return self._network.score(crops, given, _BEAM, self._allowed)

    def _read_all(self, network: WordNetwork, crops: Sequence[RGB]) -> list[_Guess]:
        """Returns a network's guesses for crops."""
        return self._in_parts(partial(self._read, network), crops)

    def _in_parts(
        self, ask: Callable[[Sequence[Asked]], list[Answer]], words: Sequence[Asked]
    ) -> list[Answer]:
        """Returns the answers for words, asked for in batches, in parallel on a CPU."""
        size, threads = self.options.batch_size, self.options.threads or cores()
        if self._network.workers is None:
            return [found for part in _parts(words, size) for found in ask(part)]
        share = max(-(-len(words) // threads), _LEAST_PART)
        answers = self._network.workers().map(ask, _parts(words, min(size, share)))
        return [found for part in answers for found in part]

    def _read(self, network: WordNetwork, crops: Sequence[RGB]) -> list[_Guess]:
        """Returns a network's guesses for one batch of crops."""
        if self.options.mode == "ctc":
            return [
                _Guess(ctc_reading(row, self._charset, self._power), False)
                for row in network.columns(crops)
            ]
        return self.guesses(network.probabilities(crops))

    def guesses(self, likelihoods: NDArray[np.float32]) -> list[_Guess]:
        """Returns what is read by the probabilities of characters, (N, L, classes)."""
        tokens, confidences = likelihoods.argmax(-1), likelihoods.max(-1)
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


def _network(path: Path, options: Clip4StrOptions) -> WordNetwork:
    """Returns the network of a weights file in the backend of the options.

    Raises:
        ConfigurationError: the backend or its device cannot run it, or the extra is missing.
        CheckpointError: the weights are unusable.
    """
    plain = options.device == "cpu" and options.precision in ("auto", "float32")
    on_onnx = plain and path == bundled()
    if options.backend == "onnxruntime" and not on_onnx:
        raise ConfigurationError(
            f"backend 'onnxruntime' reads {DEFAULT_MODEL} on device 'cpu' in float32 only"
        )
    if on_onnx and options.backend != "torch":
        return OnnxWordNetwork(path, options)
    with needed_for(f"CLIP4STR {_unlike_default(path, options)}"):
        from ocr_plugin.recognizers.clip4str.torch_network import torch_network

        return torch_network(path, options)


def _unlike_default(path: Path, options: Clip4StrOptions) -> str:
    """Returns what of the options asks for PyTorch."""
    if options.backend == "torch":
        return "with backend 'torch'"
    if path != bundled():
        return f"with model {options.model}"
    return f"on device {options.device!r} in precision {options.precision!r}"
