"""Files of lexicon entries: UTF-8, one entry a line; lines that begin with # are comments."""

from pathlib import Path

from ocr_plugin.errors import ConfigurationError


def read_entries(path: Path) -> list[str]:
    """Returns the entries of a file, without the white space around them.

    Raises:
        ConfigurationError: the file cannot be read or is not UTF-8.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigurationError(f"lexicon {path}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"lexicon {path}: not UTF-8 at byte {error.start}") from None
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if not line.startswith("#")]
