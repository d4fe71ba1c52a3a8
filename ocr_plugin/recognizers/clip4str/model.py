"""The CLIP4STR network: CLIP's two towers and two PARSeq decoders.

Paper: "CLIP4STR: A Simple Baseline for Scene Text Recognition with Pre-trained Vision-Language
Model", https://arxiv.org/abs/2305.14014. The published checkpoints come from the public
implementation, https://github.com/VamosC/CLIP4STR (Apache-2.0); where it differs from the paper or
from open_clip's defaults, this file follows it: QuickGELU in both towers for all pretrained
weights, heads 64 wide, a text tower cut to 16 tokens. The towers are open_clip's (MIT). An
independent implementation, with tensors named as in the checkpoints.

In comments B is the batch, P the image patches, D the joint width, L a length in tokens.
"""

import math
import operator
from collections.abc import Sequence
from typing import cast

import torch
from open_clip.model import CLIP
from torch import Tensor, nn

from ocr_plugin.errors import ConfigurationError
from ocr_plugin.recognizers.clip4str.config import HEAD_WIDTH, STEM_STRIDE, Clip4StrConfig
from ocr_plugin.recognizers.clip4str.decoder import Decoder
from ocr_plugin.recognizers.clip4str.stem import ConvolutionalStem
from ocr_plugin.recognizers.clip4str.tuning import ClipAdapter, Ladder


class Clip4Str(nn.Module):
    """The network: both towers, both decoders, and optionally a CTC head.

    It only takes and returns tensors; `reader.Reader` reads words with it.

    Attributes:
        config: what it was built from.
    """

    def __init__(self, config: Clip4StrConfig) -> None:
        super().__init__()
        self.config = config
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
            ClipAdapter(config.embed_dim, config.adapter_width) if config.adapter_width else None
        )
        self.ladder = (
            Ladder(config.vision_layers, config.vision_width, config.ladder_width)
            if config.ladder_width
            else None
        )
        self.ctc_head = nn.Linear(config.embed_dim, config.charset.classes) if config.ctc else None

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

    def encode_captions(self, token_ids: Sequence[tuple[int, ...]]) -> Tensor:
        """Returns the caption tokens of captions, (B, `config.context_length`, D)."""
        device = self.clip_model.token_embedding.weight.device
        tokens = torch.tensor(token_ids, dtype=torch.long, device=device)
        return self.encode_tokens(tokens.reshape(len(token_ids), self.config.context_length))

    def encode_tokens(self, token_ids: Tensor) -> Tensor:
        """Returns the same for captions as a tensor, (B, `config.context_length`) int64."""
        tower, length = self.clip_model, self.config.context_length
        states = tower.token_embedding(token_ids) + tower.positional_embedding[:length]
        # Causal, as CLIP's text tower is; open_clip adds the mask to the attention's scores.
        future = states.new_full((length, length), -math.inf).triu(1)
        states = tower.transformer(states, attn_mask=future)
        return cast(Tensor, tower.ln_final(states) @ tower.text_projection)


def _towers(config: Clip4StrConfig) -> CLIP:
    # open_clip has no image tower without a text tower; if none is wanted, a tiny one is made.
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
    # An unused constant for 77 tokens, which no checkpoint could fill when the network is built
    # without memory.
    towers.attn_mask = None
    if not text:
        towers.transformer.resblocks = nn.ModuleList()
    return towers
