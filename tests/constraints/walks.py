"""Walks through automata, as a search over characters takes them."""

from collections.abc import Iterable

from ocr_plugin.constraints.automaton import Automaton, State


def state_of(automaton: Automaton, text: str) -> State | None:
    """Returns the state that the text leads to, or None if no allowed text begins so."""
    state: State | None = automaton.start
    for character in text:
        if state is None:
            return None
        state = automaton.step(state, character)
    return state


def completion(automaton: Automaton, state: State, alphabet: Iterable[str]) -> str | None:
    """Returns a shortest text that leads from the state to the end, or None if there is none."""
    texts: dict[State, str] = {state: ""}
    for current in (queue := [state]):
        if automaton.accepts(current):
            return texts[current]
        for character in alphabet:
            target = automaton.step(current, character)
            if target is not None and target not in texts:
                texts[target] = texts[current] + character
                queue.append(target)
    return None
