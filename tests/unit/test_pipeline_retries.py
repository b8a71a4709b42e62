"""Items that come back without content go again together, whatever they lack."""

from __future__ import annotations

from math import ceil, log2

import pytest

from sbsim.pipeline.actions import Deliver, Fail, Refuse, Send
from sbsim.pipeline.routing import repeats_key
from sbsim.records import Outcome
from sbsim.scenario import Scenario
from tests.parity.virtual import parts
from tests.unit.test_pipeline_configure import Bench, lane, the_call


def three_in_a_call(**api):
    """(requests, pipeline): three pictures that a list lane makes in one call."""
    scenario = Scenario.from_mapping(
        {
            "version": 1,
            "name": "three",
            "requests": 3,
            "workload": {
                "source": "synthetic",
                "arrivals": {"process": "poisson", "rate": 1},
                "classes": [{"name": "a", "content_type": "image", "engine": "e"}],
            },
            "providers": [
                {
                    "name": "p",
                    "serves": {"content_type": "image", "engine": "e"},
                    "api": {"takes": "list", **api},
                    "price": {"rates": [{"per": "item", "usd": 1}]},
                    "latency": {"total": 1},
                }
            ],
            "config": {"batching": {"max_batch_size": 3, "max_wait": "1h"}, "rate_limit": {"batch_pacing_interval": 0}},
        }
    )
    prepared, _, pipeline, _ = parts(scenario, 0, 0)
    return list(prepared.requests()), pipeline


def test_two_kinds_of_trouble_make_one_retry_with_one_key():
    """An item error and a missing item of one call are sent again in one call: two would share an idempotency key with different bodies."""
    requests, pipeline = three_in_a_call()
    actions = [action for request in requests for action in pipeline.submit(request, now=request.arrived_at)]
    (send,) = actions
    answered_at = pipeline._now + 1
    (delivery,) = pipeline.completed(send.call, Outcome(failures=[(0, "item_error"), (2, "missing")]), now=answered_at)
    assert isinstance(delivery, Deliver)
    assert len(delivery.items) == 1
    again = pipeline.wake(now=max(pipeline.wake_at, answered_at + 60))
    assert [type(action) for action in again] == [Send]
    assert [item.payer for item in again[0].call.items] == [0, 2]


def test_what_a_shared_limit_had_no_room_for_keeps_its_body_with_its_key():
    """A call in doubt is repeated under its key; somebody cancels, the repetition is not sent, and what goes then is still what went first."""
    requests, pipeline = three_in_a_call(idempotency="key")
    (first,) = [action for request in requests for action in pipeline.submit(request, now=request.arrived_at)]
    at = first.call.due_at
    pipeline.wake(now=at)
    at = max(at, pipeline.wake_at)
    (second,) = pipeline.wake(now=at)
    assert second.call.same_key_as is first.call
    pipeline.cancel(requests[1], now=at)
    pipeline.completed(second.call, Outcome("not_sent", retry_at=at + 5), now=at + 1)
    (third,) = pipeline.wake(now=at + 5)
    assert third.call.key == first.call.key
    assert third.call.items == first.call.items


def test_what_is_sent_again_without_a_key_is_a_call_of_its_own():
    """A provider that knows no keys is sent what is still wanted, in a new call: its contents are those of the new body, not of the first."""
    requests, pipeline = three_in_a_call()
    pipeline.answers.in_doubt = "resend"
    (first,) = [action for request in requests for action in pipeline.submit(request, now=request.arrived_at)]
    at = first.call.due_at
    pipeline.wake(now=at)
    pipeline.cancel(requests[0], now=at)
    (second,) = pipeline.wake(now=max(at, pipeline.wake_at))
    assert second.call.same_key_as is None
    assert second.call.key != first.call.key
    assert [item.payer for item in second.call.items] == [1, 2]


@pytest.mark.parametrize("error", ["permanent", "moderated"])
def test_one_refused_item_costs_the_others_a_few_calls_and_nothing_else(error):
    """Of up to 17 in a call one is refused, wherever it stands: the halves find it in 2 ceil(log2 n) calls more at most, it alone fails and it alone
    is remembered."""
    for n, culprit in [(size, place) for size in (2, 3, 8, 17) for place in range(size)]:
        bench = Bench(lane(limits=[]), batching__max_batch_size=n, batching__max_wait=10.0, cache__negative_ttl=60.0)
        waiting = [action.call for k in range(n) for action in bench.submit(0.0, str(k))]
        n_calls, delivered, failed = 0, [], []
        while waiting:
            call = waiting.pop(0)
            n_calls += 1
            is_refused = any(item.payer == culprit for item in call.items)
            for action in bench.answer(float(n_calls), call, **({"error": error} if is_refused else {})):
                if isinstance(action, Send):
                    waiting.append(action.call)
                else:
                    (failed if isinstance(action, Fail) else delivered).extend(item.payer for item in action.items)
        assert n_calls - 1 <= 2 * ceil(log2(n))
        assert (failed, sorted(delivered)) == ([culprit], [k for k in range(n) if k != culprit])
        assert [isinstance(bench.submit(40.0, str(k))[0], Refuse) for k in range(n)] == [k == culprit for k in range(n)]


def test_a_key_is_known_where_it_was_sent_and_nowhere_else():
    """Work of a call in doubt that goes to another provider, or is cut anew, is a new call there: what nobody wants any more is left out."""
    keyed = {"takes": "list", "idempotency": "key"}
    bench = Bench(lane("p", api=keyed), lane("q", api=keyed), batching__max_batch_size=2, batching__max_wait=10.0)
    bench.submit(0.0, "a")
    call = the_call(bench.submit(0.0, "b"))
    assert bench.pipeline.wake(now=call.due_at) == []
    (batch,) = bench.pipeline.retry
    here, there = bench.pipeline.lanes
    assert repeats_key(batch, here)
    assert not repeats_key(batch, there)
    batch.path = ""
    assert not repeats_key(batch, here)


def test_a_repetition_that_was_turned_away_is_in_doubt_as_long_as_the_first_is():
    """A timeout, a repetition answered 429, then the late word that the first had failed: what goes next is a new call under a key of its own."""
    for turned_away in (False, True):
        bench = Bench(lane(api={"takes": "list", "idempotency": "key"}, limits=[]), batching__max_batch_size=1, retry__max_attempts=6)
        pipeline = bench.pipeline
        first = the_call(bench.submit(0.0, "a"))
        pipeline.wake(now=first.due_at)
        if turned_away:
            second = the_call(pipeline.wake(now=pipeline.wake_at))
            assert second.key == first.key
            bench.answer(pipeline._now, second, error="rate_limited", retry_after_s=5.0)
        bench.answer(pipeline._now, first, error="transient")
        actions = ()
        while not any(isinstance(action, Send) for action in actions):
            actions = pipeline.wake(now=pipeline.wake_at)
        assert the_call(actions).key != first.key


def test_only_a_refusal_of_the_content_is_remembered():
    """A provider's no to a call of one is; an item without content, of which nobody knows why, is asked for again."""
    refused, unknown = ({"error": "permanent"}, {"failures": [(0, "moderated")]}), {"failures": [(0, "permanent")]}
    for outcome, is_remembered in (*((each, True) for each in refused), (unknown, False)):
        bench = Bench(lane(limits=[]), batching__max_batch_size=1, cache__negative_ttl=60.0)
        bench.answer(1.0, the_call(bench.submit(0.0, "a")), **outcome)
        assert isinstance(bench.submit(2.0, "a")[0], Refuse) is is_remembered
