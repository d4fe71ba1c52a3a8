"""The command line in this process, and in one of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ocr_plugin.cli.app import main

Capture = pytest.CaptureFixture[str]


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "ocr_plugin", *map(str, arguments)]


def call(
    *arguments: str | Path, stdin: bytes = b"", site: Path | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Runs the command line in a process of its own, with the plugins of a folder."""
    return subprocess.run(
        command(*arguments), input=stdin, capture_output=True, env=environment(site)
    )


def environment(site: Path | None) -> dict[str, str]:
    path = os.pathsep.join(filter(None, [str(site or ""), os.environ.get("PYTHONPATH", "")]))
    # Unbuffered, C code would hold nothing back, and a test of what it holds would test nothing.
    return {**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": ""}


def run(capfd: Capture, *arguments: str | Path) -> tuple[int, str, list[str]]:
    """Runs the command line in this process: exit code, standard output, standard error's lines."""
    code = main([str(argument) for argument in arguments])
    out, err = capfd.readouterr()
    return code, out, err.splitlines()
