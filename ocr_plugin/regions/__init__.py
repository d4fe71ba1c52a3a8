"""Regions of a page: geometry, rectified strips, ink. No model and no state."""
