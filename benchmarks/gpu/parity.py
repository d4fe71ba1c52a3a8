"""Whether a GPU gives the CPU's numbers: logits of one network on both, in several precisions.

    python -m benchmarks.gpu.parity [--model NAME_OR_PATH] [--device cuda] [--out FILE.json]

Without a model, the parity fixture's B/16 with made-up weights (``tests/data/parity``). Float32
must agree to 1e-3 of the largest logit; TF32 and bfloat16 are reported, with the share of texts
that stay the same.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks import machine
from ocr_plugin.clip4str import PRESETS, Clip4Str, load_model
from ocr_plugin.clip4str.decoding import read_texts
from tests.data.parity import weights

FIXTURE = Path(__file__).parents[2] / "tests" / "data" / "parity" / "base.json"
_LIMIT = 1e-3


def network(name: str | None) -> Clip4Str:
    """Returns the network to compare, in eval mode on the CPU."""
    if name is not None:
        return load_model(name)
    model = Clip4Str(PRESETS["B/16"])
    model.load_state_dict(weights.state_dict(json.loads(FIXTURE.read_text())))
    return model.eval()


@torch.inference_mode()
def logits(model: Clip4Str, images: Tensor, device: str, precision: str) -> Tensor:
    """Returns the logits of a reading, float32 on the CPU."""
    torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    torch.backends.cudnn.allow_tf32 = precision == "tf32"
    lower = precision == "bfloat16"
    with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=lower):
        found: Tensor = model.to(device)(images.to(device), independent=True)
    return found.float().cpu()


def compare(model: Clip4Str, device: str, count: int) -> dict[str, Any]:
    """Returns, for each precision, the largest difference and the share of texts that stay."""
    torch.manual_seed(0)
    images = torch.randn(count, 3, *model.config.image_size)
    expected = logits(model, images, "cpu", "float32")
    texts = read_texts(model, expected)
    found = {}
    for precision in ("float32", "tf32", "bfloat16"):
        values = logits(model, images, device, precision)
        same = sum(a == b for a, b in zip(read_texts(model, values), texts, strict=True))
        difference = (values - expected).abs().max() / expected.abs().max()
        found[precision] = {
            "largest_difference": float(f"{difference:.3g}"),
            "same_texts": round(same / count, 4),
        }
    return found


def main() -> None:
    """Prints the comparison; fails where float32 does not agree."""
    parser = argparse.ArgumentParser(description="Whether a GPU gives the CPU's numbers.")
    parser.add_argument("--model")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--images", type=int, default=16)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    found = compare(network(arguments.model), arguments.device, arguments.images)
    name = arguments.model or "B/16 with made-up weights"
    print(json.dumps({name: found}, indent=2))
    if arguments.out:
        gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
        machine.write_report(arguments.out, "gpu_parity", {name: {"gpu": gpu, **found}})
    if found["float32"]["largest_difference"] > _LIMIT:
        raise SystemExit(f"float32 differs by more than {_LIMIT}")


if __name__ == "__main__":
    main()
