"""The queue: against a model that sorts everything at every question; and that nothing starves, with the bound that its docstring proves."""

from __future__ import annotations

from math import inf

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from sbsim.components.priority_queue import POLICIES, PriorityQueue
from sbsim.errors import ScenarioError
from sbsim.records import Batch

slacks = st.one_of(st.just(inf), st.integers(0, 40).map(float))
urgencies = st.integers(1, 3)
picks = st.integers(0, 99)  # which of those that are there


def batch_of(serial, opened_at, urgency, slack_s, usd=0.0):
    batch = Batch(serial, 0, 0, opened_at)
    batch.urgency, batch.deadline_at, batch.list_usd = urgency, opened_at + slack_s, usd
    return batch


def sort_key(policy, ageing_s, batch):
    """The contract, word for word."""
    if policy == "fifo":
        return (batch.opened_at, batch.serial)
    if policy == "strict":
        return (batch.urgency, batch.opened_at, batch.serial)
    slack_s = batch.deadline_at - batch.opened_at
    price = batch.list_usd / (batch.list_usd + 1)
    return (batch.opened_at + ageing_s * (batch.urgency + price / 8) + min(slack_s, ageing_s) / 2, batch.serial)


class AgainstSorting(RuleBasedStateMachine):
    """The head is the least of what waits, whatever entered, became more urgent, left or came back; ties go by serial."""

    policy = "score"

    @initialize(ageing_s=st.sampled_from([8.0, 30.0]))
    def start(self, ageing_s):
        self.queue, self.ageing_s = PriorityQueue(self.policy, ageing_s), ageing_s
        self.now, self.serial, self.model, self.gone = 0.0, 0, {}, []

    def waits(self, batch):
        self.model[batch] = sort_key(self.policy, self.ageing_s, batch)

    def some(self, pick):
        return list(self.model)[pick % len(self.model)]

    @rule(dt=st.integers(0, 5).map(float))
    def advance(self, dt):
        self.now += dt

    @rule(urgency=urgencies, slack_s=slacks, age_s=st.integers(0, 10).map(float), usd=st.sampled_from([0.0, 0.04, 1.0, 500.0]))
    def push(self, urgency, slack_s, age_s, usd):
        self.serial += 1
        batch = batch_of(self.serial, max(0.0, self.now - age_s), urgency, slack_s, usd)
        self.queue.push(batch)
        self.waits(batch)

    @precondition(lambda self: self.model)
    @rule(pick=picks, urgency=urgencies, slack_s=slacks)
    def hurry(self, pick, urgency, slack_s):
        batch = self.some(pick)
        batch.urgency = min(batch.urgency, urgency)
        batch.deadline_at = min(batch.deadline_at, batch.opened_at + slack_s)
        self.queue.update(batch)
        self.waits(batch)

    @precondition(lambda self: self.gone)
    @rule(pick=picks)
    def hurry_one_that_has_gone(self, pick):
        """Who waits no more cannot be hurried; nothing happens."""
        batch = self.gone[pick % len(self.gone)]
        batch.urgency = 1
        self.queue.update(batch)

    @rule()
    def pop(self):
        if not self.model:
            with pytest.raises(IndexError):
                self.queue.pop()
            return
        expected = min(self.model, key=self.model.__getitem__)
        assert self.queue.pop() is expected
        del self.model[expected]
        self.gone.append(expected)

    @precondition(lambda self: self.model)
    @rule(pick=picks)
    def discard(self, pick):
        batch = self.some(pick)
        self.queue.discard(batch)
        del self.model[batch]
        self.gone.append(batch)

    @precondition(lambda self: self.gone)
    @rule(pick=picks)
    def come_back(self, pick):
        """A batch that has left may wait again, under a rank that it had before."""
        batch = self.gone.pop(pick % len(self.gone))
        self.queue.push(batch)
        self.waits(batch)

    @invariant()
    def the_order_is_that_of_sorting(self):
        order = sorted(self.model, key=self.model.__getitem__)
        assert len(self.queue) == len(order)
        assert list(self.queue) == order
        assert self.queue.peek() is (order[0] if order else None)
        assert self.queue.first_urgent() is next((batch for batch in order if batch.urgency == 1), None)
        for batch in order:
            assert self.queue.passes_over(batch) == any(other.urgency < batch.urgency for other in order)


@pytest.mark.parametrize("policy", POLICIES)
def test_the_order_is_that_of_sorting(policy):
    """Under every policy the queue's order is that of sorting what waits by the policy's key, at every time."""
    run_state_machine_as_test(type(policy, (AgainstSorting,), {"policy": policy}), settings=settings(max_examples=4 * settings().max_examples))


def longest_overtaking(policy, seed, ageing_s=10.0, n=600):
    """Most seconds by which any batch was overtaken by a later one, in an overloaded queue full of urgent newcomers; and whether any still waits."""
    rng = np.random.default_rng(seed)
    queue, opened_at, last_s, served = PriorityQueue(policy, ageing_s), 0.0, 0.0, []
    waiting = {}
    for serial in range(n):
        opened_at += float(rng.exponential(1.0))
        urgency = int(rng.choice([1, 3], p=[0.9, 0.1]))
        batch = batch_of(serial, opened_at, urgency, float(rng.choice([0.0, 5.0, 100.0])), 0.0 if urgency == 1 else 1e9)
        queue.push(batch)
        waiting[batch] = None
        if serial % 2:  # one is served while two arrive
            gone = queue.pop()
            del waiting[gone]
            served.append(gone)
            last_s = max([last_s, *(gone.opened_at - other.opened_at for other in waiting)])
    return last_s


@pytest.mark.parametrize("seed", range(5))
def test_nothing_starves(seed):
    """No batch is overtaken by one that arrived more than 2.625 x ageing after it, however many urgent and cheap ones come."""
    assert longest_overtaking("score", seed) <= 26.25


def test_starving_is_found_out():
    """Under strict priority the same traffic overtakes background work without end, as its name says; and fifo overtakes nothing."""
    assert longest_overtaking("strict", 0) > 100.0
    assert longest_overtaking("fifo", 0) == 0.0


@given(st.floats(0, 1e6), urgencies, urgencies, slacks, slacks, st.sampled_from([1.0, 60.0, 1800.0]))
def test_urgency_outweighs_slack_and_price(opened_at, one, other, slack_one, slack_other, ageing_s):
    """Of two batches of one age the more urgent goes first whatever their slack and price; of one urgency and price, the one with less slack."""
    queue = PriorityQueue("score", ageing_s)
    a, b = batch_of(1, opened_at, one, slack_one), batch_of(2, opened_at, other, slack_other)
    rank_a, rank_b = queue.rank(a), queue.rank(b)
    if one != other:
        a.list_usd = b.list_usd = 0.0
        (a if one < other else b).list_usd = 1e9
        assert (queue.rank(a) < queue.rank(b)) == (one < other)
    elif min(slack_one, ageing_s) != min(slack_other, ageing_s):
        assert (rank_a <= rank_b) == (slack_one <= slack_other)


def test_of_two_that_are_equally_pressing_the_cheaper_goes_first():
    """A dear item yields to a cheap one that came a little later; what came more than an eighth of `ageing` later gains nothing by its price."""
    dear, cheap, late = batch_of(1, 0.0, 2, 60.0, usd=5.0), batch_of(2, 1.0, 2, 60.0, usd=0.01), batch_of(3, 226.0, 2, 60.0)
    queue = PriorityQueue("score", 1800.0)
    for batch in (dear, cheap, late):
        queue.push(batch)
    assert [queue.pop() for _ in range(3)] == [cheap, dear, late]


def test_an_unknown_policy_is_refused_with_those_there_are():
    """A policy that does not exist is a bad setting, and the message lists the ones that do."""
    with pytest.raises(ScenarioError, match=r"queue\.policy: 'lifo' is not one of score, fifo, strict"):
        PriorityQueue("lifo")
