"""Finished evaluations on disk, and results that are there whole or not at all."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from sbsim.errors import OutputError
from sbsim.search.checkpoint import Checkpoint
from sbsim.search.evaluations import Evaluations, Task
from sbsim.search.files import make_folder, remove, write_files
from sbsim.search.objective import Outcome

TASKS = [Task((("a.b", 0.1 + 0.2), ("c.d", None), ("e.f", "lru"), ("g.h", True)), "search", r, 1.0) for r in range(4)]


def outcome(task: Task) -> Outcome:
    """What an evaluation gives, with numbers that a short decimal would spoil."""
    return Outcome({"total_cost_usd": task.replication / 3, "p95_latency_s": None, "n_requests": 7}, task.replication == 2)


def test_what_was_kept_comes_back_to_the_last_bit(tmp_path: Path) -> None:
    """Tasks and outcomes are equal after a round trip, floats, nothing and truth values included."""
    store = Checkpoint(tmp_path / "kept", "study")
    for task in TASKS:
        store.add(task, outcome(task))
    store.close()
    assert Checkpoint(tmp_path / "kept", "study").load() == {task: outcome(task) for task in TASKS}
    assert [type(value) for _, value in next(iter(Checkpoint(tmp_path / "kept", "study").load())).values] == [float, type(None), str, bool]


def test_another_study_is_not_read_and_makes_room(tmp_path: Path) -> None:
    """A file of another scenario, seed or version counts for nothing and is replaced."""
    first = Checkpoint(tmp_path / "kept", "one")
    first.add(TASKS[0], outcome(TASKS[0]))
    first.close()
    second = Checkpoint(tmp_path / "kept", "two")
    assert second.load() == {}
    second.add(TASKS[1], outcome(TASKS[1]))
    second.close()
    assert Checkpoint(tmp_path / "kept", "two").load() == {TASKS[1]: outcome(TASKS[1])}
    assert Checkpoint(tmp_path / "kept", "one").load() == {}


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_line_cut_short_is_dropped_and_what_follows_is_whole(tmp_path: Path, cut: int) -> None:
    """A parent killed in the middle of writing loses that line alone; the next one starts where it began."""
    path = tmp_path / "kept"
    store = Checkpoint(path, "study")
    for task in TASKS[:2]:
        store.add(task, outcome(task))
    store.close()
    path.write_bytes(path.read_bytes()[:-cut])
    again = Checkpoint(path, "study")
    assert list(again.load()) == TASKS[:1]
    again.add(TASKS[2], outcome(TASKS[2]))
    again.close()
    assert list(Checkpoint(path, "study").load()) == [TASKS[0], TASKS[2]]
    assert all(json.loads(line) for line in path.read_text().splitlines())


def test_evaluations_found_in_the_store_are_not_run_again_but_counted(tmp_path: Path) -> None:
    """A search that is taken up again spends its budget as if it had never stopped."""
    ran: list[Task] = []

    def evaluate(task: Task) -> Outcome:
        ran.append(task)
        return outcome(task)

    first = Evaluations(evaluate, store=Checkpoint(tmp_path / "kept", "study"))
    first.run(TASKS[:2])
    first.close(is_finished=False)
    again = Evaluations(evaluate, store=Checkpoint(tmp_path / "kept", "study"))
    assert again.n_spent == 0
    assert again.run(TASKS) == [outcome(task) for task in TASKS]
    assert (ran, again.n_spent) == (TASKS, 4)
    again.close(is_finished=True)
    assert not (tmp_path / "kept").exists()


def test_an_interrupt_keeps_what_was_finished(tmp_path: Path) -> None:
    """Ctrl-C in the third evaluation leaves two in the file."""

    def evaluate(task: Task) -> Outcome:
        if task.replication == 2:
            raise KeyboardInterrupt
        return outcome(task)

    evaluations = Evaluations(evaluate, store=Checkpoint(tmp_path / "kept", "study"))
    with pytest.raises(KeyboardInterrupt):
        evaluations.run(TASKS)
    evaluations.close(is_finished=False)
    assert list(Checkpoint(tmp_path / "kept", "study").load()) == TASKS[:2]


def test_several_files_or_none(tmp_path: Path) -> None:
    """When one of them cannot be written the others stay as they were, and nothing half-written is left lying about."""
    (tmp_path / "a").write_text("old")
    (tmp_path / "b").mkdir()
    with pytest.raises(OutputError, match="b: cannot be written: is a folder"):
        write_files({tmp_path / "a": b"new", tmp_path / "b": b"new"})
    assert (tmp_path / "a").read_text() == "old"
    with pytest.raises(OutputError, match="missing"):
        write_files({tmp_path / "a": b"new", tmp_path / "missing" / "c": b"new"})
    assert (tmp_path / "a").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]
    write_files({tmp_path / "a": b"new", tmp_path / "c": b"c"})
    assert (tmp_path / "a").read_bytes() == b"new"
    assert (tmp_path / "c").read_bytes() == b"c"


def test_a_new_file_has_the_usual_permissions(tmp_path: Path) -> None:
    """Made by way of a private temporary file, it is as readable as any other new file."""
    before = os.umask(0o022)
    try:
        write_files({tmp_path / "a": b""})
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o644


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    """A name taken by a file is refused with the path; a path that is free is made with its parents."""
    (tmp_path / "taken").write_text("")
    with pytest.raises(OutputError, match="taken"):
        make_folder(tmp_path / "taken")
    with pytest.raises(OutputError, match="taken"):
        make_folder(tmp_path / "taken" / "below")
    assert make_folder(tmp_path / "x" / "y").is_dir()
    remove(tmp_path / "never")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_said(tmp_path: Path) -> None:
    """What could not be kept is an error with the path, not a traceback of the operating system's."""
    (tmp_path / "kept").symlink_to("/dev/full")
    store = Checkpoint(tmp_path / "kept", "study")
    with pytest.raises(OutputError, match="kept: cannot be written"):
        store.add(TASKS[0], outcome(TASKS[0]))
    store.close()
