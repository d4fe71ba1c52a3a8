"""Networks of the paper's ablations: one branch alone, an adapter, a ladder beside the tower."""

import random
from pathlib import Path

import numpy as np
import pytest
import torch

from ocr_plugin.clip4str import Clip4Str, Clip4StrConfig, Clip4StrRecognizer
from ocr_plugin.errors import ConfigurationError
from ocr_plugin.recognizers.clip4str.checkpoint import load_network, save_model
from ocr_plugin.recognizers.clip4str.reader import Reader
from ocr_plugin.training.recipes import found_recipe
from ocr_plugin.training.recognition.freezing import freeze
from ocr_plugin.training.recognition.loss import permuted_sequence_loss
from ocr_plugin.training.recognition.options import TrainingOptions
from ocr_plugin.training.recognition.permutations import permutations

SIZES = {
    "embed_dim": 64,
    "image_size": (32, 32),
    "patch_size": (16, 8),
    "vision_layers": 5,
    "vision_width": 128,
    "text_layers": 1,
    "text_width": 64,
    "dropout": 0.0,
}


def network(**values: int) -> Clip4Str:
    torch.manual_seed(0)
    return Clip4Str(Clip4StrConfig.from_values({**SIZES, **values}))


def loss_of(model: Clip4Str, images: torch.Tensor) -> torch.Tensor:
    words = ["ladder", "Rung"]
    orders = permutations(6, 2, random.Random(0))
    losses = permuted_sequence_loss(model, model.encode_image(images), words, orders)
    assert list(losses) == (["visual", "cross"] if model.cross_decoder else ["visual"])
    return sum(losses.values(), start=torch.zeros(()))


def test_without_text_tower_the_visual_branch_reads(tmp_path: Path) -> None:
    model = network(text_layers=0).eval()
    reader = Reader(model)
    assert not any("cross_decoder" in name for name, _ in model.named_parameters())
    text = [tensor for name, tensor in model.clip_model.named_parameters() if "visual" not in name]
    assert sum(tensor.numel() for tensor in text) < 10_000
    images = torch.randn(3, 3, 32, 32)
    with torch.inference_mode():
        assert torch.equal(reader(images), reader.read_visually(images))
        assert reader(images[:0]).shape == (0, 26, 95)

    save_model(model, tmp_path / "visual.safetensors")
    assert load_network(tmp_path / "visual.safetensors").config == model.config
    recognizer = Clip4StrRecognizer(model=tmp_path / "visual.safetensors")
    (reading,) = recognizer.recognize([np.zeros((20, 60, 3), np.uint8)])
    assert 0 <= reading.confidence <= 1


def test_without_text_tower_only_the_visual_branch_learns() -> None:
    model = network(text_layers=0)
    loss_of(model, torch.randn(2, 3, 32, 32)).backward()  # type: ignore[no-untyped-call]
    assert model.clip_model.visual.conv1.weight.grad is not None


def test_a_ladder_starts_as_the_tower_alone() -> None:
    with_ladder, plain = network(ladder_width=64).eval(), network().eval()
    plain.load_state_dict(with_ladder.state_dict(), strict=False)
    images = torch.randn(2, 3, 32, 32)
    with torch.inference_mode():
        assert torch.equal(with_ladder.encode_image(images), plain.encode_image(images))
    assert with_ladder.ladder is not None and len(with_ladder.ladder.blocks) == 2  # of 5 blocks


@pytest.mark.parametrize(("part", "width"), [("adapter", 16), ("ladder", 64)])
def test_what_is_beside_a_frozen_tower_learns(part: str, width: int, tmp_path: Path) -> None:
    model = network(**{f"{part}_width": width})
    freeze(model, text_blocks=1, image_blocks=5)
    images = torch.randn(2, 3, 32, 32)
    wide = model.clip_model.visual.transformer
    before = {name: tensor.clone() for name, tensor in wide.named_parameters()}
    own = [tensor.clone() for tensor in getattr(model, part).parameters()]
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    losses = []
    for _ in range(20):
        optimiser.zero_grad()
        loss = loss_of(model, images)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]
    for name, tensor in wide.named_parameters():
        assert tensor.grad is None and torch.equal(tensor, before[name])
    changed = [
        not torch.equal(tensor, old)
        for tensor, old in zip(getattr(model, part).parameters(), own, strict=True)
    ]
    assert all(changed)

    save_model(model, tmp_path / "model.safetensors")
    again = load_network(tmp_path / "model.safetensors")
    model.eval()
    with torch.inference_mode():
        assert torch.equal(again.encode_image(images), model.encode_image(images))


def test_a_ladders_width_is_of_whole_heads() -> None:
    with pytest.raises(ConfigurationError, match="ladder_width 100 is not a multiple of 64"):
        network(ladder_width=100)


def test_the_recipe_of_the_baseline_is_parseqs_size() -> None:
    config = TrainingOptions.from_toml(found_recipe("ablation-vit-s")).config
    parameters = sum(tensor.numel() for tensor in Clip4Str(config).parameters())
    assert parameters == pytest.approx(23.8e6, rel=0.02)  # as PARSeq-S is published
