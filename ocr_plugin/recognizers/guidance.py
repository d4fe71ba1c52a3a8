"""What a reader is told about what it reads: the language, and what a text may be."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from ocr_plugin.constraints.automaton import CompiledConstraint
from ocr_plugin.constraints.constraint import Constraint
from ocr_plugin.errors import ConfigurationError
from ocr_plugin.protocols import Recognizer


@dataclass(frozen=True)
class Guidance:
    """What is known of the texts before they are read.

    Attributes:
        language: "auto" for all languages, "none", or names such as "de,fr"; None for the reader's
            own option.
        constraint: what a text may be; None for any text.
        views: whether a doubtful word is looked at again, turned or with a margin. Published
            figures are of one look at each word, without language.
    """

    language: str | None = None
    constraint: Constraint | None = None
    views: bool = True


UNGUIDED = Guidance()
PUBLISHED = Guidance(language="none", views=False)
"""As papers on scene words read."""


@runtime_checkable
class Guidable(Protocol):
    """A recognizer that heeds guidance by itself."""

    def guided(self, guidance: Guidance) -> Recognizer:
        """Returns a reader that heeds the guidance and shares this one's networks.

        Guidance that this one was given before does not count any more.

        Raises:
            ConfigurationError: no text can be allowed, or there is no such language.
        """
        ...


def compiled(
    constraint: Constraint | None, characters: AbstractSet[str], reader: str
) -> CompiledConstraint | None:
    """Returns a constraint as a reader needs it; None if no text is forbidden and none preferred.

    Args:
        constraint: None for none.
        characters: that the reader has.
        reader: its name, for the error.

    Raises:
        ConfigurationError: no text can be allowed, or none that the reader can write.
    """
    if constraint is None:
        return None
    made = constraint.compiled()
    if not made.guides:
        return None
    if not made.writable(characters) or not _begins(made, characters):
        raise ConfigurationError(
            f"{reader} has not the characters for any text that the constraint allows"
        )
    return made


def _begins(made: CompiledConstraint, characters: AbstractSet[str]) -> bool:
    """Returns whether a text other than the empty one begins with a character of the reader."""
    automaton = made.automaton
    if automaton is None or not automaton.accepts(automaton.start):
        return True  # `writable` has told
    return any(automaton.step(automaton.start, each) is not None for each in characters)
