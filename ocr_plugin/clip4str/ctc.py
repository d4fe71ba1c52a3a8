"""The reading of the CTC head, which sees the image tokens column by column."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ocr_plugin.clip4str.charset import Charset
from ocr_plugin.ctc import best_path
from ocr_plugin.protocols import Reading

# The decoders' EOS has the id of the blank and never meets it.


def greedy_texts(logits: Tensor, charset: Charset) -> list[str]:
    """Returns the most likely path of each row as text.

    Args:
        logits: (B, columns, classes), of `Clip4Str.ctc_logits`.
        charset: of the network.
    """
    rows = logits.detach().float().softmax(-1).cpu().numpy()
    return [ctc_reading(row, charset).text for row in rows]


def ctc_reading(probabilities: NDArray[np.float32], charset: Charset, power: float = 1) -> Reading:
    """Returns the most likely path of a crop as a reading.

    Args:
        probabilities: (columns, classes).
        charset: of the network.
        power: of the product of the characters' confidences, which is the whole text's.
    """
    path, columns = best_path(probabilities), len(probabilities)
    confidences = tuple(emission.confidence for emission in path)
    return Reading(
        text="".join(charset.characters[emission.id - 1] for emission in path),
        confidence=float(np.prod(confidences)) ** power if path else 0.0,
        character_confidences=confidences,
        character_extents=tuple((each.first / columns, each.last / columns) for each in path),
    )
