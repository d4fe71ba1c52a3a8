"""What holds for all tests."""

import os

# Before anything imports PyTorch or OpenCV, and for the processes that tests start: on few cores,
# the threads of one small network wait for each other longer than they work.
os.environ.setdefault("OMP_NUM_THREADS", "1")
