"""What a reading tells of its characters."""

from ocr_plugin.protocols import CharacterReading, Reading, Span


def characters(reading: Reading) -> list[CharacterReading]:
    """The characters of all words, of which there are as many as the text has."""
    found = [character for word in reading.words for character in word.characters]
    assert "".join(character.text for character in found) == reading.text.replace(" ", "")
    return found


def confidences(reading: Reading) -> list[float]:
    return [character.confidence for character in characters(reading)]


def spans(reading: Reading) -> list[Span]:
    found = [character.span for character in characters(reading)]
    return [span for span in found if span is not None]
