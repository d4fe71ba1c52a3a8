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

SPECIAL_TOKENS = 3
"""Tokens of a caption of characters that are none: `PAD`, and the two that begin and end it."""

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


def caption(text: str, characters: str, length: int, tokens: str = "bpe") -> tuple[int, ...]:
    """Returns a reading as the token ids that the text tower takes.

    Args:
        text: the reading as decoded.
        characters: what remains of it; everything else is dropped. If they are all lower-case, so
            is the reading made first.
        length: tokens of the result, begin and end included. A longer caption is cut and keeps
            its end token; a shorter one is filled with `PAD`.
        tokens: "bpe", CLIP's byte pairs; or "characters", each numbered from 1 as in `characters`,
            and then come begin and end.
    """
    if characters == characters.lower():
        text = text.lower()
    kept = "".join(character for character in text if character in characters)
    if tokens == "bpe":
        return _caption(kept, length)
    begin, end = len(characters) + 1, len(characters) + 2
    body = [characters.index(character) + 1 for character in kept[: length - 2]]
    return (begin, *body, end) + (PAD,) * (length - 2 - len(body))


def captions(
    texts: Sequence[str], characters: str, length: int, tokens: str = "bpe"
) -> list[tuple[int, ...]]:
    """Returns one `caption` a text."""
    return [caption(text, characters, length, tokens) for text in texts]
