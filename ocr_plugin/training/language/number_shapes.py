"""Made-up shapes of numbers, 0 for every digit: prices, dates, times, measures."""

import random
from collections import Counter
from collections.abc import Callable

_SIGNS = ("$", "$", "$", "€", "€", "£", "¥", "rm", "s$", "us$", "chf", "kr", "zł", "r$", "₹", "₺")
_UNITS = (
    "kg", "g", "mg", "t", "lb", "lbs", "oz", "ml", "cl", "dl", "l", "mm", "cm", "m", "km",
    "km/h", "m2", "m²", "in", "ft", "mph", "v", "kv", "mv", "a", "ma", "w", "kw", "kwh", "hz",
    "khz", "mhz", "ghz", "mb", "gb", "tb", "h", "hr", "hrs", "min", "s", "sec", "am", "pm",
    "a.m.", "p.m.", "uhr", "x", "°c", "°f", "°", "%", "st", "nd", "rd", "th", "º", "ª", "er",
    "e", "k", "d", "ff", "pcs", "pc", "cal", "kcal",
)  # fmt: skip
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def number_shapes(count: int = 60_000, seed: int = 0) -> dict[str, float]:
    """Returns shapes and how often each was drawn, in the order of the shapes."""
    rng = random.Random(seed)
    kinds, shares = zip(*_KINDS.items(), strict=True)
    drawn = Counter(
        _framed(rng, rng.choices(kinds, shares)[0](rng)).replace("2", "0")  # of m2
        for _ in range(count)
    )
    return {shape: float(drawn[shape]) for shape in sorted(drawn)}


def _framed(rng: random.Random, shape: str) -> str:
    """Returns a shape with what may stand before and after a number in running text."""
    chance = rng.random()
    if chance < 0.84:
        return shape
    if chance < 0.95:
        return shape + rng.choice((".", ",", ",", ":", ";", ")", "-", "*"))
    if chance < 0.98:
        return f"({shape})" + rng.choice(("", "", ".", ","))
    return rng.choice(("(", "-", "#", "+", "~", "<", ">", "@", "*")) + shape


def _digits(rng: random.Random, *shares: float) -> str:
    """Returns 1, 2, ... digits, each number of them with its share."""
    return "0" * rng.choices(range(1, len(shares) + 1), shares)[0]


def _plain(rng: random.Random) -> str:
    # Longer ones are mostly serial numbers, and those are codes.
    return _digits(rng, 26, 27, 18, 20, 3, 2, 1, 1, 0.5, 0.5, 0.2, 0.2, 0.2)


def _decimal(rng: random.Random) -> str:
    whole = _digits(rng, 40, 32, 16, 2)
    return whole + rng.choice("..,") + _digits(rng, 15, 75, 8, 2)


def _grouped(rng: random.Random) -> str:
    point = rng.choice(",,.'")
    groups = _digits(rng, 3, 3, 2) + (point + "000") * rng.choices((1, 2, 3), (80, 17, 3))[0]
    return groups + rng.choice(("", "", (".", ",")[point == "."] + "00"))


def _price(rng: random.Random) -> str:
    amount = rng.choices((_decimal, _grouped, _plain), (70, 12, 18))[0](rng)
    sign = rng.choice(_SIGNS)
    tail = rng.choice(("", "", "", "", ".-", ",-", "-"))
    return sign + amount + tail if rng.random() < 0.75 else amount + tail + sign


def _date(rng: random.Random) -> str:
    mark = rng.choice("//-.")
    day, month = _digits(rng, 1, 2), _digits(rng, 1, 2)
    year = rng.choice(("00", "0000"))
    shapes = (
        f"{day}{mark}{month}{mark}{year}", f"0000{mark}00{mark}00", f"{day}{mark}{month}",
        f"{day}-{rng.choice(_MONTHS)}-{year}", f"{month}/0000", "0000-0000", "0000/00",
        "00-00-00", f"{day}{mark}{month}.", "'00",
    )  # fmt: skip
    return rng.choices(shapes, (40, 12, 8, 6, 3, 6, 3, 6, 2, 1))[0]


def _time(rng: random.Random) -> str:
    hour = _digits(rng, 1, 3)
    shapes = (
        f"{hour}:00", f"{hour}:00:00", f"{hour}.00", f"{hour}h00", f"{hour}h",
        f"{hour}:00-{hour}:00", f"{hour}{rng.choice(('am', 'pm'))}",
        f"{hour}:00{rng.choice(('am', 'pm'))}", f"{hour}-{hour}",
    )  # fmt: skip
    return rng.choices(shapes, (45, 10, 8, 5, 3, 6, 8, 9, 4))[0]


def _telephone(rng: random.Random) -> str:
    shapes = (
        "000-0000", "000-000-0000", "(000)", "(000)000-0000", "+00", "+00-0-000-0000",
        "0000-0000", "00-0000000", "000.000.0000", "00.00.00.00.00", "+000000000000",
        "0000000000", "0000/000000", "00-00000000", "(00)", "+0", "0-000-000-0000", "00000000",
    )  # fmt: skip
    return rng.choice(shapes)


def _measure(rng: random.Random) -> str:
    amount = rng.choices((_plain, _decimal), (80, 20))[0](rng)
    return amount[:7] + rng.choice(_UNITS)


def _percentage(rng: random.Random) -> str:
    amount = _digits(rng, 30, 60, 10) if rng.random() < 0.75 else _decimal(rng)
    return rng.choice(("", "", "", "-", "+")) + amount + "%"


def _span(rng: random.Random) -> str:
    one = _digits(rng, 40, 40, 10, 10)
    mark = rng.choices(
        ("-", "/", "x", "*", ":", "+", "=", "#", "\u2013", ".", "@"),
        (35, 25, 12, 4, 6, 3, 2, 4, 4, 4, 1),
    )[0]
    other = _digits(rng, 40, 40, 10, 10)
    return rng.choices(
        (one + mark + other, mark + one, f"{one}{mark}{other}{mark}{one}"), (75, 15, 10)
    )[0]


def _signed(rng: random.Random) -> str:
    return rng.choice(("-", "+", "#", "=", "±", ".", "-", "@")) + rng.choice((_plain, _decimal))(
        rng
    )


def _numbered(rng: random.Random) -> str:
    return rng.choice(
        ("no.", "nr.", "n°", "nº", "p.", "#", "pp.", "vol.", "fig.", "art.", "§")
    ) + _digits(rng, 5, 5, 3, 1)


_KINDS: dict[Callable[[random.Random], str], float] = {
    _plain: 40, _decimal: 16, _grouped: 4, _price: 9, _date: 8, _time: 5, _telephone: 3,
    _measure: 6, _percentage: 3.5, _span: 4, _signed: 2.5, _numbered: 1,
}  # fmt: skip
