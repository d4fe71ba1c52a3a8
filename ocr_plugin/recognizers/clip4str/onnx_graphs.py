"""ONNX graphs without weights, which take them from the safetensors file that lies beside them.

So the bundled model's weights are shipped once, for PyTorch and for ONNX Runtime. An initializer is
the bytes of a tensor in the safetensors file, or of some of its rows, as ONNX's external data
(https://onnx.ai/onnx/repo-docs/ExternalData.html); a cast to float32, and where the exporter
transposed a weight a transposition, follow in the graph, which ONNX Runtime does once when it opens
it. What a weights file does not hold as it is needed, such as masks, stays in the graph.
"""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from ocr_plugin.errors import ConfigurationError
from ocr_plugin.recognizers.clip4str.graph_files import PARTS, SHA256, graph_file
from ocr_plugin.recognizers.clip4str.model_files import resolve
from ocr_plugin.recognizers.clip4str.onnx_export import export_onnx
from ocr_plugin.recognizers.clip4str.weights_file import Header, read_header
from ocr_plugin.runtime.weights import sha256_of

# Bytes of float32; smaller ones stay in the graph, where they take less than a reference would.
_LEAST = 256
_HALF_BYTES = 2


def export_graphs(path_or_name: str | Path, folder: Path | str, offline: bool = False) -> Path:
    """Writes a network's graphs, and its weights beside them; returns their folder.

    They are the files of `onnx_export.export_onnx`, checked as there. The folder appears whole or
    not at all.

    Args:
        path_or_name: a safetensors file in float16, or the name of a model that has one.
        folder: must not exist yet; its parent must.
        offline: as for `export_onnx`.

    Raises:
        ConfigurationError: a package is missing, the folder exists or cannot be written, or the
            weights are not float16.
        CheckpointError: the weights are unusable.
        ModelUnavailable: no file or model of that name, or the model cannot be downloaded.
        ExportError: the network could not be written, or a file computes something else.
    """
    folder, weights = Path(folder), resolve(path_or_name, offline=offline)
    if folder.exists():
        raise ConfigurationError(f"{folder} exists already; name a new folder")
    header = read_header(weights)
    if {entry["dtype"] for entry in header.tensors.values()} != {"F16"}:
        raise ConfigurationError(f"{weights}: graphs share weights in float16 alone")
    try:
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".writing-") as staging:
            whole = export_onnx(weights, Path(staging, "whole"), offline=offline)
            written = Path(staging, folder.name)
            share_weights(whole, weights, header, written)
            written.rename(folder)
    except OSError as error:
        raise ConfigurationError(
            f"{folder}: cannot be written: {error.strerror or error}"
        ) from error
    return folder


def share_weights(exported: Path, weights: Path, header: Header, folder: Path) -> None:
    """Writes the graphs of exported files into a new folder, and the weights beside them.

    Args:
        exported: what `export_onnx` wrote of these weights.
        weights: a safetensors file in float16.
        header: of it.
        folder: to create.
    """
    folder.mkdir()
    shutil.copyfile(weights, folder / weights.name)
    places, sha256 = _Places(weights, header), sha256_of(weights)
    for part in PARTS:
        path = exported / f"{part}.onnx"
        if path.is_file():
            network = onnx.load(path)
            _strip(network)
            _refer(network.graph, places)
            helper.set_model_props(network, {SHA256: sha256})
            onnx.save(network, folder / graph_file(weights, part))


@dataclass(frozen=True)
class _Place:
    """Where the values of an initializer lie in the weights file.

    Attributes:
        offset: in bytes, from the start of the file.
        shape: of the values there.
        transposed: whether the initializer is their transposition.
    """

    offset: int
    shape: tuple[int, ...]
    transposed: bool


class _Places:
    """Finds values in a weights file."""

    def __init__(self, weights: Path, header: Header) -> None:
        self._file = weights.name
        content = np.memmap(weights, np.uint8, "r")
        self._tensors: dict[int, NDArray[np.float16]] = {}
        for entry in header.tensors.values():
            begin, end = (header.data_start + offset for offset in entry["data_offsets"])
            values = content[begin:end].view(np.float16).reshape(entry["shape"])
            self._tensors[begin] = values

    def find(self, wanted: NDArray[np.float32]) -> _Place | None:
        """Returns where an array's values lie, or None."""
        for offset, shape, values in self._candidates(wanted.shape):
            if np.array_equal(values.astype(np.float32).reshape(wanted.shape), wanted):
                return _Place(offset, shape, False)
        if wanted.ndim == 2:
            for offset, shape, values in self._candidates(wanted.shape[::-1]):
                if np.array_equal(values.astype(np.float32).T, wanted):
                    return _Place(offset, shape, True)
        return None

    def _candidates(
        self, shape: tuple[int, ...]
    ) -> Iterator[tuple[int, tuple[int, ...], NDArray[np.float16]]]:
        """Yields whole tensors, and rows of tensors, with their offsets and the shape wanted."""
        size = int(np.prod(shape))
        for begin, values in self._tensors.items():
            if values.size == size and values.ndim != 2:
                yield begin, shape, values.reshape(shape)
            elif values.ndim and values.shape[1:] == shape[1:]:
                rows = shape[0]
                for first in range(0, len(values) - rows + 1, rows):
                    offset = begin + first * (values.size // len(values)) * _HALF_BYTES
                    yield offset, shape, values[first : first + rows]

    def tensor(self, name: str, place: _Place) -> TensorProto:
        """Returns an initializer whose bytes lie in the weights file."""
        length = int(np.prod(place.shape)) * _HALF_BYTES
        kept = TensorProto(name=name, data_type=TensorProto.FLOAT16, dims=place.shape)
        kept.data_location = TensorProto.EXTERNAL
        where: Mapping[str, object] = {
            "location": self._file,
            "offset": place.offset,
            "length": length,
        }
        for key, value in where.items():
            kept.external_data.add(key=key, value=str(value))
        return kept


def _refer(graph: onnx.GraphProto, places: _Places) -> None:
    """Replaces a graph's weights by references to the weights file."""
    kept, nodes = [], []
    for initializer in graph.initializer:
        values = numpy_helper.to_array(initializer)
        if values.dtype != np.float32 or values.nbytes < _LEAST:
            kept.append(initializer)
            continue
        place, half = places.find(values), f"{initializer.name}.half"
        if place is None:
            if not np.array_equal(values.astype(np.float16).astype(np.float32), values):
                kept.append(initializer)
                continue
            kept.append(numpy_helper.from_array(values.astype(np.float16), half))
        else:
            kept.append(places.tensor(half, place))
        turned = place is not None and place.transposed
        whole = f"{initializer.name}.whole" if turned else initializer.name
        nodes.append(helper.make_node("Cast", [half], [whole], to=TensorProto.FLOAT))
        if turned:
            nodes.append(helper.make_node("Transpose", [whole], [initializer.name], perm=[1, 0]))
    nodes += graph.node
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(kept)
    graph.node.extend(nodes)


def _strip(network: onnx.ModelProto) -> None:
    """Takes out what the exporter tells of a graph, which is most of it without its weights."""
    graph = network.graph
    del graph.value_info[:], graph.metadata_props[:], network.metadata_props[:]
    for each in (*graph.node, *graph.initializer, *graph.input, *graph.output):
        del each.metadata_props[:]
        each.doc_string = ""
    for node in graph.node:
        node.name = ""
