"""Reading tells nobody and leaves nothing behind, in the home folder or elsewhere."""

import os
import subprocess
import sys
from pathlib import Path

from PIL import Image


def test_reading_leaves_no_file_in_the_home_folder(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    Image.new("RGB", (60, 40), "white").save(tmp_path / "page.png")
    kept = {"PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "VIRTUAL_ENV"}
    environment = {name: value for name, value in os.environ.items() if name in kept}
    run = subprocess.run(
        [sys.executable, "-m", "ocr_plugin", "read", "--offline", str(tmp_path / "page.png")],
        env=environment | {"HOME": str(home), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr
    assert [str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()] == []
