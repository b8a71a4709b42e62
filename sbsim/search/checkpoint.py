"""Finished evaluations on disk, so that a study that was interrupted goes on where it stopped.

One line of JSON for each, appended as soon as it is known, by the one process that collects results; workers write nothing, so that those which a
killed parent leaves behind cannot spoil anything. A line that was cut short is dropped. What belongs to another study is not read.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import Any

from sbsim.errors import OutputError
from sbsim.search.evaluations import Task
from sbsim.search.objective import Outcome

_SCHEMA = "sbsim.partial/1"


class Checkpoint:
    """Evaluations of one study in one file.

    Parameters
    ----------
    path : of the file; made with the first evaluation. identity : of the study: whatever changes its results changes this.
    """

    def __init__(self, path: Path, identity: str) -> None:
        self.path = path
        self._head = {"schema": _SCHEMA, "study": identity}
        self._file: FileIO | None = None
        self._n_good = 0  # bytes of whole lines of this study

    def load(self) -> dict[Task, Outcome]:
        """What is there of this study; empty when the file is absent or another study's. Raises OutputError when it cannot be read."""
        found: dict[Task, Outcome] = {}
        lines = self._lines()
        if next(lines, None) == self._head:
            for line in lines:
                found[_task(line["task"])] = Outcome(line["kpis"], line["saturated"], line["refusal"])
        else:
            self._n_good = 0
        return found

    def add(self, task: Task, outcome: Outcome) -> None:
        """Keep one evaluation. Raises OutputError."""
        try:
            self._append({"task": task, "kpis": outcome.kpis, "saturated": outcome.is_saturated, "refusal": outcome.refusal})
        except OSError as error:
            raise OutputError(f"{self.path}: cannot be written: {error.strerror or error}; try another --out") from None

    def close(self, *, remove: bool = False) -> None:
        """Let go of the file; `remove` it when the study is finished."""
        if self._file is not None:
            self._file.close()
            self._file = None
        if remove:
            self.path.unlink(missing_ok=True)

    def _append(self, line: dict[str, Any]) -> None:
        if self._file is None:
            self._file = open(self.path, "ab", buffering=0)  # noqa: SIM115  # kept open for the whole study
            if self._file.tell() != self._n_good:
                self._file.truncate(self._n_good)
            if self._n_good == 0:
                _write_line(self._file, self._head)
        _write_line(self._file, line)

    def _lines(self) -> Iterator[Any]:
        """Whole lines of the file; `_n_good` is where the last of them ends."""
        self._n_good = 0
        try:
            raw = self.path.read_bytes() if self.path.exists() else b""
        except OSError as error:
            raise OutputError(f"{self.path}: cannot be read: {error.strerror or error}; try another --out") from None
        for line in raw.splitlines(keepends=True):
            try:
                document = json.loads(line) if line.endswith(b"\n") else None
            except ValueError:
                return
            if not isinstance(document, dict):
                return
            self._n_good += len(line)
            yield document


def _write_line(file: FileIO, line: dict[str, Any]) -> None:
    """In one piece, past all buffers of ours: what is killed next cannot take it back."""
    encoded = json.dumps(line, separators=(",", ":")).encode() + b"\n"
    if file.write(encoded) != len(encoded):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _task(plain: list[Any]) -> Task:
    values, stream, replication, share = plain
    return Task(tuple((path, value) for path, value in values), stream, replication, share)
