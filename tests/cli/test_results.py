import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ocr_plugin.cli.results import ResultWriter
from ocr_plugin.errors import ExitCode
from ocr_plugin.pages.raster import PageImage
from ocr_plugin.schema import (
    Block,
    Component,
    EngineInfo,
    Line,
    Page,
    PageError,
    Point,
    Polygon,
    Source,
    Word,
)

SHA = "0" * 64


def page(name: str, index: int = 0, text: str = "word", warnings: tuple[str, ...] = ()) -> Page:
    corners = ((1, 1), (30, 1), (30, 10), (1, 10))
    polygon = Polygon(tuple(Point(*corner) for corner in corners))
    line = Line(words=(Word(text=text or "-", polygon=polygon, confidence=0.9),), polygon=polygon)
    part = Component(name="test", version="1")
    return Page(
        source=Source(name=name, page_index=index, sha256=SHA, width=40, height=20),
        blocks=(Block(lines=(line,), polygon=polygon),) if text else (),
        engine=EngineInfo(version="1", detector=part, recognizer=part),
        warnings=warnings,
    )


def picture(name: str, index: int = 0, shade: int = 0, sha256: str = SHA) -> PageImage:
    return PageImage(name, index, np.full((20, 40, 3), shade, np.uint8), sha256)


def failure(name: str, kind: str, index: int | None = None) -> PageError:
    return PageError(name=name, page_index=index, kind=kind, message=f"{name}: it is broken")


def shown(
    results: list[Page | PageError], sources: int, *, as_json: bool = False
) -> tuple[str, ExitCode]:
    stream = io.StringIO()
    writer = ResultWriter(stream, as_json=as_json, overlays=None)
    writer.show_all(results, (), sources)
    return stream.getvalue(), writer.exit_code


def test_a_single_page_is_its_text_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown([page("a.png")], 1) == ("word\n", ExitCode.OK)
    assert capsys.readouterr() == ("", "")


def test_several_pages_are_named() -> None:
    printed, _ = shown([page("a.png"), page("b.png", text="other")], 2)
    assert printed == "==> a.png <==\nword\n\n==> b.png <==\nother\n"


def test_pages_of_a_document_are_numbered_from_the_first_on() -> None:
    printed, _ = shown([page("a.pdf"), page("a.pdf", 1), page("b.png")], 2)
    titles = [line for line in printed.splitlines() if line.startswith("==>")]
    assert titles == ["==> a.pdf, page 1 <==", "==> a.pdf, page 2 <==", "==> b.png <=="]


def test_a_page_without_text_is_a_remark(capsys: pytest.CaptureFixture[str]) -> None:
    printed, code = shown([page("a.png", text=""), page("b.png")], 2)
    assert (printed, code) == ("==> b.png <==\nword\n", ExitCode.OK)
    assert capsys.readouterr().err == "ocr-plugin: a.png: no text found\n"


def test_in_json_a_page_without_text_is_a_page() -> None:
    printed, _ = shown([page("Größe.png", text=""), page("b.png", text="北京")], 2, as_json=True)
    first, second = printed.splitlines()
    assert Page.model_validate_json(first) == page("Größe.png", text="")
    assert "Größe" in first and "北京" in second


def test_warnings_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    printed, code = shown([page("a.gif", warnings=("frames left out",))], 1)
    assert (printed, code) == ("word\n", ExitCode.OK)
    assert capsys.readouterr().err == "ocr-plugin: warning: a.gif: frames left out\n"


def test_what_steers_a_terminal_is_shown_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    name = "a\x1b[31m\x07\u202eb\u3000é.png"
    told = "a\\x1b[31m\\x07\\u202eb\u3000é.png"
    out, _ = shown([page(name, warnings=("odd",)), failure(name, "UnreadableImage", 1)], 2)
    assert out == f"==> {told}, page 1 <==\nword\n"
    spaced = told.replace("\u3000", " ")
    assert capsys.readouterr().err.splitlines() == [
        f"ocr-plugin: warning: {spaced}, page 1: odd",
        f"ocr-plugin: error: {spaced}, page 2: it is broken",
    ]


def test_errors_are_one_line_and_name_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    shown([page("a.pdf"), failure("a.pdf", "UnreadableImage", 1)], 1)
    assert capsys.readouterr().err == "ocr-plugin: error: a.pdf, page 2: it is broken\n"


@pytest.mark.parametrize(
    ("kinds", "code"),
    [
        (["UnreadableImage"], ExitCode.INPUT),
        (["CheckpointError", "UnreadableImage"], ExitCode.MODEL),
        (["UnreadableImage", "CheckpointError"], ExitCode.INPUT),
        (["RuntimeError", "UnreadableImage"], ExitCode.UNEXPECTED),
    ],
)
def test_the_first_failure_decides_the_exit_code(kinds: list[str], code: ExitCode) -> None:
    failures = [failure(f"{number}.png", kind) for number, kind in enumerate(kinds)]
    printed, exit_code = shown([*failures, page("last.png")], len(kinds) + 1)
    assert printed == "==> last.png <==\nword\n"
    assert exit_code == code


def test_overlays_of_one_run_never_overwrite_each_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = [("x/a.png", 0), ("y/a.jpg", 0), ("z/A.tif", 0), ("z/A.tif", 1), ("<stdin>", 0)]
    folder = tmp_path / "new" / "overlays"
    writer = ResultWriter(io.StringIO(), as_json=False, overlays=folder)
    shades = [40 * number for number in range(len(places))]
    writer.show_all(
        [page(*place) for place in places],
        [picture(*place, shade) for place, shade in zip(places, shades, strict=True)],
        sources=4,
    )
    said = capsys.readouterr().err.splitlines()
    paths = [Path(line.removeprefix("ocr-plugin: wrote ")) for line in said]
    corners = []
    for path in paths:
        with Image.open(path) as drawn:
            assert drawn.size == (40, 20)
            corners.append(drawn.convert("L").getpixel((39, 19)))
    assert corners == shades
    assert sorted(paths) == sorted(folder.iterdir())
    assert [path.name for path in paths] == [
        "a.overlay.png",
        "a-2.overlay.png",
        "A-3.overlay.png",
        "A.page2.overlay.png",
        "stdin.overlay.png",
    ]


def test_an_image_that_changed_meanwhile_is_not_drawn_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    writer = ResultWriter(io.StringIO(), as_json=False, overlays=tmp_path)
    writer.show_all([page("a.png")], [picture("a.png", sha256="1" * 64)], sources=1)
    assert writer.exit_code == ExitCode.INPUT
    assert "changed" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_an_overlay_that_cannot_be_written_ends_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    stream = io.StringIO()
    writer = ResultWriter(stream, as_json=False, overlays=blocked)
    writer.show_all([page("a.png"), page("b.png")], map(picture, ("a.png", "b.png")), sources=2)
    assert stream.getvalue().count("word") == 2
    assert writer.exit_code == ExitCode.UNEXPECTED
    assert len(capsys.readouterr().err.splitlines()) == 2
