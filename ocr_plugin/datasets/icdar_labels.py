r"""Lines of ICDAR's text files, one per word.

* 2015: ``x1,y1,x2,y2,x3,y3,x4,y4,text``; the text may hold commas, and may be missing;
* 2017 and 2019 MLT: ``x1,...,y4,script,text``, where all lines of the file name a script;
* 2013: ``x0, y0, x1, y1, "text"`` or ``x0 y0 x1 y1 "text"``, two corners;
* polygons of any number of points before a ``"text"``, as CVAT writes them, or before ``####text``,
  as in CTW1500; of six points or more also before a text without comma.

In quotes, ``\"`` and ``\\`` stand for ``"`` and ``\``, as in the competitions' own evaluation.
The text ``###`` means that a word does not count.
"""

import re

from ocr_plugin.datasets.label_files import marked_word, naming, quad_of, words_of
from ocr_plugin.datasets.labelled_page import LabelledWord

_NUMBER = r"\s*([-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)"
_BEFORE_COMMA = re.compile(_NUMBER + r"\s*(?:,|$)")
_BEFORE_SPACE = re.compile(_NUMBER + r"\s+")
_QUOTED = re.compile(r'\s*"(.*)"\s*')
_ESCAPED = re.compile(r'\\(["\\])')
_SCRIPTS = {
    "Arabic", "Bangla", "Chinese", "Hindi", "Japanese", "Korean", "Latin", "Mixed", "None",
    "Symbols",
}  # fmt: skip
_EXPECTED = 'expected x1,y1,x2,y2,x3,y3,x4,y4,text or x0,y0,x1,y1,"text"'
# From here on, numbers are not the text of a quad.
_LONG = 12


def is_icdar(line: str) -> bool:
    """Returns whether a line is one of such a file."""
    try:
        _parted(line)
    except ValueError:
        return False
    return True


def icdar_words(lines: list[tuple[str, str]]) -> tuple[LabelledWord, ...]:
    """Returns the words of a file's lines, given as pairs of place and line.

    Raises:
        ConfigurationError: an invalid line.
    """
    parted = []
    for place, line in lines:
        with naming(place):
            parted.append((place, *_parted(line)))
    scripted = all(_names_script(numbers, text) for _, numbers, text in parted)
    words = []
    for place, numbers, text in parted:
        with naming(place):
            words.append(_word(numbers, text.partition(",")[2] if scripted else text))
    return words_of(words)


def _names_script(numbers: list[float], text: str) -> bool:
    script, comma, _ = text.partition(",")
    return len(numbers) == 8 and bool(comma) and script.strip() in _SCRIPTS


def _word(numbers: list[float], text: str) -> LabelledWord | None:
    x, y = numbers[::2], numbers[1::2]
    points = quad_of(*numbers) if len(numbers) == 4 else list(zip(x, y, strict=True))
    return marked_word(points, _unquoted(text))


def _parted(line: str) -> tuple[list[float], str]:
    """Returns a line's coordinates, and the rest of the line."""
    with_commas = _BEFORE_COMMA.match(line)
    number = _BEFORE_COMMA if with_commas else _BEFORE_SPACE
    numbers, ends = [], [0]
    while ends[-1] < len(line) and (match := number.match(line, ends[-1])):
        numbers.append(float(match[1]))
        ends.append(match.end())
    rest = line[ends[-1] :].strip()
    if not with_commas and not _QUOTED.fullmatch(rest):
        raise ValueError(_EXPECTED)  # YOLO's files have numbers between spaces as well
    count = _coordinates(len(numbers), rest)
    return numbers[:count], line[ends[count] :]


def _coordinates(numbers: int, rest: str) -> int:
    """Returns how many of the numbers a line begins with belong to its outline."""
    if rest.startswith(('"', "####")) and numbers >= 4 and numbers % 2 == 0:
        return numbers
    if numbers >= _LONG:
        if rest and ("," in rest or numbers % 2):
            raise ValueError(f"{numbers} numbers before the text; quote a text with commas")
        return numbers - numbers % 2
    if numbers < 4:
        raise ValueError(_EXPECTED)
    return 8 if numbers >= 8 else 4


def _unquoted(text: str) -> str:
    quoted = _QUOTED.fullmatch(text)
    if quoted:
        return _ESCAPED.sub(r"\1", quoted[1])
    return text.strip().removeprefix("####")
