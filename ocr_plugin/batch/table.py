"""Parquet tables: pictures in, row by row, and pages out."""

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from os import SEEK_END
from pathlib import Path
from typing import Any, BinaryIO

from ocr_plugin.batch.members import BadMember, SourceOptions
from ocr_plugin.batch.tar import HARMLESS
from ocr_plugin.errors import ConfigurationError, OcrError
from ocr_plugin.schema import Page

# Pages that are held while a table is written.
_ROWS = 1000


def rows(file: BinaryIO, options: SourceOptions) -> Iterator[tuple[str, Any, int]]:
    """Yields name, value and volume of each row; a `BadMember` for rows that are not read.

    Rows are read one by one, and a group of them not at all if its column claims to unpack to more
    than `max_ratio` times its size: a few kilobytes can decode to gigabytes.

    Raises:
        ConfigurationError: pyarrow is not installed.
        Exception: the table is damaged, in pyarrow's words.
    """
    pyarrow = _pyarrow()
    size = file.seek(0, SEEK_END)
    table = pyarrow.parquet.ParquetFile(file)
    volume = size // max(1, table.metadata.num_rows)
    column = options.column or _picture_column(table.schema_arrow)
    row = 0
    for number in range(table.num_row_groups):
        group = table.metadata.row_group(number)
        if reason := _failure(group, column, options):
            yield f"rows {row} to {row + group.num_rows - 1}", BadMember(reason), 0
            row += group.num_rows
            continue
        for batch in table.iter_batches(1, row_groups=[number], columns=[column]):
            yield f"row {row}", batch.column(0)[0].as_py(), volume
            row += 1


def _failure(group: Any, column: str, options: SourceOptions) -> str:
    """Returns why a group of rows is not read, or nothing."""
    unpacked = packed = 0
    for number in range(group.num_columns):
        chunk = group.column(number)
        if chunk.path_in_schema.split(".")[0] == column:
            unpacked += chunk.total_uncompressed_size
            packed += chunk.total_compressed_size
    if unpacked > HARMLESS and unpacked > options.max_ratio * packed:
        return f"its group of rows unpacks to more than {options.max_ratio:g} times its size"
    return ""


def _picture_column(schema: Any) -> str:
    """Returns the first column that holds bytes, else the first that holds paths."""
    import pyarrow

    binary = (pyarrow.types.is_binary, pyarrow.types.is_large_binary, pyarrow.types.is_struct)
    text = (pyarrow.types.is_string, pyarrow.types.is_large_string)
    for kinds in (binary, text):
        for column in schema:
            if any(kind(column.type) for kind in kinds):
                return str(column.name)
    raise KeyError("no column holds bytes or paths; name it (column)")


def write_pages(records: Iterable[dict[str, Any]], folder: Path) -> Path:
    """Returns a table of pages that it wrote, a row each.

    Args:
        records: of a job, as `records.read_documents` gives them.
        folder: made if it is not there.

    Raises:
        ConfigurationError: pyarrow is not installed.
        OcrError: the table cannot be written.
    """
    pyarrow = _pyarrow()
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


def _pyarrow() -> Any:
    try:
        import pyarrow.parquet
    except ModuleNotFoundError:
        raise ConfigurationError("pyarrow is missing: pip install 'ocr-plugin[batch]'") from None
    return pyarrow
