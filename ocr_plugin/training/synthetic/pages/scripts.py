"""Scripts other than Latin: what their texts are made of, and which fonts draw them."""

import random
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PIL import features

from ocr_plugin.training.synthetic.pages.typefaces import sized

_NOWHERE = "\U0010fffe"  # no character, so every font draws its sign for a missing one
_PROBE_SIZE = 24

_HAN = (
    "的一是不了人我在有他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可"
    "她里后小么心多天而能好都然没日于起还发成事只作当想看文无开手十用主行方又如前所本见经头面公同三已"
    "老从动两长知民样现分将外但身些与高意进把法此实回二理美点月明其种声全工己话儿者向情部正名定女问力"
    "机给等几很业最间新什打便位因重被走电四第门相次东政海口使教西再平真听世气信北少关并内加化由却代军"
)


@dataclass(frozen=True)
class Script:
    """A script.

    Attributes:
        name: for messages.
        letters: that its words are made of.
        longest: characters of a word.
        spaced: whether it leaves gaps between words; without, a phrase counts as one word.
        stacks: whether it is also written downwards.
        shaped: whether letters change with their neighbours, which takes Pillow's Raqm.
    """

    name: str
    letters: str
    longest: int = 9
    spaced: bool = True
    shaped: bool = False
    stacks: bool = False

    def word(self, rng: random.Random) -> str:
        """Returns a made-up word."""
        return "".join(rng.choice(self.letters) for _ in range(rng.randint(2, self.longest)))


def _range(first: int, last: int) -> str:
    return "".join(map(chr, range(first, last + 1)))


_SCRIPTS = (
    Script("Han", _HAN, 7, spaced=False, stacks=True),
    Script("Han", _HAN, 7, spaced=False, stacks=True),
    Script(
        "kana", _range(0x3042, 0x3092) + _range(0x30A2, 0x30F2) + _HAN, 7, spaced=False, stacks=True
    ),
    Script("Hangul", _range(0xAC00, 0xD7A3)[::28] + _range(0xAC00, 0xD7A3)[4::28], 5),
    Script("Cyrillic", _range(0x0410, 0x044F)),
    Script("Cyrillic", _range(0x0410, 0x042F)),
    Script("Greek", _range(0x03B1, 0x03C9)),
    Script("Arabic", _range(0x0627, 0x063A) + _range(0x0641, 0x064A), 7, shaped=True),
    Script("Devanagari", _range(0x0915, 0x0939) + "ािीे", 6, shaped=True),
    Script("Bengali", _range(0x0995, 0x09A8) + "াি", 6, shaped=True),
    Script("Hebrew", _range(0x05D0, 0x05EA), 7),
    Script("Thai", _range(0x0E01, 0x0E2E) + "าเแ", 8, spaced=False),
)


def scripts() -> tuple[Script, ...]:
    """Returns the scripts that this Pillow can set."""
    raqm = features.check("raqm")
    return tuple(script for script in _SCRIPTS if raqm or not script.shaped)


@lru_cache(maxsize=16384)
def draws(path: Path, script: Script) -> bool:
    """Returns whether a font has a script's letters, by a sample of them."""
    try:
        font = sized(path, _PROBE_SIZE)
        missing = bytes(font.getmask(_NOWHERE))
        step = max(len(script.letters) // 12, 1)
        masks = [font.getmask(letter) for letter in script.letters[::step]]
        return all(mask.getbbox() is not None and bytes(mask) != missing for mask in masks)
    except (OSError, ValueError):
        return False
