"""Which parts of the CLIP towers keep their weights in training."""

from torch import nn

from ocr_plugin.errors import ConfigurationError
from ocr_plugin.recognizers.clip4str.model import Clip4Str

TEXT_BLOCKS = 6
"""The first blocks of the text tower that the paper's recipe freezes, of 12."""


def freeze(
    model: Clip4Str,
    text_blocks: int = TEXT_BLOCKS,
    text_embeddings: bool = True,
    image_blocks: int = 0,
) -> list[str]:
    """Freezes parts of the towers and lets all else train; returns the frozen parameters' names.

    The defaults are the recipe of https://arxiv.org/abs/2305.14014. The contrastive temperature,
    `logit_scale`, has no part in reading and is always frozen.

    Args:
        model: whose parameters' `requires_grad` is set, all of them.
        text_blocks: how many blocks of the text tower to freeze, from its input on; a tower that
            has no more than that is frozen but for its last norm and projection.
        text_embeddings: whether to freeze the token and positional embeddings of the text tower.
        image_blocks: how many blocks of the image tower to freeze, from its input on, together
            with what comes before them, a convolutional stem too; 0 freezes nothing.

    Raises:
        ConfigurationError: a negative number.
    """
    if text_blocks < 0 or image_blocks < 0:
        raise ConfigurationError(
            f"blocks to freeze cannot be negative, got {text_blocks} text and {image_blocks} image"
        )
    towers = model.clip_model
    model.requires_grad_(True)
    frozen: list[nn.Module | nn.Parameter] = [
        towers.logit_scale,
        *towers.transformer.resblocks[:text_blocks],
    ]
    if text_embeddings:
        frozen += [towers.token_embedding, towers.positional_embedding]
    if image_blocks:
        visual = towers.visual
        frozen += [model.stem]
        frozen += [visual.conv1, visual.class_embedding, visual.positional_embedding, visual.ln_pre]
        frozen += visual.transformer.resblocks[:image_blocks]
    for part in frozen:
        part.requires_grad_(False)
    return [name for name, tensor in model.named_parameters() if not tensor.requires_grad]
