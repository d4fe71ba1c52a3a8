"""Reading in constant shapes, as a GPU captures it, beside the decoding that lets rows go."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from unittest.mock import Mock

import pytest
import torch
from torch import Tensor

from ocr_plugin.clip4str import Clip4Str, Clip4StrConfig, Clip4StrRecognizer, static_decoding
from ocr_plugin.clip4str.catalogue import DEFAULT_MODEL, resolve
from ocr_plugin.clip4str.checkpoint import load_model
from ocr_plugin.clip4str.model import Decoder
from ocr_plugin.clip4str.precision import ready_to_read
from ocr_plugin.clip4str.static_decoding import StaticDecoding
from tests.test_clip4str_decoding import TOLERANCE, WORDS, drawn, ends
from tests.test_clip4str_modes import CROPS

# In bfloat16 a GPU's kernels round otherwise than another's.
GPU_TOLERANCE = 1e-3


def network(layers: int = 1, refinements: int = 1, text_layers: int = 1) -> Clip4Str:
    """A network under which random images are read as words of many lengths."""
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
    model = Clip4Str(config, refinements=refinements).eval()
    with torch.no_grad():
        for decoder in (model.visual_decoder, model.cross_decoder):
            if decoder is not None:
                decoder.head.weight.mul_(40)
                decoder.head.bias[config.charset.eos] += 8
    return model


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
def both(model: Clip4Str, images: Tensor, independent: bool) -> tuple[Tensor, Tensor]:
    """Returns the logits in constant shapes, and the usual ones."""
    expected = model(images, independent=independent)
    model.static = StaticDecoding(model.config, captured=False)
    model(images.flip(0), independent=independent)  # must leave nothing behind
    found = model(images, independent=independent)
    model.static = None
    return found, expected


@pytest.mark.parametrize("independent", [False, True])
@pytest.mark.parametrize("refinements", [0, 1, 2])
@pytest.mark.parametrize("layers", [1, 2])
def test_logits_are_those_of_the_other_decoding(
    layers: int, refinements: int, independent: bool
) -> None:
    model = network(layers, refinements)
    images = torch.randn(24, 3, 32, 64, generator=torch.manual_seed(1))
    found, expected = both(model, images, independent)
    assert_alike(found, expected, model.config.charset.eos)
    lengths = ends(expected, model.config.charset.eos).sum(1)
    assert len(set(lengths.tolist())) > 1


@pytest.mark.parametrize("independent", [False, True])
def test_words_have_the_logits_of_the_other_decoding(independent: bool) -> None:
    model = load_model(resolve(DEFAULT_MODEL)).eval()
    found, expected = both(model, drawn(WORDS, model), independent)
    assert_alike(found, expected, model.config.charset.eos)


def test_a_network_without_a_cross_modal_branch_reads_likewise() -> None:
    model = network(text_layers=0)
    images = torch.randn(16, 3, 32, 64, generator=torch.manual_seed(1))
    found, expected = both(model, images, True)
    assert_alike(found, expected, model.config.charset.eos)


def test_words_that_never_end_take_all_steps() -> None:
    model = network(refinements=0)
    with torch.no_grad():
        for decoder in (model.visual_decoder, model.cross_decoder):
            assert decoder is not None
            decoder.head.bias[model.config.charset.eos] = -1000
    images = torch.randn(5, 3, 32, 64)
    found, expected = both(model, images, True)
    assert found.shape[1] == model.config.steps
    assert (found - expected).abs().max() < TOLERANCE


def test_stretches_end_where_all_words_have(monkeypatch: pytest.MonkeyPatch) -> None:
    model = load_model(resolve(DEFAULT_MODEL)).eval()
    model.static = StaticDecoding(model.config, captured=False)
    steps: list[int] = []
    step = Decoder.step

    def counted(self: Decoder, tokens: Tensor, position: int, *rest: object) -> Tensor:
        steps.append(position)
        return step(self, tokens, position, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Decoder, "step", counted)
    with torch.inference_mode():
        for word, stretches in (("of", 1), ("Restaurant", 2)):
            steps.clear()
            model(drawn([word], model), independent=True)
            assert steps == 2 * list(range(stretches * static_decoding._STRETCH))


def test_the_host_waits_for_no_number_of_the_device() -> None:
    # A device that has no numbers: asking it for one is an error.
    with torch.device("meta"):
        model = Clip4Str(network().config)
        memory = model.visual_decoder.project(torch.empty(3, 17, 64))
    static = StaticDecoding(model.config, captured=False)
    with torch.inference_mode():
        found = static.left_to_right(model.visual_decoder, memory, model.config.steps)
    assert found is not None
    assert found.shape == (3, model.config.steps, model.config.charset.classes)
    with pytest.raises((RuntimeError, NotImplementedError)):
        static.left_to_right(model.visual_decoder, memory, None)


def test_all_is_written_where_it_was_before() -> None:
    model = network()
    static = StaticDecoding(model.config, captured=False)
    with torch.inference_mode():
        memory = model.visual_decoder.project(torch.randn(4, 17, 64))
        static.left_to_right(model.visual_decoder, memory, None)
        (loop,) = static._loops.values()
        kept = [loop._token, loop._ended, loop._logits, *sum(loop._memory, ())]
        kept += [*sum(loop._past._known, ())]
        places = [tensor.data_ptr() for tensor in kept]
        other = model.visual_decoder.project(torch.randn(4, 17, 64))
        static.left_to_right(model.visual_decoder, other, None)
    assert static._loops == {(id(model.visual_decoder), 4): loop}
    assert [tensor.data_ptr() for tensor in kept] == places


def test_a_batch_size_too_many_is_read_as_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(static_decoding, "_MOST_SIZES", 2)
    model = network()
    images = torch.randn(5, 3, 32, 64)
    with torch.inference_mode():
        expected = [model(images[:count]) for count in (1, 3, 5)]
        model.static = StaticDecoding(model.config, captured=False)
        for count, other in zip((1, 3, 5), expected, strict=True):
            assert_alike(model(images[:count]), other, model.config.charset.eos)
    assert sorted(batch for _, batch in model.static._loops) == [1, 1, 3, 3]


def test_it_serves_in_and_out_of_inference_mode() -> None:
    model = network()
    images = torch.randn(3, 3, 32, 64)
    model.static = StaticDecoding(model.config, captured=False)
    with torch.inference_mode():
        expected = model(images)
    with torch.no_grad():
        assert_alike(model(images), expected, model.config.charset.eos)


def test_threads_may_share_a_recognizer_that_reads_so() -> None:
    reader = Clip4StrRecognizer(batch_size=4)
    expected = [reading.text for reading in reader.recognize(CROPS)]
    reader._model.static = StaticDecoding(reader.model_config, captured=False)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(reader.recognize, [CROPS] * 6):
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
    replay = static_decoding._captured(
        lambda number: recorder.notes.append(f"run {number}"), 2, torch.device("cuda")
    )
    warm = ["run 0", "run 1"] * static_decoding._WARM_UPS
    captures = [
        note for number in range(2) for note in ("capture begins", f"run {number}", "capture ends")
    ]
    assert recorder.notes == [
        "device begins", "aside begins", *warm, "aside ends", *captures, "device ends",
    ]  # fmt: skip
    replay(1)
    assert [graph.replay.call_count for graph in recorder.graphs] == [0, 1]


def test_on_a_cpu_rows_that_ended_leave_the_batch() -> None:
    assert ready_to_read(network(), torch.float32).static is None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_graphs_give_the_logits_of_the_loop() -> None:
    model = network(layers=2).cuda().requires_grad_(False)
    images = torch.randn(24, 3, 32, 64, generator=torch.manual_seed(1)).cuda()
    with torch.inference_mode():
        expected = [model(images[:count], independent=True).cpu() for count in (24, 3, 8)]
        model.static = StaticDecoding(model.config, captured=True)
        for _ in range(3):  # captured, then replayed
            for count, other in zip((24, 3, 8), expected, strict=True):
                found = model(images[:count], independent=True).cpu()
                assert_alike(found, other, model.config.charset.eos, GPU_TOLERANCE)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_threads_may_share_graphs() -> None:
    reader = Clip4StrRecognizer(device="cuda", batch_size=4)
    expected = [reading.text for reading in reader.recognize(CROPS)]
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(reader.recognize, [CROPS] * 40):
            assert [reading.text for reading in found] == expected
