"""Forms of number plates, for cars of the ordinary series; no country prints a check digit."""

from typing import NamedTuple


class Plate(NamedTuple):
    """The form of a country's plates."""

    description: str
    source: str
    expression: str


_NL_GROUPS = (
    "LL-DD-DD", "DD-DD-LL", "DD-LL-DD", "LL-DD-LL", "LL-LL-DD", "DD-LL-LL", "DD-LLL-D",
    "D-LLL-DD", "LL-DDD-L", "L-DDD-LL", "LLL-DD-L", "L-DD-LLL", "D-LL-DDD", "DDD-LL-D",
)  # fmt: skip

PLATES = {
    "de": Plate(
        "German number plate: M AB 1234, electric (E) and historic (H) ones included",
        "Fahrzeug-Zulassungsverordnung (FZV): district, one or two letters, up to four digits",
        "[A-ZÄÖÜ]{1,3}[ -]?[A-Z]{1,2}[ -]?[1-9][0-9]{0,3} ?[EH]?",
    ),
    "fr": Plate(
        "French number plate since 2009: AB-123-CD",
        "Arrêté du 9 février 2009 (SIV): no I, O or U, and neither group of letters is SS",
        "(?:[A-HJ-NP-RTV-Z][A-HJ-NP-TV-Z]|S[A-HJ-NP-RTV-Z])[ -]?[0-9]{3}[ -]?"
        "(?:[A-HJ-NP-RTV-Z][A-HJ-NP-TV-Z]|S[A-HJ-NP-RTV-Z])",
    ),
    "it": Plate(
        "Italian number plate since 1994: AB 123 CD",
        "Codice della strada, art. 100, and its regulation: no I, O, Q or U",
        "[A-HJ-NPR-TV-Z]{2}[ -]?[0-9]{3}[ -]?[A-HJ-NPR-TV-Z]{2}",
    ),
    "es": Plate(
        "Spanish number plate since 2000: 1234 BCD",
        "Reglamento General de Vehículos, anexo XVIII: no vowels, no Ñ or Q",
        "[0-9]{4}[ -]?[B-DF-HJ-NPR-TV-Z]{3}",
    ),
    "gb": Plate(
        "British number plate since 2001: AB12 CDE",
        "DVLA, INF104: area without I, Q, Z; age 02 to 50 or 51 to 99; no I or Q behind",
        "[A-HJ-PR-Y]{2}(?:0[2-9]|[1-9][0-9]) ?[A-HJ-PR-Z]{3}",
    ),
    "nl": Plate(
        "Dutch number plate, series 1 to 14: AB-12-34, 12-ABC-3, A-123-BC",
        "RDW, series of number plates (sidecodes)",
        "|".join(
            groups.replace("-", "[ -]?").replace("L", "[A-Z]").replace("D", "[0-9]")
            for groups in _NL_GROUPS
        ),
    ),
    "us": Plate(
        "US number plate, free form: 2 to 8 capitals and digits, at most one space or hyphen",
        "none: each state has its own forms",
        "[A-Z0-9](?:[A-Z0-9]{1,7}|" + "|".join(
            f"[A-Z0-9]{{{before}}}[ -][A-Z0-9]{{1,{7 - before}}}" for before in range(7)
        ) + ")",
    ),
}  # fmt: skip
