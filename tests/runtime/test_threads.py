"""Threads that keep to one core each."""

import os
import subprocess
import sys
import threading

import cv2
import numpy as np
import pytest
import torch

from ocr_plugin.clip4str import Clip4StrRecognizer
from ocr_plugin.recognizers.clip4str.recognizer import _LEAST_PART
from ocr_plugin.recognizers.clip4str.word_network import WordNetwork
from ocr_plugin.runtime.threads import cores, limited_threads, torch_workers
from tests.recognizers.clip4str.test_compact_model import drawn as crop
from tests.recognizers.clip4str.test_reader import WORDS

CROPS = [crop(word, "black", "white") for word in WORDS]


def test_every_worker_has_one_core_and_others_keep_theirs() -> None:
    before = torch.get_num_threads()
    barrier = threading.Barrier(cores())

    def told(_: int) -> tuple[str, int]:
        barrier.wait(10)  # so that none does the work of another
        return threading.current_thread().name, torch.get_num_threads()

    found = dict(torch_workers().map(told, range(cores())))
    assert len(found) == cores()
    assert set(found.values()) == {1}
    assert torch.get_num_threads() == before


def test_threads_that_come_later_are_not_limited() -> None:
    code = (
        "import threading, torch; from ocr_plugin.runtime.threads import torch_workers;"
        "torch.set_num_threads(3); torch_workers(); found = [];"
        "thread = threading.Thread(target=lambda: found.append(torch.get_num_threads()));"
        "thread.start(); thread.join(); print(found, torch.get_num_threads())"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[3] 3"


def test_parts_are_read_side_by_side_and_stay_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    recognizer = Clip4StrRecognizer(threads=4, batch_size=16)
    alone = [recognizer.recognize([each])[0].text for each in CROPS]
    sizes: list[int] = []
    read = Clip4StrRecognizer._read

    def counted(
        self: Clip4StrRecognizer, network: WordNetwork, crops: list[np.ndarray]
    ) -> list[object]:
        sizes.append(len(crops))
        assert threading.current_thread() is not threading.main_thread()
        return list(read(self, network, crops))

    monkeypatch.setattr(Clip4StrRecognizer, "_read", counted)
    together = [reading.text for reading in recognizer.recognize(CROPS * 4)]
    assert together == alone * 4
    assert sorted(sizes, reverse=True) == [11, 11, 11, 11]
    sizes.clear()
    recognizer.recognize(CROPS[:_LEAST_PART])
    assert sizes == [_LEAST_PART]
    assert recognizer.recognize([]) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")
def test_a_fork_has_workers_of_its_own() -> None:
    code = (
        "import os; from ocr_plugin.runtime.threads import torch_workers; torch_workers();"
        "child = os.fork();\n"
        "if child == 0: os._exit(torch_workers().submit(lambda: 7).result(30))\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))"
    )
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=120
    )
    assert run.stdout.strip() == "7", run.stderr


def test_callers_at_once_share_one_pool_and_leave_the_number_of_threads() -> None:
    code = (
        "import threading, torch; from concurrent.futures import ThreadPoolExecutor;"
        "from ocr_plugin.runtime.threads import torch_workers; torch.set_num_threads(3);"
        "barrier = threading.Barrier(4); callers = ThreadPoolExecutor(4);\n"
        "def ask(_): barrier.wait(); return id(torch_workers())\n"
        "print(len(set(callers.map(ask, range(4)))), torch.get_num_threads())"
    )
    for _ in range(2):
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert run.stdout.strip() == "1 3", run.stderr


def test_limits_that_overlap_are_taken_back_by_the_last_of_them() -> None:
    before = torch.get_num_threads(), cv2.getNumThreads()
    first, second = limited_threads(1), limited_threads(1)
    first.__enter__()
    second.__enter__()
    assert (torch.get_num_threads(), cv2.getNumThreads()) == (1, 1)
    first.__exit__(None, None, None)
    second.__exit__(None, None, None)
    assert (torch.get_num_threads(), cv2.getNumThreads()) == before
