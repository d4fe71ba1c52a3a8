"""The kinds of sheets: what pages usually look like, each in its true reading order."""

from collections.abc import Callable

from tests.layout.sheets import Sheet

GOODS = ("Bolt", "Copper wire", "Hinge 40 mm", "Glue", "Sand paper fine", "Oak board", "Nail")


def single_column(sheet: Sheet) -> None:
    size, y = sheet.size, 0.0
    for number in range(4):
        y = sheet.paragraph(0, y, [f"{number} {sheet.prose(1)[0]}"], 1.5 * size) + size
        y = sheet.column(0, y, 30 * size, 6) + 0.5 * size


def two_columns(sheet: Sheet) -> None:
    width = 16 * sheet.size
    for number in range(2):
        x = number * (width + sheet.variation.gutter * sheet.size)
        y = sheet.column(x, 0, width, 7) + 0.6 * sheet.size
        sheet.column(x, y, width, 11 - 6 * number)


def three_narrow_columns(sheet: Sheet) -> None:
    size, width = sheet.size, 7 * sheet.size
    for number in range(3):
        x = number * (width + sheet.variation.gutter * size)
        sheet.column(x, 0, width, (12, 12, 5)[number])


def heading_over_columns(sheet: Sheet) -> None:
    size = sheet.size
    width = 14 * size
    far = width + sheet.variation.gutter * size
    sheet.centred(width, 0, "A title over both columns", 1.8 * size)
    sheet.centred(width, 3 * size, "Someone Whoever, somewhere")
    for k in range(2):
        sheet.column(k * far, 6 * size, width, 8)
    y = 6 * size + 9 * sheet.pitch
    sheet.add(0, y, "Another title that runs over both of them", 1.4 * size)
    for k in range(2):
        sheet.column(k * far, y + 2.6 * size, width, 7 - 2 * k)


def unruled_invoice(sheet: Sheet) -> None:
    """Cells are missing, and some rows have quantity and price in one piece."""
    size, y = sheet.size, 0.0
    for line in ("Invoice 2041", "Smith and Sons", "12 Long Street"):
        sheet.add(0, y, line)
        y += sheet.pitch
    y += 1.5 * size
    for x, text in ((0, "Item"), (12, "Qty"), (17, "Price"), (24, "Amount")):
        sheet.add(x * size, y, text, size)
    for number, goods in enumerate(GOODS):
        y += (sheet.variation.leading + 0.3) * size
        sheet.add(0, y, goods)
        if number % 3 == 1:
            sheet.add(12 * size, y, f"{number} pcs at {number}.10")
        elif number % 3 == 2:
            sheet.right(14 * size, y, f"{number}")
            sheet.right(19.5 * size, y, f"{number}.20", 0.85 * size)
        sheet.right(27 * size, y, f"{number * number}.40")
    for text in ("Net", "VAT 19 %", "Total"):
        y += (sheet.variation.leading + 0.3) * size
        sheet.add(17 * size, y, text)
        sheet.right(27 * size, y, "104.80")


def ruled_table(sheet: Sheet) -> None:
    """Cells are wrapped, and those of one line stand in the middle of their row."""
    size, y = sheet.size, 0.0
    for x, text in ((0, "No"), (4, "What it is"), (17, "When"), (25, "Sum")):
        sheet.add(x * size, y, text)
    y += sheet.pitch + 1.4 * size
    for number, count in enumerate((1, 3, 2, 1, 2, 3)):
        middle = y + (count - 1) / 2 * sheet.pitch
        sheet.add(0.5 * size, middle, f"{number}")
        bottom = sheet.column(4 * size, y, 10 * size, count)
        sheet.add(17 * size, middle, f"0{number}.10.2021")
        sheet.right(28 * size, middle, f"{number}50.00")
        y = bottom + 1.4 * size


def form(sheet: Sheet) -> None:
    y = 0.0
    values = {
        "Family name:": "Berger",
        "Given names:": "Anna Maria",
        "Date of birth:": "12.03.1984",
        "Place and country of birth:": "Linz, Austria",
        "Address:": "Lange Gasse 12, 4020 Linz",
        "Occupation of the applicant:": "teacher at a school",
        "Reason for this application:": "loss of the old card",
    }
    for label, value in values.items():
        sheet.add(0, y, label)
        sheet.add(17 * sheet.size, y, value)
        y += 1.4 * sheet.pitch


def receipt(sheet: Sheet) -> None:
    size, y = sheet.size, 0.0
    for text in ("CORNER SHOP", "1 Hill Road", "Tel 555 0199"):
        sheet.centred(9 * size, y, text)
        y += sheet.pitch
    y += 0.5 * size
    for number, goods in enumerate(GOODS):
        sheet.add(0, y, goods.upper())
        sheet.right(18 * size, y, f"{number}.99 A")
        y += sheet.pitch
        if number % 3 == 0:
            sheet.add(size, y, f"{number + 2} x 1.20")
            y += sheet.pitch
    sheet.add(0, y + 0.4 * size, "TOTAL", 1.5 * size)
    sheet.right(18 * size, y + 0.4 * size, "47.10", 1.5 * size)
    sheet.centred(9 * size, y + 3 * size, "Thank you")


def contents(sheet: Sheet) -> None:
    """Dot leaders: pieces of their own, or read with the title, or cut by the number."""
    size, y = sheet.size, 3.0 * sheet.size
    sheet.add(0, 0, "Contents", 1.6 * size)
    for number, title in enumerate(
        ("Introduction", "Earlier work", "Method", "What we found", "Thanks", "Index")
    ):
        indent = size * (number % 2)
        end = sheet.add(indent, y, f"{number} {title}")
        if number % 3 == 0:
            sheet.add(end + 0.3 * size, y + 0.72 * size, "." * 30, 0.25 * size)
            sheet.right(27 * size, y, f"{number * 7 + 3}")
        elif number % 3 == 1:
            end = sheet.add(end + size, y, "..")
            sheet.right(27 * size, y, f".{number * 7 + 3}")
        else:
            sheet.add(end, y, "." * int((26 * size - end) / (0.52 * size)))
            sheet.right(27 * size, y, f"{number * 7 + 3}")
        y += sheet.pitch


def sidebar(sheet: Sheet) -> None:
    """Notes in small print at the left; beside them a picture with its caption, then text."""
    size = sheet.size
    small, x = 0.8 * size, 9 * size
    y = 0.0
    for count in (4, 3):
        lines = sheet.wrapped(sheet.prose(40), 6.5 * size, small)[:count]
        y = sheet.paragraph(0, y, lines, small) + 2.5 * size
    y = sheet.column(x, 0, 22 * size, 5)
    y = sheet.paragraph(x + size, y + 8 * size, ["Figure 1. A mill by the river"], small) + size
    sheet.column(x, y, 22 * size, 8)


def chart(sheet: Sheet) -> None:
    """A chart between paragraphs, with labels of two axes that run up and down beside it."""
    size = sheet.size
    y = sheet.column(0, 0, 30 * size, 4) + 1.5 * size
    sheet.turned(2 * size, y + 3 * size, "height in metres", up=True)
    for number in range(5):
        sheet.right(6 * size, y + 3 * number * size, f"{40 - 10 * number}")
    top, y = y + 3 * size, y + 5 * 3 * size
    for number in range(5):
        sheet.centred((7 + 4 * number) * size, y, f"{1990 + 5 * number}")
    sheet.centred(15 * size, y + 1.6 * size, "year of measurement")
    sheet.turned(26 * size, top, "temperature", up=False)
    sheet.column(0, y + 4.5 * size, 30 * size, 4)


def footnotes(sheet: Sheet) -> None:
    size, y = sheet.size, 0.0
    for number in range(5):
        words = sheet.prose(7)
        end = sheet.add(0, y, " ".join(words[:3]))
        end = sheet.add(end + 0.05 * size, y - 0.15 * size, f"{number + 1}", 0.55 * size)
        end = sheet.add(end + 0.3 * size, y, "where Ca")
        end = sheet.add(end - 0.05 * size, y - 0.2 * size, "2+", 0.6 * size)
        end = sheet.add(end + 0.3 * size, y, "and x")
        end = sheet.add(end, y + 0.6 * size, "i", 0.55 * size)
        sheet.add(end + 0.3 * size, y, " ".join(words[3:]))
        y += sheet.pitch
    y += 2 * size
    small = 0.8 * size
    for number in range(2):
        end = sheet.add(0, y - 0.1 * small, f"{number + 1}", 0.55 * small)
        lines = sheet.wrapped(sheet.prose(30), 24 * size, small)[:2]
        sheet.add(end + 0.1 * small, y, lines[0], small)
        y = sheet.paragraph(0, y + small * sheet.variation.leading, lines[1:], small)


def header_and_footer(sheet: Sheet) -> None:
    size = sheet.size
    width = 15 * size
    far = width + sheet.variation.gutter * size
    sheet.add(0, 0, "Chapter Two", 0.9 * size)
    sheet.right(far + width, 0, "A History of Mills", 0.9 * size)
    y = 3.5 * size
    for k in range(2):
        bottom = sheet.column(k * far, y, width, 12)
    sheet.add(0, bottom + 2 * size, "Printed in 1911", 0.9 * size)
    sheet.right(far + width, bottom + 2 * size, "27", 0.9 * size)


KINDS: tuple[Callable[[Sheet], None], ...] = (
    single_column,
    two_columns,
    three_narrow_columns,
    heading_over_columns,
    unruled_invoice,
    ruled_table,
    form,
    receipt,
    contents,
    sidebar,
    chart,
    footnotes,
    header_and_footer,
)
