"""Training of CLIP4STR and of the word detector; only the command line imports this."""
