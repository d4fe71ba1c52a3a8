"""AdamW with the groups of CLIP4STR's recipe (https://arxiv.org/abs/2305.14014)."""

from torch import nn
from torch.optim import AdamW

from ocr_plugin.recognizers.clip4str.model import Clip4Str
from ocr_plugin.training.recognition.options import OptimiserOptions

_REFERENCE_BATCH = 512
_UNDECAYED = ("pos_queries", "text_embed", "positional_embedding", "class_embedding")


def make_optimiser(model: Clip4Str, options: OptimiserOptions) -> AdamW:
    """Returns the optimiser of all parameters, frozen ones included: without a gradient they rest.

    Each group holds the `highest` learning rate that the schedule scales.
    """
    rate = options.learning_rate * options.batch_size / _REFERENCE_BATCH
    factors = {"stem": options.stem_factor, "tower": 1.0, "decoder": options.decoder_factor}
    groups: dict[tuple[str, bool], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        decays = parameter.ndim > 1 and not any(part in name for part in _UNDECAYED)
        groups.setdefault((_part(name), decays), []).append(parameter)
    return AdamW(
        [
            {
                "params": parameters,
                "highest": rate * factors[part],
                "lr": rate * factors[part],
                "weight_decay": options.weight_decay if decays else 0.0,
            }
            for (part, decays), parameters in groups.items()
        ],
        betas=(options.beta1, options.beta2),
        eps=options.epsilon,
    )


def _part(name: str) -> str:
    if name.startswith("stem."):
        return "stem"
    return "tower" if name.startswith("clip_model.") else "decoder"
