"""Where and with what a result was measured, for the JSON that is committed."""

import json
import os
import platform
import shutil
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_PACKAGES = (
    "ocr-plugin",
    "rapidocr",
    "paddleocr",
    "paddlex",
    "onnxruntime",
    "openvino",
    "opencv-python-headless",
    "torch",
    "open_clip_torch",
    "numpy",
    "pillow",
    "shapely",
)
# What decides how fast a processor multiplies matrices, as Linux calls it.
_ARITHMETIC = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16")


def write_report(path: Path, benchmark: str, sets: dict[str, Any]) -> None:
    """Writes a benchmark's results by set, with where they were measured, as JSON."""
    report = {"benchmark": benchmark, "machine": describe(), "sets": sets}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=2) + "\n")


def read_report(path: Path) -> dict[str, Any]:
    """Returns what `write_report` wrote."""
    report: dict[str, Any] = json.loads(path.read_text())
    return report


def circumstances(report: dict[str, Any]) -> str:
    """Returns the line that stands under a table: where, when and with what it was measured."""
    machine = report["machine"]
    versions = machine["versions"]
    libraries = ("torch", "onnxruntime", "openvino", "rapidocr")
    # Reports of before do not have all.
    known = [f"{name} {versions[name]}" for name in libraries if versions.get(name)]
    arithmetic = "".join(f" with {name}" for name in machine.get("arithmetic", ())[-1:])
    return "; ".join(
        (
            f"{machine['processor']}{arithmetic}, {machine['cores']} cores, no GPU",
            ", ".join([f"Python {machine['python']}", *known]),
            f"{machine['date']}, commit {machine['commit']}.",
        )
    )


def describe() -> dict[str, Any]:
    """Returns date, commit, processor and the versions of what has a part in it."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": _commit(),
        "processor": _processor(),
        "arithmetic": _arithmetic(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {name: _version(name) for name in _PACKAGES} | {"tesseract": _tesseract()},
    }


def _commit() -> str:
    """Returns the commit's hash, with a plus sign where the tree had uncommitted changes."""

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()

    return git("rev-parse", "--short=12", "HEAD") + ("+" if git("status", "--porcelain") else "")


def _processor() -> str:
    return _cpuinfo("model name") or platform.processor()


def _arithmetic() -> list[str]:
    """Returns those of `_ARITHMETIC` that the processor has, the most capable last."""
    flags = _cpuinfo("flags").split()
    return [name for name in _ARITHMETIC if name in flags]


def _cpuinfo(field: str) -> str:
    """Returns what Linux says of the first core, or nothing elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(field)), "")


def _tesseract() -> str | None:
    """Returns the version of the command, where there is one."""
    if shutil.which("tesseract") is None:
        return None
    output = subprocess.run(["tesseract", "--version"], capture_output=True, text=True, check=True)
    return output.stdout.splitlines()[0].removeprefix("tesseract ")


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
