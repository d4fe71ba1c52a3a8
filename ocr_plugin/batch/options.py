"""Options of batch jobs."""

from typing import Any

from pydantic import Field

from ocr_plugin.batch.inputs.members import SourceOptions
from ocr_plugin.constraints.constraint import Constraint
from ocr_plugin.options import (
    DEFAULT_DETECTOR,
    DEFAULT_MEMORY,
    DEFAULT_RECOGNIZER,
    LEAST_MEMORY,
    MAX_MEMORY,
    EngineOptions,
    Options,
    RuntimeOptions,
)


class JobOptions(Options):
    """Options that decide the records of a job; kept in its ``job.json``."""

    detector: str = DEFAULT_DETECTOR
    recognizer: str = DEFAULT_RECOGNIZER
    detector_options: dict[str, Any] = Field(default={})
    recognizer_options: dict[str, Any] = Field(default={})
    runtime: RuntimeOptions = RuntimeOptions()
    engine: EngineOptions = EngineOptions()
    sources: SourceOptions = SourceOptions()
    language: str | None = Field(
        default=None, description="What words are likely; null for the recognizer's own option."
    )
    constraint: Constraint | None = Field(default=None, description="What texts may be.")


class RunOptions(Options):
    """Options of one run; they may differ between runs of a job."""

    decoders: int = Field(default=2, ge=1, description="Decoding processes.")
    readers: int = Field(
        default=0, ge=0, description="Pages read in parallel; 0 chooses by the cores."
    )
    page_seconds: float = Field(
        default=60.0, gt=0, description="Time limit for decoding a page, in seconds."
    )
    max_memory: float = Field(default=DEFAULT_MEMORY, ge=LEAST_MEMORY, description=MAX_MEMORY)
    read_seconds: float = Field(
        default=600.0,
        gt=0,
        description="Seconds without progress after which a page that is read is given up.",
    )
    group: int = Field(default=64, ge=1, description="Records written and synced at once.")
    group_seconds: float = Field(
        default=5.0, gt=0, description="Seconds after which a smaller group is written."
    )
    shard_bytes: int = Field(
        default=256_000_000, gt=0, description="Bytes after which a new record file is begun."
    )
    limit: int | None = Field(default=None, ge=0, description="Pages after which the run stops.")
    max_error_rate: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Largest allowed share of failed pages, checked from a hundred pages on.",
    )
    retry_errors: bool = Field(default=False, description="Whether to retry pages that failed.")
    accept_changes: bool = Field(
        default=False, description="Whether a job may continue with other options or models."
    )
