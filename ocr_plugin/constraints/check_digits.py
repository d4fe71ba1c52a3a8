"""Check digits, each a function of the text as printed; False where it has no such form.

Spaces, hyphens and case do not matter. Each function's source is named in its docstring.
"""

import re
import string

_VALUES = {
    character: value for value, character in enumerate(string.digits + string.ascii_uppercase)
}
# 11, 22 and 33 are left out, being multiples of the modulus.
_CONTAINER_VALUES: dict[str, int] = dict(
    zip(
        string.digits + string.ascii_uppercase,
        [*range(11), *range(12, 22), *range(23, 33), *range(34, 39)],
        strict=True,
    )
)
_VIN_VALUES: dict[str, int] = {
    **{digit: int(digit) for digit in string.digits},
    **dict(zip("ABCDEFGH", range(1, 9), strict=True)),
    **dict(zip("JKLMN", range(1, 6), strict=True)),
    "P": 7,
    "R": 9,
    **dict(zip("STUVWXYZ", range(2, 10), strict=True)),
}
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_ISBN_PREFIX = re.compile(r"ISBN(?:-1[03])?:?", re.IGNORECASE)


def plain(text: str) -> str:
    """Returns the text in capitals, without spaces and hyphens."""
    return text.upper().replace(" ", "").replace("-", "")


def iban(text: str) -> bool:
    """ISO 13616-1 with ISO/IEC 7064, MOD 97-10: the number, its head moved behind, leaves 1."""
    account = plain(text)
    if len(account) < 5 or not _VALUES.keys() >= set(account):
        return False
    number = "".join(str(_VALUES[character]) for character in account[4:] + account[:4])
    return int(number) % 97 == 1


def container(text: str) -> bool:
    """ISO 6346, annex A: ten characters weighted by powers of two, modulo 11, then modulo 10."""
    number = plain(text)
    if not re.fullmatch(r"[A-Z]{4}[0-9]{7}", number):
        return False
    total = sum((_CONTAINER_VALUES[each] << place) for place, each in enumerate(number[:10]))
    return total % 11 % 10 == int(number[10])


def luhn(text: str) -> bool:
    """ISO/IEC 7812-1, annex B; for IMEI, 3GPP TS 23.003, annex B: every second digit doubled."""
    number = plain(text)
    if not re.fullmatch(r"[0-9]{2,}", number):
        return False
    digits = [int(digit) for digit in reversed(number)]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def ean13(text: str) -> bool:
    """GS1 General Specifications, 7.9.1: weights 1 and 3 in turn, modulo 10."""
    number = plain(text)
    if not re.fullmatch(r"[0-9]{13}", number):
        return False
    digits = [int(digit) for digit in number]
    return (sum(digits[::2]) + 3 * sum(digits[1::2])) % 10 == 0


def isbn(text: str) -> bool:
    """ISO 2108: ten characters weighted 10 to 1 modulo 11, X being 10; or thirteen as EAN-13."""
    number = plain(_ISBN_PREFIX.sub("", text, count=1))
    if len(number) == 13:
        return number.startswith(("978", "979")) and ean13(number)
    if not re.fullmatch(r"[0-9]{9}[0-9X]", number):
        return False
    values = [10 if character == "X" else int(character) for character in number]
    return sum(value * (10 - place) for place, value in enumerate(values)) % 11 == 0


def vin(text: str) -> bool:
    """49 CFR 565.15 and GB 16735: the ninth character, of numbers of North America and China.

    Those begin with 1 to 5 and with L. Elsewhere ISO 3779 asks for no check digit, so any other
    number passes.
    """
    number = plain(text)
    if len(number) != 17 or not _VIN_VALUES.keys() >= set(number):
        return False
    if number[0] not in "12345L":
        return True
    total = sum(
        _VIN_VALUES[each] * weight for each, weight in zip(number, _VIN_WEIGHTS, strict=True)
    )
    return "0123456789X"[total % 11] == number[8]
