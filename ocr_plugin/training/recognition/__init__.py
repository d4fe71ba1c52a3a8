"""The training of CLIP4STR."""
