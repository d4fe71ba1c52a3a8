"""CLIP4STR: a PyTorch implementation that loads the published checkpoints."""
