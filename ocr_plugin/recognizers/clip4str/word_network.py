"""What the recognizer asks of a network: probabilities and scores for crops, on some backend."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ocr_plugin.protocols import RGB
from ocr_plugin.recognizers.clip4str.config import CLIP_MEAN, CLIP_STD, HALF, Clip4StrConfig
from ocr_plugin.recognizers.clip4str.options import Clip4StrOptions
from ocr_plugin.recognizers.clip4str.scoring import Propose, ScoredTexts

Workers: TypeAlias = Callable[[], Executor]

_NORMALISATIONS = {"clip": (CLIP_MEAN, CLIP_STD), "half": (HALF, HALF)}


class WordNetwork(Protocol):
    """A network with its weights and its decoding. Threads may share it.

    Crops are (h, w, 3) uint8 RGB each, of any size from 1x1, at least one and at most
    `batch_size` of the options. What is found in one does not depend on the others.

    Attributes:
        config: what the network was built from.
        sha256: of the weights file.
        workers: gives the threads that share the batches of a call; None for one after the other.
    """

    config: Clip4StrConfig
    sha256: str
    workers: Workers | None

    @property
    def exact(self) -> "WordNetwork | None":
        """The same in float32, if words that this one leaves undecided are to be read by that."""
        ...

    def probabilities(self, crops: Sequence[RGB]) -> NDArray[np.float32]:
        """Returns the probabilities of each crop's characters, (N, L, classes).

        They are those of the mode of the options, accurate or fast. Class 0 is EOS, and what
        comes after a word's first is meaningless.
        """
        ...

    def columns(self, crops: Sequence[RGB]) -> NDArray[np.float32]:
        """Returns the probabilities of the CTC head, (N, columns, classes), class 0 the blank."""
        ...

    def score(
        self,
        crops: Sequence[RGB],
        given: Sequence[Sequence[str]],
        width: int,
        propose: Propose,
    ) -> list[ScoredTexts]:
        """Returns texts with their scores, for each crop; see `scoring.score_texts`."""
        ...


def normalisation(
    config: Clip4StrConfig, options: Clip4StrOptions
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Returns mean and standard deviation of the input, red, green and blue."""
    if options.normalisation is not None:
        return _NORMALISATIONS[options.normalisation]
    return config.mean, config.std
