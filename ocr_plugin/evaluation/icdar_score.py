"""Read pages scored by ICDAR-2015's protocols, end to end and word spotting.

The rules are those of the competition's evaluation script for task 4 of challenge 4
(https://rrc.cvc.uab.es/?ch=4&com=evaluation&task=4), followed as it is published in
https://github.com/MhLiao/MaskTextSpotter, ``evaluation/icdar2015/e2e/script.py``:

* A label is not cared for if it is marked so (``###``). Word spotting also leaves out every label
  that `dictionary_word` refuses. End to end sets no shortest length of its own: the labels of
  ICDAR-2015 mark words of fewer than three characters themselves.
* An answer that lies by more than half of its own area in one label that is not cared for counts
  neither way, and is matched with no label.
* In the order of the labels, and within that of the answers, the first free pair with an
  intersection over union above 0.5 is matched, whatever it says: a second answer at the same place
  is wrong, even if it says the right word.
* A matched answer is right if the texts are equal in capitals. End to end, the label may lose one
  leading and one trailing character of ``!?.:,*"()·[]/'``; the answer may lose nothing. Word
  spotting compares with the word of the dictionary alone.
* Recall and precision are those of all pages together.

Two things differ: the script rounds corners down to whole pixels and knows quadrilaterals alone,
here outlines stand as they are; and it fails at a label without text, which here is not cared for.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import shapely
from numpy.typing import NDArray

from ocr_plugin.datasets.labelled_page import LabelledWord
from ocr_plugin.evaluation.detection import Shapes, shapes, shared_areas, to_ignore
from ocr_plugin.evaluation.icdar_protocols import PageProtocol
from ocr_plugin.evaluation.page_score import Answer, Tally

_SAME = 0.5
_SHORTEST = 3
_SPECIAL = "!?.:,*\"()·[]/'"
# Latin letters with and without accents, Greek ones, the hyphen; not the signs between them.
_LETTERS = re.compile("[-A-Za-zÀ-ÖØ-öø-ƿǄ-ɿΆ-Ͽ]*")
_BLANK_SPECIAL = str.maketrans(dict.fromkeys(_SPECIAL, " "))


def tally(
    labels: Sequence[LabelledWord], answers: Sequence[Answer], protocol: PageProtocol
) -> Tally:
    """Returns the counts of one page.

    Args:
        labels: the page's words; a label of several words is compared as a whole.
        answers: words as read, in the same pixels.
        protocol: whose rules apply.
    """
    words = [_as_judged(word, protocol) for word in labels]
    outlines = shapes([np.asarray(answer.polygon, np.float64) for answer in answers])
    cared = [word for word in words if not word.ignore]
    counted = ~to_ignore(words, outlines)
    free = counted.copy()
    same = _overlapping(shapes([word.polygon for word in cared]), outlines)
    read = 0
    for row, word in enumerate(cared):
        places = np.flatnonzero(same[row] & free)
        if len(places):
            free[places[0]] = False
            read += _equal(word.text or "", answers[places[0]].text)
    return Tally(read, len(cared), int(counted.sum()))


def dictionary_word(text: str) -> str | None:
    """Returns the word that word spotting looks for in a label, or None if it looks for none.

    A final ``'s``, then outer hyphens, then special characters at either end are taken off. What
    is left must be three letters or hyphens at least; special characters, blanks and digits within
    it refuse the label.
    """
    word = re.sub("'[sS]$", "", text).strip("-").translate(_BLANK_SPECIAL).strip()
    return word if len(word) >= _SHORTEST and _LETTERS.fullmatch(word) else None


def _as_judged(word: LabelledWord, protocol: PageProtocol) -> LabelledWord:
    """Returns a label with the text that is looked for, and whether it is left out."""
    text = word.text
    if text and protocol is PageProtocol.WORD_SPOTTING:
        text = dictionary_word(text)
    return replace(word, text=text, ignore=word.ignore or not text or word.text == "###")


def _overlapping(labelled: Shapes, found: Shapes) -> NDArray[np.bool_]:
    """Returns which pairs share more than half of their union, (labelled, found)."""
    shared = shared_areas(labelled, found)
    union = shapely.area(labelled)[:, None] + shapely.area(found)[None, :] - shared
    same: NDArray[np.bool_] = shared > _SAME * union
    return same


def _equal(label: str, answer: str) -> bool:
    """Returns whether an answer says what is looked for, at least one character."""
    forms = {label}
    # A word of word spotting's dictionary has no special character at either end.
    if label[0] in _SPECIAL:
        forms.add(label[1:])
    if label[-1] in _SPECIAL:
        forms |= {form[:-1] for form in forms}
    return answer.upper() in {form.upper() for form in forms}
