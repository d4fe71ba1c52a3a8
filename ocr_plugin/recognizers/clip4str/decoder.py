"""PARSeq's decoder: predicts characters from a memory, in any order that the masks allow.

https://arxiv.org/abs/2207.06966, https://github.com/baudm/parseq (Apache-2.0). An independent
implementation, with tensors named as in CLIP4STR's checkpoints.

In comments B is the batch, D the joint width, L a length in tokens.
"""

import math
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from ocr_plugin.recognizers.clip4str.config import Clip4StrConfig
from ocr_plugin.recognizers.clip4str.kv_cache import KeysValues, KVCache, join


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
        """Returns the attention's output for each query, (B, Q, D).

        Args:
            queries: (B, Q, D), or (1, Q, D) if they are the same for every row.
            source: of `keys_values`, with length L.
            mask: bool that broadcasts to (B, heads, Q, L), true where a query may attend.
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
        """Returns the projected queries, (B, Q, D)."""
        width = queries.shape[-1]
        return functional.linear(queries, self.in_proj_weight[:width], self.in_proj_bias[:width])

    def project_memory(self, source: Tensor) -> Tensor:
        """Returns keys, then values, (B, L, 2 D), of a source (B, L, D)."""
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
            state: (B, Q, D), the stream before it, or (1, Q, D) if it is the same for all rows.
            normed: `state` after the stream's own norm.
            content: keys and values of the characters.
            memory: keys and values of the towers' tokens.
            mask: which characters a query may attend to; see `Attention.forward`.
        """
        state = state + self.dropout(self.self_attn(normed, content, mask))
        state = state + self.dropout(self.cross_attn(self.norm1(state), memory))
        hidden = self.dropout(self.activation(self.linear1(self.norm2(state))))
        return state + cast(Tensor, self.dropout(self.linear2(hidden)))


class TokenEmbedding(nn.Module):
    """Embeds tokens, scaled by the square root of the width."""

    def __init__(self, rows: int, width: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(rows, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Returns (B, L, D) for (B, L) token ids."""
        return math.sqrt(self.embedding.embedding_dim) * cast(Tensor, self.embedding(tokens))


class Decoder(nn.Module):
    """PARSeq's decoder: predicts characters from a memory, in any order that the masks allow."""

    def __init__(self, config: Clip4StrConfig) -> None:
        super().__init__()
        charset = config.charset
        self.layers = nn.ModuleList(DecoderLayer(config) for _ in range(config.decoder_depth))
        self.text_embed = TokenEmbedding(charset.ids, config.embed_dim)
        self.pos_queries = nn.Parameter(torch.empty(1, config.steps, config.embed_dim))
        self.norm = nn.LayerNorm(config.embed_dim)
        self.head = nn.Linear(config.embed_dim, charset.classes)
        self.dropout = nn.Dropout(config.dropout)
        # PARSeq's initialisation: small normal weights, zero biases.
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
            after: an earlier result, to which those of `memory` are appended.
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
                a position may attend to a token.
            content_mask: bool that broadcasts to (B, heads, L, L), the same among the tokens;
                used only in decoders of several layers.
            positions: number to read.
        """
        content = self._content(tokens)
        queries = self.pos_queries[:, :positions]
        if self.training:  # dropout differs from row to row
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
        self, tokens: Tensor, position: int, memory: Sequence[KeysValues], cache: KVCache
    ) -> Tensor:
        """Returns the logits of the character at `position`, (B, classes), left to right.

        Args:
            tokens: (B,) int64, the character before it, or BOS at position 0.
            position: counted from 0; one more than in the previous call.
            memory: of `project`.
            cache: of the previous characters; this call adds its own.
        """
        content = self.text_embed(tokens[:, None])  # (B, 1, D)
        if position > 0:
            content = content + self.pos_queries[:, position - 1 : position]
        queries = self.pos_queries[:, position : position + 1]
        layers = self._layers()
        for index, (layer, layer_memory) in enumerate(zip(layers, memory, strict=True)):
            normed = layer.norm_c(content)
            known = cache.extended(index, layer.self_attn.keys_values(normed))
            # Everything known lies to the left, so no mask is needed.
            queries = layer.stream(queries, layer.norm_q(queries), known, layer_memory, None)
            if layer is not layers[-1]:
                content = layer.stream(content, normed, known, layer_memory, None)
        return cast(Tensor, self.head(self.norm(queries)))[:, 0]

    def _content(self, tokens: Tensor) -> Tensor:
        embedded = self.text_embed(tokens)  # (B, L, D)
        # BOS comes before the first position and has no position query.
        positioned = embedded[:, 1:] + self.pos_queries[:, : tokens.shape[1] - 1]
        return cast(Tensor, self.dropout(torch.cat([embedded[:, :1], positioned], dim=1)))

    def _layers(self) -> list[DecoderLayer]:
        return cast(list[DecoderLayer], list(self.layers))
