"""Damaged files of every format that is read, made from small sound ones by number."""
