"""The names of ICDAR-2015's end-to-end protocols; `icdar_score` has their rules.

They stand apart so that the command line can list them without loading what scores.
"""

from enum import StrEnum


class PageProtocol(StrEnum):
    """A published rule by which read pages are scored.

    END_TO_END is what figures on ICDAR-2015 are told by, WORD_SPOTTING what figures on Total-Text
    are told by; the two do not compare.
    """

    END_TO_END = "icdar2015-end-to-end"
    WORD_SPOTTING = "icdar2015-word-spotting"
