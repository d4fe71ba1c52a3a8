"""How likely a printed token is: a mixture of languages, numbers, codes and other letters."""
