"""The tables of a manifest."""

import sqlite3
from pathlib import Path

from ocr_plugin.errors import OcrError

_VERSION = 2
_SCHEMA = """
CREATE TABLE files (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    member TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    complete INTEGER NOT NULL DEFAULT 0,
    page_count INTEGER NOT NULL DEFAULT 0,
    UNIQUE (source, member, sha256)
);
CREATE INDEX files_by_content ON files (sha256, complete);
CREATE TABLE pages (
    file INTEGER NOT NULL REFERENCES files (id),
    page_index INTEGER NOT NULL,
    shard INTEGER NOT NULL,
    frame INTEGER NOT NULL,
    line INTEGER NOT NULL,
    PRIMARY KEY (file, page_index)
) WITHOUT ROWID;
CREATE INDEX errors ON pages (frame, line) WHERE shard = 0;
CREATE TABLE groups (
    shard INTEGER NOT NULL,
    frame INTEGER NOT NULL,
    size INTEGER NOT NULL,
    records INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    PRIMARY KEY (shard, frame)
) WITHOUT ROWID;
"""


def is_new_database(database: sqlite3.Connection, path: Path) -> bool:
    """Returns whether a database has no tables yet.

    Args:
        database: opened.
        path: of its file, for the error.

    Raises:
        OcrError: it has those of another version.
    """
    version = database.execute("PRAGMA user_version").fetchone()[0]
    is_new = not database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if version != _VERSION and not is_new:
        raise OcrError(f"{path}: of another version of ocr-plugin; begin a new job")
    return is_new


def create_tables(database: sqlite3.Connection) -> None:
    """Makes the tables; to be called within a transaction."""
    for statement in filter(str.strip, _SCHEMA.split(";")):
        database.execute(statement)
    database.execute(f"PRAGMA user_version = {_VERSION}")
