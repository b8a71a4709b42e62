"""The only door to joblib: the same function over many tasks, results in the order of the tasks, whoever computed which.

Knows neither what a task is nor what a result means. One job runs in this process; more are worker processes (loky), each kept to one thread of BLAS
and OpenMP, so that `jobs` is the number of cores in use. Interrupting the parent (Ctrl-C) ends it at once and its workers with it.
"""

from __future__ import annotations

import signal
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")
Progress = Callable[[int, int], None]
"""Called with (done, of how many)."""


def run_all(function: Callable[[Task], Result], tasks: Iterable[Task], *, jobs: int = 1, progress: Progress | None = None) -> Iterator[Result]:
    """Results of `function` for each of `tasks`, in their order, each as soon as it and all before it are there.

    Parameters
    ----------
    function : must depend on its task alone, and be picklable where there are several jobs.
    jobs : processes. The results do not depend on it. progress : called after every result.

    Raises
    ------
    ValueError
        When `jobs` is not a whole number of 1 or more. What `function` raises comes through as it is.
    """
    if isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1:
        raise ValueError(f"jobs: {jobs!r} must be a whole number >= 1")
    return _run_all(function, list(tasks), jobs, progress)


def _run_all(function: Callable[[Task], Result], tasks: list[Task], jobs: int, progress: Progress | None) -> Iterator[Result]:
    n_workers = min(jobs, len(tasks))
    results: Any = map(function, tasks) if n_workers <= 1 else _spread(function, tasks, n_workers)
    for n_done, result in enumerate(results, start=1):
        if progress is not None:
            progress(n_done, len(tasks))
        yield result


def _spread(function: Callable[[Task], Result], tasks: list[Task], n_workers: int) -> Iterator[Result]:
    from joblib import Parallel, delayed, parallel_config  # 0.1 s to import: only when there is more than one job

    with parallel_config(backend="loky", inner_max_num_threads=1):
        pool = Parallel(n_jobs=n_workers, return_as="generator")  # takes the configuration along; it must not be left open between two results
    results = pool(delayed(_undisturbed)(function, task) for task in tasks)
    try:
        for result in results:  # noqa: UP028  # `yield from` would close it where joblib's advice to whoever stops early is heard
            yield result
    finally:
        with _deaf(), warnings.catch_warnings(action="ignore", category=UserWarning):
            results.close()  # ends what is still under way


@contextmanager
def _deaf() -> Iterator[None]:
    """Ignore Ctrl-C for a moment: a second one would reach the programs that end the workers, and leave some running under a traceback."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _undisturbed(function: Callable[[Task], Result], task: Task) -> Result:
    """In a worker: Ctrl-C reaches the whole group of processes, and is the parent's to handle; a worker would only print a traceback."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return function(task)
