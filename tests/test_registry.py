from pathlib import Path
from typing import Any

import pytest

from ocr_plugin import plugins, registry
from ocr_plugin.engine.engine import Engine
from ocr_plugin.errors import AmbiguousPlugin, BrokenPlugin, ConfigurationError, UnknownPlugin
from ocr_plugin.options import RuntimeOptions
from ocr_plugin.protocols import Detector, Recognizer
from ocr_plugin.registry import DETECTORS, RECOGNIZERS
from tests.distributions import install

BUILT_IN = [
    (DETECTORS, "dbnet"),
    (DETECTORS, "whole_image"),
    (RECOGNIZERS, "clip4str"),
    (RECOGNIZERS, "ppocr"),
]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(("group", "name"), BUILT_IN)
def test_built_ins_load_through_the_registry(group: str, name: str) -> None:
    assert name in registry.names(group)
    assert registry.load(group, name).__module__.startswith("ocr_plugin.")


def test_detectors_that_need_no_download_can_be_made() -> None:
    for name in ("dbnet", "whole_image"):
        assert isinstance(plugins.make_detector(name), Detector)


def test_a_recognizer_can_be_made() -> None:
    assert isinstance(plugins.make_recognizer("ppocr"), Recognizer)


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(UnknownPlugin, match=r"no detector called 'dbnot'; .*dbnet.*whole_image"):
        registry.load(DETECTORS, "dbnot")
    with pytest.raises(UnknownPlugin, match=r"no recognizer called 'dbnet'; .*clip4str.*ppocr"):
        registry.load(RECOGNIZERS, "dbnet")


def test_names_imports_no_plugin(site: Path) -> None:
    install(site, "bomb", plugins={"bomb": "bomb:Bomb"}, module="raise RuntimeError('boom')")
    assert "bomb" in registry.names(DETECTORS)


def test_two_claimants_of_a_name_are_both_named(site: Path) -> None:
    install(site, "first-claim", plugins={"claimed": "first_claim:A"}, module="A = dict")
    install(site, "other-claim", plugins={"claimed": "other_claim:B"}, module="B = dict")
    with pytest.raises(AmbiguousPlugin) as caught:
        registry.load(DETECTORS, "claimed")
    assert "first-claim" in str(caught.value)
    assert "other-claim" in str(caught.value)


def test_a_built_in_name_cannot_be_taken_over(site: Path) -> None:
    install(site, "dbnet-thief", plugins={"dbnet": "dbnet_thief:A"}, module="A = dict")
    with pytest.raises(AmbiguousPlugin, match="dbnet-thief"):
        plugins.make_detector("dbnet")


def test_one_distribution_seen_twice_on_the_path_is_no_conflict(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in (site / "one", site / "two"):
        install(folder, "seen-twice", plugins={"twice": "seen_twice:A"}, module="A = dict")
        monkeypatch.syspath_prepend(str(folder))
    assert registry.load(DETECTORS, "twice") is dict


@pytest.mark.parametrize(
    ("module", "cause"),
    [
        ("import no_such_library", ModuleNotFoundError),
        ("raise RuntimeError('no driver')", RuntimeError),
        ("", AttributeError),
    ],
)
def test_a_failed_import_is_chained(site: Path, module: str, cause: type[Exception]) -> None:
    name = f"broken-{cause.__name__.lower()}"
    plugins = {"broken": f"{name.replace('-', '_')}:Detector"}
    install(site, name, plugins=plugins, module=module)
    with pytest.raises(BrokenPlugin, match=name) as caught:
        registry.load(DETECTORS, "broken")
    assert isinstance(caught.value.__cause__, cause)


def test_a_plugin_that_breaks_the_contract_is_refused(site: Path) -> None:
    install(site, "not-a-detector", plugins={"not": "not_a_detector:Thing"}, module="Thing = dict")
    install(
        site,
        "not-a-reader",
        plugins={"not": "not_a_reader:Thing"},
        group=RECOGNIZERS,
        module="Thing = dict",
    )
    with pytest.raises(BrokenPlugin, match="detector 'not' lacks"):
        plugins.make_detector("not")
    with pytest.raises(BrokenPlugin, match="recognizer 'not' lacks"):
        plugins.make_recognizer("not")


def test_an_option_that_a_factory_does_not_take(site: Path) -> None:
    install(
        site, "picky", plugins={"picky": "picky:make"}, module="def make(*, gap): return {gap: gap}"
    )
    with pytest.raises(BrokenPlugin, match=r"'picky' does not take these options: .*colour"):
        plugins.make_detector("picky", colour="red")


@pytest.mark.parametrize(
    ("options", "named"),
    [({"kind": "paragraph"}, "kind"), ({"colour": "red"}, "colour")],
)
def test_bad_options_of_a_built_in_are_named(options: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named) as caught:
        plugins.make_detector("whole_image", **options)
    assert "\n" not in str(caught.value)


FINDER = """
from ocr_plugin.schema import Component

class Plain:
    component = Component(name="finder", version="1")
    def detect(self, pages): return []

class Taking(Plain):
    def __init__(self, runtime=None, gap=1): self.given = runtime, gap
"""


def test_a_runtime_is_handed_to_factories_that_take_it(site: Path) -> None:
    factories = {"plain": "finder:Plain", "taking": "finder:Taking"}
    install(site, "finder", plugins=factories, module=FINDER)
    runtime = RuntimeOptions(threads=3)
    plugins.make_detector("plain", runtime)
    assert vars(plugins.make_detector("taking", runtime, gap=2))["given"] == (runtime, 2)
    engine = Engine("taking", "ppocr", runtime=runtime)
    assert vars(engine.detector)["given"] == (runtime, 1)
    assert engine.recognizer.options.threads == 3  # type: ignore[attr-defined]


MEETING = """
import threading
from ocr_plugin.schema import Component

both = threading.Barrier(2, timeout=30)

class Finder:
    component = Component(name="finder", version="1")
    def __init__(self): both.wait()
    def detect(self, pages): return []

class Reader:
    component, unit = Component(name="reader", version="1"), "line"
    def __init__(self): both.wait()
    def recognize(self, crops): return []
"""


def test_a_detector_and_a_recognizer_are_made_side_by_side(site: Path) -> None:
    install(site, "meeting", plugins={"meets": "meeting:Finder"}, module=MEETING)
    install(site, "meeting-too", plugins={"meets": "meeting:Reader"}, group=RECOGNIZERS)
    engine = Engine("meets", "meets")
    assert engine.detector.component.name == "finder"
    assert engine.recognizer.component.name == "reader"


def test_of_two_that_cannot_be_made_the_detector_is_named() -> None:
    with pytest.raises(UnknownPlugin, match="no detector called 'dbnot'"):
        Engine("dbnot", "ppnot")
    with pytest.raises(UnknownPlugin, match="no recognizer called 'ppnot'"):
        Engine("whole_image", "ppnot")
    with pytest.raises(ConfigurationError, match="detector_options need a detector given by its"):
        Engine(plugins.make_detector("whole_image"), detector_options={"kind": "word"})
