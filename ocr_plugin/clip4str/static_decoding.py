"""Reading from left to right in constant shapes and places, as CUDA graphs.

On a GPU a step of a decoder is some dozens of small kernels, each of which the host has to launch.
A CUDA graph launches them all at once, but it repeats exactly what was captured: the same shapes at
the same addresses, and no question to the host. So a batch is never cut down to the rows that go
on, each batch size has tensors of its own, and the steps are captured in a few stretches, between
which the host may see that all words have ended. After
https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs.

Without CUDA the same loop runs as it stands, step by step; so the tests hold it against `decoding`.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ocr_plugin.clip4str.config import Clip4StrConfig
from ocr_plugin.clip4str.past import FixedPast, KeysValues

if TYPE_CHECKING:
    from ocr_plugin.clip4str.model import Decoder

# Steps between two questions to the host. Words of up to six characters end in the first stretch,
# of up to thirteen in the second.
_STRETCH = 7
# Batch sizes of a decoder that get tensors and graphs of their own: `batch_size.rounded` has 12 up
# to 64, 18 up to 512.
_MOST_SIZES = 20
_WARM_UPS = 3
# PyTorch captures one graph at a time in a process, whatever the device.
_capturing = threading.Lock()


class StaticDecoding:
    """The left-to-right readings of a network in constant shapes. Threads may share it.

    It keeps, for each decoder and each batch size that was read, a memory's keys and values and
    what the graphs work with.

    Args:
        config: of the network, whose decoders must not change any more.
        captured: whether as CUDA graphs; the network has to be on a CUDA device.
    """

    def __init__(self, config: Clip4StrConfig, captured: bool) -> None:
        self._config, self._captured = config, captured
        self._loops: dict[tuple[int, int], _Loop] = {}

    def left_to_right(
        self, decoder: "Decoder", memory: Sequence[KeysValues], steps: int | None
    ) -> Tensor | None:
        """Returns greedy logits (B, L, classes), or None for a batch size too many.

        What follows a row's EOS means nothing.

        Args:
            decoder: of the branch.
            memory: of the branch.
            steps: L; or None for as many as the longest row takes to its EOS.
        """
        batch, device = len(memory[0][0]), memory[0][0].device
        key = id(decoder), batch
        with _turn(device):
            if key not in self._loops:
                if sum(known == key[0] for known, _ in self._loops) == _MOST_SIZES:
                    return None
                self._loops[key] = _Loop(self._config, decoder, memory, self._captured)
            return self._loops[key].read(memory, steps)


class _Loop:
    """The loop of one decoder for one batch size."""

    def __init__(
        self,
        config: Clip4StrConfig,
        decoder: "Decoder",
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
            self._past = FixedPast(self._memory, config.steps)
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
        """Returns what `StaticDecoding.left_to_right` does."""
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
        """Returns how many of the steps done the longest row took to its EOS."""
        ends = self._logits[:, :done].argmax(-1) == self._charset.eos
        return int(torch.where(ends.any(1), ends.int().argmax(1) + 1, done).max())

    def _take_stretch(self, number: int) -> None:
        """Takes the steps of a stretch, of all rows; never asks the device for a number."""
        first, end = self._stretches[number]
        if first == 0:
            self._token.fill_(self._charset.bos)
            self._ended.fill_(False)
        for position in range(first, end):
            self._past.position = position
            found = self._decoder.step(self._token, position, self._memory, self._past)
            self._logits[:, position] = found
            self._token.copy_(found.argmax(-1))
            self._ended |= self._token == self._charset.eos


def _captured(
    run: Callable[[int], None], count: int, device: torch.device
) -> Callable[[int], None]:
    """Returns what replays ``run(0)``, ``run(1)``... up to `count`, always in this order.

    Args:
        run: does the same, at the same addresses, whenever it is called with a number.
        count: of different numbers.
        device: a CUDA device.
    """
    graphs: list[torch.cuda.CUDAGraph] = []
    with _capturing, torch.cuda.device(device):
        # Streams of high priority come from a pool of their own: no thread works in this one.
        aside = torch.cuda.Stream(priority=-1)  # type: ignore[no-untyped-call]
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(_WARM_UPS):  # libraries set themselves up, which cannot be captured
                for number in range(count):
                    run(number)
        torch.cuda.current_stream().wait_stream(aside)
        # Graphs that are replayed in the order of their capture may use the same memory.
        pool = torch.cuda.graph_pool_handle()
        for number in range(count):
            graph = torch.cuda.CUDAGraph()
            # Other threads may go on meanwhile; only this one's mistakes end the capture.
            with torch.cuda.graph(
                graph, pool=pool, stream=aside, capture_error_mode="thread_local"
            ):
                run(number)
            graphs.append(graph)
    return lambda number: graphs[number].replay()


class _Turns:
    """Whose turn it is on a device, for threads and for their streams."""

    def __init__(self, device: torch.device) -> None:
        self._device, self._lock = device, threading.Lock()
        self._done: torch.cuda.Event | None = None
        if device.type == "cuda":
            self._done = torch.cuda.Event()  # type: ignore[no-untyped-call]

    @contextmanager
    def taken(self) -> Iterator[None]:
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


_turns: dict[torch.device, _Turns] = {}
_lock = threading.Lock()


@contextmanager
def _turn(device: torch.device) -> Iterator[None]:
    """Waits until no other graph of a device is captured or replayed, in any stream.

    A graph's tensors are there once; and what its matrix products work with belongs to the thread
    and the stream of the capture, so that two graphs of one thread have it in common.
    """
    with _lock:
        turns = _turns.setdefault(device, _Turns(device))
    with turns.taken():
        yield
