"""Building a language file: word lists, counts of n-grams, pruning, made-up numbers."""
