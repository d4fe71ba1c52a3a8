"""Orders to read a word in, and the attention masks that keep to them.

After PARSeq (https://arxiv.org/abs/2207.06966), whose training CLIP4STR takes over. Index 0 is BOS,
then come the characters, and the last index is EOS.
"""

import itertools
import math
import random
from dataclasses import dataclass

import torch
from torch import Tensor

Permutation = tuple[int, ...]
"""The indices 0 (BOS) to length + 1 (EOS) in the order in which they become known."""


def permutations(length: int, count: int, rng: random.Random) -> list[Permutation]:
    """Returns the distinct orders for a batch whose longest word has `length` characters.

    First left to right; then its mirror, which begins with EOS; then pairs of a random order of the
    characters and its mirror, EOS last. Short words have fewer orders than asked for: a single
    character has one, two have two.

    Args:
        length: characters of the longest word, at least 1.
        count: how many orders to draw: 1, or an even number.
        rng: source of randomness.

    Raises:
        ValueError: a length or a count that cannot be.
    """
    if length < 1:
        raise ValueError(f"a word has at least one character, not {length}")
    if count < 1 or (count > 1 and count % 2):
        raise ValueError(f"permutations come as one or in mirrored pairs, not {count}")
    eos = length + 1
    forward = tuple(range(length + 2))
    if count == 1 or length == 1:
        return [forward]
    orders = [forward, (0, *range(eos, 0, -1))]
    for order in _random_orders(length, count // 2 - 1, rng):
        orders += [(0, *order, eos), (0, *reversed(order), eos)]
    return orders


def _random_orders(length: int, count: int, rng: random.Random) -> list[Permutation]:
    """Returns distinct orders of 1..length, none the straight one, none another's mirror."""
    straight = tuple(range(1, length + 1))
    if length <= 4:  # 4! / 2 orders are soon told; drawing until they differ might never end
        known = [p for p in itertools.permutations(straight) if p < p[::-1] and p != straight]
        chosen = rng.sample(known, min(count, len(known)))
        return [order if rng.random() < 0.5 else order[::-1] for order in chosen]
    seen = {straight, straight[::-1]}
    orders: list[Permutation] = []
    most = min(count, math.factorial(length) // 2 - 1)  # mirrored pairs but for the straight one
    while len(orders) < most:
        order = tuple(rng.sample(straight, length))
        if order not in seen:
            seen |= {order, order[::-1]}
            orders.append(order)
    return orders


@dataclass(frozen=True)
class Masks:
    """What may be looked at under one permutation of L + 2 indices; true where it may.

    Attributes:
        content: (L + 1, L + 1) bool, from token to token, BOS and characters.
        query: (L + 1, L + 1) bool, from position to token; row i reads character i, or EOS.
    """

    content: Tensor
    query: Tensor


def masks(permutation: Permutation, device: torch.device | str = "cpu") -> Masks:
    """Returns the masks under which each index sees what became known before it.

    A token sees itself too; the query of a position does not see its own character.

    Args:
        permutation: every index from 0 to the last once, BOS first.
        device: where the masks are to be.
    """
    rank = torch.empty(len(permutation), dtype=torch.long)
    rank[torch.tensor(permutation)] = torch.arange(len(permutation))
    before = rank[None, :] < rank[:, None]  # (from, to)
    content = before | torch.eye(len(permutation), dtype=torch.bool)
    return Masks(content[:-1, :-1].to(device), before[1:, :-1].to(device))
