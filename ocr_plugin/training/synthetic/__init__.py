"""Synthetic word images: rendered text on backgrounds, then degraded."""
