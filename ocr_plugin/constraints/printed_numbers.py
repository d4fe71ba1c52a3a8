"""What no automaton knows of dates and telephone numbers."""

import re
from datetime import date

_EXTENSION = re.compile(r"(?:x|ext).*", re.IGNORECASE)


def real_date(text: str) -> bool:
    """Whether a numeric date is a day of the Gregorian calendar, in some order its form admits.

    The year comes first where the first number has four digits. Otherwise the day does or, with
    slashes and hyphens, the month. A year of two digits is of the 20th or the 21st century.
    """
    numbers = re.findall("[0-9]+", text)
    if len(numbers) == 1 and len(numbers[0]) == 8:
        numbers = [numbers[0][:4], numbers[0][4:6], numbers[0][6:]]
    if len(numbers) != 3:
        return False
    first, second, third = map(int, numbers)
    if len(numbers[0]) == 4:
        return _exists(first, second, third)
    years = [third] if len(numbers[2]) == 4 else [1900 + third, 2000 + third]
    orders = [(second, first)] + ([] if "." in text else [(first, second)])
    return any(_exists(year, month, day) for year in years for month, day in orders)


def _exists(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def dialled(text: str) -> bool:
    """ITU-T E.164: 7 to 15 digits, no leading 0 behind a +; parentheses come in pairs.

    An extension does not count.
    """
    number = _EXTENSION.sub("", text)
    digits = re.sub("[^0-9]", "", number)
    international = number.startswith("+")
    pairs = re.sub(r"\([^()]+\)", "", number)
    return (
        7 <= len(digits) <= 15
        and not (international and digits.startswith("0"))
        and not set(pairs) & set("()")
    )
