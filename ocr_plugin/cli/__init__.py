"""The command line. Only modules here print."""
