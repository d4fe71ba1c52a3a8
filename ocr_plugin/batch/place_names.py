"""Names of exported files, in folders as the pages' sources have them."""

from pathlib import PurePosixPath

from ocr_plugin.file_names import FileNames


class PlaceNames(FileNames):
    """Names files after their place: the last part of the source, then what leads to the member."""

    def stem_of(self, source: str) -> str:
        """Returns a name without its suffix, with the folders in which it lies."""
        root, *inner = source.split("!/")
        path = PurePosixPath(PurePosixPath(root).name, *inner)
        parts = [part for part in path.parts if part not in ("/", "..")]
        return str(PurePosixPath(*parts).with_suffix("")) if parts else "page"
