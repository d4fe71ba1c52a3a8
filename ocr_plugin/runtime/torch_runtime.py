"""An ONNX network run by PyTorch, so that a GPU needs no ONNX Runtime of its own.

``onnx2torch`` (https://github.com/ENOT-AutoDL/onnx2torch, Apache-2.0) makes the modules. Three of
its limits are worked around: it does not support ``SAME_UPPER`` padding; it copies a tensor at
every ``Identity``; and it moves the factors of a ``Resize`` to the GPU with the weights, where
reading them would make the host wait for the GPU.

On the CPU the results are ONNX Runtime's to 1e-4. On a GPU PyTorch's convolutions may use TF32,
with a mantissa of ten bits, unless `torch.backends.cudnn.allow_tf32` is off.
"""

import warnings
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import helper
from torch import nn

from ocr_plugin.errors import CheckpointError, ConfigurationError, first_line
from ocr_plugin.runtime.devices import StreamPool, usable_device
from ocr_plugin.runtime.onnx_file import read_onnx


class TorchNetwork:
    """An ONNX network in PyTorch; its interface is that of `networks.OnnxModel`.

    May be run from several threads at once, each of which uses a stream of the GPU.

    Args:
        path: of the ONNX file. The sides of its inputs must be multiples of the network's total
            stride, 32 for DBNet.
        device: a PyTorch device.

    Attributes:
        sha256: of the file's bytes.

    Raises:
        ConfigurationError: there is no such device, or the extra is not installed.
        CheckpointError: not an ONNX network, or one that cannot be run in PyTorch.
    """

    def __init__(self, path: Path, device: str) -> None:
        try:
            import onnx2torch
        except ModuleNotFoundError as error:
            raise ConfigurationError(
                f"the detector needs {error.name} on device {device!r}:"
                " pip install 'ocr-plugin[gpu]'"
            ) from error
        self._device = usable_device(device)
        content, self.sha256 = read_onnx(path)
        try:
            model = onnx.load_model_from_string(content)
            spell_out_padding(model.graph)
            with warnings.catch_warnings():
                # It warns that some modes round differently; tests compare the results.
                warnings.simplefilter("ignore")
                network = onnx2torch.convert(model)
        except Exception as error:  # neither library has a base class of its errors
            raise CheckpointError(f"{path}: not a usable ONNX file: {first_line(error)}") from error
        network = network.eval().requires_grad_(False)
        _drop_copies(network)
        self._network = moved(network, self._device)
        self._streams = StreamPool(self._device)

    @torch.inference_mode()
    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Returns the network's first output for a float32 batch."""
        with self._streams.use():
            pictures = torch.from_numpy(batch)
            if self._device.type == "cuda":
                pictures = pictures.pin_memory()
            found = self._network(pictures.to(self._device, non_blocking=True))
            first = found[0] if isinstance(found, tuple) else found
            return cast(NDArray[np.float32], first.cpu().numpy())


def spell_out_padding(graph: Any) -> None:
    """Replaces the padding ``SAME_UPPER`` of an ONNX graph by explicit pads.

    With it an output has 1 / stride of its input's length, rounded up. Where the stride divides
    the length, the padding is constant: kernel size less stride, the larger half at the end. Like
    ONNX Runtime this ignores dilation.
    """
    for node in graph.node:
        named = {attribute.name: attribute for attribute in node.attribute}
        if "auto_pad" not in named or named["auto_pad"].s != b"SAME_UPPER":
            continue
        kernel = list(named["kernel_shape"].ints)
        strides = list(named["strides"].ints) if "strides" in named else [1] * len(kernel)
        total = [max(size - step, 0) for size, step in zip(kernel, strides, strict=True)]
        named["auto_pad"].s = b"NOTSET"
        pads = [both // 2 for both in total] + [both - both // 2 for both in total]
        node.attribute.append(helper.make_attribute("pads", pads))


def _drop_copies(network: Any) -> None:
    """Replaces copies of tensors in a converted network; no module writes to its input."""
    from onnx2torch.node_converters.identity import OnnxCopyIdentity

    for name, module in list(network.named_children()):
        if isinstance(module, OnnxCopyIdentity):
            setattr(network, name, nn.Identity())


def moved(network: Any, device: torch.device) -> Any:
    """Moves a converted network to a device, except the factors of its resizes."""
    from onnx2torch.node_converters.resize import OnnxResize

    factors = []
    for node in network.graph.nodes:
        if node.op == "call_module":
            module = network.get_submodule(node.target)
            sources = node.all_input_nodes if isinstance(module, OnnxResize) else ()
            factors += [source.target for source in sources if source.op == "get_attr"]
    kept = {name: network.get_buffer(name) for name in factors}
    network.to(device)
    for name, factor in kept.items():
        owner, _, own_name = name.rpartition(".")
        setattr(network.get_submodule(owner), own_name, factor)
    return network
