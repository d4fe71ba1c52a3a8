"""Training of the word detector: pages, targets, losses, and the loop."""
