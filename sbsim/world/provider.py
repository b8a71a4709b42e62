"""A provider as a model: at the sending instant it decides when the answer comes and what it says. Sans-IO, and blind to who asks.

Order at the door: new terms, outage (503), a known idempotency key (or what a look-up by it finds), limits that reject (429), limits that queue; then
the work runs and ends as its failures say. A call's slot is held from its sending to its answer, a job's until a poll has seen its result. A
rejection is answered after `latency.refusal`, costs nothing, counts in no window and holds no slot. What was sent is charged by the price that held
then. Instants are seconds from the start of the run, handed in by the driver and never going back.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, inf
from operator import itemgetter

from sbsim.errors import ScenarioError, StateError
from sbsim.records import NO_USAGE, NOTHING_BEGUN, Call, Item, Outcome, Usage
from sbsim.scenario import ProviderSpec
from sbsim.seeds import Draws
from sbsim.world.changing_door import ChangingDoor
from sbsim.world.cold_start import Warmth
from sbsim.world.door import Door
from sbsim.world.failures import FailureModel
from sbsim.world.files import Files, n_finished, statuses_of, unfinished
from sbsim.world.job import Job
from sbsim.world.latency import CallDraws, ServiceTime
from sbsim.world.ledger import Ledger
from sbsim.world.recall import Recall, Work
from sbsim.world.results import Results
from sbsim.world.tariff import Tariff, Ware

_KEYS_KEPT_S = 3600.0
"""How long after its answer a provider remembers an idempotency key, seconds. A sending of unknown outcome is repeated within minutes."""


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
    n_call_errors, n_item_errors, n_moderated, n_cancelled, n_expired : what went wrong with work that was begun (expired: items).
    n_changes : new prices, and new limits, so far.
    """

    def __init__(self, spec: ProviderSpec, draws: Draws) -> None:
        api, prices, limits = spec.api, spec.prices, spec.limits_over_time
        _can_be_billed(spec)
        self.spec = spec
        self.poll_s = float(api.poll or 0.0)
        self._is_job = api.style != "sync"
        self._files = Files(spec, draws) if api.style == "batch" else None
        self._warmth = None if spec.cold_start is None else Warmth(spec.cold_start)
        self._refusal_s = float(spec.latency.refusal)
        self._service = ServiceTime(spec.latency, spec.name, draws)
        self._failures = FailureModel(spec.failures, spec.name, draws)
        self._door = Door(spec.limits) if len(limits) == 1 else ChangingDoor(limits)
        self._tariffs = [Tariff(at, price, spec.result, self._service) for at, price in prices]
        self._tariff = self._tariffs[0]
        self._results = Results(spec.result, spec.limits)
        self._changes: list[tuple[float, Tariff | Results]] = [(tariff.since, tariff) for tariff in self._tariffs[1:]]
        self._changes += [(at, Results(spec.result, each, are_news=True)) for at, each in limits[1:]]
        self._changes.sort(key=itemgetter(0))
        self._changes_at = self._changes[0][0] if self._changes else inf
        self._plans_nano = 0
        self._jitter = CallDraws(draws, f"jitter:{spec.name}")
        self._has_gpu = any(rate.per == "gpu_second" for _, price in prices for rate in price.rates)
        self._is_inline = self._results.is_inline
        self._can_cancel = api.cancel != "never"
        self._knows_keys = api.idempotency != "none"
        self._recall = Recall(_KEYS_KEPT_S if self._knows_keys else 0.0)
        self.n_calls = self.n_polls = self.n_rejected = self.n_too_large = self.n_unavailable = self.n_polls_rejected = self.n_replayed = 0
        self.n_call_errors = self.n_item_errors = self.n_moderated = self.n_cancelled = self.n_expired = self.n_changes = 0

    @property
    def ledger_nano(self) -> int:
        """Nano-dollars owed for everything that was begun so far, and once the books are closed for plans."""
        return self._plans_nano + sum(tariff.ledger.nano for tariff in self._tariffs)

    def close(self, study_ends_at: float) -> None:
        """Close the books of a study that ends at this instant: plans are settled, and what changed while nobody called has changed."""
        self._change(study_ends_at)
        untils = [*(tariff.since for tariff in self._tariffs[1:]), inf]
        self._plans_nano = sum(tariff.plan_nano(until, study_ends_at) for tariff, until in zip(self._tariffs, untils, strict=True))

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
        if now >= self._changes_at:
            self._change(now)
        if len(items) != 1:
            self._check(items)
        if self._failures.has_outages and self._failures.is_out(now):
            self.n_unavailable += 1
            return now + self._refusal_s, self._results.failure("transient", NOTHING_BEGUN, self._jitter(call))
        if self._knows_keys and call.same_key_as is not None:
            known = self._recall.first_of(call)
            if known is not None:
                return self._replay(call, known, now)
        ready_at = self._door.ready_at(items, now)
        if self._files is not None and self._files.is_too_large(items):
            ready_at = inf
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
        """Nobody wants this call any more. Where the API cancels work: the end that takes the place of its answer; else None, all goes on."""
        work = self._recall.get(call.serial) if self._can_cancel else None
        if work is None or work.done_at <= now:
            return None
        self.n_cancelled += 1
        outcome, bill_nano = self._stopped(work, now) if self.spec.api.cancel == "running" else self._cut_short(work, now)
        work.tariff.book(work.sent_at, bill_nano - work.bill_nano)
        self._door.stop(work.job, max(work.starts_at, work.done_at), now, work.starts_at)
        self._recall.drop(call.serial)
        return now, outcome

    def counters(self) -> dict[str, int]:
        """How often each of its mechanisms fired."""
        fired = {name: value for name, value in vars(self).items() if name.startswith("n_")}
        n_cold = 0 if self._warmth is None else self._warmth.n_cold
        return fired | {"n_queued": self._door.n_waited, "n_cold_starts": n_cold}

    # -- steps -------------------------------------------------------------------------------------------------------------
    def _change(self, now: float) -> None:
        """New terms hold from now on."""
        changes = self._changes
        while changes and now >= changes[0][0]:
            new = changes.pop(0)[1]
            self.n_changes += 1
            if isinstance(new, Tariff):
                self._tariff = new
            else:
                self._results = new
        self._changes_at = changes[0][0] if changes else inf

    def _take_on(self, call: Call, now: float) -> tuple[float, Outcome | Job]:
        """The call is let in: all that comes of it is decided now."""
        items, door, tariff = call.items, self._door, self._tariff
        book = tariff.wares
        passes_at, starts_at = door.enter(items, now)
        if len(items) == 1:  # 1 us less than the general way
            content = items[0].content
            ware = book.get(content.kind) or tariff.learn(content)
            wares, times = [ware], [ware.item_s]
        else:
            wares = [book.get(item.content.kind) or tariff.learn(item.content) for item in items]
            times = [ware.item_s for ware in wares]
        takes_s = metered_s = self._service.running_s(call, times)
        n_done = len(items)
        if self._files is not None:
            takes_s, done_at, n_done = self._files.schedule(call, passes_at, starts_at)
            metered_s *= n_done / len(items)
        else:
            if self._warmth is not None:
                takes_s, metered_s = self._warmth.times(starts_at, takes_s)
            done_at = starts_at + takes_s
        us = _microseconds(metered_s) if self._has_gpu else 0
        outcome, bill_nano = self._finish(call, tariff.ledger, wares, us, n_done)
        tariff.book(now, bill_nano)
        job = None
        if self._is_job:
            job = Job(passes_at, done_at, outcome, self.poll_s)
            door.hold_job(job, max(starts_at, done_at))
        else:
            door.hold(done_at)
        if self._can_cancel or self._knows_keys:
            free_s = takes_s - metered_s if self._warmth is not None else 0.0
            self._recall.put(Work(call, tariff, now, starts_at, done_at, takes_s, free_s, us, outcome, bill_nano, job), now)
        return (done_at, outcome) if job is None else (passes_at, job)

    def _finish(self, call: Call, ledger: Ledger, wares: list[Ware], us: int, n_done: int) -> tuple[Outcome, int]:
        """What comes of the work, of which the first `n_done` items are finished and `us` microseconds are metered, and what is charged for it."""
        lines, results = [ware.line for ware in wares], self._results
        usage = Usage(us / 1e6) if self._has_gpu else NO_USAGE
        error, failures = (None, ()) if self._failures.never_fails else self._failures.befall(call)
        if error is not None:
            self.n_call_errors += 1
            return results.failure(error, usage, self._jitter(call)), ledger.charge(lines, us, ["failed"] * len(lines))
        if n_done < len(lines):
            self.n_expired += len(lines) - n_done
            failures = unfinished(failures, n_done, len(lines), "expired")
        n_bytes = [ware.n_bytes for ware in wares] if self._is_inline else ()
        if not failures:
            return results.outcome(usage, n_bytes), ledger.charge(lines, us)
        statuses = statuses_of(failures, len(lines))
        self.n_moderated += statuses.count("moderated")
        self.n_item_errors += statuses.count("failed")
        return results.outcome(usage, n_bytes, failures, self._jitter(call)), ledger.charge(lines, us, statuses)

    def _stopped(self, work: Work, now: float) -> tuple[Outcome, int]:
        """The end of work that is cancelled while it runs, and what is charged for it; what has not begun costs nothing."""
        call, tariff = work.call, work.tariff
        because, usage, bill_nano = "timed_out" if call.is_late else "cancelled", NOTHING_BEGUN, 0
        if work.starts_at <= now:
            us = work.us_until(now)
            usage = Usage(us / 1e6) if self._has_gpu else NO_USAGE
            lines = [tariff.wares[item.content.kind].line for item in call.items]
            bill_nano = tariff.ledger.charge(lines, us, [because] * len(lines))
        return self._results.failure(because, usage, self._jitter(call)), bill_nano

    def _cut_short(self, work: Work, now: float) -> tuple[Outcome, int]:
        """The same of a file of which is kept what is finished."""
        call, tariff, n = work.call, work.tariff, len(work.items)
        n_done = 0 if work.outcome.error is not None else n_finished(n, work.takes_s, now - work.starts_at)
        failures = unfinished(work.outcome.failures, n_done, n, "cancelled")
        wares = [tariff.wares[item.content.kind] for item in call.items]
        us = work.us_until(now)
        usage = Usage(us / 1e6) if self._has_gpu else NO_USAGE
        n_bytes = [ware.n_bytes for ware in wares] if self._is_inline else ()
        outcome = self._results.outcome(usage, n_bytes, failures, self._jitter(call))
        return outcome, tariff.ledger.charge([ware.line for ware in wares], us, statuses_of(failures, n))

    def _turn_away(self, call: Call, ready_at: float, now: float) -> tuple[float, Outcome]:
        """429 with a Retry-After, whole seconds, that suffices if nobody else comes; or an error for good when a limit could never grant the call."""
        at, jitter = now + self._refusal_s, self._jitter(call)
        if ready_at == inf:
            self.n_too_large += 1
            return at, self._results.failure("permanent", NOTHING_BEGUN, jitter)
        self.n_rejected += 1
        wait_s = max(1, ceil(ready_at - now))
        if now + wait_s < ready_at:  # the subtraction was rounded
            wait_s += 1
        return at, self._results.failure("rate_limited", NOTHING_BEGUN, jitter, float(wait_s))

    def _replay(self, call: Call, work: Work, now: float) -> tuple[float, Outcome | Job]:
        """The key is known: the same result, charged with the first sending. It counts as one call at the door and needs no slot."""
        at = self._door.poll(now)
        if at == inf:
            return self._turn_away(call, max(self._door.ready_at(call.items, now), now + 1.0), now)
        self.n_replayed += 1
        first = work.outcome
        outcome = Outcome(first.error, work.failures_of(call.items), NOTHING_BEGUN, jitter=self._jitter(call), life_s=first.life_s)
        outcome.limits_seen = self._results.limits_seen
        if self._is_inline and first.error is None:
            outcome.n_bytes = [work.tariff.wares[item.content.kind].n_bytes for item in call.items]
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

        if self._files is not None:
            self._files.check(items)


def _can_be_billed(spec: ProviderSpec) -> None:
    for _, price in spec.prices:
        timed_out = price.billed["timed_out"]
        if timed_out != "full" and spec.api.cancel != "running":
            raise ScenarioError(
                f"providers[{spec.name}].price.billed.timed_out: {timed_out} given, but work that cannot be stopped ends in a late answer, billed "
                "like any other; allowed: full, or another with api.cancel: running; try removing it"
            )


def _microseconds(seconds: float) -> int:
    """As the provider's meter reads it."""
    return round(seconds * 1e6)
