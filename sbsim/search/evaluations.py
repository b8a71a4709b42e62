"""Evaluations: one candidate, run on one replication of one stream of seeds. Remembered, run in parallel, kept on disk where a file is given.

Owns what was run already: no point meets the same luck twice. What an evaluation costs is counted from the tasks alone, so a search that was
interrupted and taken up again takes the very same steps. Knows nothing of settings and KPIs but their names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol

from sbsim.parallel import Progress, run_all
from sbsim.search.objective import Outcome
from sbsim.search.space import Values


class Task(NamedTuple):
    """One evaluation.

    Attributes
    ----------
    values : settings in place of the scenario's. stream : name of the stream of seeds. replication : its number within the stream.
    share : share of the horizon that is simulated.
    """

    values: Values
    stream: str
    replication: int
    share: float = 1.0


Evaluate = Callable[[Task], Outcome]
"""Runs one task; depends on nothing else, and is picklable where there are several jobs."""


class Store(Protocol):
    """Where finished evaluations are kept (see `checkpoint`)."""

    def load(self) -> dict[Task, Outcome]: ...
    def add(self, task: Task, outcome: Outcome) -> None: ...
    def close(self, *, remove: bool = False) -> None: ...


class Evaluations:
    """All evaluations of a study.

    Parameters
    ----------
    evaluate : runs one. jobs : processes. store : where finished ones are kept and found again. progress : called with (done, of how many).
    n_planned : how many there will be at most, for `progress`.
    """

    def __init__(
        self, evaluate: Evaluate, *, jobs: int = 1, store: Store | None = None, progress: Progress | None = None, n_planned: int = 0
    ) -> None:
        self._evaluate = evaluate
        self._jobs = jobs
        self._store = store
        self._progress = progress
        self._n_planned = n_planned
        self._kept = {} if store is None else store.load()
        self._known: dict[Task, Outcome] = {}
        self._refusals: dict[Values, str] = {}
        self._spent = 0.0

    @property
    def n_spent(self) -> float:
        """Evaluations asked for so far, each counted once, run now or found in the store; a part of the horizon counts as that part."""
        return self._spent

    def of(self, values: Values, stream: str, replications: int, share: float = 1.0) -> list[Outcome]:
        """Outcomes of one candidate on the first `replications` of a stream."""
        return self.run([Task(values, stream, r, share) for r in range(replications)])

    def run(self, tasks: Iterable[Task]) -> list[Outcome]:
        """Outcomes of `tasks`, in their order; those not known yet are run side by side."""
        tasks = list(tasks)
        self._run([task for task in dict.fromkeys(tasks) if task not in self._known])
        return [self._known[task] for task in tasks]

    def known(self, values: Values, stream: str) -> list[Outcome]:
        """Outcomes of a candidate on a stream so far, over the whole horizon: replications 0, 1, ... without a gap."""
        found: list[Outcome] = []
        while (outcome := self._known.get(Task(values, stream, len(found)))) is not None:
            found.append(outcome)
        return found

    def met(self) -> list[Values]:
        """Every candidate so far, in order of appearance."""
        return list(dict.fromkeys(task.values for task in self._known))

    def refusal(self, values: Values) -> str:
        """Why a candidate's settings exclude each other; empty when they do not."""
        return self._refusals.get(values, "")

    def close(self, *, is_finished: bool) -> None:
        """Let go of the store; what it keeps is not needed any more when the study is finished."""
        if self._store is not None:
            self._store.close(remove=is_finished)

    def cost(self, tasks: Iterable[Task]) -> float:
        """Evaluations that `tasks` would add to `n_spent`."""
        return sum(task.share for task in dict.fromkeys(tasks) if task not in self._known)

    def _run(self, missing: Sequence[Task]) -> None:
        for task in missing:
            if task in self._kept:
                self._note(task, self._kept[task])
        missing = [task for task in missing if task not in self._kept]
        for task, outcome in zip(missing, run_all(self._evaluate, missing, jobs=self._jobs), strict=True):
            if self._store is not None:
                self._store.add(task, outcome)
            self._note(task, outcome)

    def _note(self, task: Task, outcome: Outcome) -> None:
        self._known[task] = outcome
        self._spent += task.share
        if outcome.refusal:
            self._refusals.setdefault(task.values, outcome.refusal)
        if self._progress is not None:
            self._progress(len(self._known), max(self._n_planned, len(self._known)))
