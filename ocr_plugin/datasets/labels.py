"""Normalisation of word labels and readings for comparison."""

import unicodedata

from ocr_plugin.recognizers.charset import CHARACTERS

LONGEST = 25
CHARSETS = {36: CHARACTERS[:36], 62: CHARACTERS[:62], 94: CHARACTERS}


def clean_label(label: str) -> str | None:
    """Returns a normalised label, or None if the protocol leaves the sample out."""
    plain = plain_label(label)
    return plain if 0 < len(plain) <= LONGEST else None


def plain_label(label: str) -> str:
    """Returns a label without white space, decomposed (NFKD) and reduced to ASCII."""
    joined = "".join(label.split())
    return unicodedata.normalize("NFKD", joined).encode("ascii", "ignore").decode("ascii")


def reduced(text: str, size: int) -> str:
    """Returns a text reduced to the charset of `size` characters."""
    charset = CHARSETS[size]
    if charset == charset.lower():
        text = text.lower()
    return "".join(character for character in text if character in charset)


def compared(text: str, characters: str) -> str:
    """Returns a text normalised for comparing a network's readings with labels.

    A network of the ASCII characters is compared by the 36-character rule. That would leave little
    of another alphabet, which is compared by the network's own characters, ignoring case.

    Args:
        text: label or reading.
        characters: of the network.
    """
    if characters == CHARACTERS:
        return reduced(text, 36)
    return "".join(filter(characters.__contains__, text)).lower()
