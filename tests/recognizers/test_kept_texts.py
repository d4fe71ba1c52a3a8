"""What no language knows is read as it is printed, though language has its say in every word."""

import pytest

from ocr_plugin.recognizers.second_opinion import SecondOpinion
from tests.pictures import draw_lines

KEPT = {
    "codes": ["XT4-K90-QQ7", "U1 U2 S1 K3", "166G02", "-W12.4", "AD4-15C"],
    "serial numbers": ["SN: 8C2Q-00VX-7710", "FD7H0N8B3ZL", "978-3-16-148410-0"],
    "names": ["Xochitl Nguyen", "Zbyszko Wrzos", "Qwilfish", "Brvnko GmbH"],
    "mixed languages": ["Brot und bread et pain", "Sale - Soldes - Saldi"],
    "mathematics": ["x = 3y + 17", "(a + b) / 2", "2 * 2 = 4"],
    "code": ["for i in range(10):", "np.zeros(n)", "if x != None:", "a[i] = b[j]"],
    "addresses": ["info@krxq.de", "www.zvtk.org/a1", "$12.99", "20:15"],
    "nonsense": ["grolb mipsek tuvvo", "dwizzle", "blurnt"],
}


@pytest.fixture(scope="module")
def reader() -> SecondOpinion:
    return SecondOpinion(sure=1.0, offline=True)  # no word is let pass unquestioned


@pytest.mark.parametrize("kind", KEPT)
def test_it_is_kept(kind: str, reader: SecondOpinion) -> None:
    crops = []
    for text in KEPT[kind]:
        width = 24 * len(text) + 20
        crops.append(draw_lines([(8, 6, text)], size=(width, 48), height=32).pixels)
    read, printed = [reading.text for reading in reader.recognize(crops)], KEPT[kind]
    if kind == "mathematics":  # PP-OCR sees spaces between signs where there are none
        read, printed = _without_spaces(read), _without_spaces(printed)
    assert read == printed


def _without_spaces(texts: list[str]) -> list[str]:
    return ["".join(text.split()) for text in texts]
