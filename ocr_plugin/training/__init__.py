"""Training CLIP4STR on one's own words; nothing else of the package imports this."""
