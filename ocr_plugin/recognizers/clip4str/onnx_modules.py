"""The modules that a network is exported as: tensors in, tensors out, no control flow inside.

The network is split where reading makes decisions: which characters were read, whether words have
ended, what the next caption is. A decoder is split as `reader` uses it: a memory is projected once,
then read step by step, or at many positions in one pass. The keys and values of all its layers are
stacked in one tensor, so that decoders of any depth have the same modules.

In comments and shapes B is the batch, D the joint width, h the heads of a decoder.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from ocr_plugin.recognizers.clip4str.config import Clip4StrConfig
from ocr_plugin.recognizers.clip4str.decoder import Decoder, DecoderLayer
from ocr_plugin.recognizers.clip4str.kv_cache import KeysValues
from ocr_plugin.recognizers.clip4str.model import Clip4Str


@dataclass(frozen=True)
class ModuleInput:
    """An input of an exported module.

    Attributes:
        shape: lengths of the axes; a name stands for a variable length.
        dtype: float32, int64 or bool.
        below: upper bound, excluded, of int64 ids.
    """

    shape: tuple[int | str, ...]
    dtype: torch.dtype = torch.float32
    below: int = 2

    def sample(self, lengths: Mapping[str, int]) -> Tensor:
        """Returns random values, with the given lengths of the named axes."""
        size = [lengths[axis] if isinstance(axis, str) else axis for axis in self.shape]
        if self.dtype.is_floating_point:
            return torch.randn(size, dtype=self.dtype)
        drawn = torch.randint(self.below, size)
        if self.dtype == torch.bool:
            drawn[..., 0] = 1  # no mask hides the begin of a word
        return drawn.to(self.dtype)


@dataclass(frozen=True)
class ExportModule:
    """A module that is exported as one file.

    Attributes:
        name: of the file, without suffix.
        module: to be exported.
        inputs: by name, in the order of the module's arguments.
        outputs: names of what the module returns.
    """

    name: str
    module: nn.Module
    inputs: Mapping[str, ModuleInput]
    outputs: tuple[str, ...]

    def samples(self, lengths: Mapping[str, int]) -> tuple[Tensor, ...]:
        """Returns random arguments, with the given lengths of the named axes."""
        return tuple(entry.sample(lengths) for entry in self.inputs.values())


def export_modules(model: Clip4Str) -> list[ExportModule]:
    """Returns the modules of a network, which depend on its configuration.

    Args:
        model: in eval mode.
    """
    config = model.config
    images = ModuleInput(("batch", 3, *config.image_size))
    seen = ("image_tokens",) if model.ctc_head is None else ("image_tokens", "ctc_logits")
    parts = [ExportModule("image_tower", _ImageTower(model), {"images": images}, seen)]
    parts += _decoder_modules("visual", model.visual_decoder, config)
    if model.cross_decoder is not None:
        captions = ModuleInput(("batch", config.context_length), torch.int64, config.vocab_size)
        tower = _TextTower(model)
        parts.append(ExportModule("text_tower", tower, {"captions": captions}, ("caption_tokens",)))
        parts += _decoder_modules("cross", model.cross_decoder, config)
    return parts


def _decoder_modules(branch: str, decoder: Decoder, config: Clip4StrConfig) -> list[ExportModule]:
    depth, heads, ids = config.decoder_depth, config.decoder_heads, config.charset.ids

    def kept(length: str) -> ModuleInput:
        return ModuleInput((depth, "batch", heads, length, config.embed_dim // heads))

    memory = {"memory_keys": kept("memory"), "memory_values": kept("memory")}
    step = {
        "characters": ModuleInput(("batch",), torch.int64, ids),
        **memory,
        "past_keys": kept("past"),
        "past_values": kept("past"),
    }
    whole = {
        "characters": ModuleInput(("batch", "known"), torch.int64, ids),
        "query_mask": ModuleInput(("batch", "positions", "known"), torch.bool),
        "content_mask": ModuleInput(("batch", "known", "known"), torch.bool),
        **memory,
    }
    return [
        ExportModule(
            f"{branch}_memory",
            _Memory(decoder),
            {"tokens": ModuleInput(("batch", "memory", config.embed_dim))},
            ("memory_keys", "memory_values"),
        ),
        ExportModule(
            f"{branch}_step",
            _Step(decoder),
            step,
            ("logits", "present_keys", "present_values"),
        ),
        ExportModule(f"{branch}_pass", _Pass(decoder), whole, ("logits",)),
    ]


class _ImageTower(nn.Module):
    def __init__(self, model: Clip4Str) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Returns the image tokens, (B, 1 + P, D), and the CTC head's logits if there is one."""
        tokens = self.model.encode_image(images)
        if self.model.ctc_head is None:
            return (tokens,)
        return tokens, self.model.ctc_logits(tokens)


class _TextTower(nn.Module):
    def __init__(self, model: Clip4Str) -> None:
        super().__init__()
        self.model = model

    def forward(self, captions: Tensor) -> Tensor:
        """Returns the caption tokens, (B, context length, D), of (B, context length) ids."""
        return self.model.encode_tokens(captions)


class _Memory(nn.Module):
    def __init__(self, decoder: Decoder) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(self, tokens: Tensor) -> KeysValues:
        """Returns keys and values, (depth, B, h, M, D / h) each, of (B, M, D) tokens."""
        return _stacked(self.decoder.project(tokens))


class _Step(nn.Module):
    """`Decoder.step`, whose position is the length of the past keys."""

    def __init__(self, decoder: Decoder) -> None:
        super().__init__()
        self.decoder = decoder
        queries = decoder.pos_queries.detach()
        # BOS comes before the first position and has no position query.
        self.before: Tensor
        self.register_buffer("before", torch.cat([torch.zeros_like(queries[:, :1]), queries], 1))

    def forward(
        self,
        characters: Tensor,
        memory_keys: Tensor,
        memory_values: Tensor,
        past_keys: Tensor,
        past_values: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Returns the logits, (B, classes), and the keys and values with this character's.

        Args:
            characters: (B,) int64, the ones before the position, or BOS.
            memory_keys: of `_Memory`.
            memory_values: of `_Memory`.
            past_keys: (depth, B, h, position, D / h), of the previous step; empty in the first.
            past_values: as `past_keys`.
        """
        decoder = self.decoder
        # Looked up, not sliced: a slice would treat the first position differently.
        position = torch.full((1,), past_keys.shape[3], dtype=torch.int64)
        content = decoder.text_embed(characters[:, None]) + self.before.index_select(1, position)
        queries = decoder.pos_queries.index_select(1, position)
        layers = cast(list[DecoderLayer], list(decoder.layers))
        present: list[KeysValues] = []
        for index, layer in enumerate(layers):
            normed = layer.norm_c(content)
            keys, values = layer.self_attn.keys_values(normed)
            known = (
                torch.cat([past_keys[index], keys], dim=2),
                torch.cat([past_values[index], values], dim=2),
            )
            present.append(known)
            memory = (memory_keys[index], memory_values[index])
            queries = layer.stream(queries, layer.norm_q(queries), known, memory, None)
            if layer is not layers[-1]:
                content = layer.stream(content, normed, known, memory, None)
        logits = cast(Tensor, decoder.head(decoder.norm(queries)))
        return logits[:, 0], *_stacked(present)


class _Pass(nn.Module):
    """`Decoder.forward`, which reads as many positions as its mask has."""

    def __init__(self, decoder: Decoder) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(
        self,
        characters: Tensor,
        query_mask: Tensor,
        content_mask: Tensor,
        memory_keys: Tensor,
        memory_values: Tensor,
    ) -> Tensor:
        """Returns the logits of the first positions, (B, Q, classes).

        Args:
            characters: (B, L) int64, those that are known, BOS first.
            query_mask: (B, Q, L) bool, which characters a position may attend to.
            content_mask: (B, L, L) bool, the same among the characters; not used in decoders of
                one layer.
            memory_keys: of `_Memory`.
            memory_values: of `_Memory`.
        """
        memory = list(zip(memory_keys.unbind(), memory_values.unbind(), strict=True))
        masks, positions = (query_mask[:, None], content_mask[:, None]), query_mask.shape[1]
        return cast(Tensor, self.decoder(characters, memory, *masks, positions))


def _stacked(layers: list[KeysValues]) -> KeysValues:
    keys, values = zip(*layers, strict=True)
    return torch.stack(keys), torch.stack(values)
