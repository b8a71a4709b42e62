"""The door to joblib."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from sbsim.parallel import run_all

_INTERRUPTED = """
import os, signal, sys, time
from sbsim.parallel import run_all

def slowly(task):
    time.sleep(0.2)
    print(os.getpid(), flush=True)
    return task

try:
    for result in run_all(slowly, range(1000), jobs=2):
        print("got", result, flush=True)
except KeyboardInterrupt:
    print("interrupted", flush=True)
    sys.exit(130)
"""


def _square(task: int) -> int:
    time.sleep(0.02 * (task % 3 == 0))  # so that workers finish out of order
    return task * task


def _pid(_: int) -> int:
    time.sleep(0.05)
    return os.getpid()


def _fail(task: int) -> int:
    if task == 3:
        raise LookupError("task three")
    return task


def _blas_threads(_: int) -> str | None:
    return os.environ.get("OPENBLAS_NUM_THREADS")


@pytest.mark.parametrize("jobs", [1, 2])
def test_results_come_in_the_order_of_the_tasks(jobs: int) -> None:
    """Whoever computes which, results are in task order and progress counts each of them."""
    seen: list[tuple[int, int]] = []
    assert list(run_all(_square, range(9), jobs=jobs, progress=lambda done, total: seen.append((done, total)))) == [n * n for n in range(9)]
    assert seen == [(n, 9) for n in range(1, 10)]


def test_one_job_runs_here_and_lazily() -> None:
    """With one job there is no other process, and a task is run when its result is asked for."""
    ran: list[int] = []
    results: Iterator[None] = run_all(ran.append, range(3), jobs=1)
    assert ran == []
    next(results)
    assert ran == [0]
    assert set(run_all(_pid, range(2), jobs=1)) == {os.getpid()}


def test_two_jobs_are_two_other_processes_of_one_thread() -> None:
    """With two jobs the work is done elsewhere, and linear algebra there keeps to one thread."""
    pids = set(run_all(_pid, range(8), jobs=2))
    assert len(pids) == 2
    assert os.getpid() not in pids
    assert set(run_all(_blas_threads, range(2), jobs=2)) == {"1"}


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_error_comes_through(jobs: int) -> None:
    """What a task raises reaches the caller with its type and message."""
    with pytest.raises(LookupError, match="task three"):
        list(run_all(_fail, range(6), jobs=jobs))


@pytest.mark.parametrize("jobs", [0, -1, True, 1.5])
def test_a_meaningless_number_of_jobs_is_refused(jobs: int) -> None:
    """Jobs are a whole number from 1 on; joblib's -1 for all cores is not ours."""
    with pytest.raises(ValueError, match="whole number >= 1"):
        run_all(_square, [1], jobs=jobs)


def test_ctrl_c_ends_parent_and_workers_without_a_traceback() -> None:
    """Ctrl-C reaches all processes of the group: the parent gets KeyboardInterrupt within seconds, the workers end, nothing is printed by them."""
    child = subprocess.Popen([sys.executable, "-c", _INTERRUPTED], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    assert child.stdout is not None
    workers = set()
    for line in child.stdout:
        if line.startswith("got"):
            break
        workers.add(int(line))
    os.killpg(child.pid, signal.SIGINT)
    stdout, stderr = child.communicate(timeout=30)
    assert child.returncode == 130
    assert stdout.rstrip().endswith("interrupted")
    assert stderr == ""
    deadline = time.monotonic() + 10
    while any(_is_alive(pid) for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [pid for pid in workers if _is_alive(pid)]


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
