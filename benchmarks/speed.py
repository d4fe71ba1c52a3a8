"""What precisions and modes of CLIP4STR cost in PyTorch and what they are worth, side by side.

    python -m benchmarks.speed --data SET [--accuracy SET]... [--model NAME] [--device DEVICE]
        [--precision PRECISION]... [--mode MODE]... [--batch 32]... [--crops 512] [--rounds 5]
        [--out FILE.json]

Crops of a set of labelled words are read in batches, all of it: resizing, network, decoding to
text. In every round each combination reads all crops once, in turn, and its image tower runs alone
on the same batches; the first round warms up and does not count. Peak memory is that of a process
which does nothing else (on a GPU: what PyTorch held there), and grows with the batch. Accuracy is
over all words of the sets of --accuracy, at the first batch size. On a CPU the accurate mode in
bfloat16 is there twice: with its ties settled in float32, as is the default, and left.
"""

import argparse
import itertools
import multiprocessing
import re
import statistics
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks import machine
from benchmarks.crop_speed import crops_of
from ocr_plugin.clip4str import Clip4StrRecognizer
from ocr_plugin.evaluation.word_accuracy import averages, read_set, word_scores
from ocr_plugin.protocols import RGB
from ocr_plugin.recognizers.clip4str.catalogue import DEFAULT_MODEL
from ocr_plugin.recognizers.clip4str.torch_network import TorchWordNetwork


class Subject:
    """A recognizer, and its image tower by itself."""

    def __init__(self, options: dict[str, Any], crops: list[RGB]) -> None:
        self.recognizer = Clip4StrRecognizer(**options)
        self._crops, self._size = crops, self.recognizer.options.batch_size
        network = self.recognizer._network
        assert isinstance(network, TorchWordNetwork)
        self._network: TorchWordNetwork = network
        self._batches: list[torch.Tensor] = [
            network.images(crops[start : start + self._size])
            for start in range(0, len(crops), self._size)
        ]

    def read(self) -> list[str]:
        """Returns the texts of all crops."""
        return [reading.text for reading in self.recognizer.recognize(self._crops)]

    @torch.inference_mode()
    def run_tower(self) -> None:
        """Encodes all crops, which are resized already."""
        network, last = self._network.reader.network, torch.empty(0)
        for batch in self._batches:
            last = network.encode_image(batch)
        last.sum().item()  # a GPU has finished when this is known


def measure(subjects: dict[str, Subject], count: int, rounds: int) -> dict[str, dict[str, Any]]:
    """Returns times a crop, the tower's share and how many texts equal the first subject's."""
    whole: dict[str, list[float]] = {name: [] for name in subjects}
    tower: dict[str, list[float]] = {name: [] for name in subjects}
    texts: dict[str, list[str]] = {}
    for number in range(rounds + 1):
        for name, subject in subjects.items():
            start = time.perf_counter()
            texts[name] = subject.read()
            middle = time.perf_counter()
            subject.run_tower()
            end = time.perf_counter()
            if number:
                whole[name].append(1000 * (middle - start) / count)
                tower[name].append(1000 * (end - middle) / count)
    first = next(iter(texts.values()))
    found = {}
    for name in subjects:
        low, median, high = statistics.quantiles(whole[name], n=4)
        found[name] = {
            "crops_per_s": round(1000 / median, 1),
            "ms_per_crop": round(median, 3),
            "quartiles": [round(low, 3), round(high, 3)],
            "tower_ms_per_crop": round(statistics.median(tower[name]), 3),
            "texts_as_first": round(_share(texts[name], first), 4),
        }
    return found


def _share(texts: list[str], others: list[str]) -> float:
    """Returns how many of these texts are the same as the others."""
    return sum(one == other for one, other in zip(texts, others, strict=True)) / len(texts)


def peak_memory_mb(options: dict[str, Any], data: Path, count: int) -> int:
    """Returns the most memory that a process of its own takes to read the crops."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_peak, (options, data, count))


def _peak(options: dict[str, Any], data: Path, count: int) -> int:
    Clip4StrRecognizer(**options).recognize(crops_of(data, count))
    if str(options["device"]).startswith("cuda"):
        return round(torch.cuda.max_memory_allocated() / 1e6)
    # Linux' own: that of getrusage begins with what the process held which started this one.
    status = Path("/proc/self/status").read_text()
    (kibibytes,) = re.findall(r"VmHWM:\s*(\d+) kB", status)
    return round(int(kibibytes) * 1024 / 1e6)


def main() -> None:
    """Measures every combination at every batch size."""
    parser = argparse.ArgumentParser(description="Precisions and modes of CLIP4STR.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--accuracy", type=Path, action="append", default=[])
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", action="append")
    parser.add_argument("--mode", action="append")
    parser.add_argument("--batch", type=int, action="append")
    parser.add_argument("--crops", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    crops = crops_of(arguments.data, arguments.crops)
    precisions = arguments.precision or ["float32", "bfloat16"]
    modes = arguments.mode or ["accurate", "fast", "ctc"]
    results: dict[str, Any] = {}
    texts: dict[str, list[str]] = {}
    for number, batch in enumerate(arguments.batch or [32]):
        combinations: dict[str, dict[str, Any]] = {}
        for precision, mode in itertools.product(precisions, modes):
            options = {
                "model": arguments.model,
                "device": arguments.device,
                "batch_size": batch,
                "precision": precision,
                "mode": mode,
                "backend": "torch",
            }
            combinations[f"{precision}, {mode}"] = options
            if (arguments.device, precision, mode) == ("cpu", "bfloat16", "accurate"):
                left = f"{precision}, {mode}, ties left"
                combinations[left] = options | {"settle_ties": False}
        subjects = {name: Subject(options, crops) for name, options in combinations.items()}
        found = measure(subjects, len(crops), arguments.rounds)
        for name, options in combinations.items():
            found[name]["peak_memory_mb"] = peak_memory_mb(options, arguments.data, len(crops))
            if not number and arguments.accuracy:
                recognizer = subjects[name].recognizer
                judged = {path.name: read_set(path, recognizer)[0] for path in arguments.accuracy}
                read = {key: [word.text for word in words] for key, words in judged.items()}
                texts = texts or read
                found[name]["set_texts_as_first"] = {
                    key: round(_share(read[key], texts[key]), 4) for key in read
                }
                both = (list(itertools.chain(*each.values())) for each in (read, texts))
                found[name]["all_texts_as_first"] = round(_share(*both), 4)
                sets = {key: word_scores(words) for key, words in judged.items()}
                found[name]["accuracy_36"] = {
                    set_name: scores["accuracy_36"] for set_name, scores in sets.items()
                }
                found[name]["averages_36"] = averages(list(sets.values()))
            print(f"batch {batch}  {name}: {found[name]}", flush=True)
        results[f"{arguments.model}, {arguments.data.name}, batches of {batch}"] = {
            "crops": len(crops),
            "rounds": arguments.rounds,
            "device": arguments.device,
            "threads": torch.get_num_threads(),
            "combinations": found,
        }
    if arguments.out:
        machine.write_report(arguments.out, "speed", results)


if __name__ == "__main__":
    main()
