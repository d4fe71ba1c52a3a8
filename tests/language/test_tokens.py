"""What the language file that ships finds likelier: print, and not what looks like it."""

import math

import numpy as np
import pytest

from ocr_plugin.language.mixture import Language

PRINTED = [
    # Words, in the case of signs, prose and titles.
    ("PHARMACY", ["PHARMACV", "PHARMAC7", "PHARNACY", "PHARMACYY"]),
    ("STARBUCKS", ["STARBVCKS", "5TARBUCKS", "STARBUCK5", "STARRUCKS"]),
    ("Breakfast", ["Breakfost", "Brcakfast", "8reakfast", "Breaktast"]),
    ("umbrella", ["unbrella", "umbre1la", "urnbrella", "umbrel1a"]),
    ("Restaurant", ["Restavrant", "Restaurani", "Restouront"]),
    ("TOTAL", ["T0TAL", "TOTAI", "TOTA1", "ToTAL"]),
    ("Flughafen", ["Flughaten", "F1ughafen", "Flughofen"]),
    ("BÄCKEREI", ["BÄCKERFI", "8ÄCKEREI", "BÄCKERE1"]),
    ("Straße", ["StraBe", "Strafse", "Stra8e"]),
    ("boulangerie", ["bou1angerie", "boulangeric", "houlangerie"]),
    ("Właściciel", ["Wtaściciel", "W1aściciel"]),
    ("don't", ["don1t", "don,t"]),
    ("l'hôtel", ["l,hôtel", "1'hôtel"]),
    # Signs around words.
    ("Total:", ["Tota1:", "Totol:"]),
    ("(Tuesday)", ["(Tuesday]", "(Tuesday1", "(Tucsday)"]),
    ("check-in", ["check_in", "chcck-in", "check-1n"]),
    # Numbers.
    ("$5.99", ["S5.99", "$S.99", "$5,9g"]),
    ("€12,50", ["€l2,50", "€12,5O", "E12,50"]),
    ("1,299.00", ["l,299.00", "1,Z99.00", "1,299.0O"]),
    ("100%", ["l00%", "10O%"]),
    ("12/03/2024", ["12/O3/2024", "l2/03/2024", "12/03/Z024"]),
    ("24.12.1998", ["24.12.I998", "Z4.12.1998"]),
    ("20:15", ["2O:15", "20:IS", "Z0:15"]),
    ("9.30am", ["g.30am", "9.3Oam"]),
    ("500ml", ["5OOml", "S00ml"]),
    ("555-0142", ["555-O142", "S55-0142"]),
    ("+49-30-1234567", ["+49-30-I234567", "+49-3O-1234567"]),
    ("(212)555-0187", ["(2l2)555-0187", "(212)S55-0187"]),
    # Addresses, initials.
    ("info@garden.com", ["infoogarden.com", "inf0@garden.com", "info@gardcn.com"]),
    ("www.example.org", ["wvvw.example.org", "www.examp1e.org", "www,example.org"]),
    ("https://example.com/news", ["https:llexample.com/news", "https://examp1e.com/news"]),
    ("U.S.A.", ["U.5.A.", "U,S.A.", "V.5.A."]),
    ("J.R.", ["J.8.", "J,R."]),
]  # fmt: skip


@pytest.mark.parametrize(("token", "misread"), PRINTED, ids=[token for token, _ in PRINTED])
def test_what_is_printed_is_likelier_than_what_looks_like_it(
    shipped: Language, token: str, misread: list[str]
) -> None:
    own, *others = shipped.log_probabilities([token, *misread])
    assert own > max(others)


@pytest.mark.parametrize(
    ("language", "token", "other"),
    [
        ("fr", "café", "cafe"),
        ("fr", "hôtel", "hotel"),
        ("fr", "ENTRÉE", "ENTREE"),
        ("de", "über", "uber"),
        ("es", "mañana", "manana"),
        ("pt", "São", "Sao"),
        ("pl", "młodzież", "mlodziez"),
        ("tr", "değil", "degil"),
    ],
)
def test_a_language_prefers_its_accents(
    shipped: Language, language: str, token: str, other: str
) -> None:
    with_accents, without = shipped.restricted([language]).log_probabilities([token, other])
    assert with_accents > without + 0.5


@pytest.mark.parametrize(
    "code",
    ["166G02", "U1", "U8", "B12", "SN-4X7B9Q2", "MX-5", "7F3A-09KD", "H07V-K", "X1", "PT100", "A4"],
)
def test_codes_are_not_bent_to_words_or_numbers(shipped: Language, code: str) -> None:
    """What looks alike may be as likely; it must not cost a reader that saw the code its answer."""
    swaps = {"0": "O", "O": "0", "1": "I", "G": "6", "6": "G", "B": "8", "8": "B", "4": "A",
             "A": "4", "5": "S", "7": "T", "U": "V", "X": "x", "9": "g", "2": "Z"}  # fmt: skip
    others = [code[:i] + swaps[c] + code[i + 1 :] for i, c in enumerate(code) if c in swaps]
    own, *rest = shipped.log_probabilities([code, *others])
    # A digit in place of a letter has fewer alternatives: ln(26 / 10) each time, and the number
    # that it may then be. No word comes near what a stranger's word would gain.
    assert max(rest) - own < 5
    assert own > -5 * (len(code) + 1)


def test_lower_case_letters_within_capitals_are_unlikely(shipped: Language) -> None:
    for good, bad in [("EXIT", "EXiT"), ("4X7B9Q2", "4X7b9Q2"), ("Monday", "MOnday")]:
        first, second = shipped.log_probabilities([good, bad])
        assert first > second + 1, good


def test_typographic_signs_count_as_plain_ones(shipped: Language) -> None:
    same = shipped.log_probabilities(["don't", "don\u2019t", "don\u02bct"])
    assert np.ptp(same) == 0
    composed, decomposed = shipped.log_probabilities(["caf\u00e9", "cafe\u0301"])
    assert composed == decomposed


@pytest.mark.parametrize(
    "word", ["Привет", "日本語", "مرحبا", "ΑΘΗΝΑ", "한국어", "😀", "\u200b", "\ufffd", "ﬁn", "İ"]
)
def test_other_scripts_cost_a_bounded_amount_a_character(shipped: Language, word: str) -> None:
    (likely,) = shipped.log_probabilities([word])
    assert -13 * (len(word) + 1) < likely < 0
    # More of it costs in proportion, never infinitely.
    (longer,) = shipped.log_probabilities([20 * word])
    assert (shipped.part_log_probabilities([20 * word])[-1] > -14 * (20 * len(word) + 1)).all()
    assert np.isfinite(longer) and longer > -14 * (20 * len(word) + 1)


def test_any_text_has_a_finite_probability(shipped: Language) -> None:
    rng = np.random.default_rng(0)
    texts = [
        "".join(chr(c) for c in rng.integers(1, 0x2FFF, size=n) if not 0xD800 <= c < 0xE000)
        for n in rng.integers(0, 12, size=300)
    ]
    likely = shipped.log_probabilities([*texts, "'", "''", "a''b", "\x00", "1" * 400, "a" * 400])
    assert likely.dtype == np.float64 and likely.shape == (306,)
    assert np.isfinite(likely).all() and (likely < 0).all()


def test_a_text_is_its_tokens_and_their_gaps(shipped: Language) -> None:
    tokens = ["The", "quick", "fox"]
    alone = shipped.log_probabilities(tokens)
    both = shipped.log_probabilities(["The quick fox", "  The\tquick \u00a0fox\n", "The"])
    gap = (both[0] - alone.sum()) / 2
    assert both[0] == pytest.approx(both[1]) and both[2] == alone[0]
    assert -2 < gap < 0


def test_texts_without_a_token_are_the_unlikeliest(shipped: Language) -> None:
    empty = shipped.log_probabilities(["", "   "])
    assert empty[0] == empty[1] < min(shipped.log_probabilities(["xqzjv", "~", "Hello"]))
    assert len(shipped.log_probabilities([])) == 0


def test_the_order_of_texts_and_their_company_change_nothing(shipped: Language) -> None:
    texts = [token for token, others in PRINTED for token in (token, *others)]
    whole = shipped.log_probabilities(texts)
    backwards = shipped.log_probabilities(texts[::-1])[::-1]
    assert np.allclose(whole, backwards, atol=1e-9)
    one_by_one = [float(shipped.log_probabilities([text])[0]) for text in texts[:20]]
    assert np.allclose(whole[:20], one_by_one, atol=1e-9)


def test_the_mixture_is_the_weighted_sum_of_its_parts(shipped: Language) -> None:
    tokens = ["Straße", "166G02", "$5.99", "xqzjv"]
    parts = shipped.part_log_probabilities(tokens)
    assert parts.shape == (len(shipped.names), 4)
    for token, column, mixed in zip(
        tokens, parts.T, shipped.log_probabilities(tokens), strict=True
    ):
        summed = sum(w * math.exp(p) for w, p in zip(shipped.weights, column, strict=True))
        assert mixed == pytest.approx(math.log(summed)), token


def test_each_part_knows_its_own(shipped: Language) -> None:
    kinds = {
        "en": "throughout", "de": "Geschwindigkeit", "fr": "aujourd'hui", "es": "ayuntamiento",
        "fi": "kaupunki", "hu": "gyógyszertár", "numbers": "12.50", "codes": "7F3A09KD",
        "other": "xqzjv",
    }  # fmt: skip
    parts = shipped.part_log_probabilities(list(kinds.values()))
    best = [shipped.names[index] for index in parts.argmax(axis=0)]
    assert best == list(kinds)
