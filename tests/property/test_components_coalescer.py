"""The coalescer against a model that keeps a list of all work: nobody is lost, nobody is served twice, nothing comes too late that need not."""

from __future__ import annotations

from math import inf

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sbsim.components.coalescer import Coalescer
from sbsim.records import Content, Facts, Item, Request

FACTS = Facts("image", "e")
SERVICE_S = 10.0
picks = st.integers(0, 99)  # which of those that are there


def content_of(key, reusable=True):
    return Content(0, key, key, FACTS, 0, 0, (), 0, reusable)


class AgainstAListOfWork(RuleBasedStateMachine):
    """Requests join work that can serve them in time, else start their own; the first result serves everybody; a cancelled leader harms nobody."""

    @initialize()
    def start(self):
        self.coalescer = Coalescer()
        self.now, self.serial = 0.0, 0
        self.work = []  # alive items, in order of opening
        self.pending = {}  # request -> item

    def rivals(self, item):
        """Alive work for the content of `item`, oldest first; work of a content that is not shared has no company."""
        if not item.content.reusable:
            return [item]
        return [other for other in self.work if other.content.key == item.content.key and other.content.reusable]

    def model_finds(self, request):
        mine = [item for item in self.rivals(Item(request)) if request.content.reusable]
        if not mine:
            return None
        in_time = [item for item in mine if item.ends_at <= request.deadline_at]
        if mine[-1] in in_time or self.now + SERVICE_S > request.deadline_at:
            return mine[-1]
        return in_time[0] if in_time else None

    @rule(dt=st.integers(0, 6).map(float))
    def advance(self, dt):
        self.now += dt

    @rule(
        key=st.sampled_from([0, 0, 0, 1]),
        urgency=st.integers(1, 3),
        slack_s=st.sampled_from([10.0, 12.0, 0.0, 20.0, inf]),
        shared=st.sampled_from([True, True, True, False]),
    )
    def submit(self, key, urgency, slack_s, shared):
        self.serial += 1
        content = content_of(key, reusable=shared)
        request = Request(self.serial, self.now, self.now + slack_s, urgency, content)
        found = self.coalescer.find(request, self.now, SERVICE_S)
        assert found is self.model_finds(request)
        if found is None:
            item = Item(request)
            self.coalescer.open(item)
            self.work.append(item)
        else:
            item, before = found, (found.urgency, found.deadline_at)
            is_pressing = self.coalescer.join(request, item)
            assert (item.urgency, item.deadline_at) == (min(before[0], urgency), min(before[1], request.deadline_at))
            assert is_pressing == ((item.urgency, item.deadline_at) != before)
        self.pending[request] = item

    def some(self, pick):
        return list(self.pending.items())[pick % len(self.pending)]

    @precondition(lambda self: self.pending)
    @rule(pick=picks, took_s=st.sampled_from([25.0, 12.0, 20.0, 40.0, 5.0]))
    def some_work_leaves(self, pick, took_s):
        self.some(pick)[1].ends_at = self.now + took_s

    @precondition(lambda self: len(self.pending) > 4)  # else work seldom lives long enough to have rivals
    @rule(pick=picks)
    def cancel(self, pick):
        request, item = self.some(pick)
        payer, others = item.payer, [r for r in item.requests if r is not request]
        del self.pending[request]
        assert self.coalescer.cancel(request, item) == (not others)
        assert item.requests == others
        if not others:
            assert item.done
            self.work.remove(item)
        else:
            assert item.payer == (others[0].serial if item.ends_at == -inf else payer)

    @precondition(lambda self: len(self.pending) > 4)  # else work seldom lives long enough to have rivals
    @rule(pick=picks)
    def some_work_ends(self, pick):
        item = self.some(pick)[1]
        expected = self.rivals(item)
        together = self.coalescer.close(item)
        assert together[0] is item
        assert sorted(map(id, together)) == sorted(map(id, expected))
        assert all(one.done for one in together)
        for one in together:
            self.work.remove(one)
            for waiter in one.requests:
                assert self.pending.pop(waiter) is one

    @invariant()
    def everybody_waits_for_exactly_one_piece_of_living_work(self):
        waiters = [(request, item) for item in self.work for request in item.requests]
        assert len(waiters) == len(self.pending)
        assert all(self.pending[request] is item for request, item in waiters)
        assert not any(item.done for item in self.work)
        newest = {item.content.key: item for item in self.work if item.content.reusable}
        assert self.coalescer.items == newest
        assert len(self.coalescer) == len(newest)


TestAgainstAListOfWork = AgainstAListOfWork.TestCase
TestAgainstAListOfWork.settings = settings(max_examples=4 * settings().max_examples)


def test_an_older_rival_that_is_in_time_is_joined():
    """The newest work is not always the first to end: whoever it would fail joins the one that will be in time, and starts nothing."""
    coalescer = Coalescer()
    old, new = (Item(Request(serial, 0.0, inf, 2, content_of("k"))) for serial in range(2))
    for item, ends_at in ((old, 100.0), (new, 150.0)):
        item.ends_at = ends_at
        coalescer.open(item)
    assert coalescer.find(Request(2, 60.0, 100.0, 2, content_of("k")), 60.0, SERVICE_S) is old
    assert coalescer.find(Request(3, 60.0, 99.0, 2, content_of("k")), 60.0, SERVICE_S) is None


def test_switched_off_nothing_is_shared():
    """Without coalescing every request is work of its own, even for the same content at the same instant."""
    coalescer = Coalescer(enabled=False)
    coalescer.open(Item(Request(0, 0.0, inf, 2, content_of("k"))))
    assert coalescer.find(Request(1, 0.0, inf, 2, content_of("k")), 0.0, SERVICE_S) is None
    assert len(coalescer) == 0


def test_work_that_ends_at_exactly_the_deadline_is_in_time():
    """A result at the very instant of the deadline meets it; an ulp later it does not, and the request starts its own work if that is in time."""
    coalescer = Coalescer()
    item = Item(Request(0, 0.0, inf, 2, content_of("k")))
    item.ends_at = 0.1 + 0.2
    coalescer.open(item)
    late, in_time = (Request(1, 0.0, at, 2, content_of("k")) for at in (0.3, 0.1 + 0.2))
    assert coalescer.find(in_time, 0.0, 0.1) is item
    assert coalescer.find(late, 0.0, 0.1) is None
    assert coalescer.find(late, 0.0, 0.4) is item, "nothing started now would be in time either"
