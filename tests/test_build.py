"""What `.ci/build` makes of a commit: complete, reproducible, and enough to read a picture."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = [
    pytest.mark.nightly,
    pytest.mark.skipif(not (ROOT / ".git").exists(), reason="no checkout"),
]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, tmp_path_factory.mktemp("dist"))


def build(checkout: Path, out: Path) -> Path:
    """Builds a checkout's last commit."""
    environment = os.environ | {"PYTHON": sys.executable}
    command = ["bash", str(checkout / ".ci" / "build"), str(out)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return out


def test_another_checkout_of_the_commit_gives_the_same_bytes(built: Path, tmp_path: Path) -> None:
    subprocess.run(["git", "clone", "-q", str(ROOT), str(tmp_path / "clone")], check=True)
    shutil.copy(ROOT / ".ci" / "build", tmp_path / "clone" / ".ci" / "build")
    again = build(tmp_path / "clone", tmp_path / "dist")
    names = sorted(path.name for path in built.iterdir())
    assert [name.partition("-")[0] for name in names] == ["ocr_plugin"] * 2
    for name in names:
        assert (built / name).read_bytes() == (again / name).read_bytes(), name


def test_the_source_holds_the_package_and_nothing_else(built: Path) -> None:
    (wheel,), (sdist,) = built.glob("*.whl"), built.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as archive:
        modules = [name for name in archive.namelist() if ".dist-info/" not in name]
    with tarfile.open(sdist) as archive:
        files = {member.name.partition("/")[2] for member in archive if member.isfile()}
    for folder in ("adapters", "detectors"):
        modules = [name.replace(f"ocr_plugin/{folder}/", f"{folder}/") for name in modules]
    assert set(modules) <= files
    assert {name for name in files.difference(modules) if "egg-info" not in name} == {
        "CHANGELOG.md", "LICENSE", "MANIFEST.in", "NOTICE", "PKG-INFO", "README.md",
        "SECURITY.md", "pyproject.toml", "setup.cfg",
    }  # fmt: skip


def test_the_description_is_one_that_an_index_takes(built: Path) -> None:
    command = [sys.executable, "-m", "twine", "check", "--strict", *map(str, built.iterdir())]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("suffix", [".whl", ".tar.gz"])
def test_what_is_built_reads_a_picture_in_an_environment_of_its_own(
    built: Path, suffix: str, tmp_path: Path
) -> None:
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    (file,) = built.glob(f"*{suffix}")
    binaries = tmp_path / "venv" / "bin"
    install = [str(binaries / "pip"), "install", "-q", str(file)]
    subprocess.run(install, check=True, cwd=tmp_path)
    picture = ROOT / "examples" / "shop_signs.jpg"
    done = subprocess.run(
        [str(binaries / "ocr-plugin"), "read", str(picture)],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "OPENING HOURS" in done.stdout
