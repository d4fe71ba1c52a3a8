"""Base of detectors whose network outputs maps: page sizes, tiles, batches, backends."""

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ocr_plugin.detectors.islands import Island, islands_of
from ocr_plugin.detectors.probability_map import ProbabilityMap, RegionOptions, find_regions
from ocr_plugin.detectors.tiling import Tile, stitch, tile_count, tiles_of
from ocr_plugin.errors import ConfigurationError
from ocr_plugin.options import OnnxPrecision, RuntimeOptions
from ocr_plugin.protocols import RGB, Points, Regions
from ocr_plugin.runtime.extras import needed_for
from ocr_plugin.runtime.networks import OnnxModel
from ocr_plugin.runtime.precision import precision_beside

# The networks halve their input five times.
_MULTIPLE = 32
_CPU_BATCH, _GPU_BATCH = 1, 8
_STEP = 0.95


class MapOptions(RegionOptions):
    """Scale of pages, backend of the network, and how regions are cut out."""

    model_path: Path | None = Field(
        default=None, description="An ONNX file; null for the bundled one."
    )
    min_side: int = Field(
        default=832,
        ge=32,
        description="Pixels; a page with a shorter side is enlarged to it within side_limit, and"
        " none is shrunk below it.",
    )
    max_enlargement: float = Field(default=4.0, ge=1, description="Times a page is enlarged.")
    side_limit: int = Field(
        default=2400, ge=64, description="Pixels; the longest side of the network's input."
    )
    max_shrink: float = Field(
        default=2.0,
        ge=1,
        description="Times a page is shrunk to meet side_limit; a larger page is split into tiles.",
    )
    most_tiles: int = Field(
        default=100,
        ge=1,
        description="Tiles of a page; a longer page is shrunk further, with a warning.",
    )
    tile_overlap: int = Field(
        default=192, ge=0, description="Pixels by which neighbouring tiles overlap."
    )
    islands: bool = Field(
        default=True,
        description="Whether of a page that is empty but for a few places only these are looked"
        " at, each by itself.",
    )
    device: str = Field(
        default="cpu",
        description="A PyTorch device, such as cpu or cuda:0; any but the CPU needs the extra gpu.",
    )
    backend: Literal["onnxruntime", "torch"] | None = Field(
        default=None,
        description="Backend of the network; null for ONNX Runtime on the CPU, PyTorch elsewhere.",
    )
    precision: OnnxPrecision = Field(
        default="float32",
        description="Numeric precision; bfloat16 runs in OpenVINO (extra openvino) on CPUs that"
        " support it, with backend null.",
    )
    batch_size: int | None = Field(
        default=None,
        ge=1,
        description="Pages or tiles of equal size per run; on a CPU more only takes more memory."
        f" Null for {_CPU_BATCH} on the CPU, {_GPU_BATCH} elsewhere.",
    )
    threads: int = Field(
        default=0, ge=0, description="CPU threads, except for PyTorch; 0 for one per core."
    )


Wanted = Callable[[], bool]
"""Whether a page is still wanted."""
_TileMap = tuple[Tile, ProbabilityMap]


class _Network(Protocol):
    sha256: str

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Returns the maps of pages, (N, M, H, W) from 0 to 1, for (N, 3, H, W) in -1..1."""
        ...


class MapDetector(ABC):
    """Runs a network that outputs maps of the text on pages; a subclass cuts regions out of them.

    Only pages scaled to exactly the same size are batched, so that none is padded and a page's
    regions do not depend on the others. A page too large to be shrunk legibly is split into
    overlapping tiles; their maps are stitched before regions are cut out, so that no word is cut
    at a seam. Of a sparse page only the parts are looked at where something stands.

    Threads may share it. On a GPU each uses its own stream, and the host cuts out one thread's
    regions while the network runs on another's pages.
    """

    def __init__(self, path: Path, options: MapOptions) -> None:
        """Opens the network.

        Raises:
            ConfigurationError: an unavailable device, or the extra is missing.
            ModelError: the file is missing or unusable.
        """
        self._map_options = options
        self._network = _open_network(path, options)
        on_cpu = options.device == "cpu"
        self._batch_size = options.batch_size or (_CPU_BATCH if on_cpu else _GPU_BATCH)

    @abstractmethod
    def _regions(self, page: RGB, maps: ProbabilityMap) -> Regions:
        """Returns the regions of a page, in its pixels, from its maps, (M, H, W)."""

    def detect(self, pages: Sequence[RGB], wanted: Sequence[Wanted] | None = None) -> list[Regions]:
        """Returns the text lines of each page, in order; see `protocols.Detector`.

        Args:
            pages: as of any detector.
            wanted: for each page, whether it still is; asked before each run of the network. What
                is returned for a page that is not is of no use.
        """
        asked = wanted or [_always] * len(pages)
        islands = [islands_of(page) if self._map_options.islands else None for page in pages]
        parts: list[RGB] = []
        parts_wanted: list[Wanted] = []
        for page, own, is_wanted in zip(pages, islands, asked, strict=True):
            parts += [page] if own is None else [island.of(page) for island in own]
            parts_wanted += [is_wanted] * (len(parts) - len(parts_wanted))
        found = iter(self._detect(parts, parts_wanted))
        return [
            next(found) if own is None else _on_page([(each, next(found)) for each in own])
            for own in islands
        ]

    def _detect(self, pages: Sequence[RGB], wanted: Sequence[Wanted]) -> list[Regions]:
        """Returns the text lines of each page or island, in order."""
        fitting = [self._network_size(page.shape[0], page.shape[1]) for page in pages]
        sizes = [self._affordable(size) for size in fitting]
        found: list[Regions] = []
        for index, maps in enumerate(self._maps_of(pages, sizes, wanted)):
            page, size = pages[index], sizes[index]
            if maps is None or not wanted[index]():
                found.append(Regions([], np.zeros(0, np.float32)))
                continue
            regions = self._regions(page, stitch(size, maps))
            if size != fitting[index]:
                regions = replace(regions, warnings=(_shrunk(page, fitting[index], size),))
            found.append(regions)
        return found

    def _maps_of(
        self, pages: Sequence[RGB], sizes: Sequence[tuple[int, int]], wanted: Sequence[Wanted]
    ) -> list[list[_TileMap] | None]:
        """Returns each page's tiles with their maps; None for a page no longer wanted."""
        tiles: dict[tuple[int, int], list[tuple[int, Tile]]] = defaultdict(list)
        limit = self._map_options.side_limit // _MULTIPLE * _MULTIPLE
        for index, size in enumerate(sizes):
            for tile in tiles_of(size, limit, self._map_options.tile_overlap):
                tiles[tile.height, tile.width].append((index, tile))
        maps: list[list[_TileMap] | None] = [[] for _ in pages]
        for same_size in tiles.values():
            for start in range(0, len(same_size), self._batch_size):
                batch = same_size[start : start + self._batch_size]
                for index in {index for index, _ in batch}:
                    if not wanted[index]():
                        maps[index] = None
                batch = [(index, tile) for index, tile in batch if maps[index] is not None]
                if not batch:
                    continue
                inputs = np.stack([_input(pages[i], sizes[i], tile) for i, tile in batch])
                for (index, tile), output in zip(batch, self._network.run(inputs), strict=True):
                    own = maps[index]
                    if own is not None:
                        own.append((tile, np.rint(output * 255).astype(np.uint8)))
        return maps

    def _network_size(self, height: int, width: int) -> tuple[int, int]:
        """Returns the height and width to which a page is scaled, multiples of 32."""
        options = self._map_options
        short, long = min(height, width), max(height, width)
        wanted = min(max(options.min_side / short, 1.0), options.max_enlargement)
        # A narrow strip is not shrunk because of its length: it is split into tiles.
        least = max(1 / options.max_shrink, min(1.0, options.min_side / short))
        scale = min(wanted, max(options.side_limit / long, least))
        return _rounded(height * scale), _rounded(width * scale)

    def _affordable(self, size: tuple[int, int]) -> tuple[int, int]:
        """Returns a size of the network's input, shrunk until it takes no more than most_tiles."""
        options = self._map_options
        limit = options.side_limit // _MULTIPLE * _MULTIPLE
        while tile_count(size, limit, options.tile_overlap) > options.most_tiles:
            height, width = (int(side * _STEP) // _MULTIPLE * _MULTIPLE for side in size)
            size = max(height, _MULTIPLE), max(width, _MULTIPLE)
        return size


def _always() -> bool:
    return True


def _shrunk(page: RGB, wanted: tuple[int, int], size: tuple[int, int]) -> str:
    factor = max(own / side for own, side in zip(wanted, size, strict=True))
    height, width = page.shape[:2]
    return (
        f"a page of {width} x {height} pixels was searched for text at 1/{factor:.1f} of the usual"
        " scale, so text may be missing; cut it into shorter pages"
    )


def runtime_defaults(runtime: RuntimeOptions) -> dict[str, Any]:
    """Returns a detector's options by the runtime; bfloat16 on the CPU only with its extra."""
    return {
        "device": runtime.device,
        "threads": runtime.threads,
        "precision": precision_beside(runtime.precision, runtime.device),
    }


def regions_on(page: RGB, probabilities: ProbabilityMap, options: RegionOptions) -> Regions:
    """Returns the regions of one map, (H, W), in page pixels."""
    found = find_regions(probabilities, options)
    rows, columns = probabilities.shape
    scale = np.array([page.shape[1] / columns, page.shape[0] / rows], np.float32)
    # Map points are pixel centres counted from 0; page points count pixel edges from 0.
    polygons: list[Points] = [(polygon + np.float32(0.5)) * scale for polygon in found.polygons]
    return Regions(polygons, found.confidences, kind="line")


def _on_page(parts: Sequence[tuple[Island, Regions]]) -> Regions:
    """Returns the regions of a page's islands, in the page's pixels."""
    polygons: list[Points] = []
    words: list[list[Points]] = []
    confidences = [np.zeros(0, np.float32)]
    for island, found in parts:
        corner = np.array([island.x0, island.y0], np.float32)
        polygons += [polygon + corner for polygon in found.polygons]
        words += [[word + corner for word in own] for own in found.words]
        confidences.append(found.confidences)
    warnings = [warning for _, found in parts for warning in found.warnings]
    return Regions(polygons, np.concatenate(confidences), "line", words, warnings)


def _open_network(path: Path, options: MapOptions) -> _Network:
    """Returns the network of a file, in the backend and on the device of the options."""
    on_cpu = options.device == "cpu"
    if options.precision == "bfloat16" and (options.backend or not on_cpu):
        raise ConfigurationError(
            "precision 'bfloat16' runs in OpenVINO on the CPU: give no backend and no other device"
        )
    if (options.backend or ("onnxruntime" if on_cpu else "torch")) == "onnxruntime":
        if not on_cpu:
            raise ConfigurationError("backend 'onnxruntime' runs on device 'cpu' only")
        return OnnxModel(path, threads=options.threads, precision=options.precision)
    with needed_for(f"the detector on device {options.device!r}", "gpu"):
        from ocr_plugin.runtime.torch_runtime import TorchNetwork

    return TorchNetwork(path, options.device)


def _rounded(side: float) -> int:
    return max(_MULTIPLE, round(side / _MULTIPLE) * _MULTIPLE)


def _input(page: RGB, size: tuple[int, int], tile: Tile) -> NDArray[np.float32]:
    """Returns the tile of the page, resized as a whole to `size`, as (3, h, w) in -1..1."""
    height, width = page.shape[:2]
    rows, columns = size
    if (tile.height, tile.width) == size:
        piece, target = page, size
    else:
        # Only the part of the page under the tile is resized, so that a huge page is never
        # held enlarged as a whole.
        y0, y1 = (round(y * height / rows) for y in (tile.y, tile.y + tile.height))
        x0, x1 = (round(x * width / columns) for x in (tile.x, tile.x + tile.width))
        piece = page[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)]
        target = (tile.height, tile.width)
    shrinks = target[0] < piece.shape[0] or target[1] < piece.shape[1]
    resized = cv2.resize(
        piece,
        (target[1], target[0]),
        interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR,
    )
    return np.ascontiguousarray(resized.transpose(2, 0, 1), dtype=np.float32) / 127.5 - 1
