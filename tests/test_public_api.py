import inspect
import subprocess
import sys
from importlib.metadata import version

import ocr_plugin
from ocr_plugin import errors

WANTED = {
    "Block",
    "Constraint",
    "Engine",
    "Line",
    "Page",
    "PageError",
    "Point",
    "Polygon",
    "Word",
    "read",
}


def test_every_public_name_is_there_once_and_in_order() -> None:
    names = ocr_plugin.__all__
    assert names == sorted(set(names))
    assert all(getattr(ocr_plugin, name) is not None for name in names)


def test_all_is_complete() -> None:
    raised = {
        name
        for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, errors.OcrError)
    }
    assert set(ocr_plugin.__all__) == WANTED | raised | {"errors", "__version__"}
    assert set(ocr_plugin.__all__) <= set(dir(ocr_plugin))


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(ocr_plugin, "no_such_name")


def test_the_version_is_the_distributions() -> None:
    assert ocr_plugin.__version__ == version("ocr-plugin")


def test_read_has_the_engines_defaults() -> None:
    ours = inspect.signature(ocr_plugin.read).parameters
    engines = inspect.signature(ocr_plugin.Engine).parameters
    for name in ("detector", "recognizer"):
        assert ours[name].default == engines[name].default


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = (
        "import sys, ocr_plugin; ocr_plugin.Page, ocr_plugin.errors.OcrError\n"
        "print({'torch', 'numpy', 'cv2', 'onnxruntime', 'PIL'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
