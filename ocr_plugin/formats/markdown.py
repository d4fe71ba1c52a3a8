"""Pages as Markdown: blocks are paragraphs, lines are separated by hard breaks.

That is CommonMark; tables are those of GitHub Flavored Markdown: https://github.github.com/gfm/
"""

import re
from collections.abc import Sequence

from ocr_plugin.schema import Block, Page

# Characters that are markup anywhere in a line, and markup only at a line's start.
_ANYWHERE = re.compile(r"([\\`*_\[\]<>|~&])")
_AT_START = re.compile(r"^(#{1,6}(?= |$)|[-+](?= |$)|[-=]+$|\d{1,9}(?=[.)]( |$)))")
_PAGE_BREAK = "\n\n---\n\n"


def render(pages: Sequence[Page]) -> str:
    """Returns the text of pages, a rule between them; what looks like markup is escaped."""
    texts = ("\n\n".join(map(_block, page.blocks)) for page in pages)
    return _PAGE_BREAK.join(texts) + "\n"


def _block(block: Block) -> str:
    return _table(block) if block.table else _paragraph(block)


def _table(block: Block) -> str:
    # The first row has to be the heading; nothing at a cell's start is markup.
    heading, *rows = ([_ANYWHERE.sub(r"\\\1", cell) for cell in row] for row in block.rows)
    return "\n".join(f"| {' | '.join(row)} |" for row in (heading, ["---"] * len(heading), *rows))


def _paragraph(block: Block) -> str:
    # A backslash at the end of a line is a hard line break.
    return "\\\n".join(_escaped(line.text) for line in block.lines)


def _escaped(line: str) -> str:
    escaped = _ANYWHERE.sub(r"\\\1", line)
    found = _AT_START.match(escaped)
    if found is None:
        return escaped
    start, rest = found[0], escaped[found.end() :]
    # After a number, the mark that follows makes it a list; that is what is escaped.
    return f"{start}\\{rest}" if start[0].isdigit() else f"\\{start}{rest}"
