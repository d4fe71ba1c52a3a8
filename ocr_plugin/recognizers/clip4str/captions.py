"""Readings as captions: the bridge from the visual branch to CLIP's text tower."""

import threading
from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import islice
from typing import TYPE_CHECKING

from ocr_plugin.recognizers.clip4str.config import Clip4StrConfig

if TYPE_CHECKING:
    from open_clip.tokenizer import SimpleTokenizer

PAD = 0
"""Fills a caption up to the tower's context length, as CLIP does."""

_MOST_WORDS = 65_536
_lock = threading.Lock()


@cache
def _tokenizer() -> "SimpleTokenizer":
    from open_clip.tokenizer import SimpleTokenizer  # imports PyTorch; captions of bytes need it

    # Its merges come with the open_clip wheel, so this reads a local file.
    return SimpleTokenizer()


@lru_cache(maxsize=_MOST_WORDS)
def _caption(text: str, length: int) -> tuple[int, ...]:
    with _lock:
        tokenizer = _tokenizer()
        # The tokenizer caches every word, and an archive has millions. Its first two entries are
        # the special tokens, which are kept.
        if len(tokenizer.cache) > _MOST_WORDS:
            tokenizer.cache = dict(islice(tokenizer.cache.items(), 2))
        body = tokenizer.encode(text)[: length - 2]
    tokens = (tokenizer.sot_token_id, *body, tokenizer.eot_token_id)
    return tokens + (PAD,) * (length - len(tokens))


def caption(text: str, characters: str, length: int, tokens: str = "bpe") -> tuple[int, ...]:
    """Returns a reading as token ids for the text tower.

    Args:
        text: the reading as decoded.
        characters: those that are kept; all others are dropped. If they are all lower-case, the
            reading is lower-cased first.
        length: tokens of the result, begin and end included. A longer caption is cut and keeps
            its end token; a shorter one is filled with `PAD`.
        tokens: "bpe", CLIP's byte pairs; or "characters", numbered from 1 as in `characters`,
            followed by begin and end.
    """
    if characters == characters.lower():
        text = text.lower()
    kept = "".join(character for character in text if character in characters)
    if tokens == "bpe":
        return _caption(kept, length)
    begin, end = len(characters) + 1, len(characters) + 2
    body = [characters.index(character) + 1 for character in kept[: length - 2]]
    return (begin, *body, end) + (PAD,) * (length - 2 - len(body))


def captions_of(config: Clip4StrConfig, texts: Sequence[str]) -> list[tuple[int, ...]]:
    """Returns one `caption` per text, `config.context_length` token ids each."""
    characters, length = config.text_characters, config.context_length
    return [caption(text, characters, length, config.caption_tokens) for text in texts]
