"""The rate limiter against a model that remembers everything and reckons every limit from its definition."""

from __future__ import annotations

from math import floor, inf

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from sbsim.components.rate_limiter import Limit, RateLimiter
from sbsim.records import Demand

# Quarters of a second, powers of two: every instant below is exact, so the model's answers must be met to the bit, ties and boundaries included.
quarters = st.integers(0, 24).map(lambda k: k / 4)
picks = st.integers(0, 99)  # which of those that are there
periods = st.sampled_from([2.0, 4.0, 8.0])
guards = st.sampled_from([0.0, 0.25, 1.0, 5.0])
SIZE = {"items": lambda d: d.n_items, "tokens": lambda d: d.tokens, "content_seconds": lambda d: d.content_s, "calls": lambda d: 1}


@st.composite
def limits(draw, unit=None):
    unit = unit or draw(st.sampled_from(["calls", "calls", "items", "tokens", "content_seconds"]))
    kind = draw(st.sampled_from(["sliding", "fixed", "bucket"]))
    n = draw(st.sampled_from([1, 2, 4])) * (1 if unit == "calls" else 4)
    burst = draw(st.integers(1, 5)) * (1 if unit == "calls" else 3) if kind == "bucket" else None
    resets_s = draw(st.sampled_from([None, 1.0, 7.0])) if kind == "fixed" else None
    return Limit(unit, n, draw(periods), kind, burst, resets_s)


demands = st.builds(Demand, st.integers(1, 6), st.integers(0, 9).map(float), st.integers(0, 6).map(float))


class NaiveLimit:
    """One limit by its definition, worst travel times included, over everything ever sent."""

    def __init__(self, limit: Limit, guard_s: float, epoch_at: float) -> None:
        self.limit, self.guard_s = limit, guard_s
        self.offset_s = (limit.resets_s or 0.0) - epoch_at
        self.sent: list[tuple[float, float]] = []

    def windows(self, at: float) -> range:
        """Numbers of the fixed windows in which something sent at `at` may arrive."""
        first, last = ((t - self.offset_s) / self.limit.per_s for t in (at, at + self.guard_s))
        return range(floor(first), floor(last) + 1)

    def fits(self, units: float, at: float) -> bool:
        limit = self.limit
        if limit.kind == "sliding":
            return sum(u for t, u in self.sent if t + limit.per_s + self.guard_s > at) + units <= limit.n
        if limit.kind == "fixed":
            return all(sum(u for t, u in self.sent if k in self.windows(t)) + units <= limit.n for k in self.windows(at))
        together = units
        ok = together <= limit.burst
        for t, u in reversed(self.sent):
            together += u
            ok = ok and (together <= limit.burst or at >= t + self.guard_s + (together - limit.burst) * limit.per_s / limit.n)
        return ok

    def turns(self, units: float, now: float) -> list[float]:
        """Instants at which the answer may turn to yes."""
        limit = self.limit
        if limit.kind == "sliding":
            return [t + limit.per_s + self.guard_s for t, _ in self.sent]
        if limit.kind == "fixed":
            here = floor((now - self.offset_s) / limit.per_s)
            return [self.offset_s + k * limit.per_s for k in range(here, here + 8)]
        turns, together = [], units
        for t, u in reversed(self.sent):
            together += u
            turns.append(t + self.guard_s + (together - limit.burst) * limit.per_s / limit.n)
        return turns


class AgainstTheDefinition(RuleBasedStateMachine):
    """A call may go exactly when no limit could be exceeded wherever within `guard` any call arrives; the promised instant is the first such one."""

    @initialize(
        limits=st.lists(limits(), max_size=3), concurrency=st.sampled_from([None, 1, 3]), pacing_s=st.sampled_from([0.0, 0.5]), guard_s=guards,
        epoch_at=st.sampled_from([0.0, 3.0]),
    )  # fmt: skip
    def build(self, limits, concurrency, pacing_s, guard_s, epoch_at):
        self.concurrency, self.pacing_s = concurrency or inf, pacing_s
        self.model = [NaiveLimit(limit, guard_s, epoch_at) for limit in limits]
        everything = [*limits, Limit("outstanding", concurrency)] if concurrency else limits
        self.limiter = RateLimiter(everything, pacing_s=pacing_s, guard_s=guard_s, epoch_at=epoch_at)
        self.now, self.opens_at, self.serial, self.n_in_flight, self.promised_at = 0.0, 0.0, 0, 0, inf
        self.epoch_at, self.held_until, self.history = epoch_at, 0.0, []

    @rule(limits=st.lists(limits(), max_size=3), concurrency=st.sampled_from([None, 1, 3]), pacing_s=st.sampled_from([0.0, 0.5]), guard_s=guards)
    def configure(self, limits, concurrency, pacing_s, guard_s):
        """Other limits count what was sent before as if they had always held."""
        self.concurrency, self.pacing_s = concurrency or inf, pacing_s
        self.model = [NaiveLimit(limit, guard_s, self.epoch_at) for limit in limits]
        for m in self.model:
            m.sent = [(at, SIZE[m.limit.unit](demand)) for at, demand in self.history]
        everything = [*limits, Limit("outstanding", concurrency)] if concurrency else limits
        self.limiter.configure(everything, pacing_s=pacing_s, guard_s=guard_s, now=self.now)
        last_at = self.history[-1][0] if self.history else -inf
        self.opens_at, self.promised_at = max(self.held_until, last_at + pacing_s), inf

    def model_says(self, demand, now):
        if self.n_in_flight >= self.concurrency:
            return inf
        turns = {now, self.opens_at, *(at for m in self.model for at in m.turns(SIZE[m.limit.unit](demand), now))}
        fits = (at for at in sorted(turns) if at >= max(now, self.opens_at) and all(m.fits(SIZE[m.limit.unit](demand), at) for m in self.model))
        return next(fits, inf)

    @rule(dt=quarters)
    def advance(self, dt):
        self.now += dt

    @precondition(lambda self: self.now <= self.promised_at < inf)
    @rule()
    def advance_to_the_promised_instant(self):
        self.now = self.promised_at

    @rule(demand=demands)
    def ask(self, demand):
        expected = self.model_says(demand, self.now)
        assert self.limiter.ready_at(demand, self.now) == expected
        self.promised_at = expected
        if expected < inf:
            assert self.limiter.can_ever(demand)
        elif self.n_in_flight < self.concurrency:
            assert not self.limiter.can_ever(demand)

    @rule(demand=demands)
    def send_if_ready(self, demand):
        ready = self.limiter.ready_at(demand, self.now) == self.now
        assert ready == (self.model_says(demand, self.now) == self.now)
        if not ready:
            return
        self.serial += 1
        self.limiter.take(self.serial, demand, self.now)
        for m in self.model:
            m.sent.append((self.now, SIZE[m.limit.unit](demand)))
        self.history.append((self.now, demand))
        self.opens_at = max(self.opens_at, self.now + self.pacing_s)
        self.n_in_flight += 1

    @precondition(lambda self: self.n_in_flight)
    @rule()
    def release(self):
        self.limiter.release(self.serial, self.now)
        self.n_in_flight -= 1
        assert self.limiter.n_in_flight == self.n_in_flight

    @rule(dt=quarters)
    def retry_after(self, dt):
        self.limiter.hold(self.now + dt)
        self.opens_at = max(self.opens_at, self.now + dt)
        self.held_until = max(self.held_until, self.now + dt)


class JobsAgainstTheDefinition(RuleBasedStateMachine):
    """A job may start exactly when what was sent and the most that every outstanding job can still send leave room for the most that it can send."""

    @initialize(limit=limits(unit="calls"), n=st.integers(4, 12), poll_s=st.sampled_from([1.0, 2.0, 3.0]), guard_s=guards)
    def build(self, limit, n, poll_s, guard_s):
        limit = limit._replace(n=n, burst=limit.burst and n)
        self.limiter = RateLimiter([limit], guard_s=guard_s, poll_s=poll_s)
        self.poll_s, self.now, self.serial, self.open, self.over = poll_s, 0.0, 0, {}, []
        self.judge_by(limit, guard_s)

    def judge_by(self, limit, guard_s):
        if limit.kind == "bucket":  # kept as burst per burst / rate
            limit = Limit("calls", limit.burst, limit.burst * limit.per_s / limit.n)
        self.model = NaiveLimit(limit, guard_s, 0.0)
        self.model.sent = [(at, 1) for at in sorted(self.over)]
        self.most = -int(-(limit.per_s + guard_s) // self.poll_s)

    @rule(limit=limits(unit="calls"), n=st.integers(4, 12), guard_s=guards)
    def configure(self, limit, n, guard_s):
        """Another limit counts what was sent before, and what outstanding jobs may still send."""
        limit = limit._replace(n=n, burst=limit.burst and n)
        self.limiter.configure([limit], pacing_s=0.0, guard_s=guard_s, now=self.now)
        self.judge_by(limit, guard_s)

    @rule(dt=quarters)
    def advance(self, dt):
        self.now += dt

    @rule()
    def start_if_ready(self):
        units = self.most * (len(self.open) + 1)
        turns = sorted({self.now, *self.model.turns(units, self.now)})
        expected = next((at for at in turns if at >= self.now and self.model.fits(units, at)), inf)
        demand = Demand(1, 0.0, 0.0)
        assert self.limiter.ready_at(demand, self.now) == expected
        assert self.limiter.can_ever(demand) == (self.most <= self.model.limit.n)
        if expected == self.now:
            self.serial += 1
            self.limiter.take(self.serial, demand, self.now)
            self.open[self.serial] = [self.now]

    def some(self, pick):
        return list(self.open)[pick % len(self.open)]

    @precondition(lambda self: self.open)
    @rule(pick=picks)
    def poll(self, pick):
        instants = self.open[self.some(pick)]
        if self.now >= instants[-1] + self.poll_s:
            instants.append(self.now)

    @precondition(lambda self: self.open)
    @rule(pick=picks)
    def see_its_result(self, pick):
        job = self.some(pick)
        instants = self.open.pop(job)
        self.limiter.release(job, self.now, instants[1:])
        self.over.extend(instants)
        self.model.sent = sorted([*self.model.sent, *((at, 1) for at in instants)])


TestAgainstTheDefinition = AgainstTheDefinition.TestCase
TestAgainstTheDefinition.settings = settings(max_examples=4 * settings().max_examples)
TestJobsAgainstTheDefinition = JobsAgainstTheDefinition.TestCase
TestJobsAgainstTheDefinition.settings = settings(max_examples=4 * settings().max_examples)


def test_a_learnt_limit_bars_nothing_for_good():
    """A call larger than a limit that an answer told of waits until that window is empty, and is planned no larger; declared, it could never go."""
    limiter, large = RateLimiter([]), Demand(1, 150.0, 0.0)
    limiter.learn([("tokens", 100, 60.0)], 0.0, 0.0)
    assert (limiter.n_learnt, limiter.most_tokens, limiter.can_ever(large)) == (1, 100, True)
    limiter.take(1, Demand(1, 30.0, 0.0), 0.0)
    assert limiter.ready_at(large, 1.0) == 60.0
    limiter.take(2, large, 60.0)
    assert limiter.ready_at(Demand(1, 1.0, 0.0), 61.0) == 120.0
    declared = RateLimiter([Limit("tokens", 100, 60.0)])
    assert (declared.ready_at(large, 0.0), declared.can_ever(large)) == (inf, False)


def test_a_learnt_limit_that_bears_no_polls_is_left_to_retry_after():
    """Ten calls in ten seconds bear the polls of a job a second apart; with a guard they do not, and bar the job no more than if never learnt."""
    limiter, job = RateLimiter([], poll_s=1.0), Demand(1, 0.0, 0.0)
    limiter.learn([("calls", 10, 10.0)], 0.0, 0.0)
    assert limiter.n_learnt == 1
    limiter.configure([], pacing_s=0.0, guard_s=0.25, now=1.0)
    assert (limiter.can_ever(job), limiter.ready_at(job, 1.0)) == (True, 1.0)


def test_a_size_without_a_period_is_not_learnt():
    """A header that names tokens and no time says nothing that could be kept; one that names calls at a time does."""
    limiter = RateLimiter([])
    limiter.learn([("tokens", 100, None), ("concurrency", 2, None)], 0.0, 0.0)
    assert (limiter.n_learnt, limiter.concurrency, limiter.most_tokens) == (1, 2, inf)


def told(declared, *answers):
    """Calls that leave at once at 100 s after what answers told, each as (sent at, heard at, what)."""
    limiter = RateLimiter(declared)
    for sent_at, heard_at, seen in answers:
        limiter.learn(seen, sent_at, heard_at)
    n = 0
    while n < 50 and limiter.ready_at(Demand(1, 0.0, 0.0), 100.0) == 100.0:
        limiter.take(n, Demand(1, 0.0, 0.0), 100.0)
        n += 1
    return n, limiter.n_learnt


def test_what_a_provider_says_last_counts_and_never_loosens_what_is_declared():
    """Last by the instant of sending: what was long under way says nothing against the answer to a later call. What is not told any more is gone."""
    declared, cut = [Limit("calls", 5, 60.0)], (10.0, 12.0, [("calls", 1, 60.0)])
    assert told(declared, cut) == (1, 1)
    assert told(declared, cut, (9.0, 13.0, [("calls", 9, 60.0)])) == (1, 1)
    assert told(declared, cut, (11.0, 13.0, [("calls", 9, 60.0)])) == (5, 1)
    assert told(declared, (11.0, 12.0, [("calls", 9, 60.0)]), cut) == (5, 0)
    assert told(declared, cut, (11.0, 12.0, [("calls", 3, 30.0)])) == (3, 2)
    assert told(declared, cut, (11.0, 12.0, [("items", 40, 30.0)])) == (5, 2)
    assert told(declared, cut, (11.0, 12.0, ())) == (5, 1)


def test_what_was_told_is_weighed_against_what_is_declared_now():
    """Twenty a minute mean nothing beside a declared ten, and bind as soon as fifty are declared."""
    limiter = RateLimiter([Limit("calls", 10, 60.0)])
    limiter.learn([("calls", 20, 60.0)], 0.0, 1.0)
    assert limiter.n_learnt == 0
    limiter.configure([Limit("calls", 50, 60.0)], pacing_s=0.0, guard_s=0.0, now=2.0)
    for serial in range(20):
        limiter.take(serial, Demand(1, 0.0, 0.0), 3.0)
    assert limiter.ready_at(Demand(1, 0.0, 0.0), 3.0) == 63.0
