"""Writes the tables of the README and of docs/ from the committed results.

    python -m benchmarks.tables

Each table stands between two marks; a test fails where it is not what this would write.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks import (
    detection_tables,
    language_tables,
    page_tables,
    robustness_tables,
    speed_tables,
)
from benchmarks.markdown import measured, report, table

_ROOT = Path(__file__).parents[1]
_END = "<!-- end -->\n"
_WORDS = {
    "IIIT5k": "IIIT5k",
    "SVT": "SVT",
    "IC13_1015": "IC13",
    "IC15_2077": "IC15",
    "SVTP": "SVTP",
}
_WITH_AND_WITHOUT = {
    "shipped": "with language",
    "no language": "without",
    "published": "without, each word once",
}
_PROTOCOLS = {"shipped": "as shipped", "published": "once, no language"}
_APART = {"SROIE": "SROIE"}
_READERS = {
    "second_opinion": "`second_opinion` (default)",
    "ppocr": "`ppocr`: PP-OCRv6 small",
    "clip4str": "`clip4str`: the compact model",
}
_FOLDERS = {"ic15": "ICDAR-2015 photos", "funsd": "FUNSD scanned forms"}
_LABELS = {
    "IC15_train": "ICDAR-2015, street photos",
    "MLT_train": "MLT: English, Italian, French",
    "IIIT5k_train": "IIIT5k, words of scenes",
    "FUNSD_train": "FUNSD, forms",
    "SROIE_train": "SROIE, receipts",
    "codes_train": "wire marks",
}


def current() -> dict[Path, str]:
    """Returns every document with the tables that the committed results give."""
    tables: dict[Path, Mapping[str, Callable[[], str]]] = {
        _ROOT / "README.md": {"words": word_table, "pages": page_tables.short_table},
        _ROOT / "SECURITY.md": robustness_tables.tables(),
        _ROOT / "docs" / "batch.md": {"speed": batch_table, "soak": soak_table},
        _ROOT / "docs" / "language.md": {"readers": reader_table, "language": language_table},
        _ROOT / "docs" / "languages.md": language_tables.tables(),
        _ROOT / "docs" / "speed.md": speed_tables.tables(),
        _ROOT / "docs" / "word-detector.md": detection_tables.tables(),
    }
    return {path: _filled(path, made) for path, made in tables.items()}


def _filled(path: Path, tables: Mapping[str, Callable[[], str]]) -> str:
    text = path.read_text(encoding="utf-8")
    for name, made in tables.items():
        mark = f"<!-- {name} -->\n"
        before, rest = text.split(mark)
        text = before + mark + made() + _END + rest.split(_END, 1)[1]
    return text


def word_table() -> str:
    """Returns the Markdown table of words read right, and the line under it."""
    words = report("words.json")
    (times,) = report("crop_speed.json")["sets"].values()
    rows = []
    for reader, title in _READERS.items():
        for protocol, how in _PROTOCOLS.items():
            found = words["sets"][reader][protocol]
            scores = {name: found["sets"][name]["accuracy_36"] for name in (*_WORDS, *_APART)}
            mean = sum(scores[name] for name in _WORDS) / len(_WORDS)
            cells = [title if protocol == "shipped" else "", how]
            cells += [f"{100 * scores[name]:.1f}" for name in _WORDS]
            cells += [f"**{100 * mean:.1f}**"]
            cells += [f"{100 * scores[name]:.1f}" for name in _APART]
            ms = times["recognizers"][reader]["ms_per_crop"]
            cells += [f"{ms:.1f}" if protocol == "shipped" else ""]
            rows.append(cells)
    head = ["accuracy_36, %", "", *_WORDS.values(), "mean", *_APART.values(), "ms a crop"]
    below = measured("words.json"), measured("crop_speed.json", "batches of 32; ")
    return table(head, rows, *below)


def reader_table() -> str:
    """Returns the Markdown table of readers with and without language, and the line under it."""
    words = report("words.json")
    rows = []
    for reader in _READERS:
        for protocol, how in _WITH_AND_WITHOUT.items():
            sets = words["sets"][reader][protocol]["sets"]
            scenes = [sets[name] for name in _WORDS]
            mean = sum(scores["accuracy_36"] for scores in scenes) / len(scenes)
            count = sum(scores["count"] for scores in scenes)
            error = sum(scores["ece"] * scores["count"] for scores in scenes) / count
            rows.append([
                f"`{reader}`" if protocol == "shipped" else "",
                how,
                f"**{100 * mean:.1f}**",
                *(f"{100 * sets[name]['accuracy_36']:.1f}" for name in _APART),
                f"{error:.3f}",
            ])  # fmt: skip
    head = ["accuracy_36, %", "", "mean of five scene sets", *_APART.values(), "ECE, scenes"]
    return table(head, rows, measured("words.json"))


def batch_table() -> str:
    """Returns the Markdown table of jobs beside loops, and the line under it."""
    rows = []
    for name, found in report("batch_speed.json")["sets"].items():
        folder, recognizer, *precision = name.split(", ")
        ratio = found["job_over_loop"]
        cells = [
            f"{_FOLDERS[folder]}: {found['pages']}",
            ", ".join([f"`{recognizer}`", *precision]),
            f"{found['loop']['pages_per_s']:.2f}",
            f"{found['job']['pages_per_s']:.2f}",
            f"{found['job']['pages_per_s'] * 86_400:,.0f}",
            f"**{ratio['median']:.2f}** ({min(ratio['rounds']):.2f} to {max(ratio['rounds']):.2f})",
            f"{100 * found['job']['recognizer_share']:.0f} %",
            f"{found['records_bytes_per_page']}",
            f"{found['manifest_bytes_per_page']}",
        ]
        rows.append(cells)
    head = ["pages", "recognizer", "loop, pages/s", "job, pages/s", "a day", "job over loop"]
    head += ["recognizer's share", "bytes a page: records", "manifest"]
    return table(head, rows, measured("batch_speed.json"))


def soak_table() -> str:
    """Returns the Markdown table of the long run, and the line under it."""
    (found,) = report("soak.json")["sets"].values()
    memory = found["memory"]
    lost = found["pages_made"] - found["distinct_places"]
    cells = [
        f"{found['sources']}",
        f"{found['pages_made']}",
        f"{found['broken_made']}",
        f"{found['runs']}",
        f"{lost}",
        f"{found['recorded']['pages'] - found['distinct_places']}",
        f"{found['pages_per_s']:.1f}",
        f"{min(memory['mb_by_tenth'])} to {max(memory['mb_by_tenth'])} MB",
    ]
    head = ["archives", "pages", "broken files", "runs", "lost", "doubled", "pages/s"]
    return table([*head, "memory, warm"], [cells], measured("soak.json"))


def language_table() -> str:
    """Returns the Markdown table of labels beside their misreadings, and the line under it."""
    sets = report("language.json")["sets"]
    times = sets["times"]
    rows = []
    for name, title in _LABELS.items():
        found = sets[name]
        first = found["en"]
        cells = [
            title,
            f"{found['labels']}",
            f"{-found['nats_a_character']:.2f}",
            *(f"{100 * each['label_likelier']:.1f}" for each in (found, found["adapted"], first)),
            *(f"{100 * each['loses_by_1_nat']:.1f}" for each in (found, first)),
        ]
        rows.append(cells)
    head = ["labels", "number", "nats a character", "likelier, %", "adapted", "English alone"]
    about = f"loaded in {times['load_ms']:.0f} ms, 1,000 texts in {times['score_1000_ms']:.0f} ms; "
    below = measured("language.json", about)
    return table([*head, "loses, %", "English alone"], rows, below)


if __name__ == "__main__":
    for path, text in current().items():
        path.write_text(text, encoding="utf-8")
