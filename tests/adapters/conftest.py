"""Fixtures of the hosts."""

from collections.abc import Iterator
from typing import Any

import pytest

from ocr_plugin.runtime.paddlex_models import offline_models
from tests.adapters.servers import Server


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return offline_models(tmp_path_factory.mktemp("models"))


@pytest.fixture
def pipeline(models: dict[str, Any]) -> Any:
    from paddleocr import PaddleOCR

    return PaddleOCR(**models)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    running = Server("--recognizer", "ppocr", "--max-megabytes", "2", "--max-pages", "200")
    yield running
    running.stop()
