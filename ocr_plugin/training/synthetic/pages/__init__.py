"""Pages that nobody photographed, with the outlines of their words."""
