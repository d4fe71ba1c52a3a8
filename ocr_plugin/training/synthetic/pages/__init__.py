"""Synthetic pages, with the outlines of their words."""
