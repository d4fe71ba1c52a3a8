"""Where and how networks run: devices, threads, precision, backends, weights."""
