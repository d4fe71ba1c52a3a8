"""Exceptions of this package, exit codes of the command line, and one-line error messages.

    OcrError
    ├── UnreadableImage        a source that is not an image, is damaged, or exceeds a limit
    ├── ConfigurationError     an option, or a combination of options, that cannot work
    ├── PluginError
    │   ├── UnknownPlugin      no installed distribution offers that name
    │   ├── AmbiguousPlugin    two installed distributions claim one name
    │   └── BrokenPlugin       the plugin was found but failed to import or to start
    └── ModelError
        ├── CheckpointError    a file that holds no usable weights
        ├── ModelUnavailable   weights that are not here and may not or cannot be downloaded
        └── ExportError        a network that could not be written in another format

Each message is one line that says what is wrong and, where possible, what to do.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit status of the command line."""

    OK = 0
    UNEXPECTED = 1
    USAGE = 2
    INPUT = 3
    PLUGIN = 4
    MODEL = 5
    INTERRUPTED = 130


def one_line(error: BaseException) -> str:
    """Returns an error's whole message in one line, or its type if the message is empty."""
    return " ".join(str(error).split()) or type(error).__name__


def first_line(error: BaseException) -> str:
    """Returns the first line of an error's message, or its type if the message is empty."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


class OcrError(Exception):
    """Root of this package's errors."""

    exit_code = ExitCode.UNEXPECTED


class UnreadableImage(OcrError):
    """A source that cannot be turned into a page.

    Attributes:
        name: what the source is called: a path, or a stand-in such as ``<bytes>``.
        reason: why it cannot be read.
        page_index: the page within the source, or None where the source as a whole is unreadable.
    """

    exit_code = ExitCode.INPUT

    def __init__(self, name: str, reason: str, page_index: int | None = None) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason
        self.page_index = page_index

    def __reduce__(self) -> tuple[type["UnreadableImage"], tuple[str, str, int | None]]:
        # Exceptions pickle by their message; this one is built from three values.
        return type(self), (self.name, self.reason, self.page_index)


class ConfigurationError(OcrError):
    """An option, or a combination of options, that cannot work."""

    exit_code = ExitCode.USAGE


class PluginError(OcrError):
    """A detector or recognizer that could not be made from its name."""

    exit_code = ExitCode.PLUGIN


class UnknownPlugin(PluginError):
    """No installed distribution offers that name."""


class AmbiguousPlugin(PluginError):
    """Two installed distributions claim one name."""


class BrokenPlugin(PluginError):
    """A plugin that was found but failed to import or to start; the cause is chained."""


class ModelError(OcrError):
    """Weights that cannot be used."""

    exit_code = ExitCode.MODEL


class CheckpointError(ModelError):
    """A file that holds no usable weights: wrong format, unsafe pickle, missing tensors."""


class ModelUnavailable(ModelError):
    """Weights that are not on this machine and may not, or could not, be downloaded."""


class ExportError(ModelError):
    """A network that could not be exported, or whose export computes something else."""
