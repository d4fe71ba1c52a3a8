import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import entry_points, metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SETUPTOOLS = PROJECT["tool"]["setuptools"]
MAPPED = SETUPTOOLS["package-dir"]


def packages_on_disk() -> set[str]:
    """Returns every folder with an __init__.py, by the name it is imported by."""
    found = set()
    for package, folder in {"ocr_plugin": "ocr_plugin", **MAPPED}.items():
        top = ROOT / folder
        for marker in top.rglob("__init__.py"):
            below = marker.parent.relative_to(top).parts
            name = ".".join([package, *below])
            if package != "ocr_plugin" or name not in MAPPED:
                found.add(name)
    return found | set(MAPPED)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The files of a wheel built from a copy, so that nothing is left behind in the checkout."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, source / name)
    for name in ("ocr_plugin", *MAPPED.values()):
        leave_out = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, source / name, symlinks=True, ignore=leave_out)
    target = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    done = subprocess.run(
        [*build, "--no-index", "--wheel-dir", str(target), str(source)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    (path,) = target.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


def test_every_package_is_named_in_pyproject() -> None:
    assert sorted(packages_on_disk()) == sorted(SETUPTOOLS["packages"])


def test_the_mapped_folders_are_linked_into_the_package() -> None:
    for package, folder in MAPPED.items():
        link = ROOT / package.replace(".", "/")
        if not link.is_symlink():
            pytest.skip("a checkout without links; they serve type checkers and editors only")
        assert link.resolve() == (ROOT / folder).resolve()


def test_the_wheel_holds_one_top_level_name(wheel: list[str]) -> None:
    tops = {name.partition("/")[0] for name in wheel}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"ocr_plugin"}


def test_the_wheel_holds_every_module_and_data_file(wheel: list[str]) -> None:
    wanted = {"ocr_plugin/py.typed", "ocr_plugin/schema.json"}
    for package, folder in {"ocr_plugin": "ocr_plugin", **MAPPED}.items():
        for path in (ROOT / folder).rglob("*.*"):
            if "__pycache__" in path.parts:
                continue
            inside = path.relative_to(ROOT / folder).as_posix()
            wanted.add(f"{package.replace('.', '/')}/{inside}")
    assert {"ocr_plugin/detectors/dbnet.py", "ocr_plugin/language/data/latin.language"} <= wanted
    assert wanted <= set(wheel)
    assert any(name.endswith("licenses/LICENSE") for name in wheel)


def test_what_is_installed_has_the_entry_points_of_pyproject() -> None:
    for group, declared in PROJECT["project"]["entry-points"].items():
        installed = entry_points(group=group)
        for name, value in declared.items():
            assert value in {entry.value for entry in installed if entry.name == name}, (
                "entry points are read when the package is installed: install it again"
            )


def test_entry_points_resolve() -> None:
    for group in PROJECT["project"]["entry-points"]:
        for name in PROJECT["project"]["entry-points"][group]:
            (entry,) = {entry for entry in entry_points(group=group) if entry.name == name}
            loaded = entry.load()
            # Hosts look up hooks in a module; ours take a class.
            assert callable(loaded) or group in ("docling", "ocrmypdf")


def test_the_command_is_installed() -> None:
    values = {entry.value for entry in entry_points(group="console_scripts", name="ocr-plugin")}
    assert values == {PROJECT["project"]["scripts"]["ocr-plugin"]}


def test_extras_are_installable_by_name() -> None:
    declared = set(PROJECT["project"]["optional-dependencies"])
    assert {"dev", "paddle"} <= declared
    assert set(metadata("ocr-plugin").get_all("Provides-Extra") or ()) == declared


def test_a_bare_import_of_a_mapped_folder_is_banned() -> None:
    banned = PROJECT["tool"]["ruff"]["lint"]["flake8-tidy-imports"]["banned-api"]
    assert set(MAPPED.values()) <= set(banned)
