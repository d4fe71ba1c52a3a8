"""One training step of the public implementation, the orders of reading, and what is frozen."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
import torch

from ocr_plugin.clip4str import Clip4Str, Clip4StrConfig
from ocr_plugin.errors import ConfigurationError
from ocr_plugin.training.recognition.freezing import freeze
from ocr_plugin.training.recognition.loss import counted_tokens, permuted_sequence_loss
from ocr_plugin.training.recognition.permutations import masks, permutations
from tests.data.parity import weights

PARITY = Path(__file__).parents[2] / "data" / "parity"
TINY = Clip4StrConfig(
    embed_dim=64,
    image_size=(32, 32),
    patch_size=(8, 8),
    vision_layers=2,
    vision_width=128,
    text_layers=2,
    text_width=64,
    dropout=0.0,
)


@pytest.fixture(scope="module")
def step() -> tuple[Clip4Str, torch.Tensor, dict[str, Any]]:
    """The network, the images and the expectations of the fixture's training step."""
    meta = json.loads((PARITY / "tiny.json").read_text())
    model = Clip4Str(TINY)
    model.load_state_dict(weights.state_dict(meta))
    return model.train(), weights.image_batch(meta), meta["train"]


def test_one_step_equals_the_public_implementations(
    step: tuple[Clip4Str, torch.Tensor, dict[str, Any]],
) -> None:
    model, images, expected = step
    assert sorted(freeze(model)) == sorted(expected["frozen"])
    model.zero_grad()
    loss = sum(
        permuted_sequence_loss(
            model, model.encode_image(images), expected["labels"], expected["permutations"]
        ).values(),
        start=torch.zeros(()),
    )
    loss.backward()  # type: ignore[no-untyped-call]
    assert loss.item() == pytest.approx(expected["loss"], rel=1e-4)
    norms = {
        name: tensor.grad.norm().item()
        for name, tensor in model.named_parameters()
        if tensor.grad is not None
    }
    assert norms == pytest.approx(expected["grad_norm"], rel=1e-3)


def test_a_label_of_one_character_trains(
    step: tuple[Clip4Str, torch.Tensor, dict[str, Any]],
) -> None:
    model, images, _ = step
    orders = permutations(1, 6, random.Random(0))
    tokens = model.encode_image(images)
    losses = permuted_sequence_loss(model, tokens, ["a", "", "B", "?"], orders)
    assert losses["visual"].isfinite() and losses["cross"].isfinite()


def test_empty_labels_beside_many_permutations_give_no_nan(
    step: tuple[Clip4Str, torch.Tensor, dict[str, Any]],
) -> None:
    model, images, _ = step
    orders = permutations(3, 6, random.Random(0))
    tokens = model.encode_image(images)
    alone = permuted_sequence_loss(model, tokens[:1], ["abc"], orders)["visual"]
    padded = permuted_sequence_loss(model, tokens[:2], ["abc", ""], orders)["visual"]
    assert alone.isfinite() and padded.isfinite()
    assert alone.item() != pytest.approx(padded.item(), rel=1e-3)


def test_dropout_acts_in_training_only() -> None:
    torch.manual_seed(0)
    model = Clip4Str(Clip4StrConfig(**{**TINY.__dict__, "dropout": 0.5}))
    images, orders = torch.randn(1, 3, 32, 32), permutations(2, 6, random.Random(0))

    def loss() -> float:
        return permuted_sequence_loss(model, model.encode_image(images), ["ab"], orders)[
            "visual"
        ].item()

    assert loss() != loss()
    model.eval()
    assert loss() == loss()


def test_parts_of_a_batch_add_up_to_it(step: tuple[Clip4Str, torch.Tensor, dict[str, Any]]) -> None:
    model, images, _ = step
    labels = ["ab", "c", "defgh", "ij"]
    orders = permutations(5, 4, random.Random(0))
    tokens = model.encode_image(images[:4])
    whole = permuted_sequence_loss(model, tokens, labels, orders)
    sums = dict.fromkeys(whole, 0.0)
    for some in (slice(0, 2), slice(2, 4)):
        part = permuted_sequence_loss(model, tokens[some], labels[some], orders)
        share = counted_tokens(labels[some], 4) / counted_tokens(labels, 4)
        sums = {name: total + share * part[name].item() for name, total in sums.items()}
    assert sums == pytest.approx({name: loss.item() for name, loss in whole.items()}, rel=1e-5)


@pytest.mark.parametrize(
    ("labels", "length", "complaint"),
    [
        (["abc"], 3, "1 labels for 2 images"),
        (["a" * 26, "b"], 26, "26 of 25"),
        (["abc", "d"], 2, "longest label of 3"),
        (["abc", "é"], 3, "outside the charset"),
    ],
)
def test_labels_that_do_not_fit_are_refused(
    labels: list[str],
    length: int,
    complaint: str,
    step: tuple[Clip4Str, torch.Tensor, dict[str, Any]],
) -> None:
    model, images, _ = step
    orders = permutations(length, 2, random.Random(0))
    with pytest.raises(ValueError, match=complaint):
        permuted_sequence_loss(model, model.encode_image(images[:2]), labels, orders)


@pytest.mark.parametrize("length", range(1, 9))
@pytest.mark.parametrize("count", [1, 2, 6, 12, 24])
def test_permutations_are_distinct_mirrored_pairs(length: int, count: int) -> None:
    for seed in range(20):
        orders = permutations(length, count, random.Random(seed))
        possible = {1: 1, 2: 2, 3: 6, 4: 24}.get(length, 120)
        assert len(orders) == len(set(orders)) == min(count, possible)
        assert orders[0] == tuple(range(length + 2))
        assert all(sorted(order) == list(range(length + 2)) for order in orders)
        assert all(order[0] == 0 for order in orders)
        if len(orders) > 1:
            assert orders[1] == (0, *range(length + 1, 0, -1))
        for order, mirror in zip(orders[2::2], orders[3::2], strict=True):
            assert order[-1] == mirror[-1] == length + 1
            assert order[1:-1] == mirror[-2:0:-1]


def test_permutations_come_from_the_generator() -> None:
    first = permutations(8, 6, random.Random(1))
    assert first == permutations(8, 6, random.Random(1))
    assert first != permutations(8, 6, random.Random(2))


@pytest.mark.parametrize(("length", "count"), [(0, 6), (3, 0), (3, 5)])
def test_impossible_permutations_are_refused(length: int, count: int) -> None:
    with pytest.raises(ValueError):
        permutations(length, count, random.Random(0))


def test_masks_show_what_was_known_before() -> None:
    # Read in the order 2, 1, 3: three characters, BOS known from the start.
    seen = masks((0, 2, 1, 3, 4))
    assert seen.query.int().tolist() == [
        [1, 0, 1, 0],  # character 1 sees BOS and 2
        [1, 0, 0, 0],  # character 2 sees BOS only
        [1, 1, 1, 0],  # character 3 sees all before it
        [1, 1, 1, 1],  # EOS sees the word
    ]
    assert seen.content.int().tolist() == [
        [1, 0, 0, 0],
        [1, 1, 1, 0],
        [1, 0, 1, 0],
        [1, 1, 1, 1],
    ]


def trained(model: Clip4Str) -> set[str]:
    return {name for name, tensor in model.named_parameters() if tensor.requires_grad}


def test_freezing_takes_any_number_of_blocks() -> None:
    with torch.device("meta"):
        model = Clip4Str(Clip4StrConfig(**{**TINY.__dict__, "text_layers": 12}))
    everything = {name for name, _ in model.named_parameters()}
    for blocks in (0, 6, 12, 99):
        frozen = set(freeze(model, text_blocks=blocks))
        numbers = {name.split(".")[3] for name in frozen if ".transformer.resblocks." in name}
        assert numbers == {str(index) for index in range(min(blocks, 12))}
        assert trained(model) == everything - frozen
        assert "clip_model.token_embedding.weight" in frozen
    assert freeze(model, text_blocks=0, text_embeddings=False) == ["clip_model.logit_scale"]


def test_freezing_can_reach_the_image_tower() -> None:
    with torch.device("meta"):
        model = Clip4Str(TINY)
    frozen = freeze(model, text_blocks=0, text_embeddings=False, image_blocks=1)
    assert "clip_model.visual.conv1.weight" in frozen
    assert any("visual.transformer.resblocks.0." in name for name in frozen)
    assert not any("visual.transformer.resblocks.1." in name for name in frozen)
    assert "clip_model.visual.proj" in trained(model)


def test_freezing_a_negative_number_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="negative"):
        freeze(Clip4Str(TINY), text_blocks=-1)
