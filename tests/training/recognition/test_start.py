"""Where training starts from, and what moves how fast."""

import csv
import json
import math
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from torch.optim.lr_scheduler import OneCycleLR

from ocr_plugin.clip4str import Clip4Str, Clip4StrConfig, save_model
from ocr_plugin.errors import ConfigurationError, ModelUnavailable
from ocr_plugin.training.log import TrainingLog
from ocr_plugin.training.recipes import found_recipe
from ocr_plugin.training.recognition.initial_weights import clip_names, start
from ocr_plugin.training.recognition.optimiser import make_optimiser
from ocr_plugin.training.recognition.options import OptimiserOptions, StartOptions, TrainingOptions
from ocr_plugin.training.schedule import learning_rate_factor, set_learning_rate

TINY = Clip4StrConfig(
    embed_dim=64,
    image_size=(32, 32),
    patch_size=(8, 8),
    vision_layers=2,
    vision_width=128,
    text_layers=1,
    text_width=64,
)


@pytest.fixture(scope="module")
def vision_transformer() -> timm.models.VisionTransformer:
    torch.manual_seed(0)
    return timm.models.VisionTransformer(
        img_size=32, patch_size=8, embed_dim=128, depth=2, num_heads=2, num_classes=5
    )


def test_an_imagenet_tower_lands_where_clips_stood(
    vision_transformer: timm.models.VisionTransformer,
) -> None:
    model = Clip4Str(TINY)
    named = clip_names(vision_transformer.state_dict())
    own = model.clip_model.visual.state_dict()
    assert {name: tensor.shape for name, tensor in named.items()} == {
        name: own[name].shape for name in named
    }
    # All but what an ImageNet tower has not: CLIP's norm before the blocks, and its projection.
    assert own.keys() - named.keys() == {"ln_pre.weight", "ln_pre.bias", "proj"}
    block: Any = vision_transformer.blocks[1]
    tokens = torch.randn(3, 17, 128)
    model.clip_model.visual.load_state_dict(named, strict=False)
    target = model.clip_model.visual.transformer.resblocks[1].eval()
    with torch.inference_mode():
        attended = block.attn(block.norm1(tokens))
        normed = target.ln_1(tokens)
        found = target.attn(normed, normed, normed, need_weights=False)[0]
    assert torch.allclose(found, attended, atol=1e-4)


def test_the_bias_of_patches_goes_into_the_positions(
    vision_transformer: timm.models.VisionTransformer,
) -> None:
    named = clip_names(vision_transformer.state_dict())
    image = torch.randn(1, 3, 32, 32)
    with torch.inference_mode():
        expected = vision_transformer._pos_embed(vision_transformer.patch_embed(image))
        patches = torch.nn.functional.conv2d(image, named["conv1.weight"], stride=8)
        patches = patches.flatten(2).transpose(1, 2)
        first = named["class_embedding"].expand(1, 1, -1)
        found = torch.cat([first, patches], dim=1) + named["positional_embedding"]
    assert torch.allclose(found, expected, atol=1e-5)


def test_another_kind_of_network_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="not a plain vision transformer"):
        clip_names(timm.create_model("resnet18").state_dict())


def test_a_checkpoint_is_taken_whole(tmp_path: Path) -> None:
    torch.manual_seed(0)
    source = Clip4Str(TINY)
    save_model(source, tmp_path / "source.safetensors")
    model = Clip4Str(TINY)
    start(model, StartOptions(source="checkpoint", name=str(tmp_path / "source.safetensors")))
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, source.state_dict()[name]), name


def test_what_does_not_fit_is_told(tmp_path: Path) -> None:
    save_model(Clip4Str(TINY), tmp_path / "source.safetensors")
    other = Clip4Str(Clip4StrConfig(**{**vars(TINY), "embed_dim": 128}))
    with pytest.raises(ConfigurationError, match="does not fit the network"):
        start(other, StartOptions(source="checkpoint", name=str(tmp_path / "source.safetensors")))
    with pytest.raises(ModelUnavailable):
        start(other, StartOptions(source="checkpoint", name="nowhere.safetensors"))
    with pytest.raises(ConfigurationError, match="no weights 'openai'"):
        start(other, StartOptions(source="open_clip", name="ViT-Q-16", pretrained="openai"))
    with pytest.raises(ConfigurationError, match="no trained model 'vit_of_nobody'"):
        start(other, StartOptions(source="timm", name="vit_of_nobody"))


def test_weights_of_an_imagenet_tower_come_from_a_file(tmp_path: Path) -> None:
    name = "vit_tiny_patch16_224"
    torch.manual_seed(0)
    source = timm.create_model(name)
    torch.save(source.state_dict(), tmp_path / "tower.pth")
    config = Clip4StrConfig(
        **{**vars(TINY), "image_size": (224, 224), "patch_size": (16, 16), "vision_layers": 12}
        | {"vision_width": 192}
    )
    model = Clip4Str(config)
    tower = f"{name}.augreg_in21k_ft_in1k"
    start(model, StartOptions(source="timm", name=tower, file=tmp_path / "tower.pth"))
    named = clip_names(source.state_dict())
    assert torch.equal(model.clip_model.visual.conv1.weight, named["conv1.weight"])
    (tmp_path / "tower.pth").write_bytes(b"no weights")
    with pytest.raises(ModelUnavailable, match=r"timm's .*tower\.pth cannot be loaded: ") as caught:
        start(model, StartOptions(source="timm", name=tower, file=tmp_path / "tower.pth"))
    assert "\n" not in str(caught.value)


def test_weights_of_clip_come_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import open_clip

    vision = {"image_size": 32, "layers": 2, "width": 128, "patch_size": 8, "head_width": 64}
    text = {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 1, "layers": 1}
    (tmp_path / "ViT-Tiny.json").write_text(
        json.dumps({"embed_dim": 64, "vision_cfg": vision, "text_cfg": text})
    )
    open_clip.add_model_config(tmp_path)
    torch.manual_seed(0)
    source = open_clip.create_model("ViT-Tiny")
    torch.save(source.state_dict(), tmp_path / "clip.pt")
    config = Clip4StrConfig(**{**vars(TINY), "text_positions": 77})
    model = Clip4Str(config)
    start(model, StartOptions(source="open_clip", name="ViT-Tiny", file=tmp_path / "clip.pt"))
    for name in ("visual.proj", "token_embedding.weight", "transformer.resblocks.0.ln_1.bias"):
        assert torch.equal(model.clip_model.state_dict()[name], source.state_dict()[name])
    with pytest.raises(ModelUnavailable, match=r"none\.pt: no such file"):
        start(model, StartOptions(source="open_clip", name="ViT-Tiny", file=tmp_path / "none.pt"))
    with pytest.raises(ConfigurationError, match="no model 'ViT-Q'"):
        start(model, StartOptions(source="open_clip", name="ViT-Q", file=tmp_path / "clip.pt"))


def test_weights_that_cannot_be_fetched_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("no route to host\nand more")

    monkeypatch.setattr(timm, "create_model", fail)
    with pytest.raises(ModelUnavailable, match=r"cannot be loaded: no route to host \(start.file"):
        start(Clip4Str(TINY), StartOptions(source="timm", name="vit_base_patch16_224.augreg_in1k"))


def test_the_published_starts_are_known_to_open_clip() -> None:
    import open_clip

    known = set(open_clip.list_pretrained())
    for name, tag in (
        ("ViT-B-16", "openai"),
        ("ViT-B-16", "datacomp_xl_s13b_b90k"),
        ("ViT-L-14", "datacomp_xl_s13b_b90k"),
        ("ViT-H-14", "laion2b_s32b_b79k"),
        ("ViT-H-14-quickgelu", "dfn5b"),
    ):
        assert (name, tag) in known


def test_onecycle_is_pytorchs() -> None:
    options = OptimiserOptions(samples=1, warmup=0.075)
    steps = 2000
    weight = torch.nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.SGD([weight], lr=1.0)
    theirs = OneCycleLR(optimiser, 1.0, steps, pct_start=0.075, cycle_momentum=False)
    for step in range(steps):
        found = learning_rate_factor(step / steps, options)
        assert found == pytest.approx(optimiser.param_groups[0]["lr"], abs=1e-2)
        optimiser.step()
        theirs.step()


def test_the_cosine_rises_straight_and_ends_at_nothing() -> None:
    options = OptimiserOptions(samples=1, schedule="cosine", warmup=0.1)
    found = [learning_rate_factor(progress, options) for progress in (0, 0.05, 0.1, 0.55, 1)]
    assert found == pytest.approx([0, 0.5, 1, 0.5, 0], abs=1e-9)
    assert learning_rate_factor(0, options.model_copy(update={"warmup": 0.0})) == 1


def test_groups_have_the_recipes_rates_and_decay() -> None:
    config = Clip4StrConfig(**{**vars(TINY), "stem_width": 8, "patch_size": (16, 8), "ctc": True})
    model = Clip4Str(config)
    options = OptimiserOptions(
        samples=1, batch_size=128, learning_rate=4e-4, decoder_factor=19, stem_factor=0.5
    )
    optimiser = make_optimiser(model, options)
    set_learning_rate(optimiser, 0.075, options)  # the top
    rates, decays = {}, {}
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    for group in optimiser.param_groups:
        for parameter in group["params"]:
            rates[names[id(parameter)]] = group["lr"]
            decays[names[id(parameter)]] = group["weight_decay"]
    assert rates.keys() == dict(model.named_parameters()).keys()
    assert rates["clip_model.visual.proj"] == pytest.approx(1e-4)
    assert rates["stem.first.weight"] == pytest.approx(5e-5)
    for name in ("visual_decoder.head.weight", "cross_decoder.norm.bias", "ctc_head.weight"):
        assert rates[name] == pytest.approx(19e-4)
    plain = {name for name, decay in decays.items() if decay == 0}
    assert "visual_decoder.pos_queries" in plain
    assert "cross_decoder.text_embed.embedding.weight" in plain
    assert "clip_model.visual.ln_post.weight" in plain
    assert "visual_decoder.layers.0.linear1.bias" in plain
    assert decays["visual_decoder.layers.0.linear1.weight"] == 0.2
    assert decays["stem.first.weight"] == 0.2


def test_the_log_of_a_resumed_run_has_every_step_once(tmp_path: Path) -> None:
    log = TrainingLog(tmp_path, 0)
    for step in (1, 2, 3):
        log.write(step, 10 * step, {"loss/ctc": 1 / step})
    log.close()
    with (tmp_path / "log.csv").open("a") as file:
        file.write("4,40,lo")  # a run that was killed while it wrote
    log = TrainingLog(tmp_path, 2)
    log.write(3, 30, {"loss/ctc": 5.0})
    log.close()
    with (tmp_path / "log.csv").open(newline="") as file:
        rows = [(row["step"], row["samples"], float(row["value"])) for row in csv.DictReader(file)]
    assert rows == [("1", "10", 1.0), ("2", "20", 0.5), ("3", "30", 5.0)]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[optimiser]\nsamples = 0", "samples"),
        ("[optimiser]\nsamples = 5\nspeed = 3", "speed"),
        ("samples =", "no TOML"),
        ("preset = 'B/17'\n[optimiser]\nsamples = 5", "no size is called 'B/17'"),
        ("[network]\nembed_dim = 7\n[optimiser]\nsamples = 5", "embed_dim 7"),
        ("[objective]\npermutations = 3\n[optimiser]\nsamples = 5", "an even number"),
        ("[objective]\nctc_alone_until = 1\n[optimiser]\nsamples = 5", "needs a ctc_weight"),
        ("[network]\nwidth = 7\n[optimiser]\nsamples = 5", "width is unknown"),
    ],
)
def test_a_bad_recipe_is_one_line(text: str, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        TrainingOptions.from_toml(path)
    assert str(path) in str(caught.value) and complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_recipe_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none\.toml: cannot be read"):
        TrainingOptions.from_toml(tmp_path / "none.toml")


def test_rates_are_never_negative_or_nan() -> None:
    for schedule in ("onecycle", "cosine"):
        options = OptimiserOptions(samples=1, schedule=schedule, warmup=0.3)
        values = [learning_rate_factor(index / 100, options) for index in range(101)]
        assert all(0 <= value <= 1 and math.isfinite(value) for value in values)
        assert max(values) == values[30]


def test_a_recipe_extends_another(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text(
        "preset = 'B/16'\n[optimiser]\nsamples = 5\nbatch_size = 2\n"
        "[[data.sets]]\npath = 'a'\n[[data.sets]]\npath = 'b'\n"
    )
    (tmp_path / "own.toml").write_text(
        "extends = 'base.toml'\n[optimiser]\nsamples = 7\n[[data.sets]]\npath = 'c'\n"
    )
    options = TrainingOptions.from_toml(tmp_path / "own.toml")
    assert (options.preset, options.optimiser.samples, options.optimiser.batch_size) == (
        "B/16",
        7,
        2,
    )
    assert [str(entry.path) for entry in options.data.sets] == ["c"]
    (tmp_path / "base.toml").write_text("extends = 'own.toml'")
    with pytest.raises(ConfigurationError, match="extends itself"):
        TrainingOptions.from_toml(tmp_path / "own.toml")


def test_the_papers_recipe_is_the_papers() -> None:
    options = TrainingOptions.from_toml(found_recipe("clip4str-b16"))
    optimiser = options.optimiser
    assert (optimiser.learning_rate, optimiser.decoder_factor) == (8.4e-5, 19)
    assert (optimiser.weight_decay, optimiser.warmup, optimiser.clip_norm) == (0.2, 0.075, 20)
    assert (optimiser.beta1, optimiser.beta2, optimiser.epsilon) == (0.9, 0.98, 1e-6)
    assert (optimiser.schedule, options.objective.permutations) == ("onecycle", 6)
    assert (options.freeze.text_blocks, options.freeze.text_embeddings) == (6, True)
    assert options.objective.ctc_weight == 0 and options.objective.length_groups == 1
    large = TrainingOptions.from_toml(found_recipe("clip4str-l14"))
    assert large.start.name == "ViT-L-14" and large.start.pretrained == "openai"
    assert large.config.embed_dim == 768
