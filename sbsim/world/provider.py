"""A provider as a model: at the sending instant it decides when the answer comes and what it says. Sans-IO, and blind to who asks.

Order at the door: outage (503), a known idempotency key, limits that reject (429), limits that queue; then the work runs and ends as its failures
say. A call's slot is held from its sending to its answer, a job's until a poll has seen its result. A rejection is answered after
`latency.refusal`, costs nothing, counts in no window and holds no slot. Instants are seconds from the start of the run, handed in by the driver and
never going back.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from math import ceil, inf

from sbsim.errors import ScenarioError, StateError
from sbsim.records import NO_USAGE, NOTHING_BEGUN, Call, Content, Item, Outcome, Usage
from sbsim.scenario import ProviderSpec
from sbsim.seeds import Draws
from sbsim.world.door import Door
from sbsim.world.failures import FailureModel
from sbsim.world.job import Job
from sbsim.world.latency import CallDraws, ServiceTime
from sbsim.world.ledger import Ledger, Line
from sbsim.world.recall import Recall, Work
from sbsim.world.results import Results

_KEYS_KEPT_S = 3600.0
"""How long after its answer a provider remembers an idempotency key, seconds. A sending of unknown outcome is repeated within minutes."""


class _Ware:
    """What a provider knows of a content that it was asked for: the time it takes, its invoice line, the bytes of its result."""

    __slots__ = ("item_s", "line", "n_bytes")

    def __init__(self, item_s: float, line: Line, n_bytes: float) -> None:
        self.item_s = item_s
        self.line = line
        self.n_bytes = n_bytes


class ModelledProvider:
    """One provider of a simulated world.

    Parameters
    ----------
    spec : the provider entry of the scenario.
    draws : all draws of the replication.

    Attributes
    ----------
    poll_s : seconds between two polls of a job.
    n_calls, n_polls : sendings and polls that reached it. n_rejected, n_too_large : sendings answered 429, and refused because a limit could never
    grant them. n_unavailable : sendings and polls during outages. n_polls_rejected : polls answered 429. n_replayed : sendings of a known key.
    n_call_errors, n_item_errors, n_moderated, n_cancelled : what went wrong with work that was begun.
    """

    def __init__(self, spec: ProviderSpec, draws: Draws) -> None:
        api = spec.api
        timed_out = spec.price.billed["timed_out"]
        if timed_out != "full" and api.cancel != "running":
            raise ScenarioError(
                f"providers[{spec.name}].price.billed.timed_out: {timed_out} given, but work that cannot be stopped ends in a late answer, billed "
                "like any other; allowed: full, or another with api.cancel: running; try removing it"
            )
        self.spec = spec
        self.poll_s = float(api.poll or 0.0)
        self._is_job = api.style == "job"
        self._refusal_s = float(spec.latency.refusal)
        self._service = ServiceTime(spec.latency, spec.name, draws)
        self._failures = FailureModel(spec.failures, spec.name, draws)
        self._door = Door(spec.limits)
        self._ledger = Ledger(spec.price)
        self._results = Results(spec.result)
        self._jitter = CallDraws(draws, f"jitter:{spec.name}")
        self._has_gpu = any(rate.per == "gpu_second" for rate in spec.price.rates)
        self._is_inline = self._results.is_inline
        self._wares: dict[Hashable, _Ware] = {}  # by `Content.kind`
        self._can_cancel = api.cancel == "running"
        self._knows_keys = api.idempotency == "key"
        self._recall = Recall(_KEYS_KEPT_S if self._knows_keys else 0.0)
        self.n_calls = self.n_polls = self.n_rejected = self.n_too_large = self.n_unavailable = self.n_polls_rejected = self.n_replayed = 0
        self.n_call_errors = self.n_item_errors = self.n_moderated = self.n_cancelled = 0

    @property
    def ledger_nano(self) -> int:
        """Nano-dollars owed for everything that was begun so far."""
        return self._ledger.nano

    # -- what a driver asks ------------------------------------------------------------------------------------------------
    def answer(self, call: Call, now: float) -> tuple[float, Outcome | Job]:
        """A call arrives: the instant of the answer and the answer, or the instant at which a job is accepted and the job.

        Raises
        ------
        StateError
            For a call that the API could not even express: more items than it takes.
        """
        items = call.items
        self.n_calls += 1
        if len(items) != 1:
            self._check(items)
        if self._failures.has_outages and self._failures.is_out(now):
            self.n_unavailable += 1
            return now + self._refusal_s, Outcome("transient", usage=NOTHING_BEGUN, jitter=self._jitter(call))
        if self._knows_keys and call.same_key_as is not None:
            known = self._recall.first_of(call)
            if known is not None:
                return self._replay(call, known, now)
        ready_at = self._door.ready_at(items, now)
        return self._turn_away(call, ready_at, now) if ready_at > now else self._take_on(call, now)

    def poll(self, job: Job, now: float) -> tuple[float, Outcome | None]:
        """A question about a job: the instant of the reply, and its result, or None when it is not done or the poll was turned away."""
        self.n_polls += 1
        if self._failures.has_outages and self._failures.is_out(now):
            self.n_unavailable += 1
            return now, None
        at = self._door.poll(now)
        if at == inf:
            self.n_polls_rejected += 1
            return now, None
        if job.done_at > at:
            return at, None
        self._door.leave(job, at)
        return at, self._results.seen(job.outcome, at - job.done_at)

    def abort(self, call: Call, now: float) -> tuple[float, Outcome] | None:
        """Nobody wants this call any more. Where the API cancels running work: the end that takes the place of its answer; else None, all goes on."""
        work = self._recall.get(call.serial) if self._can_cancel else None
        if work is None or work.done_at <= now:
            return None
        self.n_cancelled += 1
        because = "timed_out" if call.is_late else "cancelled"
        usage, bill_nano = NOTHING_BEGUN, 0
        if work.starts_at <= now:
            ran_us = _microseconds(now - work.starts_at)
            usage = Usage(ran_us / 1e6) if self._has_gpu else NO_USAGE
            lines = [self._wares[item.content.kind].line for item in call.items]
            bill_nano = self._ledger.charge(lines, ran_us, [because] * len(lines))
        self._ledger.nano += bill_nano - work.bill_nano
        self._door.stop(work.job, work.done_at, now, work.starts_at)
        self._recall.drop(call.serial)
        return now, Outcome(because, usage=usage, jitter=self._jitter(call))

    def counters(self) -> dict[str, int]:
        """How often each of its mechanisms fired."""
        return {name: value for name, value in vars(self).items() if name.startswith("n_")} | {"n_queued": self._door.n_waited}

    # -- steps -------------------------------------------------------------------------------------------------------------
    def _take_on(self, call: Call, now: float) -> tuple[float, Outcome | Job]:
        """The call is let in: all that comes of it is decided now."""
        items, door, book = call.items, self._door, self._wares
        passes_at, starts_at = door.enter(items, now)
        if len(items) == 1:  # 1 us less than the general way
            content = items[0].content
            ware = book.get(content.kind) or self._learn(content)
            wares, times, lines = [ware], [ware.item_s], [ware.line]
        else:
            wares = [book.get(item.content.kind) or self._learn(item.content) for item in items]
            times, lines = [ware.item_s for ware in wares], [ware.line for ware in wares]
        running_s = self._service.running_s(call, times)
        done_at = starts_at + running_s
        outcome, bill_nano = self._work(call, wares, lines, running_s)
        self._ledger.nano += bill_nano
        job = None
        if self._is_job:
            job = Job(passes_at, done_at, outcome, self.poll_s)
            door.hold_job(job, done_at)
        else:
            door.hold(done_at)
        if self._can_cancel or self._knows_keys:
            self._recall.put(Work(call, starts_at, done_at, outcome, bill_nano, job), now)
        return (done_at, outcome) if job is None else (passes_at, job)

    def _work(self, call: Call, wares: list[_Ware], lines: list[Line], running_s: float) -> tuple[Outcome, int]:
        """What comes of the work, and what is charged for it."""
        us, usage = 0, NO_USAGE
        if self._has_gpu:
            us = _microseconds(running_s)
            usage = Usage(us / 1e6)
        error, failures = (None, ()) if self._failures.never_fails else self._failures.befall(call)
        if error is not None:
            self.n_call_errors += 1
            return Outcome(error, usage=usage, jitter=self._jitter(call)), self._ledger.charge(lines, us, ["failed"] * len(lines))
        n_bytes = [ware.n_bytes for ware in wares] if self._is_inline else ()
        if not failures:
            return self._results.outcome(usage, n_bytes), self._ledger.charge(lines, us)
        statuses = ["ok"] * len(lines)
        for k, kind in failures:
            statuses[k] = "moderated" if kind == "moderated" else "failed"
        n_moderated = statuses.count("moderated")
        self.n_moderated += n_moderated
        self.n_item_errors += len(failures) - n_moderated
        return self._results.outcome(usage, n_bytes, failures, self._jitter(call)), self._ledger.charge(lines, us, statuses)

    def _learn(self, content: Content) -> _Ware:
        facts = content.facts
        ware = self._wares[content.kind] = _Ware(self._service.item_s(facts), self._ledger.line(facts), self._results.n_bytes(facts))
        return ware

    def _turn_away(self, call: Call, ready_at: float, now: float) -> tuple[float, Outcome]:
        """429 with a Retry-After, whole seconds, that suffices if nobody else comes; or an error for good when a limit could never grant the call."""
        at, jitter = now + self._refusal_s, self._jitter(call)
        if ready_at == inf:
            self.n_too_large += 1
            return at, Outcome("permanent", usage=NOTHING_BEGUN, jitter=jitter)
        self.n_rejected += 1
        wait_s = max(1, ceil(ready_at - now))
        if now + wait_s < ready_at:  # the subtraction was rounded
            wait_s += 1
        return at, Outcome("rate_limited", usage=NOTHING_BEGUN, retry_after_s=float(wait_s), jitter=jitter)

    def _replay(self, call: Call, work: Work, now: float) -> tuple[float, Outcome | Job]:
        """The key is known: the same result, charged with the first sending. It counts as one call at the door and needs no slot."""
        at = self._door.poll(now)
        if at == inf:
            return self._turn_away(call, max(self._door.ready_at(call.items, now), now + 1.0), now)
        self.n_replayed += 1
        first = work.outcome
        outcome = Outcome(first.error, work.failures_of(call.items), NOTHING_BEGUN, jitter=self._jitter(call), life_s=first.life_s)
        if self._is_inline and first.error is None:
            outcome.n_bytes = [self._wares[item.content.kind].n_bytes for item in call.items]
        if work.job is not None:
            return at, Job(at, work.done_at, outcome, self.poll_s)  # holds no slot: it never entered
        return max(work.done_at, at + self._refusal_s), outcome

    def _check(self, items: Sequence[Item]) -> None:
        api = self.spec.api
        n = len(items)
        if api.takes == "one" or n == 0 or n > (api.max_items or inf):
            raise StateError(
                f"provider {self.spec.name} takes {api.takes} (at most {api.max_items or 'any number of'} items) and was sent {n} items in one call"
            )
        if api.takes == "variants" and any(item.content.base != items[0].content.base for item in items):
            raise StateError(f"provider {self.spec.name} takes variants of one request and was sent a call of different requests")


def _microseconds(seconds: float) -> int:
    """As the provider's meter reads it."""
    return round(seconds * 1e6)
