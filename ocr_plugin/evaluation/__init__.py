"""How well a recognizer reads, a detector finds, and both read pages, by the usual protocols."""
