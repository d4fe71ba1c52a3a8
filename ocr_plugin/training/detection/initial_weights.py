"""Where a word detector's first weights come from."""

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

from ocr_plugin.detectors.word_network import Head, TextNetwork
from ocr_plugin.errors import CheckpointError, ConfigurationError, first_line
from ocr_plugin.runtime.weights import bundled_model
from ocr_plugin.training.ppocr_weights import all_convolutions

_PPOCR = "PP-OCRv6_det_small.onnx"


def load_ppocr(network: TextNetwork) -> None:
    """Fills a network with PP-OCRv6 small detection's weights; its head of lines gives both maps.

    Raises:
        ConfigurationError: the installed file has another layout.
        ModelUnavailable: rapidocr does not carry it.
    """
    path = bundled_model(_PPOCR)
    own = [
        module
        for name, module in network.named_modules()
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d) and not name.startswith("heads.words")
    ]
    theirs = all_convolutions(path)
    layout = [_layout(module.weight, module.bias) for module in own]
    if layout != [_layout(*pair) for pair in theirs]:
        raise ConfigurationError(f"{path}: not the network that was expected")
    with torch.no_grad():
        for module, (weight, bias) in zip(own, theirs, strict=True):
            module.weight.copy_(weight)
            if module.bias is not None and bias is not None:
                module.bias.copy_(bias)
    network.heads["words"].load_state_dict(network.heads["lines"].state_dict())


def load_exported(network: TextNetwork, path: Path) -> None:
    """Fills a network with what `onnx_export` wrote; channels left out there are idle here.

    Raises:
        CheckpointError: no such file, or not a word detector's.
    """
    try:
        entries = all_convolutions(path)
        backbone = [
            module
            for part in (network.stem, network.stages, network.neck)
            for module in part.modules()
            if isinstance(module, nn.Conv2d)
        ]
        heads = entries[len(backbone) :]
        with torch.no_grad():
            for module, (weight, bias) in zip(backbone, entries, strict=False):
                _fill(module, weight, bias)
            for head, convs in zip(network.heads.values(), _threes(heads), strict=True):
                assert isinstance(head, Head)
                _fill_head(head, convs)
    except Exception as error:  # onnx raises several kinds, and shapes may be any
        message = f"{path}: no exported word detector: {first_line(error)}"
        raise CheckpointError(message) from error


def _threes(
    convs: Sequence[tuple[Tensor, Tensor | None]],
) -> list[Sequence[tuple[Tensor, Tensor | None]]]:
    return [convs[start : start + 3] for start in range(0, len(convs), 3)]


def _fill(module: nn.Conv2d, weight: Tensor, bias: Tensor | None) -> None:
    outputs, inputs = weight.shape[:2]
    module.weight.zero_()
    module.weight[:outputs, :inputs].copy_(weight)
    if module.bias is not None and bias is not None:
        module.bias.zero_()
        module.bias[:outputs].copy_(bias)


def _fill_head(head: Head, convs: Sequence[tuple[Tensor, Tensor | None]]) -> None:
    """Undoes `Head.as_convolutions`."""
    (mix, mix_bias), (inner, inner_bias), (outer, outer_bias) = convs
    assert inner_bias is not None and outer_bias is not None
    assert head.up.bias is not None and head.last.bias is not None
    _fill(head.mix, mix, mix_bias)
    width = inner.shape[1]
    head.up.weight.copy_(inner.view(2, 2, width, width).permute(3, 2, 0, 1))
    head.up.bias.copy_(inner_bias[:width])
    # Rows are (row, r, column, c), columns (row, column, in); one block says all.
    block = outer.view(2, 2, 2, 2, 2, 2, width)[0, :, 0, :, 0, 0]
    head.last.weight.copy_(block.permute(2, 0, 1)[:, None])
    head.last.bias.copy_(outer_bias[:1])


def _layout(weight: Tensor, bias: Tensor | None) -> tuple[torch.Size, torch.Size | None]:
    return weight.shape, None if bias is None else bias.shape


def is_word_detector(path: Path) -> bool:
    """Returns whether a file holds weights of a word detector, told by the tensors' names."""
    try:
        with safe_open(path, "pt") as file:
            return any(name.startswith("heads.words.") for name in file.keys())  # noqa: SIM118
    except (OSError, SafetensorError):
        return False  # loading it reports what is wrong


def trained_network(path: Path) -> TextNetwork:
    """Returns a network with the weights that a run left.

    Raises:
        CheckpointError: as `load_weights` does.
    """
    network = TextNetwork()
    load_weights(network, path)
    return network


def load_weights(network: TextNetwork, path: Path) -> None:
    """Fills a network with the weights that a run left.

    Raises:
        CheckpointError: no such file, or not a word detector's.
    """
    try:
        network.load_state_dict(load_file(path))
    except Exception as error:  # safetensors and PyTorch raise several kinds
        message = f"{path}: no weights of a word detector: {first_line(error)}"
        raise CheckpointError(message) from error
