"""The commands `plugins` and `schema`: the installed plugins, and the schema of a page."""

import json

import typer

from ocr_plugin.cli.console import print_table, results_only
from ocr_plugin.errors import ExitCode, PluginError
from ocr_plugin.schema import json_schema


def plugins() -> None:
    """List the installed detectors and recognizers, and whether each can be imported."""
    from ocr_plugin import registry

    rows, broken = [], False
    with results_only() as stream:
        for group in (registry.DETECTORS, registry.RECOGNIZERS):
            for entry in registry.entries(group):
                state = "ok"
                try:
                    registry.load(group, entry.name)
                except PluginError as error:
                    state, broken = str(error), True
                rows.append(
                    {
                        "kind": group.rpartition(".")[2].removesuffix("s"),
                        "name": entry.name,
                        "distribution": entry.dist.name if entry.dist else "-",
                        "version": entry.dist.version if entry.dist else "-",
                        "state": state,
                    }
                )
        print_table(rows, stream)
    raise typer.Exit(ExitCode.PLUGIN if broken else ExitCode.OK)


def schema() -> None:
    """Print the JSON Schema of a page."""
    print(json.dumps(json_schema(), indent=2, sort_keys=True))
