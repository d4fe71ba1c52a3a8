"""How many words recognizers read right, side by side.

    python -m benchmarks.words --data SET... [--apart SET]... [--recognizer NAME[=MODEL]]...
        [--out FILE.json]

Each is read as pages are (`shipped`), without language, and as papers do it (`published`): each
word once and without language. The averages are over the sets of --data; those of --apart are read
as well.
For CLIP4STR the branches are measured too: the CTC head, the visual decoder alone, and the whole
reading, whose last word the cross-modal decoder has.
"""

import argparse
from pathlib import Path
from typing import Any

import torch

from benchmarks import machine
from benchmarks.crop_speed import made
from ocr_plugin.clip4str import load_network
from ocr_plugin.evaluation.word_accuracy import averages, read_set, word_scores
from ocr_plugin.recognizers.clip4str.catalogue import DEFAULT_MODEL
from ocr_plugin.recognizers.guidance import PUBLISHED, UNGUIDED, Guidance
from ocr_plugin.recognizers.guiding import guided
from ocr_plugin.training.recognition.validation import accuracies, validation_set

_ALL = 10**9
PROTOCOLS = {"shipped": UNGUIDED, "no language": Guidance("none"), "published": PUBLISHED}


def branches(spec: str, paths: list[Path]) -> dict[str, dict[str, float]]:
    """Returns the accuracy_36 of each branch of a CLIP4STR model, by set."""
    _, _, model = spec.partition("=")
    network = load_network(model or DEFAULT_MODEL)
    wanted = ["visual", "cross"] + (["ctc"] if network.config.ctc else [])
    found = {}
    for path in paths:
        words = validation_set(path, _ALL, network.config.image_size)
        scores = accuracies(network, words, torch.device("cpu"), wanted)
        found[path.name] = {name: round(value, 4) for name, value in scores.items()}
    return found


def main() -> None:
    """Measures every recognizer on every set."""
    parser = argparse.ArgumentParser(description="How many words recognizers read right.")
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--apart", type=Path, action="append", default=[])
    parser.add_argument("--recognizer", action="append", metavar="NAME[=MODEL]")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    results: dict[str, Any] = {}
    for spec in arguments.recognizer or ["ppocr", "clip4str", "second_opinion"]:
        reader = made(spec, None)
        paths = [*arguments.data, *arguments.apart]
        results[spec] = {"recognizer": reader.component.model_dump()}
        for protocol, guidance in PROTOCOLS.items():
            own = guided(reader, guidance)
            sets = {path.name: word_scores(read_set(path, own)[0]) for path in paths}
            averaged = [sets[path.name] for path in arguments.data]
            results[spec][protocol] = {"sets": sets, "averages_36": averages(averaged)}
            shown = {name: scores["accuracy_36"] for name, scores in sets.items()}
            print(spec, protocol, shown, results[spec][protocol]["averages_36"], flush=True)
        if spec.partition("=")[0] == "clip4str":
            results[spec]["branches_36"] = branches(spec, paths)
        if "branches_36" in results[spec]:
            print("    branches", results[spec]["branches_36"], flush=True)
    if arguments.out:
        machine.write_report(arguments.out, "words", results)


if __name__ == "__main__":
    main()
