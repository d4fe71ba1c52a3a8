"""`ocr-plugin convert`, and the documents that `read` writes with --format."""

import io
import json
from pathlib import Path

import pypdfium2
import pytest

from ocr_plugin.cli.app import main
from ocr_plugin.errors import ConfigurationError, ExitCode
from ocr_plugin.formats.writer import DocumentWriter
from ocr_plugin.schema import Page
from tests.formats.test_formats import page
from tests.pictures import draw_lines

Capture = pytest.CaptureFixture[str]


def named(name: str, index: int = 0) -> Page:
    one = page(index)
    return one.model_copy(update={"source": one.source.model_copy(update={"name": name})})


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """Two pages of a scan and one of a photo, as ``read --json`` prints them."""
    path = tmp_path / "pages.jsonl"
    entries = [named("scan.tif"), named("scan.tif", 1), named("photo.jpg")]
    path.write_text("".join(f"{entry.model_dump_json()}\n\n" for entry in entries))
    return path


def run(capfd: Capture, *arguments: str | Path) -> tuple[int, str, list[str]]:
    code = main([str(argument) for argument in arguments])
    out, err = capfd.readouterr()
    return code, out, err.splitlines()


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("text", ["photo.txt", "scan.txt"]),
        ("json", ["photo.jsonl", "scan.jsonl"]),
        ("markdown", ["photo.md", "scan.md"]),
        ("tsv", ["photo.tsv", "scan.tsv"]),
        ("hocr", ["photo.hocr", "scan.hocr"]),
        ("alto", ["photo.alto.xml", "scan.alto.xml"]),
        ("page", ["photo.page.xml", "scan.page.xml", "scan.page2.page.xml"]),
    ],
)
def test_every_source_becomes_a_document(
    name: str, files: list[str], pages: Path, tmp_path: Path, capfd: Capture
) -> None:
    code, out, err = run(capfd, "convert", pages, "--format", name, "--out", tmp_path / "out")
    assert (code, out) == (ExitCode.OK, "")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == files
    assert len(err) == len(files) and all("wrote" in line for line in err)
    assert "down" in (tmp_path / "out" / files[0]).read_text(encoding="utf-8")


def test_json_goes_round_without_loss(pages: Path, capfd: Capture) -> None:
    code, out, _ = run(capfd, "convert", pages, "--format", "json")
    assert code == ExitCode.OK
    assert out.splitlines() == [line for line in pages.read_text().splitlines() if line]


def test_text_is_the_default_and_pages_are_parted(pages: Path, capfd: Capture) -> None:
    code, out, _ = run(capfd, "convert", pages)
    assert code == ExitCode.OK and out.count("\f") == 1 and out.count("down") == 3


def test_several_documents_need_a_folder(pages: Path, capfd: Capture) -> None:
    code, _, err = run(capfd, "convert", pages, "--format", "hocr")
    assert code == ExitCode.USAGE and "several hocr documents: name a folder with --out" in err[-1]
    code, out, err = run(capfd, "read", "a.png", "b.png", "--format", "alto")
    assert (code, out) == (ExitCode.USAGE, "") and "--out" in err[-1]


def test_what_is_no_page_is_named_and_the_rest_is_written(
    pages: Path, tmp_path: Path, capfd: Capture
) -> None:
    with pages.open("a") as file:
        file.write('{"schema_version": "1.0"}\nnonsense\n')
    good = named("a.png").model_dump_json().encode()
    (tmp_path / "latin.jsonl").write_bytes(good + b"\n\xe9\n" + good + b"\n" + b"[" * 9999)
    missing = tmp_path / "none.jsonl"
    code, out, err = run(capfd, "convert", missing, tmp_path / "latin.jsonl", pages)
    assert code == ExitCode.INPUT and out.count("down") == 5
    assert err[0].endswith("none.jsonl: No such file or directory")
    assert "latin.jsonl, line 2: not UTF-8" in err[1]
    assert "latin.jsonl, line 4: not a page: Invalid JSON" in err[2]
    assert "pages.jsonl, line 7: not a page: source: Field required" in err[3]
    assert "pages.jsonl, line 8: not a page: Invalid JSON" in err[4] and len(err) == 5


def test_what_the_server_answers_is_read_too(tmp_path: Path, capfd: Capture) -> None:
    failed = {"name": "a.tif", "page_index": 1, "kind": "UnreadableImage", "message": "a.tif: bad"}
    pages = [named("a.tif").model_dump(mode="json"), {"schema_version": "1.0"}]
    answer = tmp_path / "a.json"
    answer.write_text(json.dumps({"pages": pages, "errors": [failed]}))
    code, out, err = run(capfd, "convert", answer)
    assert code == ExitCode.INPUT and out.count("down") == 1
    assert "a.json, line 1, page 2: not a page: source: Field required" in err[0]
    assert "a.json, line 1: not read: a.tif: bad" in err[1] and len(err) == 2


def test_a_pdf_needs_the_pictures(pages: Path, capfd: Capture) -> None:
    code, out, err = run(capfd, "convert", pages, "--format", "pdf")
    assert (code, out) == (ExitCode.USAGE, "")
    assert err[-1].endswith("pdf needs the pictures, not only results: use read --format pdf")


def test_an_unknown_format_lists_the_known_ones(pages: Path, capfd: Capture) -> None:
    for command in ("convert", "read"):
        code, out, err = run(capfd, command, pages, "--format", "docx")
        assert (code, out) == (ExitCode.USAGE, "")
        assert (
            "unknown format 'docx', use one of: text, json, markdown, tsv, hocr, alto, page, pdf"
            in err[-1]
        )


def test_a_folder_that_cannot_be_written_is_named(
    pages: Path, tmp_path: Path, capfd: Capture
) -> None:
    (tmp_path / "taken").write_text("a file")
    code, out, err = run(capfd, "convert", pages, "--out", tmp_path / "taken")
    assert (code, out) == (ExitCode.UNEXPECTED, "")
    assert err[-1].startswith("ocr-plugin: error: ") and "cannot be written" in err[-1]


def test_reading_writes_documents_too(tmp_path: Path, capfd: Capture) -> None:
    from PIL import Image

    for name in ("one", "two"):
        drawn = draw_lines([(30, 40, f"number {name}")])
        Image.fromarray(drawn.pixels).save(tmp_path / f"{name}.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    common = ["--recognizer", "ppocr"]
    sources = [tmp_path / name for name in ("one.png", "broken.png", "two.png")]
    code, out, err = run(
        capfd, "read", *sources, "--format", "tsv", "--out", tmp_path / "out", *common
    )
    assert (code, out) == (ExitCode.INPUT, "")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["one.tsv", "two.tsv"]
    assert "\tnumber\n" in (tmp_path / "out" / "two.tsv").read_text()
    assert any("broken.png" in line for line in err)

    code, out, err = run(capfd, "read", *sources, "--format", "pdf", "--out", tmp_path, *common)
    assert (code, out) == (ExitCode.INPUT, "")
    found = pypdfium2.PdfDocument(tmp_path / "two.pdf")
    assert len(found) == 1 and "number two" in found[0].get_textpage().get_text_range()
    # At 200 dots per inch.
    assert found[0].get_size() == pytest.approx([side * 0.36 for side in drawn.pixels.shape[1::-1]])

    code, out, _ = run(capfd, "read", sources[0], "--format", "markdown", *common)
    assert (code, out) == (ExitCode.OK, "number one\n")
    code, _, err = run(capfd, "read", sources[0], "--json", "--format", "tsv")
    assert code == ExitCode.USAGE and "use only one of --text, --json and --format" in err[-1]


def test_the_same_source_twice_is_two_documents(tmp_path: Path) -> None:
    writer = DocumentWriter("tsv", io.StringIO(), tmp_path)
    for entry in (named("a.png"), named("a.png"), named("A.png")):
        writer.add(entry)
    writer.finish()
    writer.finish()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["A-3.tsv", "a-2.tsv", "a.tsv"]


def test_page_xml_has_room_for_one_page_in_a_stream() -> None:
    writer = DocumentWriter("page", io.TextIOWrapper(io.BytesIO()), None)
    writer.add(named("a.tif"))
    writer.add(named("a.tif", 1))
    with pytest.raises(ConfigurationError, match="several page documents"):
        writer.finish()


def test_a_document_that_cannot_be_written_costs_no_other(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    lines = [named(f"{name}.png").model_dump_json() for name in ("a", "b", "c")]
    (tmp_path / "pages.jsonl").write_text("\n".join(lines))
    out = tmp_path / "out"
    (out / "a.txt").mkdir(parents=True)
    code, _, told = run(capfd, "convert", tmp_path / "pages.jsonl", "--out", out)
    assert code == ExitCode.UNEXPECTED
    assert f"ocr-plugin: error: {out}/a.txt: cannot be written: Is a directory" in told
    assert (out / "b.txt").is_file() and (out / "c.txt").is_file()
