"""``ocr-plugin models``: lists, downloads and exports models."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ocr_plugin.cli.console import print_table, results_only
from ocr_plugin.cli.parameters import Offline
from ocr_plugin.errors import ConfigurationError
from ocr_plugin.runtime.extras import needed_for

if TYPE_CHECKING:
    from ocr_plugin.recognizers.clip4str.catalogue import ModelEntry
    from ocr_plugin.recognizers.ppocr_catalogue import LineModel

models = typer.Typer(rich_markup_mode=None)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]


@models.callback(invoke_without_command=True)
def list_by_default(context: typer.Context, as_json: AsJson = False) -> None:
    """List, download or export models; without a command, list them."""
    if context.invoked_subcommand is None:
        list_models(as_json)


@models.command("list")
def list_models(as_json: AsJson = False) -> None:
    """List the models that have names, and their files on this machine."""
    rows = [_description(entry) for entry in _named()]
    with results_only() as stream:
        if as_json:
            for row in rows:
                print(json.dumps(row, ensure_ascii=False), file=stream)
        else:
            print_table([_readable(row) for row in rows], stream)


@models.command()
def download(
    name: Annotated[str, typer.Argument(metavar="NAME")], offline: Offline = False
) -> None:
    """Download a model, unless it is here already, and print its path."""
    from ocr_plugin.recognizers.clip4str.model_files import fetch

    known = {entry.name: entry for entry in _named()}
    if name not in known:
        raise ConfigurationError(f"there is no model called {name!r}; models: {', '.join(known)}")
    with results_only() as stream:
        print(fetch(known[name], offline=offline, progress=sys.stderr.isatty()), file=stream)


@models.command()
def export(
    model: Annotated[
        str, typer.Argument(metavar="NAME_OR_PATH", help="A model's name, or a weights file.")
    ],
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="The folder to create; it must not exist.")
    ],
    graphs: Annotated[
        bool,
        typer.Option(
            "--graphs", help="Files without weights, which take them from the safetensors file."
        ),
    ] = False,
    offline: Offline = False,
) -> None:
    """Write a CLIP4STR model as ONNX files (extra export), and print their folder.

    Each file is checked against PyTorch.
    """
    with results_only() as stream, needed_for("writing ONNX files", "export"):
        if graphs:
            from ocr_plugin.recognizers.clip4str.onnx_graphs import export_graphs as write
        else:
            from ocr_plugin.recognizers.clip4str.onnx_export import export_onnx as write
        print(write(model, out, offline=offline), file=stream)


def _named() -> "list[ModelEntry | LineModel]":
    from ocr_plugin.recognizers.clip4str.catalogue import catalogue
    from ocr_plugin.recognizers.ppocr_catalogue import line_models

    return [*catalogue(), *line_models()]


def _description(entry: "ModelEntry | LineModel") -> dict[str, Any]:
    from ocr_plugin.recognizers.clip4str.model_files import known_sha256, locate
    from ocr_plugin.runtime.weights import sha256_of

    path, known = locate(entry), known_sha256(entry)
    sha256 = known.sha256 if known else sha256_of(path) if path else None
    return {
        "name": entry.name,
        # Until there is a file: four bytes per parameter.
        "bytes": path.stat().st_size if path else _expected_bytes(entry),
        "licence": entry.licence,
        "source": entry.source.page if entry.source else "this package",
        "path": str(path) if path else None,
        "sha256": sha256,
        "sha256_known": known is not None or (entry.source is None and path is not None),
    }


def _expected_bytes(entry: "ModelEntry | LineModel") -> int | None:
    parameters: int | None = getattr(entry, "parameters", None)
    return None if parameters is None else parameters * 4


def _readable(row: dict[str, Any]) -> dict[str, str]:
    return {
        "name": row["name"],
        "size": "-" if row["bytes"] is None else f"{row['bytes'] / 1e9:.3f} GB",
        "licence": row["licence"],
        "source": row["source"],
        "path": row["path"] or "not downloaded",
        "sha256": _readable_hash(row),
    }


def _readable_hash(row: dict[str, Any]) -> str:
    if row["sha256"] is None:
        return "-"
    return row["sha256"] if row["sha256_known"] else f"{row['sha256']} (unverified)"
