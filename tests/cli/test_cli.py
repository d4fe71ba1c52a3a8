import io
import os
import pty
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from ocr_plugin.errors import ExitCode
from ocr_plugin.schema import Page
from tests.cli.commands import Capture, call, command, environment, run
from tests.distributions import install
from tests.pages.test_pdf_text import LINES, drawn, paragraph

HEAVY = {"torch", "numpy", "cv2", "onnxruntime", "open_clip"}


# Prints in each of the ways in which a library may, from its import on.
CHATTY = """
import ctypes, os
print("import chatter")
from ocr_plugin.detectors.whole_image import WholeImage

class Chatty(WholeImage):
    def detect(self, pages):
        print("python chatter")
        os.write(1, b"descriptor chatter\\n")
        ctypes.CDLL(None).puts(b"buffered chatter")
        return super().detect(pages)
"""


SLOW = """
import sys, time
from ocr_plugin.detectors.whole_image import WholeImage

class Slow(WholeImage):
    def detect(self, pages):
        print("waiting", file=sys.stderr, flush=True)
        time.sleep(60)
        return super().detect(pages)
"""


DEFECT = """
from ocr_plugin.detectors.whole_image import WholeImage

class Defect(WholeImage):
    def __init__(self, **options):
        raise ZeroDivisionError("no such\\nnumber")
"""


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_and_version_import_nothing_heavy(argument: str) -> None:
    code = (
        "import sys; from ocr_plugin.cli.app import main; code = main(sys.argv[1:])\n"
        f"assert not {HEAVY!r} & set(sys.modules), 'heavy imports'; sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code, argument], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "ocr-plugin" in done.stdout


@pytest.mark.parametrize("arguments", [["--help"], ["read", "--help"]])
def test_the_exit_codes_are_in_the_help(capfd: Capture, arguments: list[str]) -> None:
    code, out, _ = run(capfd, *arguments)
    assert code == ExitCode.OK
    documented = out[out.index("Exit codes:") :].replace(";", " ").split()
    assert {str(int(code)) for code in ExitCode} <= set(documented)


def test_the_text_of_one_picture_is_all_that_is_printed(capfd: Capture, folder: Path) -> None:
    assert run(capfd, "read", folder / "a.png") == (0, "Hello there\n", [])


def test_several_pictures_are_named_and_an_empty_one_is_a_remark(
    capfd: Capture, folder: Path
) -> None:
    names = [folder / "a.png", folder / "blank.png", folder / "two.tiff"]
    code, out, err = run(capfd, "read", *names)
    assert code == ExitCode.OK
    assert out.splitlines() == [
        f"==> {names[0]} <==",
        "Hello there",
        "",
        f"==> {names[2]}, page 1 <==",
        "Hello there",
        "",
        f"==> {names[2]}, page 2 <==",
        "another page",
    ]
    assert err == [f"ocr-plugin: {names[1]}: no text found"]


def test_json_is_one_compact_utf8_page_a_line(capfd: Capture, folder: Path) -> None:
    code, out, err = run(capfd, "read", "--json", folder / "Größe.png", folder / "blank.png")
    assert (code, err) == (0, [])
    lines = out.splitlines()
    pages = [Page.model_validate_json(line) for line in lines]
    assert [page.text for page in pages] == ["Hello there", ""]
    assert pages[0].source.name == str(folder / "Größe.png")
    assert "Größe.png" in lines[0]
    assert lines == [page.model_dump_json() for page in pages]


@pytest.mark.parametrize("pdf_text", ["auto", "layer"])
def test_the_text_that_a_pdf_carries_is_taken_if_asked(
    capfd: Capture, tmp_path: Path, pdf_text: str
) -> None:
    (tmp_path / "own.pdf").write_bytes(drawn(paragraph))
    chosen = ("--pdf-text", pdf_text, "--recognizer", "ppocr")
    code, out, _ = run(capfd, "read", tmp_path / "own.pdf", "--json", *chosen)
    page = Page.model_validate_json(out)
    assert (code, page.text) == (ExitCode.OK, "\n".join(LINES))
    assert page.engine.recognizer.name == "pdf_text_layer"
    drawing = Image.new("RGB", (80, 60), "gray")
    drawing.paste("white", (20, 20, 50, 40))
    drawing.save(tmp_path / "bare.pdf")
    code, _, err = run(capfd, "read", tmp_path / "bare.pdf", *chosen)
    if pdf_text == "auto":
        assert code == ExitCode.OK
    else:
        assert code == ExitCode.INPUT
        assert err[-1].endswith("has no text of its own; read it with pdf_text auto or ocr")


@pytest.mark.parametrize("wanted", [["--json"], ["--format", "json"], ["--text"]])
def test_names_that_are_no_text_can_be_told(
    capfd: Capture, folder: Path, tmp_path: Path, wanted: list[str]
) -> None:
    names = [os.fsdecode(os.fsencode(tmp_path) + b"/\xff.png"), str(tmp_path / "b.png")]
    for name in names:
        shutil.copy(folder / "a.png", name)
    out = tmp_path / "out"
    options = ["--out", str(out)] if wanted[0] == "--format" else []
    code, printed, _ = run(capfd, "read", *wanted, *options, *names)
    assert code == ExitCode.OK
    told = [(out / f"{stem}.jsonl").read_text() for stem in ("\\xff", "b")] if options else printed
    assert "\\xff.png" in "".join(told).replace("\\\\", "\\") and "b.png" in "".join(told)


def test_a_run_goes_on_after_images_that_fail(capfd: Capture, folder: Path) -> None:
    good, missing, broken = folder / "a.png", folder / "missing.png", folder / "broken.png"
    code, out, err = run(capfd, "read", missing, good, broken, folder / "sub" / "a.png")
    assert code == ExitCode.INPUT
    assert out.count("==>") == 2
    assert "Hello there" in out and "another page" in out
    assert len(err) == 2
    for line, path in zip(err, (missing, broken), strict=True):
        assert line.startswith(f"ocr-plugin: error: {path}: ")


def test_standard_input_is_read_with_all_its_pages(folder: Path, tmp_path: Path) -> None:
    data = (folder / "two.tiff").read_bytes()
    done = call("read", "-", "--json", "--overlay", tmp_path / "drawn", stdin=data)
    assert done.returncode == 0, done.stderr
    pages = [Page.model_validate_json(line) for line in done.stdout.splitlines()]
    assert [(page.source.name, page.text) for page in pages] == [
        ("<stdin>", "Hello there"),
        ("<stdin>", "another page"),
    ]
    assert len(list((tmp_path / "drawn").iterdir())) == 2


def test_standard_input_has_a_limit(capfd: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("/dev/zero").open("rb") as endless:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(endless))
        code, out, err = run(capfd, "read", "-", "--recognizer", "ppocr", "--max-bytes", "3000000")
    assert (code, out) == (ExitCode.INPUT, "")
    reason = "the file is larger than the limit of 3000000 bytes (max_bytes)"
    assert err == [f"ocr-plugin: error: <stdin>: {reason}"]


def test_overlays_come_beside_the_text(capfd: Capture, folder: Path, tmp_path: Path) -> None:
    originals = [folder / "a.png", folder / "sub" / "a.png"]
    bytes_before = [path.read_bytes() for path in originals]
    code, out, err = run(capfd, "read", *originals, "--overlay", tmp_path)
    assert code == ExitCode.OK
    assert "Hello there" in out and "another page" in out
    drawn = [Path(line.removeprefix("ocr-plugin: wrote ")) for line in err]
    assert sorted(drawn) == sorted(tmp_path.glob("*.png"))
    assert len(drawn) == 2
    for path, original in zip(drawn, originals, strict=True):
        with Image.open(path) as one, Image.open(original) as other:
            assert one.size == other.size
            # Nearer to its own picture than a blank one would be, and not the same.
            assert one.convert("RGB").tobytes() != other.convert("RGB").tobytes()
    assert drawn[0].read_bytes() != drawn[1].read_bytes()
    assert [path.read_bytes() for path in originals] == bytes_before


def test_what_libraries_print_stays_off_standard_output(folder: Path, tmp_path: Path) -> None:
    install(tmp_path, "chatty", plugins={"chatty": "chatty:Chatty"}, module=CHATTY)
    done = call(
        "read", "--detector", "chatty", "--recognizer", "ppocr", folder / "a.png", site=tmp_path
    )
    assert (done.returncode, done.stdout) == (0, b"Hello there\n")
    for kind in (b"import", b"python", b"descriptor", b"buffered"):
        assert kind + b" chatter" in done.stderr
    listed = call("plugins", site=tmp_path)
    assert listed.returncode == 0
    assert b"chatter" in listed.stderr and b"chatter" not in listed.stdout


def test_a_closed_pipe_ends_the_run_quietly(folder: Path) -> None:
    process = subprocess.Popen(
        command("read", folder / "a.png"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    _, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (ExitCode.UNEXPECTED, b"")


def test_interruption_is_one_line_and_130(folder: Path, tmp_path: Path) -> None:
    install(tmp_path, "slow", plugins={"slow": "slow:Slow"}, module=SLOW)
    process = subprocess.Popen(
        command("read", "--detector", "slow", folder / "a.png"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(tmp_path),
        # A shell's background jobs, and their children, are born deaf to interruption.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stderr is not None
    assert process.stderr.readline() == b"waiting\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=50)
    assert (process.returncode, out) == (ExitCode.INTERRUPTED, b"")
    assert err == b"ocr-plugin: error: interrupted\n"


def test_progress_is_shown_on_a_terminal_only_and_for_several_pages(folder: Path) -> None:
    for names, wanted in ((["a.png", "blank.png"], True), (["a.png"], False)):
        reader, writer = pty.openpty()
        done = subprocess.run(
            command("read", *(folder / name for name in names)),
            stdout=subprocess.PIPE,
            stderr=writer,
            env={**os.environ, "TERM": "xterm"},
        )
        os.close(writer)
        shown = b""
        # A terminal whose other end is closed is an error to read from, not an end of file.
        while True:
            try:
                shown += os.read(reader, 65536)
            except OSError:
                break
        os.close(reader)
        assert done.returncode == 0
        assert b"Hello there" in done.stdout and b"files" not in done.stdout
        assert (b"2 of 2 files" in shown) is wanted


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["frobnicate"],
        ["read"],
        ["read", "a.png", "--no-such-option"],
        ["read", "a.png", "--min-confidence", "1.5"],
        ["read", "a.png", "--min-confidence", "much"],
        ["read", "a.png", "--pdf-dpi", "1"],
        ["read", "a.pdf", "--pdf-text", "both"],
        ["read", "a.png", "--text", "--json"],
        ["read", "-", "-"],
        ["read", "a.png", "--device", "cuda:0"],
        ["read", "a.png", "--precision", "int4"],
        ["models", "download"],
        ["models", "download", "no-such-model"],
        ["models", "export", "clip4str-compact"],
        ["models", "export", "clip4str-compact", "--out", "."],
    ],
)
def test_wrong_usage_is_one_line_and_2(capfd: Capture, arguments: list[str]) -> None:
    code, out, err = run(capfd, *arguments)
    assert (code, out) == (ExitCode.USAGE, "")
    assert len(err) == 1
    assert err[0].startswith("ocr-plugin: error: ")


def test_a_defect_is_one_line_unless_debugged(folder: Path, tmp_path: Path) -> None:
    install(tmp_path, "defect", plugins={"defect": "defect:Defect"}, module=DEFECT)
    arguments = ["read", "--detector", "defect", str(folder / "a.png")]
    plain = call(*arguments, site=tmp_path)
    assert (plain.returncode, plain.stdout) == (ExitCode.UNEXPECTED, b"")
    (line,) = plain.stderr.splitlines()
    assert line.startswith(b"ocr-plugin: error: ZeroDivisionError: no such number")
    assert b"--debug" in line
    debugged = call("--debug", *arguments, site=tmp_path)
    assert debugged.returncode == ExitCode.UNEXPECTED
    assert b"Traceback" in debugged.stderr and b"defect.py" in debugged.stderr
