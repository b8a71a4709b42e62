"""The pipeline driven by hand, one input after another: what waits gets going again, and what is in doubt is neither doubled nor forgotten."""

from __future__ import annotations

from math import inf

import pytest

from sbsim.pipeline.actions import Deliver, Fail, Send
from sbsim.pipeline.build import build
from sbsim.records import NORMAL, NOTHING_BEGUN, URGENT, Outcome, Request
from sbsim.scenario import Scenario
from sbsim.workload import prepare

SERVES = {"content_type": "image", "engine": "e"}
ONE = {
    "name": "one",
    "serves": SERVES,
    "api": {"takes": "one"},
    "price": {"rates": [{"per": "item", "usd": 1}]},
    "latency": {"total": 1},
}
LIST = {**ONE, "name": "list", "api": {"takes": "list"}}
FILES = {
    "name": "files",
    "serves": SERVES,
    "api": {"style": "batch", "takes": "file", "poll": 60},
    "price": {"rates": [{"per": "item", "usd": 0.5}]},
    "turnaround": 600,
    "expires_after": 7200,
}
BACK_TO_BACK = {"max_requests": None, "concurrency": None, "batch_pacing_interval": 0, "guard": 0}
ALONE = {"max_batch_size": 1, "max_wait": 0}


class Hand:
    """A pipeline, and the actions of the last input by kind. Every content is asked for by its number."""

    def __init__(self, *providers, units_in=0, **config):
        config = {"batching": ALONE, "rate_limit": BACK_TO_BACK, "cache": {"memory_size": 0}, **config}
        workload = {
            "source": "synthetic",
            "arrivals": {"process": "poisson", "rate": 1},
            "classes": [{"name": "a", "content_type": "image", "engine": "e", "units_in": units_in}],
        }
        scenario = Scenario.from_mapping(
            {"version": 1, "name": "by-hand", "requests": 40, "workload": workload, "providers": list(providers), "config": config}
        )
        prepared = prepare(scenario, 0, 0)
        self.scenario, self.contents = scenario, prepared.contents
        self.pipeline = build(scenario.config, scenario.providers, prepared.books, prepared.shapes)
        self.n, self.now = 0, 0.0

    def _after(self, actions):
        self.sent = [action.call for action in actions if isinstance(action, Send)]
        self.delivered = [r.serial for action in actions if isinstance(action, Deliver) for item in action.items for r in item.requests]
        self.failed = [r.serial for action in actions if isinstance(action, Fail) for item in action.items for r in item.requests]
        return self.sent

    def submit(self, content, now, urgency=NORMAL, deadline_at=inf):
        self.now = now
        self.request = Request(self.n, now, deadline_at, urgency, self.contents[content])
        self.n += 1
        return self._after(self.pipeline.submit(self.request, now=now))

    def cancel(self, request, now):
        return self._after(self.pipeline.cancel(request, now=now))

    def answer(self, call, now, error=None, **rest):
        usage = {"usage": NOTHING_BEGUN} if error else {}
        return self._after(self.pipeline.completed(call, Outcome(error, **usage, **rest), now=now))

    def wake(self, now, *, enough=1000):
        """Every wake that the pipeline wants until `now`, or until `enough` calls have left; those calls."""
        sent = []
        while self.pipeline.wake_at <= now and len(sent) < enough:
            at = self.pipeline.wake_at
            sent += self._after(self.pipeline.wake(now=at))
            assert self.pipeline.wake_at > at, "a wake that asks for itself"
        return sent


# -- what waits gets going again -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("batching", [ALONE, {"max_batch_size": 5, "max_wait": 0}], ids=["joins", "comes late into the batch"])
def test_work_that_becomes_urgent_may_use_the_reserve_at_once(batching):
    """A batch that the budget holds goes as soon as an urgent request makes it urgent and the reserve has room, not when the window has passed."""
    hand = Hand(LIST, batching=batching, budget={"limit": 4, "window": "24h", "reserve_urgent": 0.5})
    assert len(hand.submit(0, 0.0)) == len(hand.submit(1, 1.0)) == 1
    assert hand.submit(2, 2.0) == []  # two of four dollars are for urgent work
    content = 2 if batching is ALONE else 3
    (call,) = hand.submit(content, 3.0, urgency=URGENT) + hand.wake(3.0)
    assert [item.content.serial for item in call.items] == ([2] if batching is ALONE else [2, 3])


def test_a_batch_api_that_failed_is_tried_again_after_its_cooldown():
    """When its breaker has cooled down, work that can wait goes to the batch API again, as the probe."""
    hand = Hand(ONE, FILES, routing={"batch_lane": "slack", "allowed_failures": 1, "cooldown": 30})
    (call,) = hand.submit(0, 0.0, deadline_at=86400.0)
    assert call.lane == 1
    hand.answer(call, 1.0, "transient")
    (call,) = hand.submit(1, 2.0, deadline_at=86400.0)
    assert call.lane == 0
    hand.wake(40.0)
    (call,) = hand.submit(2, 40.0, deadline_at=86400.0)
    assert call.lane == 1


def test_what_waits_for_a_batch_api_that_breaks_leaves_it():
    """Files that wait for a slot are made on the other lane once the batch API's breaker opens."""
    hand = Hand(ONE, {**FILES, "limits": [{"concurrency": 1}]}, routing={"batch_lane": "slack", "allowed_failures": 1, "cooldown": "10h"})
    (first,) = hand.submit(0, 0.0, deadline_at=20000.0)
    assert hand.submit(1, 1.0, deadline_at=20000.0) == []
    sent = hand.answer(first, 2.0, "transient")
    assert [(call.lane, call.items[0].payer) for call in sent] == [(0, 1)]


def test_what_waits_for_a_batch_api_leaves_it_while_another_lane_can_still_make_it():
    """A file that has no slot while its time runs out is made on the prompt lane before its deadline."""
    hand = Hand(ONE, {**FILES, "limits": [{"concurrency": 1}]}, routing={"batch_lane": "slack"})
    hand.submit(0, 0.0, deadline_at=9000.0)
    assert hand.submit(1, 1.0, deadline_at=9000.0) == []
    (call,) = hand.wake(8999.0)
    assert (call.lane, call.items[0].payer) == (0, 1)
    assert call.sent_at + 60 <= 9000  # what the lane is expected to take before anybody has seen it answer


def test_what_only_a_batch_api_can_make_is_sent_to_it_again():
    """Where a limit bars the prompt lane for good, an item that a file lacks is sent in another file."""
    small = {**ONE, "limits": [{"tokens": 10, "per": "1min"}]}
    hand = Hand(small, FILES, units_in=50, routing={"batch_lane": "slack"})
    (call,) = hand.submit(0, 0.0, deadline_at=80000.0)
    hand.answer(call, 600.0, failures=[(0, "expired")])
    (call,) = hand.wake(700.0)
    assert call.lane == 1


# -- what is in doubt ------------------------------------------------------------------------------------------------------------
def test_a_late_answer_that_a_call_was_never_sent_does_not_double_it():
    """A call that timed out while it waited for a shared limit is sent once more, not twice, when the limit at last says no."""
    hand = Hand({**LIST, "api": {"takes": "list", "idempotency": "key"}}, retry={"call_timeout": 10})
    (call,) = hand.submit(0, 0.0)
    hand.wake(10.0)
    sent = hand.answer(call, 10.0, "not_sent", retry_at=11.0)
    sent += hand.wake(15.0)
    assert len(sent) == 1


def test_a_retry_after_a_definite_end_has_a_key_of_its_own():
    """Work that was stopped, or that is known to have failed, is not asked for again under the key that stands for its end."""
    stoppable = {**ONE, "api": {"takes": "one", "cancel": "running", "idempotency": "key"}}
    hand = Hand(stoppable, retry={"call_timeout": 10})
    (call,) = hand.submit(0, 0.0)
    hand.wake(10.0)
    hand.answer(call, 10.0, "timed_out")
    (again,) = hand.wake(30.0, enough=1)
    assert again.key != call.key

    hand = Hand({**ONE, "api": {"takes": "one", "idempotency": "key"}}, retry={"call_timeout": 10})
    (call,) = hand.submit(0, 0.0)
    hand.wake(10.0)
    hand.answer(call, 10.0, "transient")  # late, and before the retry has left
    (again,) = hand.wake(30.0, enough=1)
    assert again.key != call.key


def test_a_retry_in_doubt_keeps_its_key_and_its_body():
    """What is sent again under a key is what was sent under it first, whoever has lost interest meanwhile."""
    knows = {**LIST, "api": {"takes": "list", "idempotency": "key"}}
    hand = Hand(knows, batching={"max_batch_size": 3, "max_wait": "1h"}, retry={"call_timeout": 10})
    hand.submit(0, 0.0)
    lost = hand.request
    hand.submit(1, 0.0)
    (call,) = hand.submit(2, 0.0)
    hand.cancel(lost, 5.0)
    (again,) = hand.wake(30.0, enough=1)
    assert again.key == call.key
    assert again.items == call.items
    hand.answer(again, 31.0)
    assert hand.delivered == [1, 2]


@pytest.mark.parametrize(("idempotency", "lane"), [("none", 0), ("key", 1)])
def test_a_retry_in_doubt_stays_where_its_key_is_known(idempotency, lane):
    """A call that timed out fails over where its provider knows no keys, and stays with one that does."""
    hanging = {**ONE, "name": "hanging", "api": {"takes": "one", "idempotency": idempotency}, "price": {"rates": [{"per": "item", "usd": 0.1}]}}
    hand = Hand(ONE, hanging, retry={"call_timeout": 10, "in_doubt": "resend"}, routing={"allowed_failures": 1, "cooldown": 20})
    (call,) = hand.submit(0, 0.0)
    assert call.lane == 1
    (again,) = hand.wake(60.0, enough=1)
    assert again.lane == lane
    assert (again.key == call.key) is (idempotency == "key")


def test_stopped_work_may_fail_over():
    """A call that was stopped for its time-out is over: its items are made on a lane in health."""
    hanging = {**ONE, "name": "hanging", "api": {"takes": "one", "cancel": "running"}, "price": {"rates": [{"per": "item", "usd": 0.1}]}}
    hand = Hand(ONE, hanging, retry={"call_timeout": 10}, routing={"allowed_failures": 1, "cooldown": 3600})
    (call,) = hand.submit(0, 0.0)
    hand.wake(10.0)
    hand.answer(call, 10.0, "timed_out")
    (again,) = hand.wake(60.0, enough=1)
    assert again.lane == 0


def test_nobody_with_a_deadline_joins_work_that_is_held_in_doubt():
    """While a call is held in doubt, a request for its content that has a deadline is work of its own."""
    hand = Hand(ONE, retry={"call_timeout": 10, "in_doubt": "hold"})
    (call,) = hand.submit(0, 0.0)
    hand.wake(10.0)
    (own,) = hand.submit(0, 11.0, deadline_at=1000.0)
    hand.answer(own, 12.0)
    assert sorted(hand.delivered) == [0, 1]  # the first result serves whoever waits
    hand.answer(call, 13.0)
    assert hand.delivered == []
    assert hand.pipeline.n_pending == 0


def test_calls_that_time_out_and_answer_late_open_the_breaker():
    """A call that timed out speaks against its lane, whatever its late answer is."""
    hand = Hand({**ONE, "limits": [{"concurrency": 1}]}, retry={"call_timeout": 10, "in_doubt": "fail"}, routing={"allowed_failures": 2})
    for k in range(2):
        (call,) = hand.submit(k, 20.0 * k)
        hand.wake(20.0 * k + 10)
        hand.answer(call, 20.0 * k + 15)
    assert hand.pipeline.snapshot()["n_breaker_opened"] == 1


# -- what is cut in pieces -----------------------------------------------------------------------------------------------------------
def test_a_retry_that_is_cut_in_two_has_two_keys():
    """A batch that is sent again in pieces, since the budget has become too small for it, shares no key and no draws between them."""
    hand = Hand(LIST, batching={"max_batch_size": 4, "max_wait": "1h"}, budget={"limit": 10, "window": "1h"})
    for k in range(4):
        sent = hand.submit(k, 0.0)
    hand.answer(sent[0], 1.0, "transient")
    hand.pipeline.configure(hand.scenario.config.with_values({"budget.limit": 2}), now=1.5)
    again = hand.wake(20.0)
    assert [len(call.items) for call in again] == [2]
    hand.answer(again[0], 21.0, "permanent")
    again += hand.sent + hand.wake(4000.0)
    keys = [(call.lane, call.m, call.path) for call in (sent[0], *again)]
    assert len(set(keys)) == len(keys)


def test_a_controller_survives_batches_that_have_lost_all_their_members():
    """An answer to a call of a batch whose other calls were given up counts as the part that it is."""
    limit = [{"calls": 2, "per": "1h"}]
    lane = {**LIST, "api": {"takes": "list", "max_items": 1}, "limits": limit}
    hand = Hand(lane, batching={"max_batch_size": 3, "max_wait": "1h"}, controller={"enabled": True})
    requests = []
    for k in range(3):
        sent = hand.submit(k, 0.0)
        requests.append(hand.request)
    assert len(sent) == 2
    for request in requests:
        hand.cancel(request, 1.0)
    hand.answer(sent[0], 2.0)
    hand.answer(sent[1], 3.0)
    assert hand.pipeline.n_pending == 0


@pytest.mark.parametrize("policy", ["fifo", "score", "strict"])
def test_urgent_work_may_use_the_reserve_whoever_stands_before_it(policy):
    """What the budget holds holds up no urgent work that the reserve can pay, wherever the queue has put it; everybody goes once, in order."""
    hand = Hand(LIST, queue={"policy": policy, "ageing": 10}, budget={"limit": 4, "window": "24h", "reserve_urgent": 0.5})
    for k in range(2):
        (call,) = hand.submit(k, float(k))
        hand.answer(call, k + 0.5)
    assert hand.submit(2, 2.0) == []
    (call,) = hand.submit(3, 3600.0, urgency=URGENT) + hand.wake(3600.0)
    assert call.items[0].payer == 3
    hand.answer(call, 3601.0)
    (call,) = hand.submit(4, 7200.0, urgency=URGENT) + hand.wake(7200.0)
    hand.answer(call, 7201.0)
    assert hand.submit(5, 7300.0, urgency=URGENT) + hand.wake(7300.0) == []  # the reserve is spent as well
    sent = hand.wake(400000.0)
    assert sorted(call.items[0].payer for call in sent) == [2, 5]
