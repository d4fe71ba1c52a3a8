"""Reads ONNX files; weights in other files, which such a file can name, are not read."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import onnx
from google.protobuf.message import Message

from ocr_plugin.errors import CheckpointError, first_line


class OnnxFile(NamedTuple):
    """The network in a file, and the SHA-256 of the bytes that it was read from."""

    network: onnx.ModelProto
    sha256: str


def read_onnx(path: Path) -> OnnxFile:
    """Reads an ONNX file, once.

    Raises:
        CheckpointError: it cannot be read, or is no ONNX network, or keeps weights in other files.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror or error}") from error
    try:
        network = onnx.load_model_from_string(content)
    except Exception as error:  # protobuf has no public base class of its errors
        raise CheckpointError(f"{path}: not a usable ONNX file: {first_line(error)}") from error
    for tensor in _tensors(network):
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            places = [each.value for each in tensor.external_data if each.key == "location"]
            raise CheckpointError(
                f"{path}: keeps weights in another file, {''.join(places)!r}, which is not read;"
                " save the network as one file"
            )
    return OnnxFile(network, hashlib.sha256(content).hexdigest())


def _tensors(message: Any) -> Iterator[onnx.TensorProto]:
    """Yields all tensors of a message: of graphs, of attributes of nodes, of functions."""
    if isinstance(message, onnx.TensorProto):
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type is not None:
            for each in (value,) if isinstance(value, Message) else value:
                yield from _tensors(each)
