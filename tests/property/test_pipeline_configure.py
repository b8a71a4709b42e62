"""Settings that change while a pipeline runs: from any to any others of a random family, in the middle of everything."""

from __future__ import annotations

import random
from collections import Counter
from itertools import combinations
from math import inf

import pytest

from sbsim.pipeline.actions import Deliver, Fail, Hit, Refuse, Send
from sbsim.seeds import Draws
from sbsim.simulation.engine import Engine
from sbsim.simulation.replicate import modelled_tiers
from tests.parity.test_drivers_agree import conserves, some_scenario
from tests.parity.virtual import parts

WIRED = ("cache.redis_url", "cache.cdn_url")
FIXED = ("cache.near_duplicates",)  # a simulated run knows its neighbours from the start, or not at all


def others(scenario, rng):
    """The settings of some other scenario of the family, but for what is wired in, resolved for these providers."""
    config = some_scenario(rng.randrange(10_000)).config
    kept = {path: scenario.config.get(path) for path in (*WIRED, *FIXED)}
    declares = any(provider.limits for provider in scenario.providers)
    return config.with_values({**kept, "batching.formation": rng.choice(["greedy", "greedy", "optimal"])}).resolved(declares)


class Changing:
    """One run whose settings change four times, watched at every input."""

    def __init__(self, k):
        self.rng = random.Random(k)
        self.scenario = some_scenario(k)
        self.prepared, models, self.pipeline, log = parts(self.scenario, k, 0)
        self.named = Counter()
        self.sent = set()
        for name in ("submit", "fetched", "accepted", "completed", "wake", "configure"):
            self.watch(name)
        engine = Engine(self.pipeline, models, log, modelled_tiers(self.scenario, Draws(k, 0)))
        requests = list(self.prepared.requests())
        step = len(requests) // 5 + 1
        for start in range(0, len(requests), step):
            engine.drive(requests[start : start + step])
            now = requests[min(start + step, len(requests)) - 1].arrived_at
            config = others(self.scenario, self.rng)
            engine._settle(self.pipeline.configure(config, now=now), now)
            self.changes_nothing(config, now)
        engine.drain(inf)

    def watch(self, name):
        original = getattr(self.pipeline, name)

        def observed(*args, now):
            actions = original(*args, now=now)
            conserves(self.pipeline, now)
            for action in actions:
                self.look(action, now)
            return actions

        setattr(self.pipeline, name, observed)

    def look(self, action, now):
        if isinstance(action, (Hit, Refuse)):
            self.named.update(request.serial for request in ([action.request] if isinstance(action, Hit) else action.requests))
        elif isinstance(action, (Deliver, Fail)):
            self.named.update(request.serial for item in action.items for request in item.requests)
        elif isinstance(action, Send):
            self.fits(action.call, now)

    def fits(self, call, now):
        """What leaves for the first time leaves by the settings of this instant."""
        lane, builder, batch = self.pipeline.lanes[call.lane], self.pipeline.builder, call.batch
        assert lane.limiter.n_in_flight <= lane.limiter.concurrency
        assert now <= call.due_at <= now + self.pipeline.terms.timeouts_s(lane.index)[0]
        if call.path or call.attempt > 1 or batch.serial in self.sent:
            return
        self.sent.add(batch.serial)
        items = batch.items
        assert len(items) <= builder.max_size
        if len(items) > 1:
            assert sum(item.content.individual_usd for item in items) <= builder.max_usd * (1 + 1e-9)
            assert sum(item.content.duration_s for item in items) <= builder.max_duration_s * (1 + 1e-9)
        for a, b in combinations([item.content for item in items], 2):
            assert builder.similarity.score(a.shape, a.duration_s, b.shape, b.duration_s) >= builder.similarity.threshold

    def changes_nothing(self, config, now):
        """The same settings once more."""
        before = self.pipeline.snapshot(), self.pipeline.wake_at, [len(lane.queue) for lane in self.pipeline.lanes]
        assert not self.pipeline.configure(config, now=now)
        assert (self.pipeline.snapshot(), self.pipeline.wake_at, [len(lane.queue) for lane in self.pipeline.lanes]) == before


@pytest.mark.parametrize("k", range(60))
def test_any_settings_can_follow_any_others(k):
    """INV-1, INV-4 and concurrency hold through every change, every request is named at most once and ends, and the same settings change nothing."""
    run = Changing(k)
    assert not [serial for serial, n in run.named.items() if n > 1]
    snapshot = run.pipeline.snapshot()
    assert len(run.named) == snapshot["n_submitted"] - snapshot["n_pending"]
    held = sum(len(item.requests) for call in run.pipeline.dispatcher.in_flight.values() for item in call.items if not item.done)
    if not any(len(lane.queue) for lane in run.pipeline.lanes) and not run.pipeline.n_pending - held:
        assert not run.pipeline.builder.open_batches()
