"""Batch APIs: a file of requests is done within its turnaround, or given up after its life; what is finished by then is kept.

Its requests are worked off evenly and in the order of the file: after a share x of the turnaround the first floor(n x) of n are finished. The
turnaround belongs to the call (lane, m, path of retries), as every time of a call does. Seconds throughout.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, inf

from sbsim.errors import ScenarioError, StateError
from sbsim.records import Call, Item
from sbsim.scenario import ProviderSpec, line_bytes
from sbsim.seeds import Draws
from sbsim.world.latency import CallDraws


class Files:
    """Files at one batch API.

    Parameters
    ----------
    spec : the provider entry. draws : all draws of the replication.

    Raises
    ------
    ScenarioError
        When the entry does not say how long a file takes.
    """

    def __init__(self, spec: ProviderSpec, draws: Draws) -> None:
        if spec.turnaround is None:
            raise ScenarioError(
                f"providers[{spec.name}]: a batch API has a turnaround; missing: turnaround; try {{law: lognormal, median: 7min, p90: 1h}}"
            )
        self._name = spec.name
        self._draw = CallDraws(draws, f"turnaround:{spec.name}", spec.turnaround)
        self._life_s = spec.life_s
        self._max_bytes = inf if spec.api.max_bytes is None else spec.api.max_bytes
        self._has_one_engine = spec.api.one_engine_per_call

    def check(self, items: Sequence[Item]) -> None:
        """Raises StateError for a file that mixes engines where the API takes one per call."""
        if self._has_one_engine and len({item.content.facts.engine for item in items}) > 1:
            raise StateError(f"provider {self._name} takes one engine per call and was sent several")

    def is_too_large(self, items: Sequence[Item]) -> bool:
        """Whether the file has more bytes than it may."""
        return self._max_bytes < inf and sum(line_bytes(item.content.facts) for item in items) > self._max_bytes

    def schedule(self, call: Call, uploaded_at: float, starts_at: float) -> tuple[float, float, int]:
        """(turnaround, instant at which the file is done or given up, how many of its requests are finished by then)."""
        turnaround_s = self._draw(call)
        dies_at = uploaded_at + self._life_s
        done_at = starts_at + turnaround_s
        if done_at <= dies_at:
            return turnaround_s, done_at, len(call.items)
        return turnaround_s, dies_at, n_finished(len(call.items), turnaround_s, dies_at - starts_at)


def n_finished(n: int, turnaround_s: float, elapsed_s: float) -> int:
    """How many of n requests are finished `elapsed_s` after the work on their file began."""
    return max(0, min(n, floor(n * (elapsed_s / turnaround_s)))) if turnaround_s > 0 else n


def unfinished(failures: Sequence[tuple[int, str]], n_done: int, n: int, kind: str) -> list[tuple[int, str]]:
    """The failures of a file of n items of which only the first `n_done` are finished: the others have come to nothing else."""
    return [(k, why) for k, why in failures if k < n_done] + [(k, kind) for k in range(n_done, n)]


def statuses_of(failures: Sequence[tuple[int, str]], n: int) -> list[str]:
    """How each of n items ended, as the ledger calls it."""
    statuses = ["ok"] * n
    for k, kind in failures:
        statuses[k] = "moderated" if kind == "moderated" else "failed" if kind == "item_error" else "unfinished"
    return statuses
