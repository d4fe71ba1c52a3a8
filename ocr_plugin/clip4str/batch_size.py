"""Batches of few different sizes.

PyTorch keeps what it prepared for each size that ever was: with every size from 1 to 64, 2 GB for
the compact model, where these hold 0.3.
"""

import torch
from torch import Tensor


def rounded(size: int, most: int) -> int:
    """Returns the next of 1, 2, 3, 4, 6, 8, 12, 16, 24..., and `most` rather than more."""
    if not size:
        return 0
    full = 1 << (size - 1).bit_length()
    return min(full * 3 // 4 if size <= full * 3 // 4 else full, most)


def padded(rows: Tensor, most: int) -> Tensor:
    """Returns rows, (N, ...), and the last of them again until they are `rounded(N, most)`."""
    again = rounded(len(rows), most) - len(rows)
    return torch.cat([rows, rows[-1:].expand(again, *rows.shape[1:])])
