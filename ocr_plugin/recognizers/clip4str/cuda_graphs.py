"""Left-to-right reading with constant shapes and addresses, as CUDA graphs.

On a GPU a step of a decoder is dozens of small kernels, each launched by the host. A CUDA graph
launches them all at once, but repeats exactly what was captured: the same shapes at the same
addresses, without synchronisation. So a batch is never reduced to the unfinished rows, each batch
size has its own tensors, and the steps are captured in a few stretches, between which the host
checks whether all words have ended. After
https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs.

Without CUDA the same loop runs uncaptured, step by step; so tests compare it with `left_to_right`.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from ocr_plugin.recognizers.clip4str.config import Clip4StrConfig
from ocr_plugin.recognizers.clip4str.decoder import Decoder
from ocr_plugin.recognizers.clip4str.kv_cache import KeysValues, StaticCache
from ocr_plugin.recognizers.clip4str.left_to_right import ShrinkingLoop

# Steps between two synchronisations. Words of up to six characters end in the first stretch, of up
# to thirteen in the second.
_STRETCH = 7
# Batch sizes of a decoder with their own tensors and graphs: `batch_buckets.bucket_size` has 12 up
# to 64, 18 up to 512.
_MOST_SIZES = 20
_WARM_UPS = 3
# PyTorch captures one graph at a time per process, for all devices.
_capturing = threading.Lock()


class GraphLoop:
    """Left-to-right reading with constant shapes. Threads may share it.

    It keeps, for each decoder and each batch size so far, the keys and values of a memory and the
    tensors of the graphs.

    Args:
        config: of the network, whose decoders must not change any more.
        captured: whether to use CUDA graphs; the network must be on a CUDA device.
    """

    def __init__(self, config: Clip4StrConfig, captured: bool) -> None:
        self._config, self._captured = config, captured
        self._shrinking = ShrinkingLoop(config)
        self._loops: dict[tuple[int, int], _Loop] = {}

    constant_shapes = True

    def __call__(
        self,
        decoder: Decoder,
        memory: Sequence[KeysValues],
        steps: Tensor | None = None,
        longest: int | None = None,
    ) -> Tensor:
        """Returns what `LeftToRight` does; beyond `_MOST_SIZES`, a batch is read without graphs."""
        batch, device = len(memory[0][0]), memory[0][0].device
        key = id(decoder), batch
        with _locked(device):
            full = sum(known == key[0] for known, _ in self._loops) == _MOST_SIZES
            if key not in self._loops and not full:
                self._loops[key] = _Loop(self._config, decoder, memory, self._captured)
            if key in self._loops:
                return self._loops[key].read(memory, longest)
        return self._shrinking(decoder, memory, steps, longest)


class _Loop:
    """The loop of one decoder for one batch size."""

    def __init__(
        self,
        config: Clip4StrConfig,
        decoder: Decoder,
        memory: Sequence[KeysValues],
        captured: bool,
    ) -> None:
        self._decoder, self._charset = decoder, config.charset
        starts = range(0, config.steps, _STRETCH)
        self._stretches = [(start, min(start + _STRETCH, config.steps)) for start in starts]
        like = memory[0][0]
        # Tensors made in inference mode could not be written to outside of it.
        with torch.inference_mode(False), torch.no_grad():
            self._memory = [
                (torch.zeros_like(keys), torch.zeros_like(values)) for keys, values in memory
            ]
            self._cache = StaticCache(self._memory, config.steps)
            self._token = like.new_zeros(len(like), dtype=torch.long)
            self._ended = like.new_zeros(len(like), dtype=torch.bool)
            self._logits = like.new_zeros(
                len(like),
                config.steps,
                self._charset.classes,
                dtype=decoder.pos_queries.dtype,
            )
            self._take: Callable[[int], None] = self._take_stretch
            if captured:
                self._take = _captured(self._take_stretch, len(self._stretches), like.device)

    def read(self, memory: Sequence[KeysValues], steps: int | None) -> Tensor:
        """Returns what `GraphLoop` does."""
        for own, given in zip(self._memory, memory, strict=True):
            own[0].copy_(given[0])
            own[1].copy_(given[1])
        done = 0
        for number, (_, done) in enumerate(self._stretches):
            self._take(number)
            if done >= steps if steps is not None else bool(self._ended.all()):
                break
        return self._logits[:, : steps or self._longest(done)].clone()

    def _longest(self, done: int) -> int:
        """Returns the number of steps, of those done, until the longest row's EOS."""
        ends = self._logits[:, :done].argmax(-1) == self._charset.eos
        return int(torch.where(ends.any(1), ends.int().argmax(1) + 1, done).max())

    def _take_stretch(self, number: int) -> None:
        """Takes the steps of a stretch for all rows, without synchronisation."""
        first, end = self._stretches[number]
        if first == 0:
            self._token.fill_(self._charset.bos)
            self._ended.fill_(False)
        for position in range(first, end):
            self._cache.position = position
            found = self._decoder.step(self._token, position, self._memory, self._cache)
            self._logits[:, position] = found
            self._token.copy_(found.argmax(-1))
            self._ended |= self._token == self._charset.eos


def _captured(
    run: Callable[[int], None], count: int, device: torch.device
) -> Callable[[int], None]:
    """Returns a function that replays ``run(0)``, ``run(1)``... up to `count`, in this order only.

    Args:
        run: does the same work at the same addresses in every call with a number.
        count: of the numbers.
        device: a CUDA device.
    """
    graphs: list[torch.cuda.CUDAGraph] = []
    with _capturing, torch.cuda.device(device):
        # Streams of high priority come from a separate pool: no other thread uses this one.
        aside = torch.cuda.Stream(priority=-1)  # type: ignore[no-untyped-call]
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(_WARM_UPS):  # the initialisation of libraries cannot be captured
                for number in range(count):
                    run(number)
        torch.cuda.current_stream().wait_stream(aside)
        # Graphs that are replayed in the order of their capture may use the same memory.
        pool = torch.cuda.graph_pool_handle()
        for number in range(count):
            graph = torch.cuda.CUDAGraph()
            # Other threads may use the GPU meanwhile; only this one's errors end the capture.
            with torch.cuda.graph(
                graph, pool=pool, stream=aside, capture_error_mode="thread_local"
            ):
                run(number)
            graphs.append(graph)
    return lambda number: graphs[number].replay()


class _DeviceLock:
    """Excludes other threads and their streams from the graphs of a device."""

    def __init__(self, device: torch.device) -> None:
        self._device, self._lock = device, threading.Lock()
        self._done: torch.cuda.Event | None = None
        if device.type == "cuda":
            self._done = torch.cuda.Event()  # type: ignore[no-untyped-call]

    @contextmanager
    def held(self) -> Iterator[None]:
        with self._lock:
            if self._done is None:
                yield
                return
            stream = torch.cuda.current_stream(self._device)
            stream.wait_event(self._done)
            try:
                yield
            finally:
                self._done.record(stream)


_device_locks: dict[torch.device, _DeviceLock] = {}
_lock = threading.Lock()


@contextmanager
def _locked(device: torch.device) -> Iterator[None]:
    """Waits until no other graph of a device is captured or replayed, in any stream.

    A graph's tensors exist only once, and graphs captured in the same thread and stream share the
    workspace of their matrix products.
    """
    with _lock:
        device_lock = _device_locks.setdefault(device, _DeviceLock(device))
    with device_lock.held():
        yield
