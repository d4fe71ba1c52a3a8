"""Built-in patterns by name, with their check digits."""

from collections.abc import Callable
from typing import NamedTuple

from ocr_plugin.constraints import check_digits, printed_numbers
from ocr_plugin.constraints.account_numbers import account_number_expression
from ocr_plugin.constraints.plates import PLATES
from ocr_plugin.errors import ConfigurationError


class NamedPattern(NamedTuple):
    """A pattern that can be asked for by its name."""

    description: str
    source: str
    """The standard that the form is from."""
    expression: str
    check: Callable[[str], bool] | None = None
    """What no automaton knows."""


_MONTH, _DAY, _YEAR = "(?:0?[1-9]|1[0-2])", "(?:0?[1-9]|[12][0-9]|3[01])", "(?:[12][0-9]{3})"
_ISO_DATE = f"{_YEAR}%s(?:0[1-9]|1[0-2])%s(?:0[1-9]|[12][0-9]|3[01])"
_DATES = (
    *(_ISO_DATE % (mark, mark) for mark in ("-", "", "/", r"\.")),
    rf"{_DAY}\. ?{_MONTH}\. ?(?:{_YEAR}|[0-9]{{2}})",
    *(
        f"(?:{_DAY}{mark}{_MONTH}|{_MONTH}{mark}{_DAY}){mark}(?:{_YEAR}|[0-9]{{2}})"
        for mark in "/-"
    ),
)
_MINUTES = "[:.h][0-5][0-9](?:[:.][0-5][0-9])?"
_GROUPED = (
    r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.(?:[0-9]{1,2}|-))?",
    r"(?:[0-9]{1,3}(?:\.[0-9]{3})+|[0-9]+)(?:,(?:[0-9]{1,2}|-))?",
    "[0-9]{1,3}(?:[ \u00a0\u202f'\N{RIGHT SINGLE QUOTATION MARK}][0-9]{3})+(?:[.,][0-9]{1,2})?",
)
_NUMBER = f"(?:{'|'.join(_GROUPED)})"
_SIGN = "[+\N{MINUS SIGN}-]"
_CURRENCY = "(?:[$€£¥₹]|[A-Z]{3})"
_LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_HOST = rf"(?:{_LABEL}\.)+[a-zA-Z]{{2,63}}"
_VIN_CHARACTER = "[A-HJ-NPR-Z0-9]"

_PATTERNS = {
    "iban": NamedPattern(
        "bank account number (IBAN), in fours or without spaces; each country's form, mod 97",
        "ISO 13616-1; SWIFT IBAN Registry",
        account_number_expression(),
        check_digits.iban,
    ),
    "iso6346": NamedPattern(
        "number of a freight container: CSQU 305438 3; check digit",
        "ISO 6346",
        "[A-Z]{3}[UJZ] ?[0-9]{6}[ -]?[0-9]",
        check_digits.container,
    ),
    "date": NamedPattern(
        "numeric date: 2024-02-29, 20240229, 29.2.2024, 29/02/24, 02/29/2024; days that exist",
        "ISO 8601-1; Unicode CLDR, short date formats",
        "|".join(_DATES),
        printed_numbers.real_date,
    ),
    "time": NamedPattern(
        "time of day: 09:05, 9.05, 9h05, 23:59:59, 11:30 pm",
        "ISO 8601-1; Unicode CLDR, short time formats",
        f"(?:[01]?[0-9]|2[0-3]){_MINUTES}|(?:0?[1-9]|1[0-2])(?:{_MINUTES})? ?[AaPp]\\.?[Mm]\\.?",
    ),
    "amount": NamedPattern(
        "amount of money or number: 1,234.56, 1.234,56 €, CHF 1'234.50, -5; two decimals at most",
        "Unicode CLDR, number formats; ISO 4217, codes of currencies",
        f"(?:{_SIGN} ?)?(?:{_CURRENCY} ?)?{_NUMBER}(?: ?{_CURRENCY})?|"
        f"{_CURRENCY} ?{_SIGN}{_NUMBER}",
    ),
    "email": NamedPattern(
        "e-mail address with a domain of at least two parts",
        "HTML Living Standard, valid e-mail address",
        f"[a-zA-Z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{_HOST}",
    ),
    "url": NamedPattern(
        "web address, with or without http://; hosts in ASCII",
        "RFC 3986; RFC 1123, 2.1, for hosts",
        rf"(?:(?:https?|ftp)://)?{_HOST}(?::[0-9]{{1,5}})?"
        r"(?:[/?#][A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*)?",
    ),
    "phone": NamedPattern(
        "telephone number of 7 to 15 digits, single separators, parentheses, extension",
        "ITU-T E.164 and E.123",
        r"(?:\+ ?)?\(?[0-9]\)?(?:[ ./-]?[ ./-]?\(?[0-9]\)?){6,14}(?: ?(?:x|ext\.?) ?[0-9]{1,5})?",
        printed_numbers.dialled,
    ),
    "isbn": NamedPattern(
        "book number of 10 or 13 digits, with or without hyphens and the word ISBN; check digit",
        "ISO 2108",
        r"(?:ISBN(?:-1[03])?:? ?)?(?:97[89][ -]?(?:[0-9][ -]?){9}[0-9]|(?:[0-9][ -]?){9}[0-9X])",
        check_digits.isbn,
    ),
    "ean13": NamedPattern(
        "article number under a bar code, 13 digits; check digit",
        "GS1 General Specifications, GTIN-13",
        "[0-9]{13}|[0-9] ?[0-9]{6} ?[0-9]{6}",
        check_digits.ean13,
    ),
    "vin": NamedPattern(
        "vehicle identification number, 17 characters without I, O, Q; check digit of numbers that"
        " begin with 1 to 5 or L (North America, China), the others have none",
        "ISO 3779; 49 CFR 565; GB 16735",
        f"{_VIN_CHARACTER}{{13}}[0-9]{{4}}",
        check_digits.vin,
    ),
    "imei": NamedPattern(
        "number of a mobile device, 15 digits; check digit",
        "3GPP TS 23.003",
        "[0-9]{15}|[0-9]{2}[ -][0-9]{6}[ -][0-9]{6}[ -][0-9]",
        check_digits.luhn,
    ),
    "card": NamedPattern(
        "number of a payment card, 12 to 19 digits, in groups or not; check digit (Luhn)",
        "ISO/IEC 7812-1",
        "[0-9]{12,19}|[0-9]{4}(?:[ -][0-9]{4}){2,3}(?:[ -][0-9]{1,3})?|"
        "[0-9]{4}[ -][0-9]{6}[ -][0-9]{4,5}",
        check_digits.luhn,
    ),
    **{f"plate:{country}": NamedPattern(*plate) for country, plate in PLATES.items()},
}


def named_pattern(name: str) -> NamedPattern | None:
    """Returns the built-in pattern of that name, or None if there is none.

    A pattern of the same letters is written with a group: ``(?:date)``.

    Raises:
        ConfigurationError: plates of a country that is not built in.
    """
    if name.startswith("plate:") and name not in _PATTERNS:
        raise ConfigurationError(
            f"pattern {name!r}: plates are known of {', '.join(sorted(PLATES))}"
        )
    return _PATTERNS.get(name)


def descriptions() -> dict[str, str]:
    """Returns what each built-in pattern is, with its source, by its name."""
    return {name: f"{each.description} ({each.source})" for name, each in _PATTERNS.items()}
