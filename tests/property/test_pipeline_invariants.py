"""The numbered invariants over a family of random scenarios with every mechanism on, held against what was really sent and billed."""

from __future__ import annotations

from collections import Counter
from math import inf

import numpy as np
import pytest

from sbsim.pipeline.actions import Deliver, Fail, Hit, Refuse, Send
from sbsim.records import URGENT
from sbsim.seeds import Draws
from sbsim.simulation.engine import Engine
from sbsim.simulation.replicate import modelled_tiers
from sbsim.units import to_nano
from tests.parity.test_drivers_agree import some_scenario
from tests.parity.virtual import parts

SEEDS = range(200, 280)


class Watched:
    """One run in which every action was kept, with its instant."""

    def __init__(self, k):
        self.scenario = some_scenario(k)
        self.prepared, self.models, self.pipeline, self.log = parts(self.scenario, k, 0)
        self.actions = []
        for name in ("submit", "fetched", "accepted", "completed", "wake"):
            self._watch(name)
        engine = Engine(self.pipeline, self.models, self.log, modelled_tiers(self.scenario, Draws(k, 0)))
        engine.drive(self.prepared.requests())
        engine.drain(inf)
        self.log.freeze(self.prepared.arrived_at, engine.n_submitted, engine.last_at)

    def _watch(self, name):
        original = getattr(self.pipeline, name)

        def observed(*args, now):
            actions = original(*args, now=now)
            self.actions.extend((now, action) for action in actions)
            return actions

        setattr(self.pipeline, name, observed)

    def sends(self):
        return [(now, action.call) for now, action in self.actions if isinstance(action, Send)]


@pytest.fixture(scope="module")
def runs():
    return [Watched(k) for k in SEEDS]


def test_inv_1_every_request_is_named_exactly_once(runs):
    """Each submitted request stands in exactly one Hit, Deliver, Refuse or Fail, unless it is pending at the end."""
    for run in runs:
        named = Counter()
        for _, action in run.actions:
            if isinstance(action, Hit):
                named[action.request.serial] += 1
            elif isinstance(action, (Deliver, Fail)):
                named.update(request.serial for item in action.items for request in item.requests)
            elif isinstance(action, Refuse):
                named.update(request.serial for request in action.requests)
        assert set(named.values()) <= {1}
        assert len(named) + run.pipeline.n_pending == run.prepared.n


def test_inv_4_every_call_obeys_size_money_length_and_similarity(runs):
    """What is sent together: no more than the size, one group, pairwise similar enough, of one base where the provider takes variants."""
    for run in runs:
        batching, controller = run.scenario.config.batching, run.scenario.config.controller
        most, least_alike = batching.max_batch_size, batching.similarity_threshold
        if controller.enabled:  # it may have moved both since, within its bounds
            most, least_alike = max(most, controller.max_batch_size), min(least_alike, controller.min_similarity_threshold)
        similarity = run.pipeline.builder.similarity
        for _, call in run.sends():
            api = run.scenario.providers[call.lane].api
            contents = [item.content for item in call.items]
            assert len(contents) <= min(most, api.max_items or inf)
            assert len({content.group for content in contents}) == 1
            if api.takes == "one":
                assert len(contents) == 1
            if api.takes == "variants":
                assert len({content.base for content in contents}) == 1
            for i, a in enumerate(contents):
                for b in contents[:i]:
                    assert similarity.score(a.shape, a.duration_s, b.shape, b.duration_s) >= least_alike


def test_inv_5_no_window_of_a_known_limit_is_exceeded_at_the_door(runs):
    """Sendings and polls in every window of every known limit and of our own, counted by brute force; and never more in flight than a known
    concurrency.
    """
    n_checked = 0
    for run in runs:
        config = run.scenario.config
        for lane, spec in enumerate(run.scenario.providers):
            calls = [call for _, call in run.sends() if call.lane == lane]
            instants = sorted([call.sent_at for call in calls] + [at for call in calls for at in (call.polled_at or ())])
            windows = [(limit.n, limit.per, limit.kind, limit.burst) for limit in spec.limits if limit.known and limit.unit == "calls"]
            if config.rate_limit.max_requests is not None:
                windows.append((config.rate_limit.max_requests, config.rate_limit.time_window, "sliding", None))
            for n, per, kind, burst in windows:
                n_checked += 1
                if kind == "sliding":
                    assert most_in_window(instants, per) <= n
                elif kind == "fixed":
                    assert max(Counter(int(at // per) for at in instants).values(), default=0) <= n
                else:
                    assert bucket_holds(instants, n / per, burst)
    assert n_checked > 60


def most_in_window(instants, per):
    """The fullest half-open window (t - per, t]."""
    most = first = 0
    for k, at in enumerate(instants):
        while instants[first] + per <= at:
            first += 1
        most = max(most, k - first + 1)
    return most


def bucket_holds(instants, rate, burst):
    """Whether a token bucket of this rate and burst had a token for each."""
    tokens, last = burst, 0.0
    for at in instants:
        tokens = min(burst, tokens + (at - last) * rate) - 1
        last = at
        if tokens < -1e-6:
            return False
    return True


def test_inv_5_concurrency(runs):
    """Between sending and answer, no more calls than our own and the known concurrency allow."""
    for run in runs:
        own = run.scenario.config.rate_limit.concurrency or inf
        calls = run.log.calls
        for lane, spec in enumerate(run.scenario.providers):
            limit = min([own, *(each.n for each in spec.limits if each.known and each.unit == "concurrency")])
            ends = np.sort(calls["answered_at"][calls["lane"] == lane])
            for k, at in enumerate(np.sort(calls["sent_at"][calls["lane"] == lane])):
                assert k + 1 - np.searchsorted(ends, at, side="right") <= limit


def test_inv_6_a_hard_budget_is_never_exceeded(runs):
    """The bills of the calls sent in any hard window, rolling or calendar, stay within its limit, and what is not urgent leaves the reserve alone."""
    n_checked, n_soft_over = Counter(), 0
    for run in runs:
        budget = run.scenario.config.budget
        sent = sorted(((call.sent_at, call.bill_nano, call.batch.urgency) for _, call in run.sends()), key=lambda row: row[0])
        for window in budget.in_force:
            limit = to_nano(window.limit)
            common = limit - round(limit * budget.reserve_urgent)
            n_checked[window.kind, window.resets == "rolling"] += 1
            for k, (at, _, urgency) in enumerate(sent):
                together = sum(bill for other, bill, _ in sent[: k + 1] if shares(window, other, at))
                if window.kind == "soft":
                    n_soft_over += together > limit
                    continue
                assert together <= limit
                if urgency != URGENT:
                    assert together <= common
    assert len(n_checked) == 4
    assert n_checked["hard", True] > 15
    assert n_soft_over  # the same sums find a limit that may be exceeded


def shares(window, sent_at, at):
    """Whether what was sent then is in the window that ends with (calendar: holds) a later instant; time 0 is a reset of every calendar here."""
    if window.resets == "rolling":
        return sent_at + window.window > at
    return sent_at // window.window == at // window.window


def test_inv_11_bills_are_the_providers_ledger(runs):
    """The sum of our bills is what the provider says it is owed, to the nano-dollar, and the parts of each bill are its whole."""
    n_billed = 0
    for run in runs:
        assert run.pipeline.dispatcher.in_flight == {}
        for lane, model in enumerate(run.models):
            bills = int(run.log.calls["bill_nano"][run.log.calls["lane"] == lane].sum())
            assert bills == model.ledger_nano
            n_billed += bills > 0
    assert n_billed > 60
