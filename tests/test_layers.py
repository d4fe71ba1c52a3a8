"""The rooms of the package, and which of them may know of which.

What is imported for type checking only counts as well.
"""

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

# From the ground up; docs/architecture.md says what each is for. A room may import from the floors
# below its own, and from itself.
FLOORS = [
    {"errors", "schema"},
    {"options", "protocols", "registry", "runtime"},
    {"pages", "regions", "language", "formats", "constraints", "plugins"},
    {"recognizers"},
    {"detectors", "layout"},
    {"engine", "datasets"},
    {"evaluation"},
    {"batch", "training", "clip4str", "__init__"},
    {"adapters"},
    {"cli"},
    {"__main__"},
]
# Modules of one floor that know of each other all the same.
BESIDE = {("options", "protocols"), ("registry", "protocols"), ("runtime", "options")}
MOST_AT_THE_ROOT = 12
LONGEST_MODULE, LONGEST_FUNCTION = 350, 60
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


INNER = {module: inner(path) for module, path in NAMES.items()}


def room_of(module: str) -> str:
    return module.partition(".")[0]


def floor_of(module: str) -> int:
    for index, floor in enumerate(FLOORS):
        if room_of(module) in floor:
            return index
    raise AssertionError(f"give ocr_plugin.{module} a floor in {Path(__file__).name}")


def users_of(*rooms: str) -> set[str]:
    """Returns the rooms that import from some of these rooms or modules."""
    return {
        room_of(module)
        for module, others in INNER.items()
        if any(other == room or other.startswith(f"{room}.") for other in others for room in rooms)
    }


def trees() -> Iterator[tuple[str, ast.Module, str]]:
    for module, path in NAMES.items():
        text = path.read_text(encoding="utf-8")
        yield module, ast.parse(text), text


def test_the_walk_sees_the_package_with_its_mapped_folders() -> None:
    assert {"engine.engine", "detectors.dbnet", "adapters", "training"} <= set(NAMES)
    assert {"plugins", "protocols", "pages.prefetch"} <= INNER["engine.engine"]


def test_every_room_imports_from_the_floors_below_it() -> None:
    wrong = [
        f"{module} imports {other}"
        for module, others in INNER.items()
        for other in others
        if floor_of(other) > floor_of(module)
        or (
            floor_of(other) == floor_of(module)
            and room_of(other) != room_of(module)
            and (room_of(module), room_of(other)) not in BESIDE
        )
    ]
    assert not wrong


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert {"engine.engine", "cli.app"} <= set(TopologicalSorter(INNER).static_order())


def test_the_root_holds_few_modules() -> None:
    assert len([module for module in NAMES if "." not in module]) - len(rooms()) <= MOST_AT_THE_ROOT


def rooms() -> set[str]:
    return {room_of(module) for module in NAMES if "." in module}


def test_no_module_and_no_function_is_long() -> None:
    long = []
    for module, tree, text in trees():
        lines = text.count("\n")
        if lines > LONGEST_MODULE:
            long.append(f"{module}: {lines} lines")
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.body[0].lineno + 1
                if lines > LONGEST_FUNCTION:
                    long.append(f"{module}.{node.name}: {lines} lines")
    assert not long


def test_only_the_command_line_prints() -> None:
    wrong = [
        f"{module}, line {node.lineno}"
        for module, tree, _ in trees()
        if room_of(module) != "cli"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]
    assert not wrong


def test_only_two_modules_fetch_from_the_network() -> None:
    clients = {"huggingface_hub", "urllib.request", "requests", "httpx"}
    users = {
        module
        for module, path in NAMES.items()
        if any(name == each or name.startswith(f"{each}.") for name in imported(path)
               for each in clients)
    }  # fmt: skip
    assert users == {"runtime.hub", "runtime.web"}


def test_only_one_module_reads_where_weights_are_kept() -> None:
    for variable in ("OCR_PLUGIN_CACHE", "OCR_PLUGIN_OFFLINE"):
        users = {
            module for module, tree, _ in trees() for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
            and ast.unparse(node.func) in ("os.environ.get", "os.getenv")
            and variable in ast.unparse(node)
        }  # fmt: skip
        assert users <= {"runtime.weights"}


def test_only_the_command_line_uses_training() -> None:
    assert users_of("training") == {"training", "cli"}


def test_only_the_engine_joins_the_stages() -> None:
    # Evaluation measures a detector by itself; training reads pages to label them.
    assert users_of("layout") == {"layout", "engine"}
    assert users_of("detectors") <= {"detectors", "training"}
    assert users_of("regions.rectify") <= {"regions", "engine", "training"}


def test_detectors_and_recognizers_know_nothing_of_each_other() -> None:
    assert "detectors" not in users_of("recognizers")
    assert "recognizers" not in users_of("detectors")


def test_pages_regions_and_layout_see_no_network() -> None:
    for module, path in NAMES.items():
        if room_of(module) in {"pages", "regions", "layout", "language", "formats", "constraints"}:
            assert not {name.partition(".")[0] for name in imported(path)} & NETWORKS, module


def test_adapters_hold_no_ocr() -> None:
    stages = users_of("regions", "layout", "detectors", "runtime.networks")
    assert "adapters" not in stages
    for module, path in NAMES.items():
        if room_of(module) == "adapters":
            assert not {name.partition(".")[0] for name in imported(path)} & NETWORKS, module
