"""Lines by PP-OCR, and doubtful words by PP-OCR, CLIP4STR and a language model together.

PP-OCR reads whole lines, many scripts and the spaces between words; it runs first. Of a word that
it is not sure of, both readers say how likely each candidate is, the language model says how
likely such a word is at all, and the sum decides (`decision`).
"""

import copy
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ocr_plugin.language.choice import language_for
from ocr_plugin.options import Options, Precision, RuntimeOptions
from ocr_plugin.protocols import RGB, Reading, Unit, WordReading
from ocr_plugin.recognizers.calibration import Calibration
from ocr_plugin.recognizers.clip4str.recognizer import Clip4StrRecognizer
from ocr_plugin.recognizers.ctc_evidence import CtcEvidence
from ocr_plugin.recognizers.decision import (
    LEAST,
    View,
    Weights,
    WeightsByKind,
    sayable,
    union,
    without_accents,
)
from ocr_plugin.recognizers.foreign_characters import kept_characters
from ocr_plugin.recognizers.guidance import UNGUIDED, Guidance, compiled
from ocr_plugin.recognizers.line_words import has_sure_words, split
from ocr_plugin.recognizers.ppocr import LineEvidence, PPOcrRecognizer
from ocr_plugin.recognizers.unread_lines import is_hardly_read
from ocr_plugin.recognizers.whole_lines import decide_whole
from ocr_plugin.recognizers.word_decider import LineWords, WordDecider
from ocr_plugin.runtime.precision import precision_beside
from ocr_plugin.schema import Component

# PP-OCR's, CLIP4STR's, and what PP-OCR says of accents and signs that CLIP4STR cannot read. Fitted
# on words that neither reader was trained on, the last on drawn words; see docs/language.md.
_WEIGHTS = WeightsByKind(
    letters=Weights(
        readers=(0.18, 0.5, 0.6),
        language=0.47,
        length=1.45,
        calibration=Calibration(0.53, 0.38, 0.6),
    ),
    digits=Weights(
        readers=(0.57, 0.22, 0.6),
        language=0.24,
        length=1.18,
        calibration=Calibration(0.43, 0.81, 1.64),
    ),
)
# Of a line of which PP-OCR reads next to nothing, a reading this confident is believed.
_CLEAR = 0.9
UNKNOWN_SCRIPT = Reading("", 0.0, unknown_script=True)
"""What is read in a line whose script neither reader knows."""


class SecondOpinionOptions(Options):
    """Options of `SecondOpinion`; null for CLIP4STR's own defaults."""

    model: str | Path | None = Field(
        default=None, description="Name or weights file of CLIP4STR's model."
    )
    device: str | None = Field(default=None, description="CLIP4STR's PyTorch device.")
    precision: Precision | None = Field(
        default=None,
        description="Numeric precision of CLIP4STR; bfloat16 on the CPU also applies to PP-OCR, if"
        " the extra openvino is installed.",
    )
    offline: bool = Field(
        default=False, description="Whether a missing model is an error rather than a download."
    )
    threads: int = Field(default=0, ge=0, description="CPU threads; 0 for one per core.")
    sure: float = Field(
        default=0.95, gt=0, le=1, description="Words of this confidence are not looked at again."
    )
    language: str = Field(
        default="auto",
        description="What words are likely: auto for all languages, none, or some, such as de,fr.",
    )


class SecondOpinion:
    """Reads lines, and doubtful words by all the evidence; has no mutable state.

    Its keyword options are those of `SecondOpinionOptions`.

    Raises:
        ConfigurationError: a bad option.
        ModelError: a model is unavailable, or its file is unusable.
    """

    unit: Unit = "line"

    def __init__(self, runtime: RuntimeOptions | None = None, **options: Any) -> None:
        defaults = runtime.model_dump() if runtime else {}
        self.options = SecondOpinionOptions.parse(defaults | options)
        values = self.options.model_dump(exclude_none=True, exclude={"sure", "language"})
        first_precision = precision_beside(self.options.precision, self.options.device)
        self._first = PPOcrRecognizer(
            threads=self.options.threads, precision=first_precision, language="none"
        )
        self._second = Clip4StrRecognizer(settle_ties=False, language="none", **values)
        self._readers = self._first, self._second
        config = self._second.model_config
        self._known, self._longest = frozenset(config.characters), config.max_label_length
        self.component = Component(
            name=f"{self._second.component.name}+{self._first.component.name}",
            version=version("ocr-plugin"),
            # CLIP4STR's; PP-OCR's file is fixed by this release.
            weights_sha256=self._second.component.weights_sha256,
        )
        self._guide(UNGUIDED)

    @property
    def characters(self) -> frozenset[str]:
        """Those that either can read."""
        return self._first.characters | self._known

    def guided(self, guidance: Guidance) -> "SecondOpinion":
        """Returns a reader with this one's networks that heeds guidance; see `Guidable`.

        Under a constraint on a line as a whole, CLIP4STR has an opinion of texts without a space
        alone, as it reads words.
        """
        other = copy.copy(self)
        other._guide(guidance)
        return other

    def _guide(self, guidance: Guidance) -> None:
        """Sets what is decided by; only before the reader is handed out."""
        self._language = language_for(guidance.language or self.options.language)
        self._first, self._second = self._readers
        self._constraint = None
        if guidance.constraint is not None:
            self._constraint = compiled(guidance.constraint, self.characters, "second_opinion")
            within = Guidance("none", guidance.constraint)
            self._first = self._first.guided(_writable(within, self._first.characters))
            self._second = self._second.guided(_writable(within, self._known))
        # A constraint may ask for other characters than those that are seen.
        kept = self._kept if self._constraint is None else None
        self._decide = WordDecider(
            self._views, _WEIGHTS, self._language, self._constraint, guidance.views, kept
        )

    def recognize(self, crops: Sequence[RGB]) -> list[Reading]:
        """Returns the reading of each crop, in order; see `protocols.Recognizer`."""
        if self._constraint is not None and self._constraint.of_lines:
            whole = self._first.evidence_of_lines(crops, self._language)
            return decide_whole(crops, whole, self._decide, self._is_doubtful)
        firsts = self._first.evidence(crops, self.options.sure, self._language)
        unread = [
            self._constraint is None and is_hardly_read(crop, first.reading.text)
            for crop, first in zip(crops, firsts, strict=True)
        ]
        lines = [_words(*line) for line in zip(crops, firsts, unread, strict=True)]
        read = self._decide.decide_lines(crops, lines, self._is_doubtful)
        return [self._chosen(*line) for line in zip(firsts, read, unread, strict=True)]

    def _chosen(self, first: LineEvidence, second: Reading, unread: bool) -> Reading:
        """Returns a line's reading by PP-OCR alone or by all the evidence."""
        if unread:
            # CLIP4STR reads Latin letters into any script.
            return second if second.confidence >= _CLEAR else UNKNOWN_SCRIPT
        if has_sure_words(first.reading) or self._forbids(first.reading):
            return second
        # If the words of a line were guesses, so are their readings.
        return max(second, first.reading, key=lambda reading: reading.confidence)

    def reconsidered(self, words: Sequence[WordReading]) -> list[WordReading]:
        """Returns the words of a page, doubtful ones chosen again; see `protocols.PageAware`."""
        return self._decide.reconsidered(words, self.options.sure)

    def _views(self, crops: Sequence[RGB], evidence: Sequence[CtcEvidence | None]) -> list[View]:
        """Returns what both readers say about candidates in each crop."""
        columns = self._first.evidence_of_words(crops, evidence)
        likely = [self._first.likely(each) for each in columns]
        plain = [{text: sayable(text, self._known) for text in own} for own in likely]
        given = [[text for text in own.values() if text] for own in plain]
        scores = self._second.score(crops, given)
        views = []
        for own, names, scored in zip(columns, plain, scores, strict=True):
            texts = union(names, scored.texts)
            second = dict(zip(scored.texts, scored.log_probabilities.tolist(), strict=True))
            said = [names.get(text, text) for text in texts]
            by_second = [second.get(text or "", np.nan) for text in said]
            by_first = np.maximum(own.score(texts), LEAST)
            spelt = _spelling(by_first, said, max(second, key=second.__getitem__, default=None))
            views.append(View(texts, np.stack([by_first, by_second, spelt], axis=1)))
        return views

    def _kept(self, words: Sequence[WordReading]) -> list[str]:
        """Returns what PP-OCR surely sees in the words of a line and CLIP4STR cannot say."""
        return kept_characters(words, self._known, self.options.sure)

    def _is_doubtful(self, word: WordReading) -> bool:
        if self._constraint is not None:
            return word.confidence < self.options.sure or not self._constraint.allows(word.text)
        return word.confidence < self.options.sure and self._can_read(word.text)

    def _forbids(self, reading: Reading) -> bool:
        """Returns whether some word of a line is not allowed."""
        allows = self._constraint.allows if self._constraint is not None else bool
        return not all(allows(word.text) for word in reading.words)

    def _can_read(self, text: str) -> bool:
        """Returns whether CLIP4STR has at least half of the characters, accents ignored."""
        plain = without_accents(text)
        known = sum(character in self._known for character in plain)
        return 2 * known >= len(plain) and len(plain) <= self._longest


def _spelling(
    scores: NDArray[np.float64], said: Sequence[str | None], best: str | None
) -> NDArray[np.float64]:
    """Returns the log-probability by PP-OCR of each text among those CLIP4STR can't tell apart.

    Args:
        scores: (K,) log-probabilities by PP-OCR.
        said: each text as CLIP4STR would read it; None if it cannot, and then counts as `best`.
        best: what CLIP4STR likes best.
    """
    groups: dict[str | None, list[int]] = {}
    for index, text in enumerate(said):
        groups.setdefault(best if text is None else text, []).append(index)
    found = np.zeros(len(scores))
    for group in groups.values():
        found[group] = scores[group] - np.logaddexp.reduce(scores[group])
    return found


def _words(crop: RGB, first: LineEvidence, unread: bool) -> LineWords:
    """Returns the words of a line, and what PP-OCR says about each."""
    if not unread and (has_sure_words(first.reading) or len(first.reading.words) == 1):
        return first.reading.words, first.words
    (words,) = split([crop], None)  # a hardly legible line is split by its ink
    return words, [None] * len(words)


def _writable(guidance: Guidance, characters: AbstractSet[str]) -> Guidance:
    """Returns guidance without a constraint that one of the readers cannot write at all."""
    constraint = guidance.constraint
    if constraint is None or constraint.compiled().writable(characters):
        return guidance
    return Guidance(guidance.language)
