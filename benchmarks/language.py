"""How likely the language model finds printed words, and words with one character misread.

    python -m benchmarks.language --data SET... [--model FILE] [--most N] [--out FILE.json]

Of each set's labels: the mean log-probability of a character (the end of a label counts as one),
and how often a label is more likely than itself with a character or two exchanged for what looks
alike: by the mixture, by the mixture that has seen the first --adapt labels of the set, and by its
first language alone. Loading is by the clock on the wall, as it uses two threads; scoring is the
process's own time.
"""

import argparse
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import machine
from ocr_plugin.datasets.word_sets import WordSet
from ocr_plugin.language.files import load_language
from ocr_plugin.language.mixture import Language

_ALIKE = {
    "U": "V", "V": "U", "l": "1I", "1": "lI", "I": "l1", "O": "0D", "0": "O", "S": "5", "5": "S",
    "B": "8", "8": "B", "G": "6C", "6": "G", "Z": "2", "2": "Z", "e": "c", "c": "e", "o": "0a",
    "a": "o", "n": "h", "h": "n", "t": "f", "f": "t", "E": "F", "F": "E", "i": "l", "u": "v",
    "v": "u", "q": "g", "g": "q", "C": "G", "D": "O", ")": "1", "é": "e", "è": "e", "ü": "u",
    "ä": "a", "ö": "o", "ñ": "n", "ç": "c", "m": ("rn",), "rn": ("m",), "d": ("cl",), "cl": ("d",),
}  # fmt: skip
_WEIGHT = 0.4  # of the language beside the reader, as they are added


def misread(word: str, rng: random.Random) -> str | None:
    """Returns a word with one thing exchanged for what looks like it, or None for none such."""
    ways = [
        word[:i] + other + word[i + len(part) :]
        for part, others in _ALIKE.items()
        for i in range(len(word))
        if word.startswith(part, i)
        for other in others
    ]
    return rng.choice(ways) if ways else None


def compared(
    score: Callable[[Sequence[str]], NDArray[np.float64]], pairs: Sequence[tuple[str, str]]
) -> dict[str, float]:
    """Returns how often labels are likelier than misreadings, and how often they lose clearly."""
    true = score([label for label, _ in pairs])
    other = score([wrong for _, wrong in pairs])
    lead = _WEIGHT * (true - other)
    return {
        "label_likelier": round(float((lead > 0).mean()), 4),
        "loses_by_1_nat": round(float((lead < -1).mean()), 4),
        "loses_by_2_nats": round(float((lead < -2).mean()), 4),
    }


def measured(model: Language, path: Path, most: int, adapt: int) -> dict[str, Any]:
    """Returns the figures of a set, of ``most`` labels spread over it."""
    words = WordSet(path)
    every = max(1, len(words) // most)
    found = (words.label(index) for index in range(0, len(words), every))
    labels = [label for label in found if isinstance(label, str) and label.strip()]
    labels = [label for label in labels if not any(map(str.isspace, label))]
    rng = random.Random(0)
    pairs = [(label, wrong) for label in labels if (wrong := misread(label, rng))]
    characters = sum(len(label) + 1 for label in labels)
    return {
        "labels": len(labels),
        "nats_a_character": round(float(model.log_probabilities(labels).sum()) / characters, 3),
        "misread": len(pairs),
        **compared(model.log_probabilities, pairs),
        "adapted": compared(model.adapted(labels[:adapt]).log_probabilities, pairs),
        model.names[0]: compared(lambda words: model.part_log_probabilities(words)[0], pairs),
    }


def times(path: Path | None) -> dict[str, float]:
    """Returns milliseconds to load a file and to score 1,000 candidates of 100 words."""
    loads, scores = [], []
    rng = random.Random(0)
    words = "Hello STARBUCKS Straße maison 5.99 20:15 166G02 telephone Wiedersehen tomorrow"
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    candidates = []
    for word in 100 * words.split():
        place = rng.randrange(len(word))
        candidates.append(word[:place] + rng.choice(letters) + word[place + 1 :])
    for _ in range(9):
        start = time.perf_counter()
        model = load_language(path)
        loads.append(time.perf_counter() - start)
        start = time.process_time()
        model.log_probabilities(candidates)
        scores.append(time.process_time() - start)
    return {
        "load_ms": round(1e3 * float(np.median(loads)), 1),
        "score_1000_ms": round(1e3 * float(np.median(scores)), 1),
    }


def main() -> None:
    """Measures a language file on the labels of sets."""
    parser = argparse.ArgumentParser(description="How likely the language model finds words.")
    parser.add_argument("--data", type=Path, action="append", default=[])
    parser.add_argument("--model", type=Path)
    parser.add_argument("--most", type=int, default=4000)
    parser.add_argument("--adapt", type=int, default=100)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    results: dict[str, Any] = {"times": times(arguments.model)}
    print(results["times"])
    model = load_language(arguments.model)
    for path in arguments.data:
        results[path.name] = measured(model, path, arguments.most, arguments.adapt)
        print(path.name, results[path.name], flush=True)
    if arguments.out:
        machine.write_report(arguments.out, "language", results)


if __name__ == "__main__":
    main()
