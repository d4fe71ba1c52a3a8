"""Configuration of a CLIP4STR network: sizes, characters, and normalisation of its input.

The published sizes are those of https://arxiv.org/abs/2305.14014 and of its public implementation,
https://github.com/VamosC/CLIP4STR (Apache-2.0).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, Self

from ocr_plugin.errors import ConfigurationError
from ocr_plugin.recognizers.charset import CHARACTERS, TEXT_CHARACTERS, Charset

VOCAB_SIZE = 49408
"""Tokens of CLIP's byte-pair encoding, including the begin and end tokens of a caption."""

SPECIAL_TOKENS = 3
"""Tokens of a caption of characters that are no characters: padding, begin and end."""

HEAD_WIDTH = 64
"""Width of an attention head in both towers; ViT-H/14 thus has 20 heads, not open_clip's 16."""

STEM_STRIDE = (16, 4)
"""Pixels from one output of the convolutional stem to the next, down and across."""

STEM_GRANULE = 8
"""The stem halves and quarters its width, which must stay an integer."""

_MAY_BE_ZERO = {"stem_width", "text_layers", "adapter_width", "ladder_width"}

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
HALF = (0.5, 0.5, 0.5)
"""Mean and standard deviation of the public test script; training used CLIP's."""


@dataclass(frozen=True)
class Clip4StrConfig:
    """The network's architecture, and the preprocessing of its input.

    The defaults are B/16. Sizes are height, width in pixels.

    Attributes:
        embed_dim: D, the joint width of both towers and the width of the decoders.
        image_size: of the input; crops are resized to it, ignoring their aspect ratio.
        patch_size: of one image token; divides `image_size`.
        stem_width: of the convolutional stem before the patch embedding; 0 for none, as published.
            See `stem.ConvolutionalStem`.
        vision_layers: blocks of the image tower.
        vision_width: of the image tower, a multiple of 64.
        text_layers: blocks of the text tower; 0 for the visual branch alone, without text tower
            and cross-modal decoder.
        text_width: of the text tower, a multiple of 64.
        caption_tokens: tokens of a caption: "bpe", CLIP's byte pairs, as published; or
            "characters", one token each.
        vocab_size: rows of the token embedding; at least the tokens of captions.
        text_positions: rows of the text tower's positional embedding.
        context_length: tokens of a caption; the first rows of the positional embedding are used.
        decoder_depth: layers of each decoder.
        decoder_heads: attention heads of each decoder; divides `embed_dim`.
        decoder_mlp_ratio: hidden width of a decoder layer, in `embed_dim`.
        dropout: of the decoders, in training only.
        max_label_length: the longest word in training; a reading has one step more, for EOS.
        characters: that can be read, in the order of the token ids.
        text_characters: characters of a reading that the text tower is given; the reading is
            lower-cased first if all of these are lower-case, as published.
        adapter_width: of the adapter behind the image tower; 0 for none, as published. See
            `tuning.ClipAdapter`.
        ladder_width: of the ladder beside the image tower, a multiple of 64; 0 for none, as
            published. See `tuning.Ladder`.
        ctc: whether a CTC head reads the image tokens too. It helps training, and gives a fast
            second reading without a language model.
        confidence_power: exponent of a reading's product of probabilities, for a calibrated
            confidence; 1 as published.
        mean: of the input's channels, red first, for pixels 0 to 1.
        std: of the input's channels, red first, for pixels 0 to 1.

    Raises:
        ConfigurationError: sizes that do not fit each other.
    """

    embed_dim: int = 512
    image_size: tuple[int, int] = (224, 224)
    patch_size: tuple[int, int] = (16, 16)
    stem_width: int = 0
    vision_layers: int = 12
    vision_width: int = 768
    text_layers: int = 12
    text_width: int = 512
    caption_tokens: str = "bpe"
    vocab_size: int = VOCAB_SIZE
    text_positions: int = 77
    context_length: int = 16
    decoder_depth: int = 1
    decoder_heads: int = 8
    decoder_mlp_ratio: int = 4
    dropout: float = 0.1
    max_label_length: int = 25
    characters: str = field(default=CHARACTERS, repr=False)
    text_characters: str = field(default=TEXT_CHARACTERS, repr=False)
    adapter_width: int = 0
    ladder_width: int = 0
    ctc: bool = False
    confidence_power: float = 1.0
    mean: tuple[float, float, float] = CLIP_MEAN
    std: tuple[float, float, float] = CLIP_STD

    def __post_init__(self) -> None:
        problems = [
            f"{entry.name} is {getattr(self, entry.name)}"
            for entry in fields(self)
            if entry.type is int and getattr(self, entry.name) < (entry.name not in _MAY_BE_ZERO)
        ]
        if not 0 <= self.dropout < 1:
            problems.append(f"dropout is {self.dropout}")
        if not self.confidence_power > 0:
            problems.append(f"confidence_power is {self.confidence_power}")
        if min(self.std) <= 0:
            problems.append(f"std is {self.std}")
        if len(set(self.characters)) != len(self.characters) or not self.characters:
            problems.append("characters are empty or repeated")
        problems += self._misfits()
        if problems:
            raise ConfigurationError(f"impossible network: {'; '.join(problems)}")

    def _misfits(self) -> list[str]:
        problems = []
        if min(*self.image_size, *self.patch_size) < 1 or any(
            size % patch for size, patch in zip(self.image_size, self.patch_size, strict=True)
        ):
            problems.append(
                f"image_size {self.image_size} is not a multiple of patch_size {self.patch_size}"
            )
        for name in ("vision_width", "text_width", "ladder_width"):
            if getattr(self, name) % HEAD_WIDTH:
                problems.append(f"{name} {getattr(self, name)} is not a multiple of {HEAD_WIDTH}")
        if self.decoder_heads > 0 and self.embed_dim % self.decoder_heads:
            problems.append(
                f"embed_dim {self.embed_dim} is not a multiple of {self.decoder_heads} heads"
            )
        if self.stem_width % STEM_GRANULE:
            problems.append(f"stem_width {self.stem_width} is not a multiple of {STEM_GRANULE}")
        if self.stem_width and any(
            size % stride for size, stride in zip(self.patch_size, STEM_STRIDE, strict=True)
        ):
            problems.append(
                f"patch_size {self.patch_size} is not a multiple of the stem's stride {STEM_STRIDE}"
            )
        if self.caption_tokens not in ("bpe", "characters"):
            problems.append(f"caption_tokens is {self.caption_tokens!r}")
        elif self.vocab_size < (least := self._least_vocabulary()):
            problems.append(f"vocab_size {self.vocab_size} is below the {least} of its captions")
        if not 2 <= self.context_length <= self.text_positions:
            problems.append(
                f"context_length {self.context_length} is not in 2..{self.text_positions}"
            )
        return problems

    def _least_vocabulary(self) -> int:
        if self.caption_tokens == "bpe":
            return VOCAB_SIZE
        return len(self.text_characters) + SPECIAL_TOKENS

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Self:
        """Returns the configuration given by `values` from JSON.

        Raises:
            ConfigurationError: an unknown name, or a value of the wrong type.
        """
        known = {entry.name: getattr(_DEFAULTS, entry.name) for entry in fields(cls)}
        problems = [f"{name} is unknown" for name in values.keys() - known.keys()]
        for name in values.keys() & known.keys():
            value, default = values[name], known[name]
            if isinstance(default, tuple):
                fits = (
                    isinstance(value, Sequence)
                    and len(value) == len(default)
                    and all(_is_like(part, default[0]) for part in value)
                )
            else:
                fits = _is_like(value, default)
            if not fits:
                problems.append(f"{name} is {value!r}")
        if problems:
            raise ConfigurationError(f"bad configuration: {'; '.join(sorted(problems))}")
        arguments: dict[str, Any] = {
            name: tuple(value) if isinstance(known[name], tuple) else value
            for name, value in values.items()
        }
        return cls(**arguments)

    @property
    def steps(self) -> int:
        """Largest number of tokens of a reading, EOS included."""
        return self.max_label_length + 1

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of image tokens."""
        (height, width), (patch_height, patch_width) = self.image_size, self.patch_size
        return height // patch_height, width // patch_width

    @property
    def charset(self) -> Charset:
        """The characters with their token ids."""
        return Charset(self.characters)


def _is_like(value: object, example: object) -> bool:
    if isinstance(example, float):
        return isinstance(value, int | float) and not isinstance(value, bool)
    return type(value) is type(example)


_DEFAULTS = Clip4StrConfig()

PRESETS: Mapping[str, Clip4StrConfig] = MappingProxyType(
    {
        "B/32": Clip4StrConfig(patch_size=(32, 32)),
        "B/16": Clip4StrConfig(),
        "L/14": Clip4StrConfig(
            embed_dim=768,
            patch_size=(14, 14),
            vision_layers=24,
            vision_width=1024,
            text_width=768,
        ),
        "H/14": Clip4StrConfig(
            embed_dim=1024,
            patch_size=(14, 14),
            vision_layers=32,
            vision_width=1280,
            text_layers=24,
            text_width=1024,
        ),
    }
)
"""The published configurations, by the name of their image tower."""
