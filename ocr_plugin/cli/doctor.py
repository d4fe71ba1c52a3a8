"""The command `doctor`: checks an installation.

Each function checks one part and makes its own imports, so that a broken library is a finding and
not a crash.
"""

import base64
import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.metadata import PackageNotFoundError, distribution, version
from importlib.util import find_spec
from pathlib import Path

import typer

from ocr_plugin.cli.console import results_only, say
from ocr_plugin.errors import ExitCode, ModelUnavailable, one_line
from ocr_plugin.recognizers.clip4str.catalogue import ModelEntry, catalogue
from ocr_plugin.recognizers.clip4str.model_files import check_cached, known_sha256, locate
from ocr_plugin.runtime.weights import sha256_of

OPENCV_FLAVOURS = (
    "opencv-python",
    "opencv-python-headless",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
)
_MODULES = {
    "onnxruntime": "onnxruntime",
    "numpy": "numpy",
    "pydantic": "pydantic",
    "pillow": "PIL",
    "shapely": "shapely",
}
# Of the extra torch.
_OPTIONAL_MODULES = {"torch": "torch", "open_clip_torch": "open_clip"}
_BUNDLED = ("PP-OCRv6_det_small.onnx", "PP-OCRv6_rec_small.onnx")


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes:
        subject: what was checked.
        state: in one line.
        problem: what is wrong and how to fix it, in one line; None if nothing is.
    """

    subject: str
    state: str
    problem: str | None = None


def doctor() -> None:
    """Show what is installed, and exit with 1 if something is wrong with it."""
    problems = []
    with results_only() as stream:
        for title, findings in examine():
            print(f"{title}:", file=stream)
            for finding in findings:
                mark = "!!" if finding.problem else "  "
                print(f"{mark} {finding.subject}: {finding.state}", file=stream, flush=True)
                problems += [finding.problem] if finding.problem else []
    for problem in problems:
        say(f"PROBLEM: {problem}")
    raise typer.Exit(ExitCode.UNEXPECTED if problems else ExitCode.OK)


def versions() -> tuple[Finding, ...]:
    """Returns Python, this package and the libraries it depends on, each imported once."""
    return (
        Finding("python", f"{platform.python_version()} on {platform.platform()}"),
        Finding("ocr-plugin", version("ocr-plugin")),
        *(_library(name, module) for name, module in _MODULES.items()),
        *map(_optional_library, _OPTIONAL_MODULES),
    )


def devices() -> tuple[Finding, ...]:
    """Returns what networks can run on here."""
    return (*_torch_devices(), _onnx_providers(), _openvino())


def opencv() -> tuple[Finding, ...]:
    """Returns the OpenCV distributions installed and whether the imported cv2 is theirs.

    All four put their files into the same folder ``cv2``: of two at different versions the later
    one overwrites part of the earlier one.
    """
    installed = {name: found for name in OPENCV_FLAVOURS if (found := _installed(name))}
    imported = _cv2_version()
    findings = [Finding(name, found) for name, found in installed.items()]
    if isinstance(imported, Finding):
        return (*findings, imported)
    problem = None
    listed = ", ".join(f"{name} {found}" for name, found in installed.items())
    if len(set(installed.values())) > 1:
        problem = (
            f"OpenCV distributions of different versions overwrite each other: {listed};"
            " uninstall all of them and install one, or all at one version"
        )
    elif installed and not any(_same(found, imported) for found in installed.values()):
        problem = f"cv2 reports version {imported}, but {listed} is installed; reinstall it"
    return (*findings, Finding("cv2", imported, problem))


def weights() -> tuple[Finding, ...]:
    """Returns the weights files: those that rapidocr brings, and the published models.

    Every file that is here is read in full and compared with the hash that is known of it.
    """
    return (*_bundled(), *map(_published, catalogue()))


def examine() -> Iterator[tuple[str, tuple[Finding, ...]]]:
    """Yields the title and the findings of each part."""
    yield "versions", versions()
    yield "devices", devices()
    yield "opencv", opencv()
    yield "weights", weights()


def _library(name: str, module: str) -> Finding:
    found = _installed(name)
    try:
        imported = import_module(module)
    except Exception as error:  # a broken library may fail in any way; that is the finding
        state = found or "not installed"
        return Finding(name, state, f"{module} cannot be imported: {one_line(error)}")
    # GPU builds of ONNX Runtime come as distributions of other names.
    return Finding(name, found or f"{imported.__version__}, from another distribution")


def _optional_library(name: str) -> Finding:
    if _installed(name) is None and find_spec(_OPTIONAL_MODULES[name]) is None:
        return Finding(name, "not installed (extra torch)")
    return _library(name, _OPTIONAL_MODULES[name])


def _torch_devices() -> tuple[Finding, ...]:
    cores = Finding("CPU", f"{os.cpu_count()} cores")
    if find_spec("torch") is None:
        return (cores, Finding("CUDA", "not asked for: torch is not installed"))
    try:
        import torch

        gpus = [torch.cuda.get_device_properties(k) for k in range(torch.cuda.device_count())]
    except Exception as error:  # a driver that does not fit may raise anything; it is reported
        return (cores, Finding("CUDA", "not usable", one_line(error)))
    cuda = [
        Finding(f"cuda:{k}", f"{gpu.name}, {gpu.total_memory / 2**30:.0f} GiB")
        for k, gpu in enumerate(gpus)
    ]
    threads = f"{os.cpu_count()} cores, {torch.get_num_threads()} torch threads"
    return (Finding("CPU", threads), *(cuda or [Finding("CUDA", "no device")]))


def _onnx_providers() -> Finding:
    try:
        import onnxruntime

        providers = onnxruntime.get_available_providers()
    except Exception as error:  # as above
        return Finding("ONNX Runtime", "not usable", one_line(error))
    return Finding("ONNX Runtime", ", ".join(providers))


def _openvino() -> Finding:
    """Returns the numeric types that OpenVINO, which is optional, has fast on this CPU."""
    if find_spec("openvino") is None:
        return Finding("OpenVINO", "not installed")
    try:
        from ocr_plugin.runtime.openvino_runtime import shared_core

        numbers = shared_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    except Exception as error:  # as above
        return Finding("OpenVINO", "not usable", one_line(error))
    return Finding("OpenVINO", ", ".join(numbers))


def _cv2_version() -> str | Finding:
    """Returns the imported version, or what keeps it from being imported."""
    try:
        import cv2
    except Exception as error:  # a half-overwritten cv2 fails in many ways; that is the finding
        return Finding("cv2", "not usable", f"cv2 cannot be imported: {one_line(error)}")
    return str(cv2.__version__)


def _bundled() -> Iterator[Finding]:
    try:
        recorded = {file.name: file for file in distribution("rapidocr").files or ()}
    except PackageNotFoundError:
        yield Finding("rapidocr", "not installed", "rapidocr is missing: pip install rapidocr")
        return
    for name in _BUNDLED:
        path = Path(str(recorded[name].locate())) if name in recorded else None
        if path is None or not path.is_file():
            yield Finding(name, "missing", f"{name} is missing: pip install --force rapidocr")
            continue
        stated = recorded[name].hash
        # A wheel records hashes in URL-safe base64 without its padding.
        expected = base64.urlsafe_b64decode(f"{stated.value}==").hex() if stated else None
        yield _checked(name, path, expected, "pip install --force rapidocr")


def _published(entry: ModelEntry) -> Finding:
    path = None
    try:
        if (path := locate(entry)) is None:
            return Finding(entry.name, "not downloaded")
        known = known_sha256(entry)
        if entry.source is not None:
            check_cached(path)
    except ModelUnavailable as error:
        return Finding(entry.name, str(path or "not found"), str(error))
    expected = known.sha256 if known else None
    found = _checked(entry.name, path, expected, "delete it and download it again")
    unknown = entry.source is not None and known is None
    return replace(found, state=f"{found.state}, unverified") if unknown else found


def _checked(name: str, path: Path, expected: str | None, remedy: str) -> Finding:
    actual = sha256_of(path)
    problem = None
    if expected not in (None, actual):
        problem = f"{path} is damaged: its sha256 is {actual}, not {expected}; {remedy}"
    return Finding(name, f"{path} sha256 {actual}", problem)


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _same(distributed: str, imported: str) -> bool:
    """Returns whether a distribution's version, of four parts, is that of the module, of three."""
    return distributed.split(".")[:3] == imported.split("-")[0].split(".")[:3]
