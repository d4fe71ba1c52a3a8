"""``ocr-plugin batch``: archives of any size, into a folder of records."""

import json
import logging
from enum import StrEnum
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from ocr_plugin.cli.console import log_in_full, print_table, printable, results_only, say
from ocr_plugin.cli.convert import document_writer, written
from ocr_plugin.cli.guidance import (
    AbstainBelow,
    Allow,
    Language,
    Lexicon,
    LexiconWeight,
    Pattern,
    constraint_of,
)
from ocr_plugin.cli.parameters import (
    Device,
    MaxBytes,
    MaxMemory,
    MaxPages,
    MinConfidence,
    Model,
    Offline,
    PdfDpi,
    PdfTextName,
    Precision,
    RecognizerName,
    chosen,
    runtime_of,
)
from ocr_plugin.errors import ConfigurationError, ExitCode, OcrError
from ocr_plugin.options import (
    DEFAULT_DETECTOR,
    DEFAULT_MEMORY,
    DEFAULT_PDF_TEXT,
    EngineOptions,
    ImageOptions,
)
from ocr_plugin.schema import Page

if TYPE_CHECKING:
    from ocr_plugin.adapters.ray_job import RayJob
    from ocr_plugin.batch.options import JobOptions, RunOptions
    from ocr_plugin.batch.supervised_job import SupervisedJob

# Of the extra; fsspec and pyarrow are checked where a source needs them.
_NEEDED = ("pebble", "zstandard")
_DEFAULTS = EngineOptions()


class Where(StrEnum):
    """Where a job's pages are read."""

    LOCAL = "local"
    RAY = "ray"


class _OrRun(TyperGroup):
    """Runs `run` where the first argument is no command's name."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] != "--help":
            args = ["run", *args]
        return super().parse_args(ctx, args)


batch = typer.Typer(
    cls=_OrRun,
    help="Read archives of any size into a folder of records: batch SOURCE... --out DIR. The same"
    " command resumes after an interruption. All options: batch run --help.",
    rich_markup_mode=None,
)
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The job's folder.")]


@batch.callback()
def needed() -> None:
    """Fail at once if the extra is not installed."""
    for name in _NEEDED:
        if find_spec(name) is None:
            raise ConfigurationError(f"{name} is missing: pip install 'ocr-plugin[batch]'")


@batch.command()
def run(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE...",
            help="Folders, zip and tar archives, WebDataset shards (shard-{000..099}.tar), Parquet"
            " tables, lists of paths (.txt), pictures, TIFFs and PDFs; as paths or URLs.",
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="The job's folder.")],
    detector: Annotated[
        str, typer.Option(metavar="NAME", help="Detector that finds text.")
    ] = DEFAULT_DETECTOR,
    recognizer: RecognizerName = None,
    model: Model = None,
    device: Device = None,
    precision: Precision = None,
    min_confidence: MinConfidence = _DEFAULTS.min_confidence,
    pdf_dpi: PdfDpi = _DEFAULTS.images.pdf_dpi,
    pdf_text: PdfTextName = DEFAULT_PDF_TEXT,
    language: Language = None,
    allow: Allow = None,
    pattern: Pattern = None,
    lexicon: Lexicon = None,
    lexicon_weight: LexiconWeight = None,
    abstain_below: AbstainBelow = None,
    max_pixels: Annotated[
        int, typer.Option(min=1, help="Limit of a page; larger ones are errors.")
    ] = _DEFAULTS.images.max_pixels,
    max_pages: MaxPages = _DEFAULTS.images.max_pages,
    include: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="Names to read; by default pictures and PDFs."),
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(metavar="PATTERN", help="Names not to read.")
    ] = None,
    column: Annotated[
        str | None, typer.Option(metavar="NAME", help="Parquet column of bytes or paths.")
    ] = None,
    allow_paths: Annotated[
        bool,
        typer.Option(
            "--allow-paths", help="Read what Parquet tables name elsewhere: any file, any URL."
        ),
    ] = False,
    max_bytes: MaxBytes = _DEFAULTS.images.max_bytes,
    max_ratio: Annotated[
        float, typer.Option(min=1.1, help="Largest allowed decompression ratio.")
    ] = 1000,
    max_depth: Annotated[int, typer.Option(min=0, help="Levels of nested archives to open.")] = 1,
    decoders: Annotated[
        int | None, typer.Option(min=1, help="Decoding processes; by default 2.")
    ] = None,
    engine: Annotated[
        Where, typer.Option(help="Read on this machine, or on a Ray cluster.")
    ] = Where.LOCAL,
    ray_actors: Annotated[
        int, typer.Option(min=0, help="With Ray: engines; 0 for as many as fit the cluster.")
    ] = 0,
    ray_cpus: Annotated[float, typer.Option(min=0.1, help="With Ray: CPUs per engine.")] = 1,
    ray_gpus: Annotated[float, typer.Option(min=0, help="With Ray: GPUs per engine.")] = 0,
    readers: Annotated[
        int | None, typer.Option(min=0, help="Pages read in parallel; by default set by the cores.")
    ] = None,
    page_seconds: Annotated[
        float, typer.Option(min=0.1, help="Time limit for decoding a page.")
    ] = 60,
    max_memory: MaxMemory = DEFAULT_MEMORY,
    read_seconds: Annotated[
        float,
        typer.Option(min=1, help="Seconds without progress after which reading a page is ended."),
    ] = 600,
    limit: Annotated[
        int | None,
        typer.Option(min=0, help="Stop after this many pages, read or failed, in this run."),
    ] = None,
    max_error_rate: Annotated[
        float | None, typer.Option(min=0, max=1, help="Stop if a larger share of the pages fails.")
    ] = None,
    retry_errors: Annotated[
        bool, typer.Option("--retry-errors", help="Retry what failed before.")
    ] = False,
    accept_changes: Annotated[
        bool,
        typer.Option("--accept-changes", help="Continue although options or models have changed."),
    ] = False,
    offline: Offline = False,
) -> None:
    """Read the pages of the sources that are not done yet.

    Ctrl-C and SIGTERM finish the pages in progress, then stop; a second one ends at once. The same
    command resumes.
    """
    from ocr_plugin.batch.inputs.members import SourceOptions
    from ocr_plugin.batch.options import JobOptions, RunOptions
    from ocr_plugin.cli.batch_progress import show_progress, stop_requests, summary

    if engine is Where.RAY and not (decoders is None and readers is None):
        raise ConfigurationError("--decoders and --readers do not apply to --engine ray")
    name, options = chosen(recognizer, model)
    taken = SourceOptions(
        exclude=tuple(exclude or ()),
        column=column,
        allow_paths=allow_paths,
        max_bytes=max_bytes,
        max_ratio=max_ratio,
        max_depth=max_depth,
    )
    if include:
        taken = taken.model_copy(update={"include": tuple(include)})
    images = ImageOptions.parse(
        {"pdf_dpi": pdf_dpi, "pdf_text": pdf_text}
        | {"max_pixels": max_pixels, "max_bytes": max_bytes, "max_pages": max_pages}
    )
    what = JobOptions(
        detector=detector,
        recognizer=name,
        runtime=runtime_of(device, precision, offline),
        recognizer_options=options,
        engine=EngineOptions(images=images, min_confidence=min_confidence),
        sources=taken,
        language=language,
        constraint=constraint_of(allow, pattern, lexicon, lexicon_weight, abstain_below),
    )
    how = RunOptions(
        decoders=decoders or 2,
        readers=readers or 0,
        page_seconds=page_seconds,
        max_memory=max_memory,
        read_seconds=read_seconds,
        limit=limit,
        max_error_rate=max_error_rate,
        retry_errors=retry_errors,
        accept_changes=accept_changes,
    )
    cluster = {"actors": ray_actors, "cpus": ray_cpus, "gpus": ray_gpus}
    job = _job(out, what, how, cluster if engine is Where.RAY else None)
    with stop_requests() as stopped, show_progress() as tell:
        done = job.run(sources, how, tell=tell, stop=lambda: bool(stopped))
    say(summary(done))
    if done.is_empty and not _has_files(out):
        raise ConfigurationError("no file matched: see --include and --exclude")
    if stopped:
        say("stopped; run the same command to resume")
        raise typer.Exit(ExitCode.INTERRUPTED)


@batch.command()
def status(folder: Folder) -> None:
    """Print a job's progress as JSON."""
    from ocr_plugin.batch.records.manifest import Manifest

    with results_only() as stream, Manifest(_existing(folder), read_only=True) as manifest:
        print(json.dumps(manifest.counts()), file=stream)


@batch.command()
def verify(folder: Folder) -> None:
    """Check that every page is there once and every record is whole; exit with 1 otherwise."""
    from ocr_plugin.batch.records.manifest import Manifest
    from ocr_plugin.batch.verification import problems

    count = 0
    with results_only() as stream:
        for problem in problems(_existing(folder)):
            count += 1
            print(printable(problem), file=stream)
        if not count:
            with Manifest(folder, read_only=True) as manifest:
                counts = {name: str(value) for name, value in manifest.counts().items()}
            print_table([counts], stream)
    if count:
        raise OcrError(f"{folder}: {count} problems")


@batch.command()
def export(
    folder: Folder,
    format_name: Annotated[
        str,
        typer.Option(
            "--format", metavar="NAME", help="A format of read --format, except pdf; or parquet."
        ),
    ] = "json",
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Write one file per document there, in the sources' folders."
        ),
    ] = None,
) -> None:
    """Write a job's pages in another format."""
    from ocr_plugin.batch.records.manifest import Manifest
    from ocr_plugin.batch.records.shards import read_documents
    from ocr_plugin.formats.file_names import NestedNames

    with results_only() as stream, Manifest(_existing(folder), read_only=True) as manifest:
        records = read_documents(folder, manifest.rows_by_file())
        if format_name == "parquet":
            from ocr_plugin.batch.export import write_pages

            if out is None:
                raise ConfigurationError("parquet is not text: name a folder with --out")
            say(f"wrote {write_pages(records, out)}")
            return
        documents, dpi = manifest.documents(), ImageOptions().pdf_dpi
        writer = document_writer(format_name, stream, out, documents, dpi, NestedNames())
        complete = True
        for record in records:
            page = Page.model_validate(record["page"])
            if writer is not None:
                complete &= written(partial(writer.add, page))
            elif format_name == "json":
                print(page.model_dump_json(), file=stream)
            else:
                print(page.text, end="\n\f", file=stream)
        if writer is not None:
            complete &= written(writer.finish)
    if not complete:
        raise typer.Exit(ExitCode.UNEXPECTED)


def _job(
    folder: Path, options: "JobOptions", run: "RunOptions", cluster: dict[str, Any] | None
) -> "SupervisedJob | RayJob":
    if cluster is None:
        from ocr_plugin.batch.supervised_job import SupervisedJob
        from ocr_plugin.cli.batch_progress import say_between

        logs_in_full = logging.getLogger("ocr_plugin").isEnabledFor(logging.DEBUG)
        prepare = log_in_full if logs_in_full else None
        return SupervisedJob(folder, options, warn=say_between, prepare=prepare)
    from ocr_plugin.adapters.ray_dataset import RayOptions
    from ocr_plugin.adapters.ray_job import RayJob

    cluster |= run.model_dump(include={"page_seconds", "max_memory", "read_seconds"})
    return RayJob(folder, options, RayOptions(**cluster))


def _existing(folder: Path) -> Path:
    from ocr_plugin.batch.job_folder import JOB_NAME

    if not (folder / JOB_NAME).is_file():
        raise ConfigurationError(f"{folder}: not a job's folder")
    return folder


def _has_files(folder: Path) -> bool:
    from ocr_plugin.batch.records.manifest import Manifest

    with Manifest(folder, read_only=True) as manifest:
        return bool(manifest.counts()["files"])
