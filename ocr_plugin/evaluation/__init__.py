"""How well a recognizer reads, by the protocols of the literature."""
