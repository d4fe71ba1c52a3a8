"""Detectors and recognizers by name, through Python entry points.

The built-in ones are declared in this project's own pyproject.toml and are loaded like any other;
see docs/plugins.md.
"""

from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from ocr_plugin.errors import AmbiguousPlugin, BrokenPlugin, UnknownPlugin

DETECTORS = "ocr_plugin.detectors"
RECOGNIZERS = "ocr_plugin.recognizers"


def entries(group: str) -> list[EntryPoint]:
    """Returns the installed entry points of a group, by name, without importing any of them."""
    return sorted(entry_points(group=group), key=lambda entry: entry.name)


def names(group: str) -> list[str]:
    """Returns the installed names of a group, without importing any of them."""
    return sorted({entry.name for entry in entries(group)})


def load(group: str, name: str) -> Callable[..., Any]:
    """Returns the factory that a distribution offers under `name`.

    Raises:
        UnknownPlugin: no distribution offers the name; the message lists the installed names.
        AmbiguousPlugin: two distributions offer it; the message names them.
        BrokenPlugin: it could not be imported; the cause is chained.
    """
    found = [entry for entry in entries(group) if entry.name == name]
    kind = group.rpartition(".")[2].removesuffix("s")
    if not found:
        known = ", ".join(names(group)) or "none; is ocr-plugin itself installed?"
        raise UnknownPlugin(f"there is no {kind} called {name!r}; installed: {known}")
    if len({entry.value for entry in found}) > 1:
        owners = ", ".join(f"{_owner(entry)} ({entry.value})" for entry in found)
        raise AmbiguousPlugin(f"the {kind} {name!r} is offered twice, uninstall one: {owners}")
    try:
        factory: Callable[..., Any] = found[0].load()
    except Exception as error:  # a plugin may fail in any way at import; the cause is chained
        raise BrokenPlugin(
            f"the {kind} {name!r} of {_owner(found[0])} cannot be imported: {error}"
        ) from error
    return factory


def _owner(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist is not None else "an unknown distribution"
