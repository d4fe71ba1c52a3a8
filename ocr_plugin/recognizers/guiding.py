"""Gives any recognizer guidance."""

from ocr_plugin.errors import BrokenPlugin
from ocr_plugin.protocols import Recognizer
from ocr_plugin.recognizers.chosen_reader import ChosenReader
from ocr_plugin.recognizers.guidance import Guidable, Guidance


def guided(recognizer: Recognizer, guidance: Guidance) -> Recognizer:
    """Returns a recognizer that heeds guidance; it shares the other's networks.

    One without a method `guided` of its own is guided by a choice among its text and its
    alternatives.

    Raises:
        ConfigurationError: no text can be allowed, or there is no such language.
        BrokenPlugin: the plugin's own method returns no recognizer of the same unit.
    """
    if isinstance(recognizer, Guidable):
        made = recognizer.guided(guidance)
        if not isinstance(made, Recognizer) or made.unit != recognizer.unit:
            raise BrokenPlugin(
                f"`guided` of {recognizer.component.name} returns no recognizer of the same unit"
            )
        return made
    constraint = guidance.constraint.compiled() if guidance.constraint else None
    free = constraint is None or not constraint.guides
    if free and guidance.language is None:
        return recognizer
    return ChosenReader(recognizer, guidance)
