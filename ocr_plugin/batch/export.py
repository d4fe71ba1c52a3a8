"""Records of a job as a Parquet table."""

import json
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

from ocr_plugin.batch.inputs.parquet import required_pyarrow
from ocr_plugin.errors import OcrError
from ocr_plugin.schema import Page

# Pages that are held while a table is written.
_ROWS = 1000


def write_pages(records: Iterable[dict[str, Any]], folder: Path) -> Path:
    """Writes a table with one row per page and returns its path.

    Args:
        records: of a job, as `records.read_documents` gives them.
        folder: created if it does not exist.

    Raises:
        ConfigurationError: pyarrow is not installed.
        OcrError: the table cannot be written.
    """
    pyarrow = required_pyarrow()
    names = ("source", "member", "page_index", "sha256", "text", "page")
    kinds = {"page_index": pyarrow.int64()}
    schema = pyarrow.schema([(name, kinds.get(name, pyarrow.string())) for name in names])
    path, found = folder / "pages.parquet", iter(records)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with pyarrow.parquet.ParquetWriter(path, schema, compression="zstd") as writer:
            while rows := [_page_row(record) for record in islice(found, _ROWS)]:
                writer.write_table(pyarrow.Table.from_pylist(rows, schema))
    except OSError as error:
        raise OcrError(f"{path}: cannot be written: {error.strerror or error}") from error
    return path


def _page_row(record: dict[str, Any]) -> dict[str, Any]:
    page = json.dumps(record["page"], ensure_ascii=False)
    return record | {"text": Page.model_validate(record["page"]).text, "page": page}
