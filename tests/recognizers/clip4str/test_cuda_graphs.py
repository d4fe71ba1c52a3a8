"""Reading in constant shapes, as a GPU captures it, beside the decoding that lets rows go."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from unittest.mock import Mock

import pytest
import torch
from torch import Tensor

from ocr_plugin.clip4str import Clip4Str, Clip4StrConfig, Clip4StrRecognizer
from ocr_plugin.recognizers.clip4str import cuda_graphs
from ocr_plugin.recognizers.clip4str.catalogue import DEFAULT_MODEL
from ocr_plugin.recognizers.clip4str.checkpoint import load_model
from ocr_plugin.recognizers.clip4str.cuda_graphs import GraphLoop
from ocr_plugin.recognizers.clip4str.decoder import Decoder
from ocr_plugin.recognizers.clip4str.left_to_right import ShrinkingLoop
from ocr_plugin.recognizers.clip4str.model_files import resolve
from ocr_plugin.recognizers.clip4str.reader import Reader, ready_to_read
from ocr_plugin.recognizers.clip4str.torch_network import TorchWordNetwork
from tests.recognizers.clip4str.test_modes import CROPS
from tests.recognizers.clip4str.test_reader import TOLERANCE, WORDS, drawn, ends

# In bfloat16 a GPU's kernels round otherwise than another's.
GPU_TOLERANCE = 1e-3


def made(layers: int = 1, refinements: int = 1, text_layers: int = 1) -> Reader:
    """A reader of random images as words of many lengths."""
    torch.manual_seed(refinements)
    config = Clip4StrConfig(
        embed_dim=64,
        image_size=(32, 64),
        patch_size=(16, 8),
        vision_layers=1,
        vision_width=64,
        text_layers=text_layers,
        text_width=64,
        decoder_depth=layers,
    )
    network = Clip4Str(config).eval()
    with torch.no_grad():
        for decoder in (network.visual_decoder, network.cross_decoder):
            if decoder is not None:
                decoder.head.weight.mul_(40)
                decoder.head.bias[config.charset.eos] += 8
    return Reader(network, refinements)


def in_constant_shapes(reader: Reader) -> Reader:
    """Returns a reader of the same network whose loop is not captured."""
    loop = GraphLoop(reader.config, captured=False)
    return Reader(reader.network, reader.refinements, loop)


def assert_alike(found: Tensor, expected: Tensor, eos: int, tolerance: float = TOLERANCE) -> None:
    """Holds the logits of two readings against each other, up to each row's end."""
    assert found.shape == expected.shape
    kept = ends(expected, eos)
    assert torch.equal(kept, ends(found, eos))
    assert torch.equal(found.argmax(-1)[kept], expected.argmax(-1)[kept])
    # Certain ends are minus infinity but for their own class, in both.
    difference = (found - expected)[kept].nan_to_num(0.0)
    assert difference.abs().max() < tolerance


@torch.inference_mode()
def both(reader: Reader, images: Tensor, independent: bool) -> tuple[Tensor, Tensor]:
    """Returns the logits in constant shapes, and the usual ones."""
    expected = reader(images, independent=independent)
    other = in_constant_shapes(reader)
    other(images.flip(0), independent=independent)  # must leave nothing behind
    return other(images, independent=independent), expected


@pytest.mark.parametrize("independent", [False, True])
@pytest.mark.parametrize("refinements", [0, 1, 2])
@pytest.mark.parametrize("layers", [1, 2])
def test_logits_are_those_of_the_other_decoding(
    layers: int, refinements: int, independent: bool
) -> None:
    reader = made(layers, refinements)
    images = torch.randn(24, 3, 32, 64, generator=torch.manual_seed(1))
    found, expected = both(reader, images, independent)
    assert_alike(found, expected, reader.config.charset.eos)
    lengths = ends(expected, reader.config.charset.eos).sum(1)
    assert len(set(lengths.tolist())) > 1


@pytest.mark.parametrize("independent", [False, True])
def test_words_have_the_logits_of_the_other_decoding(independent: bool) -> None:
    reader = load_model(resolve(DEFAULT_MODEL))
    found, expected = both(reader, drawn(WORDS, reader.config), independent)
    assert_alike(found, expected, reader.config.charset.eos)


def test_a_network_without_a_cross_modal_branch_reads_likewise() -> None:
    reader = made(text_layers=0)
    images = torch.randn(16, 3, 32, 64, generator=torch.manual_seed(1))
    found, expected = both(reader, images, True)
    assert_alike(found, expected, reader.config.charset.eos)


def test_words_that_never_end_take_all_steps() -> None:
    reader = made(refinements=0)
    with torch.no_grad():
        for decoder in (reader.network.visual_decoder, reader.network.cross_decoder):
            assert decoder is not None
            decoder.head.bias[reader.config.charset.eos] = -1000
    images = torch.randn(5, 3, 32, 64)
    found, expected = both(reader, images, True)
    assert found.shape[1] == reader.config.steps
    assert (found - expected).abs().max() < TOLERANCE


def test_stretches_end_where_all_words_have(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = in_constant_shapes(load_model(resolve(DEFAULT_MODEL)))
    steps: list[int] = []
    step = Decoder.step

    def counted(self: Decoder, tokens: Tensor, position: int, *rest: object) -> Tensor:
        steps.append(position)
        return step(self, tokens, position, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Decoder, "step", counted)
    with torch.inference_mode():
        for word, stretches in (("of", 1), ("Restaurant", 2)):
            steps.clear()
            reader(drawn([word], reader.config), independent=True)
            assert steps == 2 * list(range(stretches * cuda_graphs._STRETCH))


def test_the_host_waits_for_no_number_of_the_device() -> None:
    # A device that has no numbers: asking it for one is an error.
    with torch.device("meta"):
        network = Clip4Str(made().config)
        memory = network.visual_decoder.project(torch.empty(3, 17, 64))
    config, loop = network.config, GraphLoop(network.config, captured=False)
    with torch.inference_mode():
        found = loop(network.visual_decoder, memory, longest=config.steps)
    assert found.shape == (3, config.steps, config.charset.classes)
    with pytest.raises((RuntimeError, NotImplementedError)):
        loop(network.visual_decoder, memory)


def test_all_is_written_where_it_was_before() -> None:
    reader = made()
    decoder, loop = reader.network.visual_decoder, GraphLoop(reader.config, captured=False)
    with torch.inference_mode():
        loop(decoder, decoder.project(torch.randn(4, 17, 64)))
        (own,) = loop._loops.values()
        kept = [own._token, own._ended, own._logits, *sum(own._memory, ())]
        kept += [*sum(own._cache._known, ())]
        places = [tensor.data_ptr() for tensor in kept]
        loop(decoder, decoder.project(torch.randn(4, 17, 64)))
    assert loop._loops == {(id(decoder), 4): own}
    assert [tensor.data_ptr() for tensor in kept] == places


def test_a_batch_size_too_many_is_read_as_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda_graphs, "_MOST_SIZES", 2)
    reader = made()
    loop = GraphLoop(reader.config, captured=False)
    images = torch.randn(5, 3, 32, 64)
    with torch.inference_mode():
        expected = [reader(images[:count]) for count in (1, 3, 5)]
        reader.loop = loop
        for count, other in zip((1, 3, 5), expected, strict=True):
            assert_alike(reader(images[:count]), other, reader.config.charset.eos)
    assert sorted(batch for _, batch in loop._loops) == [1, 1, 3, 3]


def test_it_serves_in_and_out_of_inference_mode() -> None:
    reader = in_constant_shapes(made())
    images = torch.randn(3, 3, 32, 64)
    with torch.inference_mode():
        expected = reader(images)
    with torch.no_grad():
        assert_alike(reader(images), expected, reader.config.charset.eos)


def test_threads_may_share_a_recognizer_that_reads_so() -> None:
    recognizer = Clip4StrRecognizer(batch_size=4, backend="torch")
    expected = [reading.text for reading in recognizer.recognize(CROPS)]
    network = recognizer._network
    assert isinstance(network, TorchWordNetwork)
    network.reader = in_constant_shapes(network.reader)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(recognizer.recognize, [CROPS] * 6):
            assert [reading.text for reading in found] == expected


class Recorder:
    """Stands for what of `torch.cuda` a capture uses; notes in what order."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    @contextmanager
    def within(self, what: str) -> Iterator[None]:
        self.notes.append(f"{what} begins")
        yield
        self.notes.append(f"{what} ends")

    def replace(self, monkeypatch: pytest.MonkeyPatch) -> None:
        aside = Mock(spec=["wait_stream"])
        pool = object()

        def graph(
            found: Mock, *, pool: object, stream: object, capture_error_mode: str
        ) -> AbstractContextManager[None]:
            assert (pool, stream, capture_error_mode) == (self.pool, aside, "thread_local")
            self.graphs.append(found)
            return self.within("capture")

        self.pool, self.graphs = pool, list[Mock]()
        names: dict[str, Any] = {
            "device": lambda device: self.within("device"),
            "Stream": lambda priority: aside,
            "current_stream": lambda: Mock(spec=["wait_stream"]),
            "stream": lambda stream: self.within("aside"),
            "graph_pool_handle": lambda: pool,
            "CUDAGraph": lambda: Mock(spec=["replay"]),
            "graph": graph,
        }
        for name, stand_in in names.items():
            monkeypatch.setattr(torch.cuda, name, stand_in)


def test_a_loop_is_warmed_up_then_captured_then_replayed(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder()
    recorder.replace(monkeypatch)
    replay = cuda_graphs._captured(
        lambda number: recorder.notes.append(f"run {number}"), 2, torch.device("cuda")
    )
    warm = ["run 0", "run 1"] * cuda_graphs._WARM_UPS
    captures = [
        note for number in range(2) for note in ("capture begins", f"run {number}", "capture ends")
    ]
    assert recorder.notes == [
        "device begins", "aside begins", *warm, "aside ends", *captures, "device ends",
    ]  # fmt: skip
    replay(1)
    assert [graph.replay.call_count for graph in recorder.graphs] == [0, 1]


def test_on_a_cpu_rows_that_ended_leave_the_batch() -> None:
    assert isinstance(ready_to_read(made().network, torch.float32).loop, ShrinkingLoop)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_graphs_give_the_logits_of_the_loop() -> None:
    reader = made(layers=2)
    reader.network.cuda().requires_grad_(False)
    images = torch.randn(24, 3, 32, 64, generator=torch.manual_seed(1)).cuda()
    with torch.inference_mode():
        expected = [reader(images[:count], independent=True).cpu() for count in (24, 3, 8)]
        reader.loop = GraphLoop(reader.config, captured=True)
        for _ in range(3):  # captured, then replayed
            for count, other in zip((24, 3, 8), expected, strict=True):
                found = reader(images[:count], independent=True).cpu()
                assert_alike(found, other, reader.config.charset.eos, GPU_TOLERANCE)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_threads_may_share_graphs() -> None:
    recognizer = Clip4StrRecognizer(device="cuda", batch_size=4)
    expected = [reading.text for reading in recognizer.recognize(CROPS)]
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(recognizer.recognize, [CROPS] * 40):
            assert [reading.text for reading in found] == expected
