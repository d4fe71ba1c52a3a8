"""The bundled model in ONNX Runtime, on a CPU in float32, as a `word_network.WordNetwork`.

Its graphs lie beside its weights; see `graph_files`. Nothing is opened before it is needed: on a
page where no word is in doubt, CLIP4STR is none of the work.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ocr_plugin.errors import CheckpointError
from ocr_plugin.protocols import RGB
from ocr_plugin.recognizers.clip4str.branch import Ids, Logits, Mask, softmax
from ocr_plugin.recognizers.clip4str.captions import captions_of
from ocr_plugin.recognizers.clip4str.config import Clip4StrConfig
from ocr_plugin.recognizers.clip4str.graph_files import SHA256, graph_file
from ocr_plugin.recognizers.clip4str.greedy_reading import CrossMemory, read
from ocr_plugin.recognizers.clip4str.options import Clip4StrOptions
from ocr_plugin.recognizers.clip4str.pil_resizing import resized_by_pil
from ocr_plugin.recognizers.clip4str.scoring import Propose, ScoredTexts, score_texts
from ocr_plugin.recognizers.clip4str.weights_file import config_in, read_header
from ocr_plugin.recognizers.clip4str.word_network import Workers, normalisation
from ocr_plugin.runtime.onnx_runtime import OnnxGraph, OnnxGraphs
from ocr_plugin.runtime.threads import workers
from ocr_plugin.runtime.weights import sha256_of

Floats = NDArray[np.float32]


class OnnxWordNetwork:
    """Reads with ONNX Runtime; see `WordNetwork`.

    Args:
        weights: of the model, with its graphs beside it.
        options: of the recognizer.

    Raises:
        CheckpointError: the weights are damaged; where a graph is, what asks for it raises this.
    """

    def __init__(self, weights: Path, options: Clip4StrOptions) -> None:
        config = config_in(weights, read_header(weights).metadata)
        if config is None:
            raise CheckpointError(f"{weights}: holds no configuration; reinstall")
        self.config: Clip4StrConfig = config
        self.sha256 = sha256_of(weights)
        self.exact: None = None
        self.workers: Workers | None = workers
        self._options = options
        self._graphs = OnnxGraphs(
            lambda part: weights.with_name(graph_file(weights, part)), {SHA256: self.sha256}
        )
        mean, std = normalisation(config, options)
        self._mean = np.array(mean, np.float32)[:, None, None]
        self._std = np.array(std, np.float32)[:, None, None]

    def images(self, crops: Sequence[RGB]) -> Floats:
        """Returns the network's input, (N, 3, H, W) float32."""
        levels = resized_by_pil(crops, self.config.image_size).astype(np.float32, order="C")
        return (levels / np.float32(255) - self._mean) / self._std

    def probabilities(self, crops: Sequence[RGB]) -> Floats:
        """Returns what `WordNetwork.probabilities` does."""
        return softmax(self.logits(self.images(crops)))

    def logits(self, images: Floats) -> Logits:
        """Returns the logits of (N, 3, H, W) images, (N, L, classes)."""
        (tokens,) = self._graphs["image_tower"].run(["image_tokens"], images=images)
        visual, cross = self._branch("visual", tokens), None
        if self.config.text_layers:
            cross = OnnxCrossMemory(self._graphs, self.config, self._branch("cross", tokens))
        in_order = self._options.mode == "accurate"
        return read(self.config, visual, cross, self._options.refinements, in_order)

    def encoded(self, images: Floats) -> tuple[Floats, Logits | None]:
        """Returns image tokens, (N, 1 + P, D), and the CTC head's logits, (N, columns, classes)."""
        tower = self._graphs["image_tower"]
        if not self.config.ctc:
            return tower.run(["image_tokens"], images=images)[0], None
        tokens, logits = tower.run(["image_tokens", "ctc_logits"], images=images)
        return tokens, logits

    def columns(self, crops: Sequence[RGB]) -> Floats:
        """Returns what `WordNetwork.columns` does."""
        tower = self._graphs["image_tower"]
        (logits,) = tower.run(["ctc_logits"], images=self.images(crops))
        return softmax(logits)

    def score(
        self,
        crops: Sequence[RGB],
        given: Sequence[Sequence[str]],
        width: int,
        propose: Propose,
    ) -> list[ScoredTexts]:
        """Returns what `WordNetwork.score` does."""
        tokens, columns = self.encoded(self.images(crops))
        visual = self._branch("visual", tokens)
        return score_texts(self.config, visual, columns, given, width, propose)

    def _branch(self, name: str, tokens: Floats) -> "OnnxBranch":
        """Returns a branch whose memory is image tokens, (N, 1 + P, D)."""
        keys, values = self._graphs[f"{name}_memory"].run(_MEMORY, tokens=tokens)
        return OnnxBranch(self._graphs, name, keys, values)


_MEMORY = ["memory_keys", "memory_values"]


class OnnxBranch:
    """A branch in ONNX Runtime; see `branch.Branch`.

    Attributes:
        keys: (depth, B, h, M, D / h) float32, of the memory.
        values: as `keys`.
    """

    def __init__(self, graphs: OnnxGraphs, name: str, keys: Floats, values: Floats) -> None:
        self.keys, self.values = keys, values
        self._graphs, self._name = graphs, name

    @property
    def size(self) -> int:
        """B."""
        return len(self.keys[0])

    def steps(self, rows: Ids) -> "OnnxSteps":
        """Returns what `Branch.steps` does."""
        return OnnxSteps(self._graphs[f"{self._name}_step"], *self._taken(rows))

    def whole(self, rows: Ids, tokens: Ids, query_mask: Mask, content_mask: Mask) -> Logits:
        """Returns what `Branch.whole` does."""
        keys, values = self._taken(rows)
        (logits,) = self._graphs[f"{self._name}_pass"].run(
            ["logits"],
            characters=tokens,
            query_mask=query_mask,
            content_mask=content_mask,
            memory_keys=keys,
            memory_values=values,
        )
        return logits

    def _taken(self, rows: Ids) -> tuple[Floats, Floats]:
        if np.array_equal(rows, np.arange(self.size)):
            return self.keys, self.values
        return np.take(self.keys, rows, axis=1), np.take(self.values, rows, axis=1)


class OnnxSteps:
    """Steps in ONNX Runtime; see `branch.Steps`."""

    def __init__(self, graph: OnnxGraph, keys: Floats, values: Floats) -> None:
        self._graph, self._keys, self._values = graph, keys, values
        self._past_keys = self._past_values = keys[:, :, :, :0]

    def __call__(self, tokens: Ids) -> Logits:
        """Returns what `Steps.__call__` does."""
        logits, self._past_keys, self._past_values = self._graph.run(
            ["logits", "present_keys", "present_values"],
            characters=tokens,
            memory_keys=self._keys,
            memory_values=self._values,
            past_keys=self._past_keys,
            past_values=self._past_values,
        )
        return logits

    def keep(self, rows: Ids) -> None:
        """Does what `Steps.keep` does."""
        self._keys = np.take(self._keys, rows, axis=1)
        self._values = np.take(self._values, rows, axis=1)
        self.reorder(rows)

    def reorder(self, rows: Ids) -> None:
        """Does what `Steps.reorder` does."""
        self._past_keys = np.take(self._past_keys, rows, axis=1)
        self._past_values = np.take(self._past_values, rows, axis=1)


class OnnxCrossMemory(CrossMemory):
    """The cross-modal branch, whose memory is image tokens and then the caption of a reading.

    Args:
        graphs: of the network.
        config: of the network.
        image: the branch with the image tokens alone.
    """

    def __init__(self, graphs: OnnxGraphs, config: Clip4StrConfig, image: OnnxBranch) -> None:
        self._graphs, self._config, self._image = graphs, config, image
        self._captions: list[tuple[int, ...]] = []
        self._branch = image

    def captioned(self, texts: Sequence[str]) -> OnnxBranch:
        """Returns the branch with the captions of readings, one an image; ends the earlier one."""
        captions = captions_of(self._config, texts)
        if not self._captions:
            keys, values = self._projected(captions)
            self._branch = OnnxBranch(
                self._graphs,
                "cross",
                np.concatenate([self._image.keys, keys], axis=3),
                np.concatenate([self._image.values, values], axis=3),
            )
        else:
            pairs = zip(captions, self._captions, strict=True)
            changed = [row for row, (new, old) in enumerate(pairs) if new != old]
            if changed:
                keys, values = self._projected([captions[row] for row in changed])
                start = self._image.keys.shape[3]
                self._branch.keys[:, changed, :, start:] = keys
                self._branch.values[:, changed, :, start:] = values
        self._captions = captions
        return self._branch

    def _projected(self, captions: Sequence[tuple[int, ...]]) -> tuple[Floats, Floats]:
        """Returns keys and values of captions; equal ones are encoded once."""
        places = {caption: place for place, caption in enumerate(dict.fromkeys(captions))}
        different = np.array(list(places), np.int64)
        (tokens,) = self._graphs["text_tower"].run(["caption_tokens"], captions=different)
        keys, values = self._graphs["cross_memory"].run(_MEMORY, tokens=tokens)
        rows = np.array([places[caption] for caption in captions])
        return np.take(keys, rows, axis=1), np.take(values, rows, axis=1)
