"""Training of the word detector: pages to learn from, what is learnt from them, and the loop."""
