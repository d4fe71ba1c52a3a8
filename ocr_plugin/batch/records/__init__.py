"""What a job writes: shards of records, the manifest, the list of errors."""

from ocr_plugin.batch.records.shards import read_records

__all__ = ["read_records"]
