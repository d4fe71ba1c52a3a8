"""Where and with what a result was measured, for the JSON that is committed."""

import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_PACKAGES = (
    "ocr-plugin",
    "rapidocr",
    "onnxruntime",
    "opencv-python-headless",
    "torch",
    "open_clip_torch",
    "numpy",
    "pillow",
    "shapely",
)


def write_report(path: Path, benchmark: str, sets: dict[str, Any]) -> None:
    """Writes a benchmark's results by set, with where they were measured, as JSON."""
    report = {"benchmark": benchmark, "machine": describe(), "sets": sets}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=2) + "\n")


def describe() -> dict[str, Any]:
    """Returns date, commit, processor, threads and the versions of what has a part in it."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": _commit(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {name: _version(name) for name in _PACKAGES},
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
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
