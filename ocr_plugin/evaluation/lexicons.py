"""Lists of words that readings are corrected by before pages are scored.

ICDAR-2015 hands out three (https://rrc.cvc.uab.es/?ch=4&com=tasks): *strong*, a hundred words for
each picture, *weak*, all words of the test pictures, and *generic*, some 90,000 words. The rule is
that of the published comparisons, as in https://github.com/MhLiao/MaskTextSpotter,
``evaluation/icdar2015/e2e/prepare_results.py``, and https://github.com/aim-uofa/AdelaiDet,
``adet/evaluation/text_evaluation_all.py``: a reading becomes the nearest word by edit distance, in
capitals, the first of the list where several are; what has none nearer than 1.5 is dropped. (The
former drops nothing with the generic list, and weighs edits by the reader's own probabilities.)
"""

import json
import reprlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from ocr_plugin.datasets.label_files import lines_of, list_of, name_of, naming, object_of
from ocr_plugin.errors import ConfigurationError

NO_LEXICON = "none"
"""The name of a run without a lexicon."""

# Plain edit distances are whole numbers: nearer than 1.5 is one edit or none.
_MOST_EDITS = 1


class WordList:
    """Words among which the nearest to a reading is looked for; case is ignored.

    Raises:
        ConfigurationError: the library for edit distances is not installed.
    """

    def __init__(self, words: Iterable[str]) -> None:
        try:
            from rapidfuzz import process
            from rapidfuzz.distance import Levenshtein
        except ImportError as error:
            raise ConfigurationError("lexicons need pip install 'ocr-plugin[eval]'") from error
        self._extract, self._distance = process.extractOne, Levenshtein.distance
        self._words = dict.fromkeys(word.upper() for word in words)
        self._of_length: dict[int, list[str]] = {}
        self._known: dict[str, str | None] = {}

    def __len__(self) -> int:
        return len(self._words)

    def nearest(self, text: str) -> str | None:
        """Returns the nearest word, in capitals, or None if none is at most one edit away."""
        wanted = text.upper()
        if wanted in self._words:
            return wanted
        # Signs and shop names come again and again; the generic list is long.
        if wanted not in self._known:
            found = self._extract(
                wanted,
                self._within_reach(len(wanted)),
                scorer=self._distance,
                score_cutoff=_MOST_EDITS,
            )
            self._known[wanted] = None if found is None else found[0]
        return self._known[wanted]

    def _within_reach(self, length: int) -> list[str]:
        """Returns the words whose length alone does not rule them out, as they are listed."""
        if length not in self._of_length:
            self._of_length[length] = [
                word for word in self._words if abs(len(word) - length) <= _MOST_EDITS
            ]
        return self._of_length[length]


class Lexicon:
    """One list for all pictures, or a list for each.

    Args:
        path: a text file with one word a line; or, with the ending ``.jsonl``, one object a line:
            ``image``, a path or the end of one, and ``words``.
        name: by which its scores are called; the file's, without its ending, if not given.

    Raises:
        ConfigurationError: the file cannot be read, is invalid or has no word; one line that names
            the file, and the line; or the library for edit distances is not installed.
    """

    def __init__(self, path: Path, name: str = "") -> None:
        self.name = name or path.stem
        self._path = path
        self._shared: WordList | None = None
        self._by_image: dict[str, WordList] = {}
        if path.suffix.lower() == ".jsonl":
            self._by_image = _lists_of(path)
        else:
            self._shared = WordList(line.strip() for _, line in lines_of(path))
        if not (self._by_image if self._shared is None else self._shared):
            raise ConfigurationError(f"{path}: no word")

    def words_for(self, picture: Path) -> WordList:
        """Returns the list of a picture.

        Raises:
            ConfigurationError: it has none.
        """
        if self._shared is not None:
            return self._shared
        for start in range(len(picture.parts)):
            if found := self._by_image.get("/".join(picture.parts[start:])):
                return found
        raise ConfigurationError(f"{self._path}: no words for {picture}")


def parse_lexicons(asked: Sequence[str]) -> list[Lexicon]:
    """Returns lexicons from ``NAME=PATH``, or from a path alone.

    Raises:
        ConfigurationError: two have one name, one is called as the run without any, or a file is
            invalid, as `Lexicon` tells.
    """
    found: dict[str, Lexicon] = {}
    for each in asked:
        name, is_named, path = each.partition("=")
        if is_named and not (name and path):
            raise ConfigurationError(f"{each}: a lexicon is NAME=PATH, or a path alone")
        lexicon = Lexicon(Path(path), name) if is_named else Lexicon(Path(each))
        if lexicon.name == NO_LEXICON:
            raise ConfigurationError(f"{each}: {NO_LEXICON} means no lexicon; choose another name")
        if lexicon.name in found:
            raise ConfigurationError(f"two lexicons are called {lexicon.name}")
        found[lexicon.name] = lexicon
    return list(found.values())


def _lists_of(path: Path) -> dict[str, WordList]:
    lists: dict[str, WordList] = {}
    for place, line in lines_of(path):
        with naming(place):
            entry = object_of(json.loads(line))
            image, words = name_of(entry["image"]), list_of(entry["words"])
            if wrong := [word for word in words if not isinstance(word, str) or not word.strip()]:
                raise ValueError(f"not a word: {reprlib.repr(wrong[0])}")
            if not words:
                raise ValueError(f"no words for {image}")
            if image in lists:
                raise ValueError(f"{image} has a list already")
            lists[image] = WordList(word.strip() for word in words)
    return lists
