"""What to run whenever a GPU is at hand; see README.md."""
