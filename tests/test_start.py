"""What a command imports: a start is as quick as what it loads is little."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Of the extras, of rapidocr, whose files alone are used, and of what few runs need.
HEAVY = {
    "huggingface_hub", "onnx", "onnx2torch", "onnxscript", "open_clip", "openvino", "paddle",
    "pypdfium2", "rapidocr", "safetensors", "sympy", "timm", "torch", "torchvision", "transformers",
}  # fmt: skip


def loaded(*arguments: str) -> tuple[str, set[str]]:
    """Returns what a command prints, and the top-level modules that it has imported."""
    code = (
        "import sys; from ocr_plugin.cli.app import main\n"
        f"code = main({list(arguments)!r})\n"
        "print('IMPORTED', code, *{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    printed, _, names = done.stdout.rpartition("IMPORTED ")
    exit_code, *modules = names.split()
    assert exit_code == "0"
    return printed, set(modules)


def test_a_page_with_doubtful_words_is_read_without_pytorch() -> None:
    text, modules = loaded("read", str(ROOT / "examples" / "printed_page.png"))
    assert "Region-based segmentation" in text
    assert {"onnxruntime", "cv2", "numpy"} <= modules
    assert not modules & HEAVY


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["read", "--help"]])
def test_help_imports_next_to_nothing(arguments: list[str]) -> None:
    text, modules = loaded(*arguments)
    assert text
    assert not modules & (HEAVY | {"cv2", "numpy", "onnxruntime", "PIL", "shapely"})
