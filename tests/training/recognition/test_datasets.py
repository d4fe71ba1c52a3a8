"""Real words to learn from: what is left out, how sources mix, how pictures vary."""

import json
import pickle
import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ocr_plugin.errors import ConfigurationError
from ocr_plugin.protocols import RGB
from ocr_plugin.training.recognition.augmentation import _ALL, augment
from ocr_plugin.training.recognition.training_sets import (
    TrainingSet,
    TrainingSetOptions,
    mixed_counts,
    unfit,
)


def make_set(folder: Path, labels: list[str], broken: tuple[int, ...] = ()) -> Path:
    """Writes a set of pictures, each of one grey that tells its number."""
    folder.mkdir()
    lines = []
    for index, label in enumerate(labels):
        path = folder / f"{index}.png"
        Image.new("RGB", (30, 10), (index, index, index)).save(path)
        if index in broken:
            path.write_bytes(b"no picture")
        lines.append(json.dumps({"image": path.name, "text": label}))
    (folder / "labels.jsonl").write_text("\n".join(lines))
    return folder


def opened(path: Path, **options: object) -> TrainingSet:
    return TrainingSet(TrainingSetOptions.parse({"path": path, "augment": False, **options}))


@pytest.mark.parametrize(
    ("label", "reason"),
    [
        ("Word", None),
        (" Word ", None),
        ("it's", None),
        ("", "empty"),
        ("  ", "empty"),
        ("two words", "inner white space"),
        ("x" * 26, "longer than 25"),
        ("x" * 25, None),
        ("café", "characters outside the charset"),
        ("①", "characters outside the charset"),
    ],
)
def test_labels_that_would_teach_wrongly_are_left_out(label: str, reason: str | None) -> None:
    charset = "".join(chr(code) for code in range(33, 127))
    assert unfit(label, charset, 25) == reason
    assert unfit("café", charset + "é", 25) is None


@pytest.mark.parametrize(
    ("label", "reason", "kept"),
    [
        ("two words", None, "twowords"),
        ("café", None, "cafe"),
        ("①", None, "1"),
        ("日本", "empty", None),
        ("~~", "characters outside the charset", None),
        ("it~s", None, "its"),
        ("a" * 20 + "~" * 6, "longer than 25", None),  # counted before the charset's rule
    ],
)
def test_labels_can_be_taken_as_published(
    label: str, reason: str | None, kept: str | None, tmp_path: Path
) -> None:
    charset = "".join(chr(code) for code in range(33, 126))  # without ~
    assert unfit(label, charset, 25, published=True) == reason
    path = make_set(tmp_path / "set", ["a", label])
    options = TrainingSetOptions.parse({"path": path, "augment": False, "labels": "published"})
    drawn = TrainingSet(options, charset).sample(40, (8, 8), random.Random(0)).labels
    assert set(drawn) == {"a", kept} - {None}


def test_what_is_left_out_is_counted_and_named(tmp_path: Path) -> None:
    words = opened(make_set(tmp_path / "set", ["a", "b c", "d", "", "é", "ü", "ö", "ä"]))
    assert len(words) == 2
    assert words.describe() == (
        "set: 2 of 8 words; 1 left out, inner white space (#2); 1 left out, empty (#4);"
        " 4 left out, characters outside the charset (#5, #6, #7, ...)"
    )


def test_a_set_with_nothing_usable_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="0 of 1 words"):
        opened(make_set(tmp_path / "set", ["two words"]))
    with pytest.raises(ConfigurationError, match="no such folder"):
        opened(tmp_path / "none")


def test_a_broken_picture_is_passed_over_and_named(tmp_path: Path) -> None:
    words = opened(make_set(tmp_path / "set", ["a", "b", "c"], broken=(1,)))
    crops = words.sample(200, (10, 30), random.Random(0))
    assert set(crops.labels) == {"a", "c"}
    (record,) = set(crops.passed_over)
    assert record.name.endswith("labels.jsonl:2") and "not" in record.reason
    nothing = opened(make_set(tmp_path / "other", ["a"], broken=(0,)))
    with pytest.raises(ConfigurationError, match="no picture in it decodes"):
        nothing.sample(1, (10, 30), random.Random(0))


def test_samples_are_pictures_with_their_own_labels(tmp_path: Path) -> None:
    labels = [f"w{index}" for index in range(20)]
    words = opened(make_set(tmp_path / "set", labels), case="unknown")
    crops = words.sample(50, (16, 40), random.Random(3))
    assert crops.images.shape == (50, 3, 16, 40)
    assert [f"w{int(image[0, 0, 0])}" for image in crops.images] == crops.labels
    assert crops.caseless.all()
    assert crops.labels == words.sample(50, (16, 40), random.Random(3)).labels
    assert not opened(tmp_path / "set").sample(2, (8, 8), random.Random(0)).caseless.any()


def test_what_is_held_back_is_never_drawn(tmp_path: Path) -> None:
    words = opened(make_set(tmp_path / "set", list("abcdefghij")), hold_back=5)
    assert [word.label for word in words.held_back(10)[0]] == ["a", "f"]
    assert [word.label for word in words.held_back(1)[0]] == ["a"]
    drawn = set(words.sample(300, (8, 8), random.Random(0)).labels)
    assert drawn == set("bcdeghij")


def test_what_is_held_back_and_broken_is_named(tmp_path: Path) -> None:
    words = opened(make_set(tmp_path / "set", list("abcd"), broken=(2,)), hold_back=2)
    kept, bad = words.held_back(10)
    assert [word.label for word in kept] == ["a"]
    assert [record.name.rpartition(":")[2] for record in bad] == ["3"]


def test_a_set_goes_to_other_processes(tmp_path: Path) -> None:
    words = opened(make_set(tmp_path / "set", list("abc")))
    copy = pickle.loads(pickle.dumps(words))
    args = (20, (8, 8))
    assert (
        copy.sample(*args, random.Random(1)).labels == words.sample(*args, random.Random(1)).labels
    )


def test_a_mix_has_its_shares() -> None:
    weights = [6.0, 1.5, 1.0, 0.1]
    counts = np.array([mixed_counts(weights, 32, random.Random(seed)) for seed in range(4000)])
    assert (counts.sum(1) == 32).all() and counts.min() >= 0
    expected = np.array(weights) / sum(weights) * 32
    assert counts.mean(0) == pytest.approx(expected, abs=0.05)
    assert (np.abs(counts - expected) < 1.001).all()


def checkered(height: int, width: int) -> RGB:
    rows, columns = np.indices((height, width))
    return np.repeat(((rows // 4 + columns // 4) % 2 * 255)[..., None], 3, 2).astype(np.uint8)


@pytest.mark.parametrize("size", [(1, 1), (2, 40), (40, 2), (32, 100), (300, 900)])
def test_every_operation_takes_every_crop(size: tuple[int, int]) -> None:
    for operation in _ALL:
        for strength in (0.0, 1.0):
            varied = operation(checkered(*size), random.Random(0), strength)
            assert varied.dtype == np.uint8 and varied.ndim == 3 and varied.size > 0, operation
    for seed in range(30):
        assert augment(checkered(*size), random.Random(seed)).shape[2] == 3


def test_operations_at_no_strength_hardly_change_anything() -> None:
    crop = checkered(32, 96)
    changed = {
        operation.__name__
        for operation in _ALL
        if (varied := operation(crop, random.Random(0), 0.0)).shape != crop.shape
        or np.abs(varied.astype(int) - crop).mean() > 4
    }
    assert changed == {"_invert"}


def test_augmentation_comes_from_the_generator() -> None:
    crop = checkered(32, 96)
    first = augment(crop, random.Random(1))
    assert np.array_equal(first, augment(crop, random.Random(1)))
    assert not np.array_equal(first, augment(crop, random.Random(2)))
    assert np.array_equal(crop, checkered(32, 96))  # and the crop itself is left alone
