"""What a batch job can be told."""

from typing import Any

from pydantic import Field

from ocr_plugin.batch.members import SourceOptions
from ocr_plugin.options import DEFAULT_DETECTOR, DEFAULT_RECOGNIZER, EngineOptions, Options


class JobOptions(Options):
    """What decides the records of a job; kept in its ``job.json``."""

    detector: str = DEFAULT_DETECTOR
    recognizer: str = DEFAULT_RECOGNIZER
    detector_options: dict[str, Any] = Field(default={})
    recognizer_options: dict[str, Any] = Field(default={})
    engine: EngineOptions = EngineOptions()
    sources: SourceOptions = SourceOptions()


class RunOptions(Options):
    """How one run of a job goes; it may be another at the next."""

    decoders: int = Field(default=2, ge=1, description="Processes that decode pictures.")
    readers: int = Field(
        default=0, ge=0, description="Pages that are read side by side; 0 takes what the cores do."
    )
    page_seconds: float = Field(
        default=60.0, gt=0, description="Seconds that decoding a page may take."
    )
    group: int = Field(default=64, ge=1, description="Records that are written and synced at once.")
    group_seconds: float = Field(
        default=5.0, gt=0, description="Seconds after which a smaller group is written."
    )
    shard_bytes: int = Field(
        default=256_000_000, gt=0, description="Size at which a record file gets a successor."
    )
    limit: int | None = Field(default=None, ge=0, description="Pages after which the run stops.")
    max_error_rate: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Share of this run's pages, once there are a hundred, that may be errors.",
    )
    retry_errors: bool = Field(default=False, description="Whether pages that failed are tried.")
    accept_changes: bool = Field(
        default=False, description="Whether a job may go on with other options or models."
    )
