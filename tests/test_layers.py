"""Imports go one way. What is imported for type checking only counts as well."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import ocr_plugin
from ocr_plugin import adapters, detectors

# Where the package's parts lie; two of them have folders of their own.
FOLDERS = {
    "": Path(ocr_plugin.__file__).parent,
    "adapters": Path(adapters.__file__).parent,
    "detectors": Path(detectors.__file__).parent,
}

# From the ground up; a module may import from its own layer and from those above it in this list.
# A package stands for all of its modules that are not named themselves.
LAYERS = [
    {
        "environment",
        "errors",
        "file_names",
        "hashes",
        "options",
        "schema",
        "protocols",
        "geometry",
        "clip4str.charset",
        "ctc",
        "registry",
    },
    {
        "images",
        "pdf",
        "pixels",
        "readings",
        "ink",
        "crops",
        "words",
        "layout",
        "line_reader",
        "device",
        "threads",
        "onnx",
        "openvino_network",
        "paddle_files",
        "ppocr",
        "second_opinion",
        "clip4str",
        "detectors",
    },
    {"engine", "page_work", "prefetch", "shared_engine"},
    {
        "__init__",
        "__main__",
        "adapters",
        "batch",
        "cli",
        "cli_batch",
        "cli_convert",
        "cli_eval",
        "cli_models",
        "cli_recognizer",
        "cli_serve",
        "cli_train",
        "datasets",
        "doctor",
        "documents",
        "evaluation",
        "page_printer",
        "stopping",
        "streams",
        "training",
    },
]
ENGINE = 2
RECOGNIZERS = {"clip4str", "ppocr"}
STAGES = {
    "ink",
    "crops",
    "words",
    "layout",
    "onnx",
    "openvino_network",
    "page_work",
    "detectors",
    *RECOGNIZERS,
}
NETWORKS = {"torch", "open_clip", "onnxruntime", "openvino"}


def modules() -> Iterator[tuple[str, Path]]:
    """Yields every module's name below ocr_plugin, and its file."""
    for package, folder in FOLDERS.items():
        for path in sorted(folder.rglob("*.py")):
            parts = [package, *path.relative_to(folder).with_suffix("").parts]
            if parts != ["", "__init__"] and parts[-1] == "__init__":
                parts.pop()
            yield ".".join(filter(None, parts)), path


def imported(path: Path) -> set[str]:
    """Returns the full names of all that a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module, f"{path}: relative import"
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


NAMES = dict(modules())


def inner(path: Path) -> set[str]:
    """Returns the modules of this package that a file imports, without the package's name."""
    found = set()
    for name in imported(path):
        top, _, rest = name.partition(".")
        if top != "ocr_plugin":
            continue
        while rest not in NAMES and rest:
            rest = rest.rpartition(".")[0]
        found.add(rest or "__init__")
    return found


def layer_of(module: str) -> int:
    """Returns the index of a module's layer: its own, or its package's."""
    for name in (module, module.partition(".")[0]):
        for index, layer in enumerate(LAYERS):
            if name in layer:
                return index
    raise AssertionError(f"give ocr_plugin.{module} a layer in {Path(__file__).name}")


def within(names: set[str], packages: set[str]) -> set[str]:
    return {name for name in names if name.partition(".")[0] in packages}


def test_the_walk_sees_the_package_with_its_mapped_folders() -> None:
    assert {"engine", "detectors.dbnet", "adapters", "clip4str.model", "training"} <= set(NAMES)
    assert {"registry", "protocols", "images"} <= inner(NAMES["engine"])


def test_every_module_imports_downwards_only() -> None:
    wrong = [
        f"{module} imports {other}"
        for module, path in NAMES.items()
        for other in inner(path)
        if layer_of(other) > layer_of(module)
    ]
    assert not wrong


def test_no_parts_import_each_other_in_a_circle() -> None:
    graph: dict[str, set[str]] = {}
    for module, path in NAMES.items():
        part = module.partition(".")[0]
        others = {other.partition(".")[0] for other in inner(path)}
        graph.setdefault(part, set()).update(others - {part})
    assert {"engine", "cli", "detectors"} <= set(TopologicalSorter(graph).static_order())


def test_nothing_but_its_command_uses_training() -> None:
    users = {module for module, path in NAMES.items() if within(inner(path), {"training"})}
    assert {user for user in users if user.partition(".")[0] != "training"} == {"cli_train"}


def test_detectors_and_recognizers_know_nothing_of_each_other() -> None:
    for module, path in NAMES.items():
        package = module.partition(".")[0]
        if package == "detectors":
            assert not within(inner(path), RECOGNIZERS), module
        if package in RECOGNIZERS:
            assert not within(inner(path), {"detectors"} | RECOGNIZERS - {package}), module


def test_below_the_engine_nothing_but_it_joins_stages() -> None:
    for module in ("crops", "words", "layout"):
        assert not within(inner(NAMES[module]), {"detectors", *RECOGNIZERS}), module


def test_the_layout_sees_no_tensor() -> None:
    assert not within(imported(NAMES["layout"]), NETWORKS)


def test_adapters_hold_no_ocr() -> None:
    for module, path in NAMES.items():
        if module.partition(".")[0] != "adapters":
            continue
        assert not within(inner(path), STAGES), module
        assert not within(imported(path), NETWORKS), module
