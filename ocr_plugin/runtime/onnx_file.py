"""What of an ONNX file is needed to run it: its bytes, checked; metadata; no subnormal weights.

The ``onnx`` package would do it with 30 MB and its import. The file is a Protocol Buffers message
(https://protobuf.dev/programming-guides/encoding); field numbers are those of
https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ocr_plugin.errors import CheckpointError, first_line

_VARINT, _EIGHT_BYTES, _LENGTH, _FOUR_BYTES = 0, 1, 2, 5
_FIXED = {_EIGHT_BYTES: 8, _FOUR_BYTES: 4}
_MODEL_GRAPH, _MODEL_METADATA = 7, 14
_GRAPH_INITIALIZER = 5
_TENSOR_TYPE, _TENSOR_FLOATS, _TENSOR_RAW = 2, 4, 9
_ENTRY_KEY, _ENTRY_VALUE = 1, 2
_FLOAT32 = 1
_EXPONENT = np.uint32(0x7F80_0000)  # of a float32, as bits

# Where tensors may be, by kind of message and number of field.
_PARTS = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
_TENSOR_EXTERNAL, _TENSOR_LOCATION = 13, 14

Span = tuple[int, int]
"""Begin and end of a field's content in the file; of a number, the number twice."""


class OnnxFile(NamedTuple):
    """A file's bytes, and their SHA-256."""

    content: bytes
    sha256: str


def read_onnx(path: Path) -> OnnxFile:
    """Reads an ONNX file, once.

    Raises:
        CheckpointError: it cannot be read, or is no ONNX network, or keeps weights in other files,
            which such a file can name.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror or error}") from error
    try:
        outside = next(_places_outside(content), None)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path}: not a usable ONNX file: {first_line(error)}") from error
    if outside is not None:
        raise CheckpointError(
            f"{path}: keeps weights in another file, {outside!r}, which is not read; save the"
            " network as one file"
        )
    return OnnxFile(content, hashlib.sha256(content).hexdigest())


def _places_outside(content: bytes) -> Iterator[str]:
    """Yields the names of other files in which tensors are kept."""
    for tensor in _tensors(content, "model", (0, len(content))):
        fields = list(_fields(content, tensor))
        if any(number == _TENSOR_LOCATION and value[0] for number, value in fields):
            entries = (_entry(content, span) for at, span in fields if at == _TENSOR_EXTERNAL)
            yield dict(entries).get("location", "")


def _tensors(content: bytes, kind: str, message: Span) -> Iterator[Span]:
    """Yields all tensors of a message: of graphs, of attributes of nodes, of functions."""
    if kind == "tensor":
        yield message
        return
    for number, span in _fields(content, message):
        if number in _PARTS[kind]:
            yield from _tensors(content, _PARTS[kind][number], span)


def _entry(content: bytes, message: Span) -> tuple[str, str]:
    """Returns a text and the text under it."""
    parts = {each: content[first:last] for each, (first, last) in _fields(content, message)}
    key, value = (parts.get(each, b"").decode() for each in (_ENTRY_KEY, _ENTRY_VALUE))
    return key, value


def metadata_of(content: bytes) -> dict[str, str]:
    """Returns a file's metadata, by name.

    Raises:
        ValueError: not such a message.
    """
    fields = _fields(content, (0, len(content)))
    return dict(_entry(content, span) for number, span in fields if number == _MODEL_METADATA)


def without_subnormals(content: bytes) -> bytes:
    """Returns a file whose float32 weights are 0 where they were subnormal.

    Weights below 1.2e-38 change no result, but each multiplication by one takes an Intel processor
    a hundred times as long: PP-OCRv6 small detection has 256,000 of them and is three times as
    fast without. ONNX Runtime's own switch for this reaches only the first session of a process.

    Raises:
        ValueError: not such a message.
    """
    changed = bytearray(content)
    for first, last in _float_weights(content):
        numbers = np.frombuffer(changed, "<u4", (last - first) // 4, first)
        # Of what has no exponent only zeros are normal.
        numbers[(numbers & _EXPONENT) == 0] = 0
    return bytes(changed)


def _float_weights(content: bytes) -> Iterator[Span]:
    """Yields where the numbers of float32 initializers lie."""
    for number, graph in _fields(content, (0, len(content))):
        if number != _MODEL_GRAPH:
            continue
        for part, tensor in _fields(content, graph):
            if part == _GRAPH_INITIALIZER:
                fields = dict(_fields(content, tensor))
                if fields.get(_TENSOR_TYPE, (0, 0))[0] == _FLOAT32:
                    yield from (fields[at] for at in (_TENSOR_RAW, _TENSOR_FLOATS) if at in fields)


def _fields(content: bytes, message: Span) -> Iterator[tuple[int, Span]]:
    """Yields the fields of a message with their numbers.

    Raises:
        ValueError: the message ends within a field, or has one of an unknown kind.
    """
    place, end = message
    while place < end:
        tag, place = _varint(content, place, end)
        kind = tag & 7
        if kind == _VARINT:
            value, place = _varint(content, place, end)
            yield tag >> 3, (value, value)
            continue
        if kind == _LENGTH:
            length, place = _varint(content, place, end)
        elif kind in _FIXED:
            length = _FIXED[kind]
        else:
            raise ValueError(f"a field of kind {kind}")
        if place + length > end:
            raise ValueError("a field is cut off")
        yield tag >> 3, (place, place + length)
        place += length


def _varint(content: bytes, place: int, end: int) -> tuple[int, int]:
    """Returns a number of seven bits a byte, and the place after it."""
    value = shift = 0
    while place < end:
        byte = content[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return value, place
    raise ValueError("a number is cut off")
