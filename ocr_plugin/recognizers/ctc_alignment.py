"""Where the characters of a given text stand in a CTC network's columns."""

import numpy as np

from ocr_plugin.recognizers.ctc_evidence import CtcEvidence


def aligned(evidence: CtcEvidence, text: str) -> list[tuple[int, int]] | None:
    """Returns the first and last column, excluded, of each character on the text's likeliest path.

    None if the columns are too few for the text, or the text is empty.
    """
    logs, labels = evidence.labelled([text])
    row = labels[0]
    skips = np.zeros(len(row), bool)
    skips[2:] = (row[2:] != 0) & (row[2:] != row[:-2])
    best = np.full(len(row), -np.inf)
    best[:2] = logs[0, row[:2]]
    came = np.zeros((len(logs), len(row)), np.int64)
    for place, column in enumerate(logs[1:], start=1):
        moved = np.full((3, len(row)), -np.inf)
        moved[0], moved[1, 1:] = best, best[:-1]
        moved[2, 2:] = np.where(skips[2:], best[:-2], -np.inf)
        came[place] = moved.argmax(axis=0)
        best = moved.max(axis=0) + column[row]
    node = int(best[-2:].argmax()) + len(row) - 2
    if len(row) < 2 or best[node] == -np.inf:
        return None
    path = np.zeros(len(logs), np.int64)
    for place in range(len(logs) - 1, -1, -1):
        path[place] = node
        node -= int(came[place, node])
    own = [np.flatnonzero(path == 2 * index + 1) for index in range(len(text))]
    return [(int(columns[0]), int(columns[-1]) + 1) for columns in own]
