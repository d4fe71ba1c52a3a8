import hashlib
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest

from ocr_plugin.cli import doctor
from ocr_plugin.recognizers.clip4str.catalogue import published
from ocr_plugin.runtime import openvino_runtime
from ocr_plugin.runtime.openvino_runtime import shared_core
from ocr_plugin.runtime.weights import cache_directory
from tests.distributions import install


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCR_PLUGIN_CACHE", str(tmp_path / "cache"))


def problems(findings: tuple[doctor.Finding, ...]) -> list[str]:
    return [finding.problem for finding in findings if finding.problem is not None]


def test_this_environment_is_sound() -> None:
    assert not problems(doctor.opencv())
    assert not problems(doctor.devices())
    assert any(finding.subject == "CPU" for finding in doctor.devices())


def test_a_mix_of_opencv_versions_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, "opencv-contrib-python", version="4.1.0.99")
    monkeypatch.syspath_prepend(str(tmp_path))
    (problem,) = problems(doctor.opencv())
    assert "opencv-contrib-python 4.1.0.99" in problem
    assert "uninstall" in problem


def test_a_cv2_that_is_not_what_is_installed_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cv2.__version__", "3.2.1")
    (problem,) = problems(doctor.opencv())
    assert "3.2.1" in problem


def test_a_cv2_that_cannot_be_imported_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cv2.py").write_text("raise ImportError('libGL.so.1: cannot open')")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "cv2", raising=False)
    (problem,) = problems(doctor.opencv())
    assert "libGL.so.1" in problem


def test_the_bundled_weights_are_those_of_the_wheel() -> None:
    findings = doctor.weights()
    bundled = [finding for finding in findings if finding.subject.startswith("PP-OCRv6")]
    assert len(bundled) == 2
    for finding in bundled:
        path, _, sha256 = finding.state.partition(" sha256 ")
        assert hashlib.sha256(Path(path).read_bytes()).hexdigest() == sha256
        assert finding.problem is None


@pytest.fixture
def downloaded(own_cache: None) -> Path:
    """Where the first published model would lie, with its hash beside it."""
    path = cache_directory() / published()[0].file
    path.parent.mkdir(parents=True)
    path.write_bytes(b"weights")
    record = path.with_name(f"{path.name}.sha256")
    record.write_text(f"{hashlib.sha256(b'weights').hexdigest()}  {path.name}\n")
    return path


def test_models_are_found_or_not(downloaded: Path) -> None:
    states = {finding.subject: finding.state for finding in doctor.weights()}
    first, *others = (entry.name for entry in published())
    assert states[first].startswith(str(downloaded))
    assert {states[name] for name in others} == {"not downloaded"}


def test_a_damaged_model_is_a_problem(downloaded: Path) -> None:
    assert not problems(doctor.weights())
    downloaded.write_bytes(b"weighty")
    (problem,) = problems(doctor.weights())
    assert str(downloaded) in problem and "damaged" in problem


def test_a_cache_that_may_not_be_looked_into_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    is_file = Path.is_file

    def refused(path: Path) -> bool:  # as for a user who is not root, whom tests may run as
        if cache_directory() in path.parents:
            raise PermissionError(13, "Permission denied", str(path))
        return is_file(path)

    monkeypatch.setattr(Path, "is_file", refused)
    found = problems(doctor.weights())
    assert len(found) == len(published())
    assert all("may not be looked into; set OCR_PLUGIN_CACHE" in problem for problem in found)


def test_a_library_that_does_not_import_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shapely.py").write_text("raise OSError('GEOS is\\nmissing')")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "shapely", raising=False)
    assert problems(doctor.versions()) == ["shapely cannot be imported: GEOS is missing"]


def test_openvino_may_be_missing_or_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def found() -> doctor.Finding:
        (only,) = (each for each in doctor.devices() if each.subject == "OpenVINO")
        return only

    assert "FP32" in found().state and found().problem is None
    broken = ModuleType("openvino")
    broken.__spec__ = ModuleSpec("openvino", None)
    monkeypatch.setitem(sys.modules, "openvino", broken)
    monkeypatch.setattr(openvino_runtime, "shared_core", shared_core.__wrapped__)  # not kept
    assert found().state == "not usable" and "Core" in (found().problem or "")
    monkeypatch.setattr(doctor, "find_spec", lambda name: None)
    assert found() == doctor.Finding("OpenVINO", "not installed")
