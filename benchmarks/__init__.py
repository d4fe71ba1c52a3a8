"""What is claimed of speed and accuracy, as scripts anyone can run; see README.md beside this."""
