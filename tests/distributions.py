"""Installed distributions made up for the tests, as pip would leave them on disk."""

from pathlib import Path

DETECTORS = "ocr_plugin.detectors"


def install(
    site: Path,
    name: str,
    *,
    version: str = "1.0",
    plugins: dict[str, str] | None = None,
    group: str = DETECTORS,
    module: str = "",
) -> None:
    """Writes a distribution and its one module, called like it, into a folder of packages.

    Args:
        site: the folder, to be put on the path by the caller.
        name: of the distribution, and with underscores of its module.
        version: of the distribution.
        plugins: entry points of `group`, names to values.
        group: of the entry points.
        module: the module's source.
    """
    importable = name.replace("-", "_")
    info = site / f"{importable}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    lines = [f"{key} = {value}" for key, value in (plugins or {}).items()]
    (info / "entry_points.txt").write_text("\n".join([f"[{group}]", *lines, ""]))
    (site / f"{importable}.py").write_text(module)
