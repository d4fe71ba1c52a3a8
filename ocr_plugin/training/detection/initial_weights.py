"""Where a word detector's first weights come from."""

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

from ocr_plugin.errors import CheckpointError, ConfigurationError, first_line
from ocr_plugin.onnx import bundled_model
from ocr_plugin.training.detection.network import TextNetwork
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


def _layout(weight: Tensor, bias: Tensor | None) -> tuple[torch.Size, torch.Size | None]:
    return weight.shape, None if bias is None else bias.shape


def is_word_detector(path: Path) -> bool:
    """Returns whether a file holds weights of a word detector, told by the tensors' names."""
    try:
        with safe_open(path, "pt") as file:
            return any(name.startswith("heads.words.") for name in file.keys())  # noqa: SIM118
    except (OSError, SafetensorError):
        return False  # whoever loads it says what is wrong


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
