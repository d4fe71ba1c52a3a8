"""PP-OCR text-line recognition: the recognizer that needs no download.

The model is PP-OCRv6 small recognition (PaddleOCR, Apache-2.0) from the ``rapidocr`` wheel. It
reads whole lines, with spaces, by CTC.
"""

import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import groupby
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ocr_plugin.errors import CheckpointError
from ocr_plugin.language.choice import language_for
from ocr_plugin.language.mixture import Language
from ocr_plugin.options import RuntimeOptions
from ocr_plugin.protocols import RGB, Reading, Unit, WordReading
from ocr_plugin.recognizers.calibration import Calibration
from ocr_plugin.recognizers.constrained_beam import allowed_texts
from ocr_plugin.recognizers.ctc import Emission
from ocr_plugin.recognizers.ctc_evidence import NEGLIGIBLE, CtcEvidence
from ocr_plugin.recognizers.decision import View, Weights, WeightsByKind, union
from ocr_plugin.recognizers.guidance import UNGUIDED, Guidance, compiled
from ocr_plugin.recognizers.line_spaces import Alphabet, path_with_spaces
from ocr_plugin.recognizers.ppocr_decoding import line_reading, word_columns
from ocr_plugin.recognizers.ppocr_files import named_file
from ocr_plugin.recognizers.ppocr_options import PPOcrOptions, runtime_defaults
from ocr_plugin.recognizers.whole_lines import decide_whole
from ocr_plugin.recognizers.word_decider import WordDecider
from ocr_plugin.runtime.networks import OnnxModel, onnx_name
from ocr_plugin.runtime.weights import bundled_model
from ocr_plugin.schema import Component

BUNDLED_MODEL = "PP-OCRv6_rec_small.onnx"
"""The default model file, found by `weights.bundled_model`."""

_HEIGHT = 48
# Columns of a batch. ONNX Runtime keeps the memory of the largest batch so far, and long lines are
# as fast one by one.
_MOST_COLUMNS = 8 * 512
# Of doubtful words: texts to consider, and weights fitted on words of all kinds; see
# docs/language.md.
_CANDIDATES = 6
# A constraint may ask for a character that has next to no probability.
_CONSTRAINED_NEGLIGIBLE = 1e-6
_WEIGHTS = WeightsByKind(
    letters=Weights(
        readers=(1.12,), language=0.41, length=1.63, calibration=Calibration(0.89, 0.34, 3.1)
    ),
    digits=Weights(
        readers=(0.87,), language=0.2, length=0.26, calibration=Calibration(0.52, 0.67, 3.4)
    ),
)


@dataclass(frozen=True)
class LineEvidence:
    """A line's reading, with what the network says about its doubtful words.

    Attributes:
        reading: of the line.
        words: for each word of the reading, or None where it is sure.
    """

    reading: Reading
    words: tuple[CtcEvidence | None, ...]


class PPOcrRecognizer:
    """Reads text lines with a PP-OCR CTC model.

    A crop is padded to a width that depends on the crop alone and batched only with crops of that
    width, so its reading does not depend on its neighbours.
    """

    unit: Unit = "line"

    def __init__(self, runtime: RuntimeOptions | None = None, **options: Any) -> None:
        self.options = PPOcrOptions.parse(runtime_defaults(runtime or RuntimeOptions()) | options)
        path, sha256 = self.options.model_path or bundled_model(BUNDLED_MODEL), None
        if self.options.model is not None:
            path, sha256 = named_file(self.options.model, bool(runtime and runtime.offline))
        precision = self.options.precision
        self._model = OnnxModel(
            path, threads=self.options.threads, precision=precision, sha256=sha256
        )
        characters = self._model.metadata.get("character")
        if characters is None:
            raise CheckpointError(f"{path}: the ONNX file does not list its characters")
        # Class 0 is the CTC blank; the space comes last and is not listed in the file.
        self._characters = ["", *characters.split("\n"), " "]
        # The ideographic space is one of the characters of the file.
        self._spaces = [place for place, each in enumerate(self._characters) if each.isspace()]
        self._alphabet = Alphabet(self._characters, self._spaces, self.options.space_prior)
        self.component = Component(
            name=onnx_name("ppocr", path, precision),
            version=version("ocr-plugin"),
            weights_sha256=self._model.sha256,
        )
        self._guide(UNGUIDED)

    @property
    def characters(self) -> frozenset[str]:
        """Those that it can read, the space among them."""
        return frozenset(self._characters[1:])

    def guided(self, guidance: Guidance) -> "PPOcrRecognizer":
        """Returns a reader with this one's network that heeds guidance; see `Guidable`.

        A constraint on a line as a whole is searched over all columns of a line, spaces included.
        """
        other = copy.copy(self)
        other._guide(guidance)
        return other

    def _guide(self, guidance: Guidance) -> None:
        """Sets what is decided by; only before the reader is handed out."""
        asked = guidance.language or self.options.language
        # The language model knows words in Latin letters alone.
        is_foreign = self.options.model is not None and asked == "auto"
        self._language = None if is_foreign else language_for(asked)
        self._constraint = compiled(guidance.constraint, self.characters, "PP-OCR")
        decides = self._language is not None or self._constraint is not None
        decider = WordDecider(
            self._views, _WEIGHTS, self._language, self._constraint, guidance.views
        )
        self._decide = decider if decides else None

    def recognize(self, crops: Sequence[RGB]) -> list[Reading]:
        """Returns the reading of each crop, in order; see `protocols.Recognizer`."""
        if self._decide is not None and self._of_lines:
            firsts = self.evidence_of_lines(crops, self._language)
            return decide_whole(crops, firsts, self._decide, self._is_doubtful)
        if self._decide is None:
            return [each.reading for each in self.evidence(crops, 0, None)]
        seen = self.evidence(crops, self.options.sure, self._language)
        lines = [(first.reading.words, first.words) for first in seen]
        read = self._decide.decide_lines(crops, lines, self._is_doubtful)
        # A line in which nothing was in doubt keeps its own confidence, spaces included.
        return [
            second if any(first.words) else first.reading
            for first, second in zip(seen, read, strict=True)
        ]

    @property
    def _of_lines(self) -> bool:
        """Whether the constraint is about lines as a whole."""
        return self._constraint is not None and self._constraint.of_lines

    def reconsidered(self, words: Sequence[WordReading]) -> list[WordReading]:
        """Returns the words of a page, doubtful ones chosen again; see `protocols.PageAware`."""
        if self._decide is None:
            return list(words)
        return self._decide.reconsidered(words, self.options.sure)

    def _is_doubtful(self, word: WordReading) -> bool:
        return word.confidence < self.options.sure or self._forbids(word.text)

    def _forbids(self, text: str) -> bool:
        return self._constraint is not None and not self._constraint.allows(text)

    def _views(self, crops: Sequence[RGB], known: Sequence[CtcEvidence | None]) -> list[View]:
        """Returns the likely texts of crops of single words."""
        columns = self.evidence_of_words(crops, known)
        if self._constraint is not None:
            found = [self.likely(each) for each in columns]
            return [
                View(texts, own.score(texts)[:, None])
                for own, texts in zip(columns, found, strict=True)
            ]
        scored = (each.candidates(_CANDIDATES) for each in columns)
        return [
            View([text for text, _ in texts], np.array([[score] for _, score in texts]))
            for texts in scored
        ]

    def likely(self, evidence: CtcEvidence) -> list[str]:
        """Returns the likely texts of a word or, under such a constraint, of a line.

        Those that the constraint allows are among them; others tell how likely these are.
        """
        texts = [text for text, _ in evidence.candidates(_CANDIDATES)]
        if self._constraint is None:
            return texts
        # Of lines: without spaces at the ends, or two in a row.
        texts = union([" ".join(text.split()) for text in texts])
        return union(texts, allowed_texts(evidence, self._constraint, texts))

    def evidence(
        self, crops: Sequence[RGB], doubtful: float, language: Language | None
    ) -> list[LineEvidence]:
        """Returns the reading of each crop, with what the network says about doubtful words.

        Args:
            crops: as for `recognize`.
            doubtful: there is evidence of words with less confidence than this, and of those that
                the constraint forbids.
            language: has a say where spaces are; None if it does not count.
        """
        found: dict[int, LineEvidence] = {}
        for index, steps, filled in self._outputs(crops):
            reading, path = self._decode(steps, filled, crops[index], language)
            bounds = word_columns(path, self._spaces, math.ceil(len(steps) * filled))
            words = tuple(
                self._columns(steps[first:last])
                if word.confidence < doubtful or self._forbids(word.text)
                else None
                for word, (first, last) in zip(reading.words, bounds, strict=True)
            )
            found[index] = LineEvidence(reading, words)
        return [found[index] for index in range(len(crops))]

    def evidence_of_lines(
        self, crops: Sequence[RGB], language: Language | None
    ) -> list[tuple[Reading, CtcEvidence]]:
        """Returns the reading of each crop, with what the network says about all its columns."""
        found = {}
        for index, steps, filled in self._outputs(crops):
            own = steps[: math.ceil(len(steps) * filled)]
            reading, _ = self._decode(steps, filled, crops[index], language)
            found[index] = reading, self._columns(own)
        return [found[index] for index in range(len(crops))]

    def evidence_of_words(
        self, crops: Sequence[RGB], known: Sequence[CtcEvidence | None]
    ) -> list[CtcEvidence]:
        """Returns what the network says about crops of single words.

        Args:
            crops: as for `recognize`.
            known: for each crop, or None where it is to be read.
        """
        wanted = [index for index, evidence in enumerate(known) if evidence is None]
        found = dict(enumerate(known))
        for place, steps, filled in self._outputs([crops[index] for index in wanted]):
            own = steps[: math.ceil(len(steps) * filled)]
            found[wanted[place]] = self._columns(own)
        return [evidence for evidence in found.values() if evidence is not None]

    def _columns(self, steps: NDArray[np.float32]) -> CtcEvidence:
        least = NEGLIGIBLE if self._constraint is None else _CONSTRAINED_NEGLIGIBLE
        if self._of_lines:  # the space is a character like any other
            likelier = np.ones(len(self._characters), np.float32)
            likelier[-1] = self.options.space_prior
            others = self._spaces[:-1]
            return CtcEvidence.of(steps * likelier, self._characters, others, least)
        return CtcEvidence.of(steps, self._characters, self._spaces, least)

    def _outputs(self, crops: Sequence[RGB]) -> Iterator[tuple[int, NDArray[np.float32], float]]:
        """Yields, batch by batch, each crop's index, (T, C) probabilities, and share filled."""
        inputs = [self._input(crop) for crop in crops]
        for batch in self._batches([image.shape[1] for image, _ in inputs]):
            images = np.stack([inputs[index][0] for index in batch])
            probabilities = self._model.run(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
            if probabilities.shape[2] != len(self._characters):
                raise CheckpointError(
                    f"{self._model.path}: {probabilities.shape[2]} classes but "
                    f"{len(self._characters)} characters"
                )
            for index, steps in zip(batch, probabilities, strict=True):
                yield index, steps, inputs[index][1]

    def _input(self, crop: RGB) -> tuple[NDArray[np.float32], float]:
        """Returns the network's (48, W, 3) input and the share of W that the crop fills."""
        options = self.options
        height, width = crop.shape[:2]
        filled = int(np.clip(np.ceil(_HEIGHT * width / height), 1, options.max_width))
        padded = max(-(-filled // options.width_step) * options.width_step, options.min_width)
        shrinks = height > _HEIGHT
        resized = cv2.resize(
            crop,
            (filled, _HEIGHT),
            # Bilinear, as text was enlarged in training.
            interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR,
        )
        image = np.zeros((_HEIGHT, padded, 3), np.float32)
        # The network was trained on blue-first images, scaled to -1..1 and padded with 0.
        image[:, :filled] = resized[:, :, ::-1].astype(np.float32) / 127.5 - 1
        return image, filled / padded

    def _batches(self, widths: Sequence[int]) -> Iterator[list[int]]:
        """Yields batches as lists of indices of crops of equal width."""
        order = sorted(range(len(widths)), key=widths.__getitem__)
        for width, group in groupby(order, key=widths.__getitem__):
            same = list(group)
            size = max(1, min(self.options.batch_size, _MOST_COLUMNS // width))
            for start in range(0, len(same), size):
                yield same[start : start + size]

    def _decode(
        self, steps: NDArray[np.float32], filled: float, crop: RGB, language: Language | None
    ) -> tuple[Reading, list[Emission]]:
        """Returns the reading of a line, and its path; see `path_with_spaces`."""
        path = path_with_spaces(steps, filled, crop, self._alphabet, language)
        text = [self._characters[emission.id] for emission in path]
        confidences = [emission.confidence for emission in path]
        scale = 1 / (len(steps) * filled)
        extents = [(min(e.first * scale, 1.0), min(e.last * scale, 1.0)) for e in path]
        return line_reading(text, confidences, extents), path
