"""Requests that were planned together: released in the middle of everything, over the random family."""

from __future__ import annotations

from collections import Counter
from math import inf

import pytest

from sbsim.pipeline.actions import Deliver, Fail, Hit, Refuse, Send
from sbsim.seeds import Draws
from sbsim.simulation.engine import Engine
from sbsim.simulation.replicate import modelled_tiers
from tests.parity.test_drivers_agree import conserves, some_scenario
from tests.parity.virtual import parts


@pytest.mark.parametrize("k", range(40))
def test_what_is_released_together_goes_together_and_alone(k):
    """INV-1 holds, every request is named at most once and ends, a batch of released work takes nobody else in and keeps to the bounds."""
    scenario = some_scenario(k)
    prepared, models, pipeline, log = parts(scenario, k, 0)
    requests = list(prepared.requests())
    group_of = {request.serial: k // 7 if (k // 7) % 2 else None for k, request in enumerate(requests)}
    named, seen, looked_at = Counter(), [], []
    is_simple = not pipeline.lookup.tiers and scenario.config.queue.max_pending > len(requests)  # else some of them come in one by one

    def watch(name):
        original = getattr(pipeline, name)

        def observed_input(*args, now):
            actions = original(*args, now=now)
            conserves(pipeline, now)
            seen.extend(actions)
            for action in actions:
                if isinstance(action, Send) and not action.call.path and is_simple:
                    looked_at.append({group_of[item.payer] for item in action.call.items})
                    assert len(looked_at[-1]) == 1
                    assert len(action.call.items) <= pipeline.builder.max_size
            return actions

        setattr(pipeline, name, observed_input)

    for name in ("submit", "release", "fetched", "accepted", "completed", "wake"):
        watch(name)
    engine = Engine(pipeline, models, log, modelled_tiers(scenario, Draws(k, 0)))
    for start in range(0, len(requests), 7):
        some = requests[start : start + 7]
        if group_of[some[0].serial] is None:
            engine.drive(some)
            continue
        engine.drive([])
        engine._advance(some[-1].arrived_at)
        engine._settle(pipeline.release(some, now=some[-1].arrived_at), some[-1].arrived_at)
    engine.drain(inf)
    for action in seen:
        if isinstance(action, Hit):
            named[action.request.serial] += 1
        elif isinstance(action, Refuse):
            named.update(request.serial for request in action.requests)
        elif isinstance(action, (Deliver, Fail)):
            named.update(request.serial for item in action.items for request in item.requests)
    assert looked_at or not is_simple
    assert set(named.values()) <= {1}
    assert len(named) == len(requests) - pipeline.n_pending
