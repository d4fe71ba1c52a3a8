"""Built-in patterns: numbers known to be valid, and what is wrong with others."""

import re
from datetime import date, timedelta

import pytest

from ocr_plugin.constraints import check_digits
from ocr_plugin.constraints.account_numbers import account_number_expression
from ocr_plugin.constraints.automaton import walks
from ocr_plugin.constraints.constraint import Constraint
from ocr_plugin.constraints.named_patterns import descriptions, named_pattern
from ocr_plugin.constraints.printed_numbers import real_date
from ocr_plugin.errors import ConfigurationError

VALID = {
    "iban": [
        "DE89 3704 0044 0532 0130 00",
        "GB82WEST12345698765432",
        "FR14 2004 1010 0505 0001 3M02 606",
        "NO93 8601 1117 947",
        "MT84 MALT 0110 0001 2345 MTLC AST0 01S",
        "BR18 0036 0305 0000 1000 9795 493C 1",
        "EG380019000500000000263180002",
        "UA213223130000026007233566001",
    ],
    "iso6346": ["CSQU3054383", "CSQU 305438 3", "MSKU 907032-3", "TOLU4734787"],
    "date": [
        "2024-02-29",
        "20240229",
        "29.2.2024",
        "1. 2. 24",
        "29/02/00",
        "02/29/2024",
        "31-12-99",
        "2023/01/31",
        "12-31-1999",
    ],
    "time": ["09:05", "9.05", "9h05", "23:59:59", "11:30 pm", "7 a.m.", "12:00AM"],
    "amount": [
        "1,234.56",
        "1.234,56 €",
        "CHF 1'234.50",
        "-5",
        "$ -3.5",
        "1 234 567,00 EUR",
        "5,-",
        "1234567.89",
        "\N{MINUS SIGN}£0.99",
    ],
    "email": ["a.b+c@mail.example.org", "o'neil@x-y.co"],
    "url": ["https://example.org/a?b=c#d", "www.example.org", "example.org:8080/x", "ftp://a.b.de"],
    "phone": ["+49 30 901820", "(030) 90 18 20-1", "+1 (212) 555-0123", "020 7946 0018 ext. 12"],
    "isbn": ["978-3-16-148410-0", "0-306-40615-2", "ISBN 080442957X", "ISBN-13: 9780306406157"],
    "ean13": ["4006381333931", "5 901234 123457"],
    "vin": ["1M8GDM9AXKP042788", "11111111111111111", "WVWZZZ1JZ3W386752"],
    "imei": ["490154203237518", "35-209900-176148-1"],
    "card": ["4111 1111 1111 1111", "378282246310005", "3782-822463-10005", "6304000000000000"],
    "plate:de": ["M AB 1234", "B-X 1", "TÜ-AB 12E", "WOBL123H"],
    "plate:fr": ["AB-123-CD", "SA 001 AS", "AB123CD"],
    "plate:it": ["AB 123 CD", "ZZ999ZZ"],
    "plate:es": ["1234 BCD", "0000-ZZZ"],
    "plate:gb": ["AB12 CDE", "LM51ZZZ"],
    "plate:nl": ["AB-12-34", "12-ABC-3", "A-123-BC", "GBB 01 T"],
    "plate:us": ["ABC 1234", "7ABC123", "I-95", "12345678"],
}
INVALID = {
    "iban": [
        "DE89 3704 0044 0532 0130 01",
        "DE8937040044053201300",
        "XX89370400440532013000",
        "DE89 37040044 0532 0130 00",
        "GB82 1234 1234 5698 7654 32",
        "de89370400440532013000",
    ],
    "iso6346": ["CSQU3054384", "CSQA3054383", "CSQU305438"],
    "date": [
        "2023-02-29",
        "31.4.2024",
        "2024-2-9",
        "13/13/2024",
        "29.02.1900",
        "00.01.2024",
        "02.29.2024",
        "0999-01-01",
        "30/02/00",
        "1/2.2024",
    ],
    "time": ["24:00", "9:5", "13:00 pm", "9", "23:60"],
    "amount": ["1,23,456", "1.2345,00 €", "EU 5", "1 234,567", "--5", "1,234.567"],
    "email": ["a@b", "a b@c.de", "@c.de", "a@-b.de", "a@b..de"],
    "url": ["example", "http//example.org", "https://exa mple.org", "https://-a.org"],
    "phone": ["123456", "+0 30 901820", "(030 901820", "1234567890123456", "12--34567x"],
    "isbn": ["978-3-16-148410-1", "0-306-40615-3", "977-3-16-148410-0", "9780306406157X"],
    "ean13": ["4006381333932", "400638133393"],
    "vin": ["1M8GDM9A0KP042788", "WVWZZZ1JZ3W38675O", "LM8GDM9AXKP042788"],
    "imei": ["490154203237519", "49015420323751"],
    "card": ["4111 1111 1111 1112", "4111 11111111 1111", "411111111"],
    "plate:de": ["M AB 0123", "ABCD AB 1", "M ABC 1", "M AB 12345"],
    "plate:fr": ["SS-123-AA", "AA-123-SS", "AI-123-AA", "A-123-AA"],
    "plate:it": ["AQ 123 CD", "AB 12 CD"],
    "plate:es": ["1234 ABC", "1234 BCÑ", "123 BCD"],
    "plate:gb": ["AB01 CDE", "AB12 CQE", "ZB12 CDE"],
    "plate:nl": ["AB-CD-EF", "A-12-34"],
    "plate:us": ["A", "ABCDEFGHI", "AB-CD-1", "ab 123"],
}
CHECKED = ["iban", "iso6346", "isbn", "ean13", "imei", "card"]


def test_every_pattern_has_a_description_with_its_source_and_is_tested() -> None:
    assert descriptions().keys() == VALID.keys() == INVALID.keys()
    assert all(re.fullmatch(r".{10,} \(.{4,}\)", line) for line in descriptions().values())


@pytest.mark.parametrize(("name", "text"), [(n, t) for n, texts in VALID.items() for t in texts])
def test_a_valid_text_is_allowed(name: str, text: str) -> None:
    assert Constraint(pattern=name).compiled().allows(text)


@pytest.mark.parametrize(("name", "text"), [(n, t) for n, texts in INVALID.items() for t in texts])
def test_an_invalid_text_is_not(name: str, text: str) -> None:
    assert not Constraint(pattern=name).compiled().allows(text)


@pytest.mark.parametrize("name", CHECKED)
def test_a_check_digit_finds_every_single_digit_misread(name: str) -> None:
    compiled = Constraint(pattern=name).compiled()
    for text in VALID[name]:
        for place, printed in enumerate(text):
            # The prefix of a book number is no part of what is checked.
            if not printed.isdigit() or "ISBN-1" in text:
                continue
            for digit in set("0123456789") - {printed}:
                misread = f"{text[:place]}{digit}{text[place + 1 :]}"
                # Of containers, a remainder of 10 counts as 0: the standard says to avoid them.
                assert name == "iso6346" or not compiled.allows(misread), misread


def test_the_check_is_apart_from_the_automaton() -> None:
    compiled = Constraint(pattern="ean13").compiled()
    assert compiled.automaton is not None
    assert walks(compiled.automaton, "4006381333932")
    assert not compiled.check("4006381333932") and compiled.check("4006381333931")


def test_the_check_digit_of_a_container_is_that_of_the_standard() -> None:
    # https://www.bic-code.org/check-digit-calculator/ has CSQU 305438 3 as its example.
    valid = [digit for digit in "0123456789" if check_digits.container(f"CSQU305438{digit}")]
    assert valid == ["3"]


def test_dates_are_the_days_of_the_calendar() -> None:
    compiled = Constraint(pattern="date").compiled()
    days = {date(1999, 12, 25) + timedelta(days=days) for days in range(500)}
    real = {day.isoformat() for day in days}
    every = {f"{y}-{m:02}-{d:02}" for y in (2000, 2001) for m in range(14) for d in range(33)}
    first, last = min(real), max(real)
    allowed = {text for text in every if first <= text <= last and compiled.allows(text)}
    assert allowed == {text for text in real if text >= "2000"}
    assert not real_date("1.2") and not real_date("")


def test_account_numbers_have_at_most_34_characters_and_every_country_its_length() -> None:
    expression = account_number_expression()
    forms = [form for form in expression.split("|") if " " not in form]
    lengths = {form[:2]: len(re.sub(r"\[[^]]+\]", "x", form)) for form in forms}
    # From the SWIFT IBAN Registry's table of lengths.
    known = {"NO": 15, "BE": 16, "NL": 18, "CH": 21, "DE": 22, "GB": 22, "ES": 24, "FR": 27}
    known |= {"PL": 28, "MT": 31, "LC": 32, "RU": 33, "JO": 30, "SC": 31, "BR": 29, "SD": 18}
    assert known.items() <= lengths.items()
    assert len(lengths) == len(forms) == 89 and max(lengths.values()) <= 34


def test_a_country_whose_plates_are_unknown_is_refused_with_those_known() -> None:
    with pytest.raises(ConfigurationError, match="'plate:xx': plates are known of de, es, fr, gb"):
        Constraint(pattern="plate:xx").compiled()
    assert named_pattern("[a-z]") is None


def test_a_name_in_a_group_is_an_expression() -> None:
    assert Constraint(pattern="(?:date)").compiled().allows("date")


@pytest.mark.parametrize("check", [each for each in vars(check_digits).values() if callable(each)])
def test_checks_answer_no_to_what_they_do_not_know(check: object) -> None:
    names = ("iban", "container", "luhn", "ean13", "isbn", "vin")
    if getattr(check, "__name__", "") in names:
        assert callable(check)
        assert not any(check(text) for text in ("", "٣" * 13, "é", "X" * 40, "-"))
