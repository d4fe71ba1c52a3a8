"""The train command as a person meets it; what a run does is told in test_trainer.py."""

import re
from pathlib import Path

import pytest
import torch
from PIL import Image, ImageFont

from ocr_plugin.cli.app import main
from ocr_plugin.clip4str import Clip4Str, Clip4StrConfig, load_network, save_model
from ocr_plugin.detectors.word_network import TextNetwork
from ocr_plugin.errors import ConfigurationError, ExitCode
from ocr_plugin.training.detection.options import DetectorTrainingOptions
from ocr_plugin.training.recognition.options import TrainingOptions
from ocr_plugin.training.tasks import load_recipe

RECIPES = Path(__file__).parents[2] / "ocr_plugin" / "training" / "recipes"
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def font(tmp_path: Path) -> Path:
    default = ImageFont.load_default(size=20)
    assert isinstance(default, ImageFont.FreeTypeFont)
    path = tmp_path / "fonts" / "plain.ttf"
    path.parent.mkdir()
    path.write_bytes(default.font_bytes)
    return path


def test_synth_draws_a_sheet(font: Path, tmp_path: Path, capfd: Capture) -> None:
    (font.parent / "broken.ttf").write_bytes(b"no font")
    sheet = tmp_path / "sheet.png"
    arguments = ["train", "synth", "--preview", str(sheet), "--fonts", str(font.parent)]
    assert main([*arguments, "--count", "10", "--size", "32x100"]) == ExitCode.OK
    out, err = capfd.readouterr()
    assert out == f"{sheet}: 10 words in 1 fonts, 1 not usable\n"
    assert err.startswith(f"ocr-plugin: not drawn with: {font.parent / 'broken.ttf'}: ")
    with Image.open(sheet) as image:
        assert image.size == (8 * 104, 2 * 48)
        assert len(image.getcolors(maxcolors=1 << 20) or []) > 1000


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--size", "48"], "--size must be HEIGHTxWIDTH"),
        (["--size", "4x100"], "at least 8x8"),
        (["--fonts", "none"], "none: no such file or folder of fonts"),
        (["--vocabulary", "none.txt"], "none.txt: cannot be read"),
        (["--preview", "none/sheet.png"], "cannot be written"),
        (["--preview", "sheet.doc"], "cannot be written"),
    ],
)
def test_synth_says_what_is_wrong(
    arguments: list[str], complaint: str, font: Path, tmp_path: Path, capfd: Capture
) -> None:
    before = ["train", "synth", "--preview", str(tmp_path / "s.png"), "--fonts", str(font)]
    assert main([*before, *arguments]) == ExitCode.USAGE
    out, err = capfd.readouterr()
    assert out == "" and complaint in err.splitlines()[-1]


def test_synth_names_a_bad_font(font: Path, tmp_path: Path, capfd: Capture) -> None:
    font.write_bytes(b"no font")
    arguments = ["train", "synth", "--preview", str(tmp_path / "s.png"), "--fonts", str(font)]
    assert main(arguments) == ExitCode.USAGE
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith(f"ocr-plugin: error: none of 1 fonts is usable ({font}: ")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["no-such-recipe"], "no-such-recipe: cannot be read"),
        (["compact", "--resume"], "has no run to resume"),
        (["compact", "--precision", "float8"], "precision"),
        (["compact", "--data", "nowhere"], "nowhere/words/IC15_train: no such folder"),
    ],
)
def test_run_says_what_is_wrong(
    arguments: list[str], complaint: str, tmp_path: Path, capfd: Capture
) -> None:
    out_folder = tmp_path / "run"
    assert main(["train", "run", *arguments, "--out", str(out_folder)]) == ExitCode.USAGE
    out, err = capfd.readouterr()
    assert out == "" and complaint in err.splitlines()[-1]


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.toml")), ids=lambda path: path.stem)
def test_bundled_recipes_are_sound(path: Path) -> None:
    options = load_recipe(path)
    assert isinstance(options, TrainingOptions | DetectorTrainingOptions)
    assert options.optimiser.samples > options.optimiser.batch_size
    assert options.data.sets or options.data.synthetic


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.toml")), ids=lambda path: path.stem)
def test_bundled_recipes_build(path: Path) -> None:
    options = load_recipe(path)
    with torch.device("meta"):
        if isinstance(options, TrainingOptions):
            Clip4Str(options.config)
        else:
            TextNetwork()


def test_synth_draws_another_alphabet(font: Path, tmp_path: Path, capfd: Capture) -> None:
    (tmp_path / "words.txt").write_text("cab\n")
    arguments = ["train", "synth", "--preview", str(tmp_path / "sheet.png"), "--count", "8"]
    arguments += ["--fonts", str(font), "--vocabulary", str(tmp_path / "words.txt")]
    assert main([*arguments, "--characters", "abc"]) == ExitCode.OK
    assert main([*arguments, "--characters", "xyz"]) == ExitCode.USAGE
    assert "no usable word" in capfd.readouterr().err


def test_export_halves_the_weights(tmp_path: Path, capfd: Capture) -> None:
    config = Clip4StrConfig(
        embed_dim=64, image_size=(32, 32), vision_layers=1, vision_width=64, text_layers=1
    )
    save_model(Clip4Str(config), tmp_path / "model.safetensors")
    small = tmp_path / "small.safetensors"
    assert main(["train", "export", str(tmp_path / "model.safetensors"), str(small)]) == ExitCode.OK
    assert capfd.readouterr().out.startswith(f"{small}: ")
    assert small.stat().st_size < 0.51 * (tmp_path / "model.safetensors").stat().st_size
    assert load_network(small).config == config


def test_export_averages_weights(tmp_path: Path, capfd: Capture) -> None:
    sizes = {"embed_dim": 64, "image_size": (32, 32), "vision_layers": 1, "vision_width": 64}
    models = [Clip4Str(Clip4StrConfig.from_values({**sizes, "text_layers": 1})) for _ in range(2)]
    paths = [tmp_path / name for name in ("one.safetensors", "two.safetensors")]
    for model, path in zip(models, paths, strict=True):
        save_model(model, path)
    mean = tmp_path / "mean.safetensors"
    command = ["train", "export", str(paths[0]), str(mean), "--also", str(paths[1])]
    assert main(command) == ExitCode.OK
    first, second, found = (
        entry.state_dict()["visual_decoder.head.weight"] for entry in (*models, load_network(mean))
    )
    assert torch.allclose(found, (first + second) / 2, atol=1e-3)
    assert not torch.allclose(found, first, atol=1e-3)

    save_model(Clip4Str(Clip4StrConfig.from_values({**sizes, "text_layers": 2})), paths[1])
    assert main(command) == ExitCode.USAGE
    assert "weights of different networks have no mean" in capfd.readouterr().err


def test_export_writes_nothing_that_it_cannot_calibrate(
    font: Path, tmp_path: Path, capfd: Capture
) -> None:
    config = Clip4StrConfig(
        embed_dim=64, image_size=(32, 32), vision_layers=1, vision_width=64, text_layers=1
    )
    save_model(Clip4Str(config), tmp_path / "model.safetensors")
    (tmp_path / "recipe.toml").write_text(
        f"[optimiser]\nsamples = 5\n[data.synthetic]\nfonts = ['{font}']\n"
    )
    small = tmp_path / "small.safetensors"
    command = ["train", "export", str(tmp_path / "model.safetensors"), str(small)]
    assert main([*command, "--recipe", str(tmp_path / "recipe.toml")]) == ExitCode.USAGE
    assert "too few to calibrate on" in capfd.readouterr().err
    assert not small.exists()


def test_export_names_what_is_missing(tmp_path: Path) -> None:
    missing = ["train", "export", str(tmp_path / "none"), str(tmp_path / "small.safetensors")]
    assert main(missing) == ExitCode.MODEL


def test_the_documented_recipe_for_a_detector_is_sound(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "training.md").read_text(encoding="utf-8")
    (recipe,) = re.findall(r"```toml\n(task = \"detection\".*?)```", text, re.DOTALL)
    (tmp_path / "mine.toml").write_text(recipe)
    options = load_recipe(tmp_path / "mine.toml")
    assert isinstance(options, DetectorTrainingOptions)
    assert options.data.sets[0].hold_back == 2 and options.start.file is None


def test_a_recipe_names_what_it_trains(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('task = "translation"\n')
    with pytest.raises(ConfigurationError, match="task is recognition or detection"):
        load_recipe(tmp_path / "mine.toml")
