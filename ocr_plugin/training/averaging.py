"""The mean of several networks' weights: a soup, in the word of https://arxiv.org/abs/2203.05482.

The mean of runs from the same start often reads better than each of them, at the cost of one.
"""

from collections.abc import Sequence

import torch

from ocr_plugin.errors import ConfigurationError
from ocr_plugin.recognizers.clip4str.model import Clip4Str


def averaged(models: Sequence[Clip4Str]) -> Clip4Str:
    """Returns the first network with the mean of all networks' weights.

    Args:
        models: at least one; all of one architecture.

    Raises:
        ConfigurationError: they are not.
    """
    states = [model.state_dict() for model in models]
    shapes = [{name: tensor.shape for name, tensor in state.items()} for state in states]
    if any(other != shapes[0] for other in shapes):
        raise ConfigurationError("weights of different networks have no mean")
    with torch.no_grad():
        mean = {name: torch.stack([state[name] for state in states]).mean(0) for name in states[0]}
    models[0].load_state_dict(mean)
    return models[0]
