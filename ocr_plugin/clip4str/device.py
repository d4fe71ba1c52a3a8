"""The device that was asked for, or an error; never another one instead."""

import torch

from ocr_plugin.errors import ConfigurationError


def usable_device(name: str | torch.device) -> torch.device:
    """Returns the device, after having put a number on it and got it back.

    Raises:
        ConfigurationError: there is no such device, or it does not work.
    """
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).item()
    # PyTorch's back ends have no common error: CUDA alone raises RuntimeError, AssertionError
    # and its own class; the cause is chained.
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ConfigurationError(f"device {str(name)!r} cannot be used here: {reason}") from error
    return device
