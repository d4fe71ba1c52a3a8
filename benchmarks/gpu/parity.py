"""Whether a GPU gives the CPU's numbers, stage by stage.

    python -m benchmarks.gpu.parity [--model NAME_OR_PATH] [--device cuda] [--out FILE.json]

Four things are compared. Logits of one network on both, in several precisions: without a model,
the parity fixture's B/16 with made-up weights (``tests/data/parity``); in float32 texts must be the
same and logits agree to 1e-3 of the largest, TF32 and bfloat16 are reported.
On the device, logits in constant shapes (CUDA graphs) with those of the other decoding: likewise,
in float32. Crops resized there with PIL's: they must have the same grey levels. The detector in
PyTorch there with ONNX Runtime, on the examples: probabilities must agree to 1e-3 in float32; TF32
is reported.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from benchmarks import machine
from ocr_plugin.clip4str import PRESETS, Clip4Str, load_network
from ocr_plugin.recognizers.clip4str.cuda_graphs import GraphLoop
from ocr_plugin.recognizers.clip4str.pil_resizing import resized_by_pil
from ocr_plugin.recognizers.clip4str.reader import Reader, read_texts
from ocr_plugin.recognizers.clip4str.resizing import resized_on_device
from ocr_plugin.runtime.networks import OnnxModel
from ocr_plugin.runtime.torch_runtime import TorchNetwork
from ocr_plugin.runtime.weights import bundled_model
from tests.data.parity import weights

FIXTURE = Path(__file__).parents[2] / "tests" / "data" / "parity" / "base.json"
EXAMPLES = Path(__file__).parents[2] / "examples"
_LIMIT = 1e-3
_LEVELS = 0
_NETWORK_SIZES = ((32, 128), (224, 224))
_PAGE = (832, 1120)


def network(name: str | None) -> Clip4Str:
    """Returns the network to compare, in eval mode on the CPU."""
    if name is not None:
        return load_network(name)
    model = Clip4Str(PRESETS["B/16"])
    model.load_state_dict(weights.state_dict(json.loads(FIXTURE.read_text())))
    return model.eval()


@torch.inference_mode()
def logits(network: Clip4Str, images: Tensor, device: str, precision: str) -> Tensor:
    """Returns the logits of a reading, float32 on the CPU."""
    _allow_tf32(precision == "tf32")
    lower = precision == "bfloat16"
    with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=lower):
        found = Reader(network.to(device))(images.to(device), independent=True)
    return found.float().cpu()


def _allow_tf32(wanted: bool) -> None:
    torch.backends.cuda.matmul.allow_tf32 = wanted
    torch.backends.cudnn.allow_tf32 = wanted


def agreement(network: Clip4Str, found: Tensor, expected: Tensor) -> dict[str, Any]:
    """Returns the share of texts that stay, and how far these rows' logits are off at the most.

    Args:
        network: whose they are.
        found: (B, L, classes).
        expected: (B, L, classes); what follows a row's first EOS means nothing, and the difference
            is relative to the largest of the rest.
    """
    config = network.config
    pairs = zip(read_texts(config, found), read_texts(config, expected), strict=True)
    same = torch.tensor([one == other for one, other in pairs], device=found.device)
    ends = expected.argmax(-1) == config.charset.eos
    meant = (ends.cumsum(1) - ends.int() == 0) & same[:, None]
    difference = torch.tensor(float("inf"))
    if meant.any():
        difference = (found - expected)[meant].abs().max() / expected[meant].abs().max()
    return {
        "largest_difference": float(f"{difference:.3g}"),
        "same_texts": round(float(same.float().mean()), 4),
    }


def compare(network: Clip4Str, device: str, count: int) -> dict[str, Any]:
    """Returns the agreement of the device with the CPU, for each precision."""
    torch.manual_seed(0)
    images = torch.randn(count, 3, *network.config.image_size)
    expected = logits(network, images, "cpu", "float32")
    return {
        precision: agreement(network, logits(network, images, device, precision), expected)
        for precision in ("float32", "tf32", "bfloat16")
    }


@torch.inference_mode()
def compare_graphs(network: Clip4Str, device: str, count: int) -> dict[str, Any]:
    """Returns the agreement of logits in constant shapes with the others, both on the device."""
    _allow_tf32(False)
    torch.manual_seed(0)
    network = network.to(device).requires_grad_(False)
    images = torch.randn(count, 3, *network.config.image_size).to(device)
    expected = Reader(network)(images, independent=True)
    loop = GraphLoop(network.config, captured=torch.device(device).type == "cuda")
    reader = Reader(network, loop=loop)
    reader(images.flip(0), independent=True)  # must leave nothing behind
    return agreement(network, reader(images, independent=True), expected)


def compare_resizing(device: str, count: int) -> dict[str, Any]:
    """Returns by how many grey levels crops differ that the device resized, and how many do."""
    rng = np.random.default_rng(0)
    sizes = zip(rng.integers(1, 120, count), rng.integers(1, 500, count), strict=True)
    crops = [
        rng.integers(0, 256, (int(height), int(width), 3), dtype=np.uint8)
        for height, width in sizes
    ]
    largest, share = 0, 0.0
    for size in _NETWORK_SIZES:
        found = resized_on_device(crops, size, torch.device(device)).cpu().int()
        expected = torch.from_numpy(resized_by_pil(crops, size)).int()
        differences = (found - expected).abs()
        largest = max(largest, int(differences.max()))
        share = max(share, float((differences > 0).float().mean()))
    return {"largest_difference": largest, "share_that_differs": share}


def compare_detectors(device: str) -> dict[str, Any]:
    """Returns how far the detector's probabilities are from ONNX Runtime's."""
    path = bundled_model("PP-OCRv6_det_small.onnx")
    plain, network = OnnxModel(path), TorchNetwork(path, device)
    height, width = _PAGE
    pages = [
        np.asarray(Image.open(example).convert("RGB").resize((width, height)), np.float32)
        for example in sorted(EXAMPLES.glob("*.jpg"))
    ]
    batch = np.stack([page.transpose(2, 0, 1) / np.float32(127.5) - 1 for page in pages])
    expected = plain.run(batch)
    found: dict[str, Any] = {}
    for precision in ("float32", "tf32"):
        _allow_tf32(precision == "tf32")
        difference = np.abs(network.run(batch) - expected).max()
        found[precision] = {"largest_difference": float(f"{difference:.3g}")}
    return found


def _agree(found: dict[str, Any]) -> bool:
    return bool(found["largest_difference"] <= _LIMIT and found["same_texts"] == 1)


def main() -> None:
    """Prints the comparisons; fails where one does not hold."""
    parser = argparse.ArgumentParser(description="Whether a GPU gives the CPU's numbers.")
    parser.add_argument("--model")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--images", type=int, default=16)
    parser.add_argument("--crops", type=int, default=512)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    model, device = network(arguments.model), arguments.device
    logits_found = compare(model, device, arguments.images)
    graphs = compare_graphs(model, device, arguments.images)
    resizing = compare_resizing(device, arguments.crops)
    detectors = compare_detectors(device)
    found = {
        (arguments.model or "B/16 with made-up weights"): logits_found,
        "constant shapes": graphs,
        "resizing": resizing,
        "detector": detectors,
    }
    print(json.dumps(found, indent=2))
    if arguments.out:
        gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
        machine.write_report(arguments.out, "gpu_parity", {"gpu": gpu, **found})
    held = {
        "the network in float32": _agree(logits_found["float32"]),
        "constant shapes": _agree(graphs),
        "resizing": resizing["largest_difference"] <= _LEVELS,
        "the detector in float32": detectors["float32"]["largest_difference"] <= _LIMIT,
    }
    if failed := [name for name, holds in held.items() if not holds]:
        raise SystemExit(f"these differ by too much: {', '.join(failed)}")


if __name__ == "__main__":
    main()
