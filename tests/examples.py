"""The examples of a document under docs/, for the tests that run them as they stand there."""

import os
import re
import subprocess
import sys
from pathlib import Path

_DOCS = Path(__file__).parents[1] / "docs"


class Examples:
    """A document's blocks of code, by the heading of their section."""

    def __init__(self, name: str) -> None:
        text = (_DOCS / name).read_text(encoding="utf-8")
        found = re.findall(r"^#+ (.+?)\n(.*?)(?=^#+ |\Z)", text, re.M | re.S)
        self._sections: dict[str, str] = dict(found)

    def blocks(self, section: str, kind: str) -> list[str]:
        """Returns a section's blocks of a language."""
        return re.findall(rf"^```{kind}\n(.*?)^```$", self._sections[section], re.M | re.S)

    def commands(self, section: str) -> list[str]:
        """Returns what a section has one type in."""
        return [
            line.removeprefix("$ ")
            for block in self.blocks(section, "console")
            for line in block.splitlines()
        ]


def python(folder: Path, code: str) -> str:
    """Runs code in a folder and returns what it printed."""
    path = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path, "OCR_PLUGIN_CACHE": str(folder / "cache")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def shell(folder: Path, line: str) -> subprocess.CompletedProcess[str]:
    """Runs a command line in a folder; it has to succeed."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        line, cwd=folder, shell=True, env=os.environ | {"PATH": path},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done
