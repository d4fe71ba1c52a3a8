"""Crops resized on a device, beside PIL; a device of the CPU's kind does the same sums as a GPU."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ocr_plugin.clip4str import Clip4StrRecognizer
from ocr_plugin.protocols import RGB
from ocr_plugin.recognizers.clip4str import resizing
from ocr_plugin.recognizers.clip4str.pil_resizing import resized_by_pil
from ocr_plugin.recognizers.clip4str.resizing import resized_on_device
from tests.recognizers.clip4str.test_modes import CROPS

CPU = torch.device("cpu")
# Grey levels by which the two ways may differ: in double precision, and in single.
LARGEST, LARGEST_IN_SINGLE = 0, 1
EXAMPLES = Path(__file__).parents[3] / "examples"


def noise(height: int, width: int, rng: np.random.Generator) -> RGB:
    pixels = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    # Black and white alone make the filter overshoot the most.
    return np.where(pixels > 127, np.uint8(255), np.uint8(0)) if rng.random() < 0.3 else pixels


def crops() -> list[RGB]:
    """Random crops of random sizes, those of words the most, and the extremes."""
    rng = np.random.default_rng(11)
    extremes = [(1, 1), (1, 2000), (300, 1), (300, 2000), (2, 900), (299, 3), (32, 128), (33, 127)]
    words = zip(rng.integers(12, 90, 80), rng.integers(8, 400, 80), strict=True)
    any_size = zip(rng.integers(1, 301, 30), rng.integers(1, 2001, 30), strict=True)
    return [noise(int(h), int(w), rng) for h, w in [*extremes, *words, *any_size]]


def pieces() -> list[RGB]:
    """Pieces of photos, of sizes that words have in them."""
    rng = np.random.default_rng(3)
    found = []
    for path in EXAMPLES.glob("*.jpg"):
        photo = np.asarray(Image.open(path).convert("RGB"))
        for _ in range(40):
            height, width = int(rng.integers(8, 120)), int(rng.integers(8, 300))
            y = int(rng.integers(photo.shape[0] - height))
            x = int(rng.integers(photo.shape[1] - width))
            found.append(photo[y : y + height, x : x + width])
    return found


def by_pil(some: Sequence[RGB], size: tuple[int, int]) -> torch.Tensor:
    return torch.from_numpy(resized_by_pil(some, size))


def largest_difference(found: torch.Tensor, expected: torch.Tensor) -> int:
    assert found.dtype == expected.dtype == torch.uint8
    assert found.shape == expected.shape
    return int((found.int() - expected.int()).abs().max())


@pytest.mark.parametrize("size", [(32, 128), (224, 224), (32, 32), (7, 5), (1, 1)])
def test_random_crops_have_the_levels_of_pil(size: tuple[int, int]) -> None:
    some = crops()
    found = resized_on_device(some, size, CPU)
    assert found.shape == (len(some), 3, *size)
    assert largest_difference(found, by_pil(some, size)) <= LARGEST


def test_pieces_of_photos_have_the_levels_of_pil() -> None:
    some = pieces()
    for size in ((32, 128), (224, 224)):
        found = resized_on_device(some, size, CPU)
        assert largest_difference(found, by_pil(some, size)) <= LARGEST


def test_in_single_precision_some_levels_are_off_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resizing, "_exact_dtype", lambda device: torch.float32)
    some = crops()
    found, expected = resized_on_device(some, (32, 128), CPU), by_pil(some, (32, 128))
    assert largest_difference(found, expected) <= LARGEST_IN_SINGLE
    assert (found != expected).float().mean() < 1e-3


def test_a_crop_does_not_depend_on_its_neighbours() -> None:
    some = crops()[:20]
    together = resized_on_device(some, (32, 128), CPU)
    for crop, found in zip(some, together, strict=True):
        assert torch.equal(resized_on_device([crop], (32, 128), CPU)[0], found)


def test_large_crops_are_not_resized_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    some = crops()
    expected = resized_on_device(some, (32, 128), CPU)
    monkeypatch.setattr(resizing, "_MOST_PIXELS", 1000)
    assert torch.equal(resized_on_device(some, (32, 128), CPU), expected)


def test_older_pillow_always_resizes_across_first(monkeypatch: pytest.MonkeyPatch) -> None:
    tall = [noise(100, 100, np.random.default_rng(0))]
    monkeypatch.setattr(resizing, "_PILLOW_TURNS", False)
    across = resized_on_device(tall, (32, 128), CPU)
    monkeypatch.setattr(resizing, "_PILLOW_TURNS", True)
    assert not torch.equal(resized_on_device(tall, (32, 128), CPU), across)


def test_pictures_that_are_views_are_taken_as_they_are() -> None:
    crop = noise(40, 90, np.random.default_rng(2))
    views = [crop[::-1, ::-1], crop.transpose(1, 0, 2), crop[::2, ::3]]
    found = resized_on_device(views, (32, 128), CPU)
    copies = [np.ascontiguousarray(view) for view in views]
    assert torch.equal(found, by_pil(copies, (32, 128)))


def test_the_host_waits_for_no_number_of_the_device() -> None:
    # A device that has no numbers: asking it for one is an error.
    some = crops()
    found = resized_on_device(some, (32, 128), torch.device("meta"))
    assert found.shape == (len(some), 3, 32, 128)


def test_readings_are_the_same_either_way(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Clip4StrRecognizer(backend="torch")
    expected = reader.recognize(CROPS)
    monkeypatch.setattr(
        "ocr_plugin.recognizers.clip4str.torch_network.resized_by_pil",
        lambda some, size: resized_on_device(some, size, CPU).numpy(),
    )
    for found, other in zip(reader.recognize(CROPS), expected, strict=True):
        assert found.text == other.text
        assert found.confidence == pytest.approx(other.confidence, abs=1e-4)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_gives_the_levels_of_pil() -> None:
    some = crops() + pieces()
    for size in ((32, 128), (224, 224)):
        found = resized_on_device(some, size, torch.device("cuda")).cpu()
        assert largest_difference(found, by_pil(some, size)) <= LARGEST
