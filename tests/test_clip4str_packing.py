"""Networks made ready for a CPU: the same numbers, and what bfloat16 makes of them."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from ocr_plugin.clip4str import Clip4Str, Clip4StrRecognizer
from ocr_plugin.clip4str.catalogue import DEFAULT_MODEL, resolve
from ocr_plugin.clip4str.checkpoint import load_model
from ocr_plugin.clip4str.decoding import read_texts
from ocr_plugin.clip4str.packing import pack
from ocr_plugin.clip4str.precision import chosen_dtype, ready_to_read
from ocr_plugin.errors import ConfigurationError
from tests.data.parity import weights
from tests.test_clip4str_decoding import WORDS, drawn
from tests.test_clip4str_parity import fixture
from tests.test_clip4str_variants import network

CPU = torch.device("cpu")
needs_bfloat16 = pytest.mark.skipif(
    not (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()),
    reason="this CPU has no arithmetic of bfloat16",
)


def compact() -> Clip4Str:
    return load_model(resolve(DEFAULT_MODEL))


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
        found, logits = packed(images, independent=True), plain(images, independent=True)
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
    model = compact()
    model.clip_model.visual.transformer.resblocks[0].mlp.gelu = torch.nn.GELU()
    with pytest.raises(TypeError, match="GELU where QuickGELU was expected"):
        pack(model)


@needs_bfloat16
def test_bfloat16_reads_the_same_words() -> None:
    images = drawn(WORDS, compact())
    whole = Clip4StrRecognizer(batch_size=16)._model
    half = Clip4StrRecognizer(batch_size=16, precision="bfloat16")._model
    with torch.inference_mode():
        logits, rough = whole(images), half(images)
    assert rough.dtype == torch.bfloat16
    assert not torch.equal(logits, rough.float())
    assert read_texts(half, rough) == read_texts(whole, logits)


def test_the_cpu_reads_in_float32_unless_asked() -> None:
    assert chosen_dtype("auto", CPU) == chosen_dtype("float32", CPU) == torch.float32


def test_what_a_cpu_has_no_arithmetic_for_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    for precision in ("bfloat16", "float16"):
        with pytest.raises(ConfigurationError, match=f"{precision}.*slower than float32"):
            Clip4StrRecognizer(precision=precision)


def test_without_onednn_the_network_reads_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = Clip4StrRecognizer()
    monkeypatch.setattr("ocr_plugin.clip4str.precision.can_pack", lambda: False)
    plain = Clip4StrRecognizer()
    assert any(isinstance(module, torch.nn.Linear) for module in plain._model.modules())
    images = drawn(WORDS[:3], compact())
    with torch.inference_mode():
        torch.testing.assert_close(plain._model(images), expected._model(images), atol=1e-4, rtol=0)


def test_an_unknown_precision_is_named() -> None:
    with pytest.raises(ConfigurationError, match="precision"):
        Clip4StrRecognizer(precision="float8")


@pytest.mark.slow
@needs_bfloat16
def test_bfloat16_reads_the_public_implementations_texts_at_full_size(tmp_path: Path) -> None:
    meta, model = fixture("base", tmp_path)
    model = ready_to_read(model, torch.bfloat16)
    with torch.inference_mode():
        logits = model(weights.image_batch(meta))
    assert read_texts(model, logits) == meta["texts"]
