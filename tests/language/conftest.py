"""The language file that comes with the package, loaded once."""

import pytest

from ocr_plugin.language.files import load_language
from ocr_plugin.language.mixture import Language


@pytest.fixture(scope="session")
def shipped() -> Language:
    return load_language()
