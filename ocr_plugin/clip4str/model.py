"""The CLIP4STR network: CLIP's two towers and two PARSeq decoders, whole, in one file.

Paper: "CLIP4STR: A Simple Baseline for Scene Text Recognition with Pre-trained Vision-Language
Model", https://arxiv.org/abs/2305.14014. The published checkpoints come from the public
implementation, https://github.com/VamosC/CLIP4STR (Apache-2.0); where it differs from the paper or
from open_clip's defaults, this file follows it: QuickGELU in both towers whatever the weights were
started from, heads 64 wide, a text tower cut to 16 tokens. The decoder is that of PARSeq,
https://arxiv.org/abs/2207.06966, https://github.com/baudm/parseq (Apache-2.0). The towers are
open_clip's (MIT). Written anew for this package, with tensors named as in the checkpoints.

In comments B is the batch, P the image patches, D the joint width, L a length in tokens.
"""

import math
import operator
from collections.abc import Sequence
from typing import cast

import torch
from open_clip.model import CLIP
from torch import Tensor, nn
from torch.nn import functional

from ocr_plugin.clip4str import decoding
from ocr_plugin.clip4str.adapter import Adapter
from ocr_plugin.clip4str.captions import captions
from ocr_plugin.clip4str.config import HEAD_WIDTH, STEM_STRIDE, Clip4StrConfig
from ocr_plugin.clip4str.ladder import Ladder
from ocr_plugin.clip4str.past import KeysValues, Past, join
from ocr_plugin.clip4str.static_decoding import StaticDecoding
from ocr_plugin.clip4str.stem import ConvolutionalStem
from ocr_plugin.errors import ConfigurationError


class Attention(nn.Module):
    """Multi-head attention whose keys and values can be projected once and kept.

    The tensors are those of `torch.nn.MultiheadAttention`.
    """

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj: nn.Module = nn.Linear(width, width)
        nn.init.xavier_uniform_(self.in_proj_weight)

    def keys_values(self, source: Tensor) -> KeysValues:
        """Returns the keys and values of `source`, (B, L, D)."""
        keys, values = self.project_memory(source).chunk(2, dim=-1)
        return self._split(keys), self._split(values)

    def forward(self, queries: Tensor, source: KeysValues, mask: Tensor | None = None) -> Tensor:
        """Returns what each query gathers, (B, Q, D).

        Args:
            queries: (B, Q, D), or (1, Q, D) where they are the same for every row.
            source: of `keys_values`, L long.
            mask: bool that broadcasts to (B, heads, Q, L), true where a query may look.
        """
        split = self._split(self.project_queries(queries)).to(source[0].dtype)
        gathered = functional.scaled_dot_product_attention(
            split.expand(source[0].shape[0], -1, -1, -1),
            *source,
            attn_mask=mask,
            dropout_p=self.dropout if self.training else 0.0,
        )
        merged = gathered.transpose(1, 2).flatten(2).to(queries.dtype)
        return cast(Tensor, self.out_proj(merged))

    def project_queries(self, queries: Tensor) -> Tensor:
        """Returns (B, Q, D) of (B, Q, D)."""
        width = queries.shape[-1]
        return functional.linear(queries, self.in_proj_weight[:width], self.in_proj_bias[:width])

    def project_memory(self, source: Tensor) -> Tensor:
        """Returns keys, then values, (B, L, 2 D), of (B, L, D)."""
        width = source.shape[-1]
        return functional.linear(source, self.in_proj_weight[width:], self.in_proj_bias[width:])

    def _split(self, projected: Tensor) -> Tensor:
        batch, length, width = projected.shape
        split = projected.view(batch, length, self.heads, width // self.heads)
        return split.transpose(1, 2)  # (B, heads, L, D / heads)


class DecoderLayer(nn.Module):
    """A pre-norm decoder layer with two streams: queries (positions) and content (characters)."""

    def __init__(self, config: Clip4StrConfig) -> None:
        super().__init__()
        width, hidden = config.embed_dim, config.embed_dim * config.decoder_mlp_ratio
        self.self_attn = Attention(width, config.decoder_heads, config.dropout)
        self.cross_attn = Attention(width, config.decoder_heads, config.dropout)
        self.linear1 = nn.Linear(width, hidden)
        self.activation: nn.Module = nn.GELU()
        self.linear2 = nn.Linear(hidden, width)
        self.norm1 = nn.LayerNorm(width)
        self.norm2 = nn.LayerNorm(width)
        self.norm_q = nn.LayerNorm(width)
        self.norm_c = nn.LayerNorm(width)
        self.dropout = nn.Dropout(config.dropout)

    def stream(
        self,
        state: Tensor,
        normed: Tensor,
        content: KeysValues,
        memory: KeysValues,
        mask: Tensor | None,
    ) -> Tensor:
        """Returns one stream after this layer, (B, Q, D).

        Args:
            state: (B, Q, D), the stream before it, or (1, Q, D) where it is the same for all rows.
            normed: `state` after the stream's own norm.
            content: keys and values of the characters.
            memory: keys and values of the towers' tokens.
            mask: which characters a query may look at; see `Attention.forward`.
        """
        state = state + self.dropout(self.self_attn(normed, content, mask))
        state = state + self.dropout(self.cross_attn(self.norm1(state), memory))
        hidden = self.dropout(self.activation(self.linear1(self.norm2(state))))
        return state + cast(Tensor, self.dropout(self.linear2(hidden)))


class TokenEmbedding(nn.Module):
    """Characters as vectors, scaled by the root of their width."""

    def __init__(self, rows: int, width: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(rows, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Returns (B, L, D) for (B, L) token ids."""
        return math.sqrt(self.embedding.embedding_dim) * cast(Tensor, self.embedding(tokens))


class Decoder(nn.Module):
    """PARSeq's decoder: reads characters off a memory, in any order that the masks allow."""

    def __init__(self, config: Clip4StrConfig) -> None:
        super().__init__()
        charset = config.charset
        self.layers = nn.ModuleList(DecoderLayer(config) for _ in range(config.decoder_depth))
        self.text_embed = TokenEmbedding(charset.ids, config.embed_dim)
        self.pos_queries = nn.Parameter(torch.empty(1, config.steps, config.embed_dim))
        self.norm = nn.LayerNorm(config.embed_dim)
        self.head = nn.Linear(config.embed_dim, charset.classes)
        self.dropout = nn.Dropout(config.dropout)
        # PARSeq's start: small normal weights, no biases.
        nn.init.trunc_normal_(self.pos_queries, std=0.02)
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.trunc_normal_(module.weight, std=0.02)
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)

    def project(
        self, memory: Tensor, after: Sequence[KeysValues] | None = None
    ) -> list[KeysValues]:
        """Returns each layer's keys and values of a memory.

        Args:
            memory: (B, M, D).
            after: of this method, to be put before those of `memory`.
        """
        own = [layer.cross_attn.keys_values(memory) for layer in self._layers()]
        if after is None:
            return own
        return [join(first, second) for first, second in zip(after, own, strict=True)]

    def forward(
        self,
        tokens: Tensor,
        memory: Sequence[KeysValues],
        query_mask: Tensor,
        content_mask: Tensor,
        positions: int,
    ) -> Tensor:
        """Returns the logits of the first `positions` characters, (B, positions, classes).

        Args:
            tokens: (B, L) int64 ids that are known, BOS first; the token at index i is the
                character at position i - 1.
            memory: of `project`.
            query_mask: bool that broadcasts to (B, heads, positions, L), true where the query of
                a position may look at a token.
            content_mask: bool that broadcasts to (B, heads, L, L), the same among the tokens;
                matters only in decoders of several layers.
            positions: how many to read.
        """
        content = self._content(tokens)
        queries = self.pos_queries[:, :positions]
        if self.training:  # each row loses something else
            queries = self.dropout(queries.expand(len(tokens), -1, -1))
        layers = self._layers()
        for layer, layer_memory in zip(layers, memory, strict=True):
            normed = layer.norm_c(content)
            known = layer.self_attn.keys_values(normed)
            queries = layer.stream(queries, layer.norm_q(queries), known, layer_memory, query_mask)
            if layer is not layers[-1]:
                content = layer.stream(content, normed, known, layer_memory, content_mask)
        return cast(Tensor, self.head(self.norm(queries)))

    def step(
        self, tokens: Tensor, position: int, memory: Sequence[KeysValues], past: Past
    ) -> Tensor:
        """Returns the logits of the character at `position`, (B, classes), left to right.

        Args:
            tokens: (B,) int64, the character before it, or BOS at position 0.
            position: counted from 0; one more than in the call before.
            memory: of `project`.
            past: of the characters before; this call adds its own.
        """
        content = self.text_embed(tokens[:, None])  # (B, 1, D)
        if position > 0:
            content = content + self.pos_queries[:, position - 1 : position]
        queries = self.pos_queries[:, position : position + 1]
        layers = self._layers()
        for index, (layer, layer_memory) in enumerate(zip(layers, memory, strict=True)):
            normed = layer.norm_c(content)
            known = past.extended(index, layer.self_attn.keys_values(normed))
            # Everything known lies to the left, so that nothing needs a mask.
            queries = layer.stream(queries, layer.norm_q(queries), known, layer_memory, None)
            if layer is not layers[-1]:
                content = layer.stream(content, normed, known, layer_memory, None)
        return cast(Tensor, self.head(self.norm(queries)))[:, 0]

    def _content(self, tokens: Tensor) -> Tensor:
        embedded = self.text_embed(tokens)  # (B, L, D)
        # BOS stands before the first position and has none of its own.
        positioned = embedded[:, 1:] + self.pos_queries[:, : tokens.shape[1] - 1]
        return cast(Tensor, self.dropout(torch.cat([embedded[:, :1], positioned], dim=1)))

    def _layers(self) -> list[DecoderLayer]:
        return cast(list[DecoderLayer], list(self.layers))


class Clip4Str(nn.Module):
    """Reads one word in each image.

    Attributes:
        config: what it was built from.
        refinements: rounds of cloze refinement after the left-to-right reading, 0 or more; the
            published accuracies use 1.
        static: reads from left to right where shapes must not change, as on a GPU; None elsewhere,
            where rows that have ended leave the batch.
    """

    def __init__(self, config: Clip4StrConfig, refinements: int = 1) -> None:
        super().__init__()
        if refinements < 0:
            raise ConfigurationError(f"refinements cannot be negative, got {refinements}")
        self.config = config
        self.refinements = refinements
        self.static: StaticDecoding | None = None
        self.clip_model = _towers(config)
        self.visual_decoder = Decoder(config)
        self.cross_decoder = Decoder(config) if config.text_layers else None
        self.stem = ConvolutionalStem(config.stem_width) if config.stem_width else nn.Identity()
        if isinstance(self.stem, ConvolutionalStem):
            kernel = tuple(map(operator.floordiv, config.patch_size, STEM_STRIDE))
            self.clip_model.visual.conv1 = nn.Conv2d(
                self.stem.channels, config.vision_width, kernel, kernel, bias=False
            )
        self.adapter = (
            Adapter(config.embed_dim, config.adapter_width) if config.adapter_width else None
        )
        self.ladder = (
            Ladder(config.vision_layers, config.vision_width, config.ladder_width)
            if config.ladder_width
            else None
        )
        self.ctc_head = nn.Linear(config.embed_dim, config.charset.classes) if config.ctc else None

    def forward(
        self, images: Tensor, independent: bool = False, autoregressive: bool = True
    ) -> Tensor:
        """Returns the logits of the cross-modal branch, (B, L, classes).

        Those of the visual branch, where the network has no other.

        L is `config.steps` after a refinement, and without one the number of steps until every
        word of the batch has ended. Class 0 is EOS; what follows a word's first EOS means nothing.

        Args:
            images: (B, 3, H, W) float, normalised by the configuration's mean and std.
            independent: whether each image is read as though it were alone. The public
                implementation gives every cross-modal reading of a batch as many steps as its
                longest visual reading took, so that a word's neighbours can change it. The default
                does the same; independently, each has the steps of its own visual reading.
            autoregressive: whether the first reading goes from left to right, as the published
                accuracies have it. Else all its characters are read at once, none knowing of
                another, which leaves more to the refinements.
        """
        return decoding.read(self, images, independent, autoregressive)

    def encode_image(self, images: Tensor) -> Tensor:
        """Returns the image tokens, class token first, (B, 1 + P, D), of (B, 3, H, W) images."""
        tower = self.clip_model.visual
        images = images.to(tower.conv1.weight.dtype)
        patches = tower.conv1(self.stem(images)).flatten(2).transpose(1, 2)  # (B, P, vision width)
        first = tower.class_embedding.to(patches.dtype).expand(images.shape[0], 1, -1)
        tokens = torch.cat([first, patches], dim=1) + tower.positional_embedding.to(patches.dtype)
        tokens = tower.ln_pre(tokens)
        tokens = (
            self.ladder(tokens, tower.transformer) if self.ladder else tower.transformer(tokens)
        )
        tokens = tower.ln_post(tokens) @ tower.proj
        return cast(Tensor, self.adapter(tokens) if self.adapter else tokens)

    def ctc_logits(self, image_tokens: Tensor) -> Tensor:
        """Returns the CTC head's logits, (B, columns, classes), class 0 being the blank.

        Args:
            image_tokens: (B, 1 + P, D), of `encode_image`; the rows of the grid are averaged.

        Raises:
            ConfigurationError: the network has no such head.
        """
        if self.ctc_head is None:
            raise ConfigurationError("this network has no CTC head")
        batch, _, width = image_tokens.shape
        grid = image_tokens[:, 1:].reshape(batch, *self.config.grid, width)
        return cast(Tensor, self.ctc_head(grid.mean(1)))

    def encode_text(self, texts: Sequence[str]) -> Tensor:
        """Returns the caption tokens of readings, (B, `config.context_length`, D)."""
        return self.encode_captions(self.captions(texts))

    def captions(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """Returns readings as token ids for `encode_captions`, `config.context_length` each."""
        config = self.config
        return captions(texts, config.text_characters, config.context_length, config.caption_tokens)

    def encode_captions(self, token_ids: Sequence[tuple[int, ...]]) -> Tensor:
        """Returns the caption tokens of captions, (B, `config.context_length`, D)."""
        device = self.clip_model.token_embedding.weight.device
        tokens = torch.tensor(token_ids, dtype=torch.long, device=device)
        return self.encode_tokens(tokens.reshape(len(token_ids), self.config.context_length))

    def encode_tokens(self, token_ids: Tensor) -> Tensor:
        """Returns the same of captions as a tensor, (B, `config.context_length`) int64."""
        tower, length = self.clip_model, self.config.context_length
        states = tower.token_embedding(token_ids) + tower.positional_embedding[:length]
        # Causal, as CLIP's text tower is; open_clip adds the mask to the attention's scores.
        future = states.new_full((length, length), -math.inf).triu(1)
        states = tower.transformer(states, attn_mask=future)
        return cast(Tensor, tower.ln_final(states) @ tower.text_projection)


def _towers(config: Clip4StrConfig) -> CLIP:
    # open_clip knows no image tower without a text tower; where none is wanted, it is next to none.
    text = config.text_layers > 0
    towers = CLIP(
        embed_dim=config.embed_dim,
        vision_cfg={
            "image_size": config.image_size,
            "patch_size": config.patch_size,
            "layers": config.vision_layers,
            "width": config.vision_width,
            "head_width": HEAD_WIDTH,
        },
        text_cfg={
            "context_length": config.text_positions if text else 1,
            "vocab_size": config.vocab_size if text else 1,
            "layers": config.text_layers or 1,
            "width": config.text_width if text else HEAD_WIDTH,
            "heads": config.text_width // HEAD_WIDTH if text else 1,
        },
        quick_gelu=True,
    )
    # A constant for 77 tokens that is not used here, and that no checkpoint could fill when the
    # network is built without memory.
    towers.attn_mask = None
    if not text:
        towers.transformer.resblocks = nn.ModuleList()
    return towers
