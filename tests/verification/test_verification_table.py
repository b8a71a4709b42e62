"""The simulator against theory, through scenario, pipeline and engine; and that the table notices when one of them is wrong.

The whole table takes minutes and is marked slow; the other tests run a few of each experiment's replications. Seeds are fixed: of the random lines of
a faultless simulator one or more would fail at 1.3 % of the seeds.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import Any

import pytest

from sbsim.components.budget import Budget, Cost
from sbsim.components.cache import POLICIES, LruCache
from sbsim.components.coalescer import Coalescer
from sbsim.components.priority_queue import PriorityQueue
from sbsim.components.rate_limiter import RateLimiter
from sbsim.components.retry import Retry
from sbsim.records import Entry
from sbsim.runlog import RunLog
from sbsim.verification import HALF_WIDTH, KINDS, Line, verify
from sbsim.verification.experiments import EXPERIMENTS

FEW = 1 / 32
FEWEST = 5
"""Replications at that scale."""

FARTHEST = 3.5 * HALF_WIDTH / 1.98 * sqrt(128 / FEWEST)
"""The whole table knows how much replications vary; so few of them know it badly, and z alone would let a lot pass: 3.5 standard errors are 9 %."""


def _agrees(line: Line) -> bool:
    return line.passed and abs(line.simulated - line.exact) <= FARTHEST * line.exact


def _say(lines: list[Line]) -> str:
    return "\n".join(
        f"{'ok  ' if line.passed else 'FAIL'} z {line.z:+6.2f} {line.kind:2d} {line.name}: {line.simulated:g} {line.exact:g}" for line in lines
    )


@pytest.fixture
def sabotage(monkeypatch: pytest.MonkeyPatch) -> Callable[[type, str, Callable[..., Any]], None]:
    """`sabotage(Class, "method", wrong)` puts wrong(original, self, ...) in its place."""

    def put(owner: type, name: str, wrong: Callable[..., Any]) -> None:
        original = getattr(owner, name)
        monkeypatch.setattr(owner, name, lambda self, *args, **kwargs: wrong(original, self, *args, **kwargs))

    return put


@pytest.mark.parametrize("kind", list(KINDS))
def test_the_simulator_says_what_theory_says(kind: int) -> None:
    """With a few replications every line is within 3.5 standard errors."""
    lines = verify(only={kind}, scale=FEW)
    assert [line.name for line in lines] == [f"{e.name}: {name}" for e in EXPERIMENTS if e.kind == kind for name in e.exact(1.0)]
    assert all(_agrees(line) for line in lines), _say(lines)


def test_a_planted_error_of_two_percent_is_found() -> None:
    """Of one expiring content misses and hits depend on the arrival rate and fail; the wait of those who join does not, and passes."""
    misses, _, hits, wait = verify(only={5}, plant=0.02, scale=0.25)
    assert (misses.passed, hits.passed, wait.passed) == (False, False, True), _say([misses, hits, wait])


@pytest.mark.slow
def test_the_whole_table_passes() -> None:
    """Every line, |z| < 3.5 and a half-width of 1 % at most."""
    lines = verify(jobs=2)
    assert all(line.passed and line.half_width <= HALF_WIDTH * line.exact for line in lines), _say(lines)


@pytest.mark.slow
def test_a_planted_error_fails_every_line_that_depends_on_the_rate() -> None:
    """Which these are theory says itself: where its own answer at the planted rate is five standard errors away, the line fails, and the simulation
    agrees with that answer."""
    moved = {f"{e.name}: {name}": value for e in EXPERIMENTS for name, value in e.exact(1.02).items()}
    lines = verify(plant=0.02, jobs=2)
    dependent = [line for line in lines if line.half_width and abs(moved[line.name] - line.exact) > 5 * line.half_width / 1.98]
    assert {line.kind for line in dependent} == {1, 2, 3, 4, 5, 7, 8}
    assert not any(line.passed for line in dependent), _say(dependent)
    assert all(abs(line.simulated - moved[line.name]) <= 3.6 * line.half_width / 1.98 + 1e-9 for line in lines), _say(lines)


@pytest.mark.slow
def test_the_number_of_jobs_changes_nothing() -> None:
    """Replications are their own, whoever computes them."""
    assert verify(only={4, 9, 13}, scale=FEW, jobs=2) == verify(only={4, 9, 13}, scale=FEW)


# -- the table notices -------------------------------------------------------------------------------------------------------
def _fails(kind: int, scale: float = FEW) -> bool:
    return not all(_agrees(line) for line in verify(only={kind}, scale=scale))


def test_it_notices_a_slot_too_many(sabotage: Callable[..., None]) -> None:
    """Two servers where the closed form has one."""

    def wrong(original: Callable[..., None], self: RateLimiter, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        self.concurrency += 1

    sabotage(RateLimiter, "__init__", wrong)
    assert _fails(3)


def test_it_notices_a_call_too_many_in_a_window(sabotage: Callable[..., None]) -> None:
    """A sliding limit that is off by one."""

    def wrong(original: Callable[..., None], self: RateLimiter, limits: Any, **kwargs: Any) -> None:
        original(self, [limit._replace(n=limit.n + 1) for limit in limits], **kwargs)

    sabotage(RateLimiter, "__init__", wrong)
    assert _fails(11)


def test_it_notices_a_gap_that_is_a_microsecond_short(sabotage: Callable[..., None]) -> None:
    """Pacing that lets calls go a little early."""

    def wrong(original: Callable[..., None], self: RateLimiter, limits: Any, *, pacing_s: float, **kwargs: Any) -> None:
        original(self, limits, pacing_s=max(0.0, pacing_s - 1e-6), **kwargs)

    sabotage(RateLimiter, "__init__", wrong)
    assert _fails(11)


def test_it_notices_a_budget_that_asks_whether_instead_of_how_much(sabotage: Callable[..., None]) -> None:
    """One call beyond what the window can pay."""
    sabotage(Budget, "ready_at", lambda original, self, cost, is_urgent, now: original(self, Cost(1), is_urgent, now))
    assert _fails(12)


def test_it_notices_first_in_first_out_in_place_of_lru(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hit that does not move its entry to the end."""

    class Fifo(LruCache):
        __slots__ = ()

        def get(self, key: Any, now: float) -> Entry | None:
            entry = self._entries.get(key)
            return entry if entry is not None and now < entry.expires_at else None

    monkeypatch.setitem(POLICIES, "lru", Fifo)
    assert _fails(6, scale=1 / 8)


def test_it_notices_a_time_to_live_that_hits_renew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Content that lives on as long as it is asked for."""

    class Renewing(LruCache):
        __slots__ = ()

        def get(self, key: Any, now: float) -> Entry | None:
            entry = super().get(key, now)
            if entry is not None:
                entry.expires_at = now + self.ttl_s
            return entry

    monkeypatch.setitem(POLICIES, "lru", Renewing)
    assert _fails(5)


def test_it_notices_work_that_nobody_joins(sabotage: Callable[..., None]) -> None:
    """A coalescer that never finds anything under way."""
    sabotage(Coalescer, "find", lambda original, self, *args: None)
    assert _fails(5)


def test_it_notices_a_queue_that_forgets_its_policy(sabotage: Callable[..., None]) -> None:
    """First come, first served where the urgent should go first."""
    sabotage(PriorityQueue, "__init__", lambda original, self, policy, *args: original(self, "fifo", *args))
    assert _fails(8)


def test_it_notices_backoff_without_jitter(sabotage: Callable[..., None]) -> None:
    """The full pause instead of a uniform part of it."""

    def wrong(original: Callable[..., float | None], self: Retry, error: str, attempt: int, outcome: Any) -> float | None:
        pause_s = original(self, error, attempt, outcome)
        return None if pause_s is None else pause_s / outcome.jitter

    sabotage(Retry, "delay", wrong)
    assert _fails(9)


def test_it_notices_a_delivery_noted_a_microsecond_late(sabotage: Callable[..., None]) -> None:
    """Little's law compares the requests' column with the calls' table."""
    sabotage(RunLog, "delivered", lambda original, self, items, how, call, now: original(self, items, how, call, now + 1e-6))
    assert _fails(13)
