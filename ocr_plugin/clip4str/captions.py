"""Readings as captions: the bridge from the visual branch to CLIP's text tower."""

import threading
from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import islice

from open_clip.tokenizer import SimpleTokenizer

PAD = 0
"""Fills a caption up to the tower's context length, as CLIP does."""

VOCAB_SIZE = 49408
"""Tokens of CLIP's byte-pair encoding, the two that begin and end a caption included."""

_MOST_WORDS = 65_536
_lock = threading.Lock()


@cache
def _tokenizer() -> SimpleTokenizer:
    # Its merges come with the open_clip wheel, so this reads a local file.
    return SimpleTokenizer()


@lru_cache(maxsize=_MOST_WORDS)
def _caption(text: str, length: int) -> tuple[int, ...]:
    with _lock:
        tokenizer = _tokenizer()
        # The tokenizer remembers every word it ever saw; an archive has millions.
        # Its first two entries are the special tokens, which stay.
        if len(tokenizer.cache) > _MOST_WORDS:
            tokenizer.cache = dict(islice(tokenizer.cache.items(), 2))
        body = tokenizer.encode(text)[: length - 2]
    tokens = (tokenizer.sot_token_id, *body, tokenizer.eot_token_id)
    return tokens + (PAD,) * (length - len(tokens))


def caption(text: str, characters: str, length: int) -> tuple[int, ...]:
    """Returns a reading as the token ids that the text tower takes.

    Args:
        text: the reading as decoded.
        characters: what remains of it after lower-casing; everything else is dropped.
        length: tokens of the result, begin and end included. A longer caption is cut and keeps
            its end token; a shorter one is filled with `PAD`.
    """
    kept = "".join(character for character in text.lower() if character in characters)
    return _caption(kept, length)


def captions(texts: Sequence[str], characters: str, length: int) -> list[tuple[int, ...]]:
    """Returns one `caption` a text."""
    return [caption(text, characters, length) for text in texts]
