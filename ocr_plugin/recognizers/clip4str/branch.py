"""A branch of the network as decoding sees it, in PyTorch or ONNX Runtime: token ids to logits.

In shapes B is the images that the branch has a memory of, N the rows that are asked about.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Logits = NDArray[np.float32]
Mask = NDArray[np.bool_]


class Steps(Protocol):
    """Reads N rows from left to right, a character of each at a time."""

    def __call__(self, tokens: Ids) -> Logits:
        """Returns the logits of the next character, (N, classes).

        Args:
            tokens: (N,) the characters before it, BOS at first.
        """
        ...

    def keep(self, rows: Ids) -> None:
        """Goes on with some rows alone, (K,)."""
        ...

    def reorder(self, rows: Ids) -> None:
        """Goes on with what was read in other rows, (N,), each of the same image."""
        ...


class Branch(Protocol):
    """A decoder and its memory of B images."""

    @property
    def size(self) -> int:
        """B."""
        ...

    def steps(self, rows: Ids) -> Steps:
        """Returns what reads from left to right.

        Args:
            rows: (N,) the image of each row.
        """
        ...

    def whole(self, rows: Ids, tokens: Ids, query_mask: Mask, content_mask: Mask) -> Logits:
        """Returns the logits of the first Q characters, (N, Q, classes).

        Args:
            rows: (N,) the image of each row.
            tokens: (N, L) characters that are known, BOS first.
            query_mask: (N, Q, L), true where a position may look at a character.
            content_mask: (N, L, L), the same among the characters.
        """
        ...


def softmax(logits: Logits) -> NDArray[np.float32]:
    """Returns the probabilities of logits along their last axis."""
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    shares: NDArray[np.float32] = powers / powers.sum(-1, keepdims=True)
    return shares


def log_softmax(logits: Logits) -> NDArray[np.float64]:
    """Returns the logarithms of the probabilities of logits along their last axis."""
    wide = logits.astype(np.float64)
    wide -= wide.max(-1, keepdims=True)
    logs: NDArray[np.float64] = wide - np.log(np.exp(wide).sum(-1, keepdims=True))
    return logs
