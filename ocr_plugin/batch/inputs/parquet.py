"""Pictures in a column of a Parquet table."""

from collections.abc import Iterator
from os import SEEK_END
from pathlib import Path
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


def path_in_row(value: str, table: str, allow_paths: bool) -> str:
    """Returns the path or URL that a table's row names.

    A table may come from a stranger, and what it names is opened: it must lie below the table's
    own folder, unless `allow_paths`.

    Raises:
        BadMember: it does not.
    """
    if "://" in value:
        if not allow_paths:
            raise BadMember(f"{value}: a URL in a table is not read without allow_paths")
        return value
    folder = table.rpartition("/")[0] if "://" in table else str(Path(table).parent)
    if "://" in table:
        found, is_inside = f"{folder}/{value}", not value.startswith("/")
    else:
        found = str(Path(folder, value))
        is_inside = Path(found).absolute().is_relative_to(Path(folder).absolute())
    # Not only at the start: what "a/.." is depends on where a link "a" leads.
    if not allow_paths and not (is_inside and ".." not in Path(value).parts):
        raise BadMember(
            f"{value}: a path outside of the table's folder is not read without allow_paths"
        )
    return found


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
