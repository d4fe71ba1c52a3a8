"""Prepacks a network's weights for oneDNN's matrix products on a CPU.

PyTorch passes matrix products of float32 to MKL, which reaches a third of an AMD core's peak, and
reorders the weights of bfloat16 in every call. oneDNN is fast on all of them and keeps its own
layout of the weights; so what `torch.compile` does with frozen weights is done here without a
compiler (PyTorch's `torch/_inductor/fx_passes/mkldnn_fusion.py` shows the operators). Activations
are fused with the layer before, which saves a pass over the largest tensors.
"""

import math
from typing import cast

import torch
from open_clip.transformer import QuickGELU, ResidualAttentionBlock
from torch import Tensor, nn
from torch.nn import functional

from ocr_plugin.recognizers.clip4str.decoder import Attention, DecoderLayer
from ocr_plugin.recognizers.clip4str.model import Clip4Str
from ocr_plugin.recognizers.clip4str.stem import MixingBlock

_QUICK_GELU_SLOPE = 1.702


def can_pack() -> bool:
    """Returns whether this build of PyTorch has oneDNN."""
    return bool(torch._C._has_mkldnn)


def pack(model: Clip4Str) -> Clip4Str:
    """Replaces, in place, all layers that multiply by large weights; returns the network.

    Results are the same up to rounding. The network can no longer be trained or saved.

    Args:
        model: on the CPU, in eval mode, float32 or bfloat16.
    """
    # Parents come before their children, so a replaced module's children are not visited.
    for parent in list(model.modules()):
        for name, child in parent.named_children():
            if isinstance(child, ResidualAttentionBlock):
                setattr(parent, name, PackedBlock(child))
            elif isinstance(child, Attention):
                setattr(parent, name, PackedAttention(child))
            elif isinstance(child, MixingBlock):
                setattr(parent, name, PackedMixing(child))
            elif isinstance(child, nn.Linear):
                activated = isinstance(parent, DecoderLayer) and child is parent.linear1
                setattr(parent, name, PackedLinear.of(child, "gelu" if activated else "none"))
        if isinstance(parent, DecoderLayer):
            parent.activation = nn.Identity()  # fused into the layer before it
    return model


class PackedLinear(nn.Module):
    """A linear layer with a fused activation.

    Args:
        weight: (out, in).
        bias: (out,).
        activation: one of oneDNN's: "none", "gelu" (the exact one), "swish".
    """

    def __init__(self, weight: Tensor, bias: Tensor | None, activation: str = "none") -> None:
        super().__init__()
        self._activation, self._algorithm = activation, "none" if activation == "gelu" else ""
        self._weight = torch.ops.mkldnn._reorder_linear_weight(weight.detach().contiguous())
        self._bias = None if bias is None else bias.detach()

    @classmethod
    def of(cls, linear: nn.Linear, activation: str = "none") -> "PackedLinear":
        """Returns a layer with the weights of another."""
        return cls(linear.weight, linear.bias, activation)

    def forward(self, states: Tensor) -> Tensor:
        """Returns (..., out) for (..., in)."""
        found = torch.ops.mkldnn._linear_pointwise(
            states, self._weight, self._bias, self._activation, [], self._algorithm
        )
        return cast(Tensor, found)


class PackedAttention(Attention):
    """The decoders' attention."""

    def __init__(self, plain: Attention) -> None:
        nn.Module.__init__(self)
        self.heads, self.dropout = plain.heads, 0.0
        weight, bias, gather = plain.in_proj_weight, plain.in_proj_bias, plain.out_proj
        assert isinstance(gather, nn.Linear)
        width = gather.in_features
        self._queries = PackedLinear(weight[:width], bias[:width])
        self._memory = PackedLinear(weight[width:], bias[width:])
        self.out_proj: nn.Module = PackedLinear.of(gather)

    def project_queries(self, queries: Tensor) -> Tensor:
        """Returns the projected queries, (B, Q, D)."""
        return cast(Tensor, self._queries(queries))

    def project_memory(self, source: Tensor) -> Tensor:
        """Returns keys, then values, (B, L, 2 D) float32, of a source (B, L, D)."""
        # PyTorch's attention of few queries is several times slower in bfloat16.
        return cast(Tensor, self._memory(source)).float()


class PackedBlock(nn.Module):
    """A block of open_clip's towers."""

    def __init__(self, plain: ResidualAttentionBlock) -> None:
        super().__init__()
        attention, (widen, activation, narrow) = plain.attn, plain.mlp
        self._heads = attention.num_heads
        self._before_attention, self._before_mlp = plain.ln_1, plain.ln_2
        self._project = PackedLinear(attention.in_proj_weight, attention.in_proj_bias)
        self._gather = PackedLinear.of(attention.out_proj)
        if not isinstance(activation, QuickGELU):
            raise TypeError(f"expected QuickGELU, not {type(activation).__name__}")
        # x * sigmoid(1.702 x) is swish(1.702 x) / 1.702, which oneDNN has.
        slope = _QUICK_GELU_SLOPE
        self._widen = PackedLinear(widen.weight * slope, widen.bias * slope, "swish")
        self._narrow = PackedLinear(narrow.weight / slope, narrow.bias)

    def forward(self, states: Tensor, attn_mask: Tensor | None = None) -> Tensor:
        """Returns the block's output, (B, L, D).

        Args:
            states: of the block before.
            attn_mask: (L, L), added to the attention's scores.
        """
        states = states + self._attended(self._before_attention(states), attn_mask)
        return states + cast(Tensor, self._narrow(self._widen(self._before_mlp(states))))

    def _attended(self, states: Tensor, mask: Tensor | None) -> Tensor:
        batch, length, _ = states.shape
        # Queries, keys and values: (3, B, heads, L, D / heads).
        projected = self._project(states).view(batch, length, 3, self._heads, -1)
        queries, keys, values = projected.permute(2, 0, 3, 1, 4)
        gathered = _attention(queries, keys, values, mask)
        return cast(Tensor, self._gather(gathered.transpose(1, 2).flatten(2)))


def _attention(queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
    """Returns the output of self-attention, (B, heads, L, D / heads)."""
    if queries.dtype == torch.float32:
        return functional.scaled_dot_product_attention(queries, keys, values, mask)
    # On CPUs two bfloat16 products take half the time of PyTorch's fused attention.
    scores = (queries / math.sqrt(queries.shape[-1])) @ keys.transpose(-2, -1)
    weights = (scores if mask is None else scores + mask).softmax(-1)
    return weights @ values


class PackedMixing(nn.Module):
    """A block of the convolutional stem; its 1x1 convolutions are linear layers."""

    def __init__(self, plain: MixingBlock) -> None:
        super().__init__()
        self._residual, self._weights = plain.residual, plain.weights
        self._neighbours = plain.neighbours
        self._expand = PackedLinear(plain.expand.weight.flatten(1), plain.expand.bias, "gelu")
        self._reduce = PackedLinear(plain.reduce.weight.flatten(1), plain.reduce.bias)

    def forward(self, maps: Tensor) -> Tensor:
        """Returns (B, C, H, W) maps, or (B, 2C, H/2, W) where the height is halved."""
        maps = self._weights(self._neighbours(maps))
        # The stem's layout is channels-last, so this permutation copies nothing.
        places = maps.permute(0, 2, 3, 1)
        mixed = cast(Tensor, self._reduce(self._expand(places))).permute(0, 3, 1, 2)
        return maps + mixed if self._residual else mixed
