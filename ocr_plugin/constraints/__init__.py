"""What a text is allowed to be: characters, patterns, lexicons, as an automaton over characters.

Pure: no image, no model. A search over characters asks the automaton what may follow.
"""
