"""The container's files: what is copied into it, its limits, and its steps in a folder."""

import fnmatch
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def commands() -> list[str]:
    """Returns the commands of the Dockerfile that build, each in one line."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    build, _ = text.split("\nFROM")[1:]
    return re.findall(r"^RUN (.+)$", build, re.M)


def test_what_the_package_is_made_of_is_copied() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    kept = [line[1:] for line in lines if line.startswith("!")]
    assert lines[0] == "*"
    project = PROJECT["project"]
    wanted = {"ocr_plugin", "pyproject.toml", project["readme"], *project["license-files"]}
    wanted |= set(PROJECT["tool"]["setuptools"]["package-dir"].values())
    assert wanted == set(kept)
    assert any(fnmatch.fnmatch("ocr_plugin/__pycache__", line) for line in lines[1:])


def test_the_composed_server_is_limited_and_has_no_way_out() -> None:
    composed: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    server, proxy = composed["services"]["ocr"], composed["services"]["proxy"]
    assert server["read_only"] and server["mem_limit"] and server["pids_limit"]
    assert server["cap_drop"] == ["ALL"] and "ports" not in server
    assert [composed["networks"][name]["internal"] for name in server["networks"]] == [True]
    # The server believes the proxy alone who the client is.
    place = proxy["networks"]["inside"]["ipv4_address"]
    assert server["environment"]["FORWARDED_ALLOW_IPS"] == place
    megabytes = dict(zip(server["command"], server["command"][1:], strict=False))["--max-megabytes"]
    assert f"client_max_body_size {megabytes}m;" in composed["configs"]["proxy"]["content"]


@pytest.mark.nightly
def test_the_steps_of_the_image_make_an_environment_that_reads(tmp_path: Path) -> None:
    _, install = commands()
    place = tmp_path / "ocr-plugin"
    install = install.replace("/opt/ocr-plugin", str(place)).replace("/src", str(ROOT))
    environment = os.environ | {"EXTRAS": "serve", "PATH": _with_python(os.environ["PATH"])}
    done = subprocess.run(
        ["bash", "-euc", install], env=environment, cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    command = [str(place / "bin" / "ocr-plugin"), "read", str(ROOT / "examples/shop_signs.jpg")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "OPENING HOURS" in done.stdout


def _with_python(path: str) -> str:
    return f"{Path(sys.executable).parent}{os.pathsep}{path}"
