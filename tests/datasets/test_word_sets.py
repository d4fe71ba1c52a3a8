import io
import json
import pickle
from pathlib import Path

import lmdb
import numpy as np
import pytest
from PIL import Image

from ocr_plugin.cli.app import main
from ocr_plugin.datasets.word_sets import BadRecord, WordImage, WordSet, open_word_set
from ocr_plugin.errors import ConfigurationError, ExitCode
from ocr_plugin.protocols import RGB
from ocr_plugin.recognizers.guidance import Guidance
from ocr_plugin.recognizers.ppocr import PPOcrRecognizer
from tests.pictures import draw_lines

WORDS = ["Harbour", "Office", "Tuesday"]


def crop(word: str) -> RGB:
    drawn = draw_lines([(6, 4, word)], size=(300, 52))
    return np.ascontiguousarray(drawn.pixels[:, : int(drawn.words[word][2]) + 8])


def png(word: str) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(crop(word)).save(stream, "PNG")
    return stream.getvalue()


def write_lmdb(path: Path, records: list[tuple[bytes | None, bytes | None]]) -> Path:
    path.mkdir()
    with (
        lmdb.open(str(path), map_size=1 << 24) as environment,
        environment.begin(write=True) as transaction,
    ):
        transaction.put(b"num-samples", str(len(records)).encode())
        for number, (image, label) in enumerate(records, start=1):
            if image is not None:
                transaction.put(b"image-%09d" % number, image)
            if label is not None:
                transaction.put(b"label-%09d" % number, label)
    return path


def write_list(folder: Path, name: str, lines: list[str]) -> Path:
    folder.mkdir()
    for index, word in enumerate(WORDS):
        (folder / f"{index}.png").write_bytes(png(word))
    (folder / name).write_text("\n".join(lines), encoding="utf-8")
    return folder


def labels(path: Path) -> list[str]:
    return [record.label for record in open_word_set(path) if isinstance(record, WordImage)]


def faults(path: Path) -> list[str]:
    return [record.reason for record in open_word_set(path) if isinstance(record, BadRecord)]


def test_lmdb(tmp_path: Path) -> None:
    path = write_lmdb(tmp_path / "set", [(png(word), word.encode()) for word in WORDS])
    records = list(open_word_set(path))
    assert labels(path) == WORDS
    assert isinstance(records[0], WordImage)
    assert np.array_equal(records[0].pixels, crop(WORDS[0]))


def test_a_set_can_be_open_more_than_once(tmp_path: Path) -> None:
    path = write_lmdb(tmp_path / "set", [(png(word), word.encode()) for word in WORDS])
    first = WordSet(path)
    others = [WordSet(path / ".." / "set"), pickle.loads(pickle.dumps(first))]
    assert labels(path) == WORDS
    assert [other.label(2) for other in others] == ["Tuesday", "Tuesday"]
    del others
    record = first.record(1)
    assert isinstance(record, WordImage) and np.array_equal(record.pixels, crop("Office"))


def test_an_lmdb_no_longer_read_is_closed(tmp_path: Path) -> None:
    path = write_lmdb(tmp_path / "set", [(png("Harbour"), b"Harbour")])
    assert labels(path) == ["Harbour"]
    with lmdb.open(str(path)) as environment, environment.begin(write=True) as transaction:
        transaction.put(b"label-%09d" % 1, b"Office")
    assert labels(path) == ["Office"]


def test_bad_records_are_named_and_the_rest_is_read(tmp_path: Path) -> None:
    path = write_lmdb(
        tmp_path / "set",
        [
            (b"no picture", b"a"),
            (png("Office"), b"Office"),
            (None, b"b"),
            (png("Office"), None),
            (png("Office"), b"\xff\xfe"),
        ],
    )
    assert labels(path) == ["Office"]
    assert faults(path) == [
        "not an image in a supported format",
        "has no image",
        "has no label",
        "its label is not UTF-8",
    ]
    names = [record.name for record in open_word_set(path) if isinstance(record, BadRecord)]
    assert names[0].endswith("set#1")


def test_jsonl(tmp_path: Path) -> None:
    lines = [json.dumps({"image": f"{k}.png", "text": word}) for k, word in enumerate(WORDS)]
    path = write_list(tmp_path / "set", "labels.jsonl", [*lines, '{"image": "9.png"}', "nonsense"])
    assert labels(path) == WORDS
    assert len(faults(path)) == 2


def test_icdar_list(tmp_path: Path) -> None:
    lines = ['0.png, "Harbour"', '1.png, "say \\"hi\\", you"', "2.png Tuesday", '7.png, "gone"']
    path = write_list(tmp_path / "set", "gt.txt", lines)
    assert labels(path) == ["Harbour", 'say "hi", you']
    assert faults(path) == ['not a labelled image: expected: name, "text"', "no such file"]


def test_bad_lines_are_named_and_the_rest_is_read(tmp_path: Path) -> None:
    path = write_list(tmp_path / "set", "labels.jsonl", [])
    (path / "labels.jsonl").write_bytes(
        b'\xef\xbb\xbf{"image": "0.png", "text": "Harbour"}\r\n'
        b'{"image": "1.png", "text": "\xff"}\n'
        b'{"image": "1.png", "text": "Off\xe2\x80\xa8ice"}\n' + b"[" * 100_000 + b"\n3\n"
        b'{"image": ".", "text": "a folder"}\n{"image": "\\ud800", "text": "no name"}\n'
    )
    assert labels(path) == ["Harbour", "Off\u2028ice"]
    bad = [record for record in open_word_set(path) if isinstance(record, BadRecord)]
    assert [record.name.rpartition(":")[2] for record in bad] == ["2", "4", "5", "6", "7"]
    assert bad[0].reason == "not a labelled image: not UTF-8"
    (path / "labels.jsonl").rename(path / "gt.txt")
    (path / "gt.txt").write_bytes(b'0.png, "Harbour"\n1.png, "\xff"\n')
    assert (labels(path), len(faults(path))) == (["Harbour"], 1)


def test_damaged_pages_of_an_lmdb_are_bad_records(tmp_path: Path) -> None:
    path = write_lmdb(tmp_path / "set", [(b"x" * 3000, b"%d" % n) for n in range(200)])
    whole = (path / "data.mdb").read_bytes()
    damaged = bytearray(whole)
    # A leaf, by the flags in its header, that has some of the records' keys.
    starts = [n for n in range(0, len(whole), 4096) if whole[n + 10 : n + 12] == b"\x02\x00"]
    start = next(n for n in starts if b"image-000000050" in whole[n : n + 4096])
    damaged[start : start + 4096] = b"\xa5" * 4096
    (path / "data.mdb").write_bytes(damaged)
    reasons = set(faults(path))
    assert "not an image in a supported format" in reasons
    assert any(reason.startswith("damaged LMDB") for reason in reasons)
    (path / "data.mdb").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ConfigurationError, match="damaged LMDB: the file is truncated"):
        next(open_word_set(path))


def test_an_lmdb_says_how_many_records_it_has(tmp_path: Path) -> None:
    path = write_lmdb(tmp_path / "set", [(png("Office"), b"Office")])
    for value in (b"-3", b"many", b""):
        with lmdb.open(str(path)) as environment, environment.begin(write=True) as transaction:
            transaction.put(b"num-samples", value)
        with pytest.raises(ConfigurationError, match="has no num-samples"):
            next(open_word_set(path))


@pytest.mark.parametrize("content", [None, b"damaged"])
def test_what_is_no_set_is_one_clear_error(tmp_path: Path, content: bytes | None) -> None:
    with pytest.raises(ConfigurationError, match="no such folder"):
        next(open_word_set(tmp_path / "missing"))
    folder = tmp_path / "set"
    folder.mkdir()
    if content is not None:
        (folder / "data.mdb").write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"neither data\.mdb|damaged LMDB"):
        next(open_word_set(folder))


def test_eval_words_prints_and_writes_the_scores(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    records: list[tuple[bytes | None, bytes | None]] = [(png(w), w.encode()) for w in WORDS]
    path = write_lmdb(tmp_path / "signs", [*records, (b"", b"x"), (png("Office"), b"wrong")])
    report = tmp_path / "scores.json"
    assert main(["eval", "words", "--data", str(path), "--json", str(report)]) == ExitCode.OK
    out, err = capfd.readouterr()
    assert "signs" in out and "75.00" in out
    assert "\naccuracy_36 by length\nset    4-6    7-9\nsigns  50.00  100.00\n" in out
    assert "signs#4: the file is empty" in err
    scores = json.loads(report.read_text())["sets"]["signs"]
    assert scores["accuracy_36"] == scores["accuracy_94"] == 0.75
    assert scores["count"] == 4


def test_eval_words_reads_as_papers_do(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Guidance] = []

    def noted(self: PPOcrRecognizer, guidance: Guidance) -> PPOcrRecognizer:
        told.append(guidance)
        return self

    monkeypatch.setattr(PPOcrRecognizer, "guided", noted)
    path, report = write_lmdb(tmp_path / "signs", [(png("Office"), b"Office")]), tmp_path / "s.json"
    words = ["eval", "words", "--data", str(path), "--recognizer", "ppocr"]
    published = [*words, "--protocol", "published"]
    assert main([*published, "--json", str(report)]) == ExitCode.OK
    assert json.loads(report.read_text())["protocol"] == "published"
    assert main([*words, "--language", "de"]) == ExitCode.OK
    assert told == [Guidance(language="none", views=False), Guidance("de")]
    capfd.readouterr()
    assert main([*published, "--language", "de"]) == ExitCode.USAGE
    assert "the published protocol knows no language" in capfd.readouterr().err


def test_eval_finds_out_first_that_the_report_has_no_place(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "none" / "scores.json"
    assert main(["eval", "words", "--data", "x", "--json", str(report)]) == ExitCode.USAGE
    assert f"{report}: no such folder" in capfd.readouterr().err


def test_eval_of_nothing_is_one_line_and_2(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["eval", "words", "--data", str(tmp_path)]) == ExitCode.USAGE
    assert "neither data.mdb nor labels.jsonl nor gt.txt" in capfd.readouterr().err
