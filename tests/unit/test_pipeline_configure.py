"""What each new setting does to a running pipeline, input by input."""

from __future__ import annotations

from math import inf

import pytest

from sbsim.config import Config
from sbsim.errors import StateError
from sbsim.pipeline.actions import Abort, Deliver, Fail, Hit, Refuse, Send
from sbsim.pipeline.build import build
from sbsim.pipeline.prepare import Preparer
from sbsim.records import BACKGROUND, NORMAL, URGENT, ContentRequest, Outcome, Request
from sbsim.scenario import ProviderSpec

OPEN_GATES = {
    "batching.max_wait": 0.0,
    "rate_limit.max_requests": None,
    "rate_limit.batch_pacing_interval": 0.0,
    "rate_limit.guard": 0.0,
    "cache.memory_size": 100,
}


def lane(name="p", **changes):
    return ProviderSpec.from_mapping(
        {
            "name": name,
            "serves": {"content_type": "image", "engine": "e"},
            "api": {"takes": "list", "cancel": "running"},
            "price": {"rates": [{"per": "item", "usd": 1.0}]},
            "latency": {"total": 5},
            **changes,
        }
    )


class Bench:
    """A pipeline under hand-made inputs."""

    def __init__(self, *lanes, **values):
        lanes = lanes or (lane(),)
        self.preparer = Preparer(lanes)
        self.config = Config.from_values(OPEN_GATES | self.paths(values)).resolved(False)
        self.pipeline = build(self.config, lanes, self.preparer.books, self.preparer.shapes)
        self.contents, self.n = {}, 0

    @staticmethod
    def paths(values):
        return {name.replace("__", "."): value for name, value in values.items()}

    def submit(self, now, prompt, urgency=NORMAL, deadline_at=inf, engine="e", **fields):
        wish = ContentRequest(prompt, "image", prompt=prompt, engine=engine, **fields)
        key, base = self.preparer.identity(wish)
        if key not in self.contents:
            self.contents[key] = self.preparer.content(self.preparer.facts(wish), key, base, "default")
        request = Request(self.n, now, deadline_at, urgency, self.contents[key])
        self.n += 1
        return self.pipeline.submit(request, now=now)

    def set(self, now, **values):
        self.config = self.config.with_values(self.paths(values))
        return self.pipeline.configure(self.config, now=now)

    def answer(self, now, call, **outcome):
        return self.pipeline.completed(call, Outcome(**outcome), now=now)


def sent(actions):
    """Sizes of the calls that leave."""
    return [len(action.call.items) for action in actions if isinstance(action, Send)]


def the_call(actions):
    (call,) = [action.call for action in actions if isinstance(action, Send)]
    return call


def test_groups_that_are_full_too_large_or_due_by_the_new_terms_go_in_the_same_input():
    """Five wait; a size of five sends them as they are, of two in pieces, a wait that is over too, and a longer one keeps them."""
    for change, expected in (
        ({"batching__max_batch_size": 5}, [5]),
        ({"batching__max_batch_size": 2}, [2, 2, 1]),
        ({"batching__max_wait": 1.0}, [5]),
        ({"batching__max_batch_cost": 3.0}, [3, 2]),
        ({"batching__max_batch_duration": 8.0}, [2, 2, 1]),
        ({"batching__max_wait": 60.0}, []),
        ({"cache__ttl": 5.0}, []),
    ):
        bench = Bench(batching__max_wait=10.0)
        for k in range(5):
            assert not bench.submit(0.0, str(k), duration=4)
        assert sent(bench.set(2.0, **change)) == expected, change
        if not expected:
            assert bench.pipeline.wake_at == (60.0 if "batching__max_wait" in change else 10.0)


def test_a_wait_that_grows_stays_within_the_slack_of_the_members():
    """A deadline at 30 with 60 s of expected service had closed the group at once; with 5 s it goes at 25, however long the wait."""
    bench = Bench(batching__max_wait=10.0, queue__initial_service_s=5.0)
    bench.submit(0.0, "a", deadline_at=30.0)
    bench.set(1.0, batching__max_wait=100.0)
    assert bench.pipeline.wake_at == 25.0


def test_a_group_falls_apart_where_its_members_are_no_longer_alike_enough():
    """Two styles at similarity 0.85 share a group at 0.7 and not at 0.9; nobody is sent for that, and each goes in time."""
    bench = Bench(batching__max_wait=10.0)
    for k, look in enumerate(("plain", "loud", "plain")):
        bench.submit(float(k), str(k), style_params={"look": look, "size": "big"})
    assert not bench.set(3.0, batching__similarity_threshold=0.9)
    assert sorted(sent(bench.pipeline.wake(now=10.0))) == [1, 2]


def test_what_waits_for_a_gate_is_cut_anew_and_in_a_new_order():
    """Behind a busy slot a batch of three waits before an urgent one; a size of one and strict order send the urgent one first, alone."""
    bench = Bench(batching__max_batch_size=3, rate_limit__concurrency=1, queue__policy="fifo", batching__max_wait=50.0, batching__late_join=False)
    first = the_call([action for k in range(3) for action in bench.submit(0.0, f"first {k}")])
    for k in range(3):
        bench.submit(1.0, f"then {k}", urgency=BACKGROUND)
    bench.submit(2.0, "urgent", urgency=URGENT, style_params={"look": "other"})
    bench.pipeline.flush(now=2.0)
    assert not bench.set(3.0, batching__max_batch_size=1, queue__policy="strict")
    call = the_call(bench.answer(4.0, first))
    assert [item.content.facts.style for item in call.items] == [(("look", "other"),)]
    for k in range(3):
        call = the_call(bench.answer(5.0 + k, call))
        assert len(call.items) == 1
    assert bench.pipeline.snapshot()["n_delivered"] == 6


def test_slots_open_and_close_at_once():
    """One call at a time holds the second; two let it go in the same input; one again waits until both are back."""
    bench = Bench(batching__max_batch_size=1, rate_limit__concurrency=1)
    first = the_call(bench.submit(0.0, "a"))
    assert not bench.submit(0.0, "b")
    second = the_call(bench.set(1.0, rate_limit__concurrency=2))
    bench.submit(1.0, "c")
    assert not bench.set(2.0, rate_limit__concurrency=1)
    assert sent(bench.answer(3.0, first)) == []
    assert sent(bench.answer(4.0, second)) == [1]


def test_a_budget_that_is_switched_on_books_what_is_in_flight():
    """Two dollars are under way; of a budget of three one is left, and when the two turn out free there is room again. Off, everything goes."""
    bench = Bench(batching__max_batch_size=2)
    bench.pipeline.configure(bench.config.with_values({"batching.max_wait": 5.0}), now=0.0)
    first = the_call([*bench.submit(0.0, "a"), *bench.submit(0.0, "b")])
    assert not bench.set(1.0, budget__limit=3.0, batching__max_wait=0.0)
    second = the_call(bench.submit(1.0, "c"))
    assert sent(bench.submit(1.0, "d")) == []
    assert sent(bench.answer(2.0, first, error="transient", jitter=0.9)) == [1]
    assert sent(bench.submit(2.0, "e")) == [1]
    assert sent(bench.submit(2.0, "f")) == []
    assert sent(bench.set(3.0, budget__limit=None)) == [1]
    assert not [a for a in bench.answer(4.0, second) if isinstance(a, Fail)]


def test_shorter_timeouts_end_what_is_under_way_and_longer_ones_do_not_prolong_it():
    """Sent at 0 with 120 s to go: at 30 a timeout of 20 s is over and the call is aborted; one of 500 s changes nothing for it."""
    bench = Bench()
    bench.submit(0.0, "a")
    bench.set(10.0, retry__call_timeout=500.0)
    assert bench.pipeline.wake_at == 120.0
    bench.set(30.0, retry__call_timeout=20.0)
    assert bench.pipeline.wake_at == 30.0
    (abort,) = bench.pipeline.wake(now=30.0)
    assert isinstance(abort, Abort)


def test_a_job_that_is_accepted_after_its_timeout_was_raised_keeps_the_one_that_its_cost_was_bounded_by():
    """Sent under a job timeout of 60 s and accepted under one of 600 s: it is given up after 60; lowered meanwhile, after the lower one."""
    for timeout, given_up_at in ((600.0, 71.0), (20.0, 31.0)):
        bench = Bench(lane(api={"style": "job", "takes": "one", "cancel": "running", "poll": 5}), retry__job_timeout=60.0, retry__call_timeout=50.0)
        call = the_call(bench.submit(10.0, "a"))
        bench.set(10.5, retry__job_timeout=timeout)
        bench.pipeline.accepted(call, "job", now=11.0)
        assert call.due_at == given_up_at


def test_memory_follows_size_life_and_policy():
    """Another policy keeps what is kept, a shorter life ends it sooner, a smaller size drops some."""
    bench = Bench()
    for k in range(4):
        bench.answer(1.0, the_call(bench.submit(0.0, str(k))))
    bench.set(2.0, cache__policy="sieve")
    assert isinstance(bench.submit(2.0, "0")[0], Hit)
    bench.set(2.0, cache__memory_size=2)
    assert len(bench.pipeline.cache) == 2
    bench.set(3.0, cache__ttl=10.0, cache__memory_size=100)
    kept = [key for key in bench.contents if key in bench.pipeline.cache]
    assert len(kept) == 2
    assert all(bench.pipeline.cache.get(key, 12.9) is not None for key in kept)
    assert all(bench.pipeline.cache.get(key, 13.0) is None for key in kept)


def test_a_wider_queue_takes_the_backlog_in_and_a_full_one_may_refuse():
    """Two of three wait beyond the first; room for all takes them in at once; with `refuse` the next beyond it is refused."""
    bench = Bench(queue__max_pending=1, batching__max_batch_size=1)
    bench.submit(0.0, "a")
    assert not bench.submit(0.0, "b")
    assert not bench.submit(0.0, "c")
    assert sent(bench.set(1.0, queue__max_pending=3, queue__on_full="refuse")) == [1, 1]
    assert isinstance(bench.submit(2.0, "d")[0], Refuse)


def test_work_under_way_is_shared_only_while_that_is_switched_on():
    """A second wish for the same content joins; after coalescing is switched off a third starts its own, and both end."""
    bench = Bench()
    first = the_call(bench.submit(0.0, "a"))
    assert not bench.submit(0.0, "a")
    bench.set(1.0, batching__coalesce=False)
    third = the_call(bench.submit(1.0, "a"))
    (deliver,) = bench.answer(2.0, first)
    assert isinstance(deliver, Deliver)
    assert len(deliver.items[0].requests) == 2
    assert isinstance(bench.answer(3.0, third)[0], Deliver)
    assert bench.pipeline.n_pending == 0


def test_what_waits_is_routed_anew_by_another_policy():
    """Two wait at the busy first lane, since routing was `single`; `balanced` sends one of them to the idle second lane at once."""
    bench = Bench(lane(), lane("q"), batching__max_batch_size=1, rate_limit__concurrency=1, routing__policy="single")
    assert sent(bench.submit(0.0, "a")) == [1]
    assert not bench.submit(0.0, "b")
    (send,) = bench.set(1.0, routing__policy="balanced")
    assert send.call.lane == 1


def test_a_tier_is_wired_in():
    """The address of a lower tier cannot change while it runs, and then nothing else has changed either."""
    bench = Bench()
    with pytest.raises(StateError, match="redis_url"):
        bench.set(0.0, cache__redis_url="${REDIS}", batching__max_wait=7.0)
    assert bench.pipeline.builder.max_wait_s == 0.0
