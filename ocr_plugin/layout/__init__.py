"""From words to lines, blocks, reading order and the page's record."""
