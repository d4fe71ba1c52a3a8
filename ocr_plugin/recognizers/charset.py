"""Characters and token ids: the only module that knows what 0, 95 and 96 mean.

The order is PARSeq's (https://github.com/baudm/parseq, Apache-2.0), which the published CLIP4STR
checkpoints were trained with: id 0 ends a word, then come the characters, then two ids that are
only inputs, never predicted.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

CHARACTERS = (
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
)
"""The 94 characters of the published checkpoints, in the order of their token ids."""

TEXT_CHARACTERS = "0123456789abcdefghijklmnopqrstuvwxyz"
"""The characters of a lower-cased reading that are passed to the text tower."""


@dataclass(frozen=True)
class Charset:
    """An ordered set of characters and its token ids: EOS 0, characters 1..N, BOS, PAD.

    Attributes:
        characters: N distinct characters; the first has id 1.

    Raises:
        ValueError: a character occurs twice, or there is none.
    """

    characters: str = CHARACTERS

    def __post_init__(self) -> None:
        if not self.characters or len(set(self.characters)) != len(self.characters):
            raise ValueError("a charset needs at least one character, and each only once")

    @property
    def eos(self) -> int:
        """The id that ends a word."""
        return 0

    @property
    def bos(self) -> int:
        """The id that a reading starts from."""
        return len(self.characters) + 1

    @property
    def pad(self) -> int:
        """The id that fills up the rows of a batch."""
        return len(self.characters) + 2

    @property
    def classes(self) -> int:
        """How many ids can be predicted: the characters and EOS."""
        return len(self.characters) + 1

    @property
    def ids(self) -> int:
        """How many ids can be read: the characters, EOS, BOS and PAD."""
        return len(self.characters) + 3

    def encode(self, text: str) -> list[int]:
        """Returns the ids of `text` without BOS and EOS.

        Raises:
            ValueError: a character is not in the charset; the message names it.
        """
        positions = {character: index for index, character in enumerate(self.characters, start=1)}
        unknown = sorted(set(text) - positions.keys())
        if unknown:
            raise ValueError(f"{text!r} has characters outside the charset: {' '.join(unknown)}")
        return [positions[character] for character in text]

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """Returns BOS, the ids and EOS of each text, filled with PAD to the longest.

        Raises:
            ValueError: as `encode` does.
        """
        rows = [[self.bos, *self.encode(text), self.eos] for text in texts]
        length = max(map(len, rows), default=0)
        return [row + [self.pad] * (length - len(row)) for row in rows]

    def decode(self, ids: Iterable[int]) -> str:
        """Returns the characters of predicted `ids` up to the first EOS."""
        text = []
        for index in ids:
            if index == self.eos:
                break
            text.append(self.characters[index - 1])
        return "".join(text)
