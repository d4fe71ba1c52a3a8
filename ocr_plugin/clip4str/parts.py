"""The parts that a network is exported in: tensors in, tensors out, no choices inside.

The cuts are where reading decides something: which characters were read, whether words have ended,
what the next caption is. A decoder is cut as `decoding` uses it: a memory is projected once, then
read step by step, or at many positions in one pass. The keys and values of all its layers lie
behind each other in one tensor, so that a decoder has the same parts whatever its depth.

In comments and shapes B is the batch, D the joint width, h the heads of a decoder.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from ocr_plugin.clip4str.config import Clip4StrConfig
from ocr_plugin.clip4str.model import Clip4Str, Decoder, DecoderLayer
from ocr_plugin.clip4str.past import KeysValues


@dataclass(frozen=True)
class Input:
    """What a part takes.

    Attributes:
        shape: lengths of the axes; a name stands for one that may change from call to call.
        dtype: float32, int64 or bool.
        below: what ids stay below, if they are int64.
    """

    shape: tuple[int | str, ...]
    dtype: torch.dtype = torch.float32
    below: int = 2

    def sample(self, lengths: Mapping[str, int]) -> Tensor:
        """Returns random values, where the named axes have the lengths given."""
        size = [lengths[axis] if isinstance(axis, str) else axis for axis in self.shape]
        if self.dtype.is_floating_point:
            return torch.randn(size, dtype=self.dtype)
        drawn = torch.randint(self.below, size)
        if self.dtype == torch.bool:
            drawn[..., 0] = 1  # whatever a mask hides, the begin of a word is seen
        return drawn.to(self.dtype)


@dataclass(frozen=True)
class Part:
    """What becomes one file.

    Attributes:
        name: of the file, without its ending.
        module: what it computes.
        inputs: by name, in the order of the module's arguments.
        outputs: names of what the module returns.
    """

    name: str
    module: nn.Module
    inputs: Mapping[str, Input]
    outputs: tuple[str, ...]

    def samples(self, lengths: Mapping[str, int]) -> tuple[Tensor, ...]:
        """Returns random arguments, where the named axes have the lengths given."""
        return tuple(entry.sample(lengths) for entry in self.inputs.values())


def parts_of(model: Clip4Str) -> list[Part]:
    """Returns all that a network consists of, which differs with its configuration.

    Args:
        model: in eval mode.
    """
    config = model.config
    images = Input(("batch", 3, *config.image_size))
    seen = ("image_tokens",) if model.ctc_head is None else ("image_tokens", "ctc_logits")
    parts = [Part("image_tower", _ImageTower(model), {"images": images}, seen)]
    parts += _decoder_parts("visual", model.visual_decoder, config)
    if model.cross_decoder is not None:
        captions = Input(("batch", config.context_length), torch.int64, config.vocab_size)
        tower = _TextTower(model)
        parts.append(Part("text_tower", tower, {"captions": captions}, ("caption_tokens",)))
        parts += _decoder_parts("cross", model.cross_decoder, config)
    return parts


def _decoder_parts(branch: str, decoder: Decoder, config: Clip4StrConfig) -> list[Part]:
    depth, heads, ids = config.decoder_depth, config.decoder_heads, config.charset.ids

    def kept(length: str) -> Input:
        return Input((depth, "batch", heads, length, config.embed_dim // heads))

    memory = {"memory_keys": kept("memory"), "memory_values": kept("memory")}
    step = {
        "characters": Input(("batch",), torch.int64, ids),
        **memory,
        "past_keys": kept("past"),
        "past_values": kept("past"),
    }
    whole = {
        "characters": Input(("batch", "known"), torch.int64, ids),
        "query_mask": Input(("batch", "positions", "known"), torch.bool),
        "content_mask": Input(("batch", "known", "known"), torch.bool),
        **memory,
    }
    return [
        Part(
            f"{branch}_memory",
            _Memory(decoder),
            {"tokens": Input(("batch", "memory", config.embed_dim))},
            ("memory_keys", "memory_values"),
        ),
        Part(
            f"{branch}_step",
            _Step(decoder),
            step,
            ("logits", "present_keys", "present_values"),
        ),
        Part(f"{branch}_pass", _Pass(decoder), whole, ("logits",)),
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
    """`Decoder.step`, whose position is the number of characters in the past."""

    def __init__(self, decoder: Decoder) -> None:
        super().__init__()
        self.decoder = decoder
        queries = decoder.pos_queries.detach()
        # BOS stands before the first position and has none of its own.
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
        """Returns the logits, (B, classes), and the keys and values of one character more.

        Args:
            characters: (B,) int64, those before the position, or BOS.
            memory_keys: of `_Memory`.
            memory_values: of `_Memory`.
            past_keys: (depth, B, h, position, D / h), of the step before; empty in the first.
            past_values: as `past_keys`.
        """
        decoder = self.decoder
        # Looked up rather than sliced, as the first position differs from the others in this.
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
            query_mask: (B, Q, L) bool, which characters a position may look at.
            content_mask: (B, L, L) bool, the same among the characters; of no effect in decoders
                of one layer.
            memory_keys: of `_Memory`.
            memory_values: of `_Memory`.
        """
        memory = list(zip(memory_keys.unbind(), memory_values.unbind(), strict=True))
        masks, positions = (query_mask[:, None], content_mask[:, None]), query_mask.shape[1]
        return cast(Tensor, self.decoder(characters, memory, *masks, positions))


def _stacked(layers: list[KeysValues]) -> KeysValues:
    keys, values = zip(*layers, strict=True)
    return torch.stack(keys), torch.stack(values)
