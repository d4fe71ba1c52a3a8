"""Pictures in a column of a Parquet table."""

from collections.abc import Iterator
from os import SEEK_END
from typing import Any, BinaryIO

from ocr_plugin.batch.inputs.members import BadMember, SourceOptions
from ocr_plugin.batch.inputs.tar import HARMLESS
from ocr_plugin.errors import ConfigurationError


def rows(file: BinaryIO, options: SourceOptions) -> Iterator[tuple[str, Any, int]]:
    """Yields name, value and volume of each row; a `BadMember` for rows that are not read.

    Rows are read one by one. A row group whose column claims to unpack to more than `max_ratio`
    times its size is not read: a few kilobytes can decode to gigabytes.

    Raises:
        ConfigurationError: pyarrow is not installed.
        Exception: pyarrow's own, if the table is damaged.
    """
    pyarrow = required_pyarrow()
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
    """Returns why a row group is not read, or an empty string."""
    unpacked = packed = 0
    for number in range(group.num_columns):
        chunk = group.column(number)
        if chunk.path_in_schema.split(".")[0] == column:
            unpacked += chunk.total_uncompressed_size
            packed += chunk.total_compressed_size
    if unpacked > HARMLESS and unpacked > options.max_ratio * packed:
        return f"its row group unpacks to more than {options.max_ratio:g} times its size"
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


def required_pyarrow() -> Any:
    """Returns pyarrow; raises ConfigurationError where the extra is not installed."""
    try:
        import pyarrow.parquet
    except ModuleNotFoundError:
        raise ConfigurationError("pyarrow is missing: pip install 'ocr-plugin[batch]'") from None
    return pyarrow
