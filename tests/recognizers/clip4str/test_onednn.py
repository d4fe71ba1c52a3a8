"""Networks made ready for a CPU: the same numbers, and what bfloat16 makes of them."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from ocr_plugin.clip4str import Clip4Str, Clip4StrRecognizer
from ocr_plugin.errors import ConfigurationError
from ocr_plugin.recognizers.clip4str.catalogue import DEFAULT_MODEL
from ocr_plugin.recognizers.clip4str.checkpoint import load_network
from ocr_plugin.recognizers.clip4str.model_files import resolve
from ocr_plugin.recognizers.clip4str.onednn import pack
from ocr_plugin.recognizers.clip4str.options import Clip4StrOptions
from ocr_plugin.recognizers.clip4str.reader import Reader, read_texts, ready_to_read
from ocr_plugin.recognizers.clip4str.torch_network import torch_network
from ocr_plugin.runtime.precision import chosen_dtype
from tests.data.parity import weights
from tests.recognizers.clip4str.test_parity import fixture
from tests.recognizers.clip4str.test_reader import WORDS, drawn
from tests.recognizers.clip4str.test_variants import network

CPU = torch.device("cpu")
needs_bfloat16 = pytest.mark.skipif(
    not (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()),
    reason="this CPU has no arithmetic of bfloat16",
)


def compact() -> Clip4Str:
    return load_network(resolve(DEFAULT_MODEL))


def ready(**options: Any) -> Reader:
    """The bundled model as PyTorch reads with it."""
    return torch_network(resolve(DEFAULT_MODEL), Clip4StrOptions.parse(options)).reader


def variants() -> list[Clip4Str]:
    """Networks with every part that there is."""
    return [
        compact(),
        network(),
        network(text_layers=0),
        network(adapter_width=32),
        network(ladder_width=64),
        network(decoder_depth=2, ctc=True),
    ]


def finite(logits: Tensor) -> Tensor:
    """Returns logits with zeros for those that are minus infinity: certain ends."""
    return logits.nan_to_num(neginf=0.0)


@pytest.mark.parametrize("number", range(6))
def test_a_packed_network_gives_the_same_logits(number: int) -> None:
    plain, packed = variants()[number].eval(), pack(variants()[number].eval())
    images = torch.randn(3, 3, *plain.config.image_size, generator=torch.manual_seed(1))
    with torch.inference_mode():
        tokens, expected = packed.encode_image(images), plain.encode_image(images)
        torch.testing.assert_close(tokens, expected, atol=1e-4, rtol=0)
        found, logits = (Reader(each)(images, independent=True) for each in (packed, plain))
        torch.testing.assert_close(finite(found), finite(logits), atol=1e-4, rtol=0)
        if plain.ctc_head is not None:
            torch.testing.assert_close(
                packed.ctc_logits(tokens), plain.ctc_logits(expected), atol=1e-4, rtol=0
            )


def test_every_large_weight_is_packed() -> None:
    left = [name for name, tensor in pack(compact()).named_parameters() if tensor.dim() == 2]
    # Tables to look up in, and what the towers multiply their last tokens by.
    tables = ("embedding", "projection", "visual.proj")
    assert [name for name in left if not any(table in name for table in tables)] == []


def test_another_activation_is_refused() -> None:
    network = compact()
    network.clip_model.visual.transformer.resblocks[0].mlp.gelu = torch.nn.GELU()
    with pytest.raises(TypeError, match="expected QuickGELU, not GELU"):
        pack(network)


@needs_bfloat16
def test_bfloat16_reads_the_same_words() -> None:
    images = drawn(WORDS, compact().config)
    whole, half = ready(batch_size=16), ready(batch_size=16, precision="bfloat16")
    with torch.inference_mode():
        logits, rough = whole(images), half(images)
    assert rough.dtype == torch.bfloat16
    assert not torch.equal(logits, rough.float())
    assert read_texts(half.config, rough) == read_texts(whole.config, logits)


def test_the_cpu_reads_in_float32_unless_asked() -> None:
    assert chosen_dtype("auto", CPU) == chosen_dtype("float32", CPU) == torch.float32


def test_what_a_cpu_has_no_arithmetic_for_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    for precision in ("bfloat16", "float16"):
        with pytest.raises(ConfigurationError, match=f"{precision}.*slower than float32"):
            Clip4StrRecognizer(precision=precision)


def test_without_onednn_the_network_reads_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = ready()
    monkeypatch.setattr("ocr_plugin.recognizers.clip4str.reader.can_pack", lambda: False)
    plain = ready()
    assert any(isinstance(module, torch.nn.Linear) for module in plain.network.modules())
    images = drawn(WORDS[:3], compact().config)
    with torch.inference_mode():
        torch.testing.assert_close(plain(images), packed(images), atol=1e-4, rtol=0)


def test_an_unknown_precision_is_named() -> None:
    with pytest.raises(ConfigurationError, match="precision"):
        Clip4StrRecognizer(precision="float8")


@pytest.mark.nightly
@needs_bfloat16
def test_bfloat16_reads_the_public_implementations_texts_at_full_size(tmp_path: Path) -> None:
    meta, exact = fixture("base", tmp_path)
    reader = ready_to_read(exact.network, torch.bfloat16)
    with torch.inference_mode():
        logits = reader(weights.image_batch(meta))
    assert read_texts(reader.config, logits) == meta["texts"]
