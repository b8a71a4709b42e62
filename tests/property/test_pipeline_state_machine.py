"""The whole pipeline with every policy on, driven by hand: any input at any time, any answer, and the invariants hold after each.

Some 20,000 steps are made: requests come and are cancelled, calls succeed, fail in every way, time out and answer late, tiers answer or are slow.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from math import inf

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from sbsim.pipeline.actions import Abort, Deliver, Fail, Fetch, Hit, Refuse, Send, Store
from sbsim.pipeline.build import build
from sbsim.pipeline.pipeline import MOST_LOOKED_AT
from sbsim.records import NEAR, NOTHING_BEGUN, URGENT, Entry, Outcome, Request
from sbsim.scenario import Scenario
from sbsim.simulation.replicate import known_neighbours
from sbsim.units import to_nano
from sbsim.workload import prepare

SLACKS = st.sampled_from([3.0, 15.0, 60.0, 600.0, inf])
POLICIES = st.fixed_dictionaries(
    {
        "batching.formation": st.sampled_from(["greedy", "optimal"]),
        "batching.sizing": st.sampled_from(["fixed", "complexity", "capacity", "failure", "aimd"]),
        "batching.late_join": st.booleans(),
        "cache.policy": st.sampled_from(["lru", "lfu", "sieve", "w_tinylfu", "gdsf"]),
        "queue.policy": st.sampled_from(["score", "fifo", "strict"]),
        "budget.pacing": st.sampled_from([False, False, True]),
        "retry.in_doubt": st.sampled_from(["hold", "fail", "resend"]),
        "routing.policy": st.sampled_from(["cheapest", "fastest", "balanced", "single"]),
    }
)
ENDINGS = ["well"] * 5 + ["transient", "rate_limited", "permanent", "moderated", "some", "not_sent"]
LIMIT_USD, WINDOW_S, RESERVE = 0.6, 50.0, 0.25


@cache
def everything():
    """A scenario in which every policy is on, and its prepared contents: two tenants, variants, rewordings, contents that may not be reused."""
    lane = {"serves": {"content_type": "image", "engine": "e"}, "latency": {"total": 3}}
    scenario = Scenario.from_mapping(
        {
            "version": 1,
            "name": "everything",
            "requests": 300,
            "study": "terminating",
            "workload": {
                "source": "synthetic",
                "arrivals": {"process": "poisson", "rate": 1},
                "tenants": {"count": 2},
                "catalogue": {"contents": 8, "near_duplicates": 0.4, "lookalikes": 0.3},
                "classes": [
                    {
                        "name": "a",
                        "content_type": "image",
                        "engine": "e",
                        "duration": {"law": "empirical", "values": [4, 6, 8], "weights": [1, 1, 1]},
                        "style_params": {"look": {"plain": 0.6, "loud": 0.4}},
                        "no_reuse": 0.1,
                        "variants": 2,
                    }
                ],
            },
            "providers": [
                {
                    **lane,
                    "name": "list",
                    "api": {"takes": "list", "max_items": 4, "idempotency": "key"},
                    "price": {"rates": [{"per": "item", "usd": 0.04}, {"per": "call", "usd": 0.02}, {"per": "setup", "usd": 0.01}]},
                    "limits": [{"concurrency": 2}, {"calls": 12, "per": "20s"}],
                },
                {
                    **lane,
                    "name": "one",
                    "api": {"style": "job", "takes": "one", "poll": "2s", "cancel": "running"},
                    "price": {"rates": [{"per": "item", "usd": 0.09}]},
                    "limits": [{"concurrency": 2}],
                },
                {
                    "name": "files",
                    "serves": lane["serves"],
                    "api": {"style": "batch", "takes": "file", "max_items": 50, "poll": "5s"},
                    "price": {"rates": [{"per": "item", "usd": 0.02}]},
                    "turnaround": "60s",
                    "expires_after": "200s",
                },
            ],
            "tiers": {"redis": {"latency": "5ms"}, "cdn": {"latency": "20ms"}},
            "config": {
                "batching": {"max_batch_size": 4, "max_wait": 5, "max_batch_cost": 0.22, "max_batch_duration": 15},
                "rate_limit": {"concurrency": 4, "batch_pacing_interval": 0, "guard": 0.25},
                "cache": {
                    "memory_size": 8, "ttl": 60, "near_duplicates": True, "near_duplicate_threshold": 0.5, "redis_url": "${R}", "cdn_url": "${C}",
                    "negative_ttl": 60,
                },
                "queue": {"max_pending": 12, "initial_service_s": 5, "on_deadline": "drop", "ageing": 5},
                "budget": {"limit": LIMIT_USD, "window": WINDOW_S, "reserve_urgent": RESERVE},
                "retry": {"max_attempts": 3, "call_timeout": 12, "job_timeout": 25, "in_doubt": "fail"},
                "routing": {"batch_lane": "slack", "allowed_failures": 2, "cooldown": 8},
            },
        }
    )  # fmt: skip
    return scenario, prepare(scenario, 0, 0)


class Everything(RuleBasedStateMachine):
    """Every input that a driver can bring."""

    n_steps, fired = 0, Counter()

    @initialize(policies=POLICIES)
    def start(self, policies):
        scenario, self.prepared = everything()
        self.scenario = scenario.with_values(policies)
        self.pipeline = build(
            self.scenario.config,
            self.scenario.providers,
            self.prepared.books,
            self.prepared.shapes,
            near=known_neighbours(self.scenario, self.prepared),
        )
        self.now = 0.0
        self.requests, self.ended, self.cancelled = {}, {}, set()
        self.in_flight, self.jobs, self.fetches = {}, set(), []
        self.sent, self.made, self.tier = [], {}, {}

    def teardown(self):
        if hasattr(self, "pipeline"):
            Everything.fired.update(self.pipeline.snapshot())

    # -- inputs ----------------------------------------------------------------------------------------------------------------
    @rule(content=st.integers(0, 10**6), urgency=st.integers(1, 3), slack_s=SLACKS)
    def submit(self, content, urgency, slack_s):
        serial = len(self.requests)
        wanted = self.prepared.contents[content % 48]
        request = self.requests[serial] = Request(serial, self.now, self.now + slack_s, urgency, wanted)
        self.carry_out(self.pipeline.submit(request, now=self.now))

    @rule(first=st.integers(0, 10**6), n=st.integers(2, 6), urgency=st.integers(1, 3), slack_s=st.sampled_from([15.0, 600.0]))
    def crowd(self, first, n, urgency, slack_s):
        """Several at one instant."""
        for k in range(n):
            self.submit(first + 7 * k, urgency, slack_s)

    @rule(first=st.integers(0, 10**6), n=st.integers(2, 6), slack_s=SLACKS)
    def release(self, first, n, slack_s):
        """Several that were planned together."""
        serials = range(len(self.requests), len(self.requests) + n)
        together = [Request(k, self.now, self.now + slack_s, 2, self.prepared.contents[(first + 7 * k) % 48]) for k in serials]
        self.requests.update((request.serial, request) for request in together)
        self.carry_out(self.pipeline.release(together, now=self.now))

    @rule(policies=POLICIES)
    def configure(self, policies):
        self.scenario = self.scenario.with_values(policies)
        self.carry_out(self.pipeline.configure(self.scenario.config, now=self.now))

    @rule(dt=st.sampled_from([0.0, 0.01, 0.5, 2.0, 7.0, 30.0]))
    def advance(self, dt):
        """Time passes, and every wake that the pipeline asked for comes."""
        until = self.now + dt
        while self.pipeline.wake_at <= until:
            assert self.pipeline.wake_at >= self.now
            self.now = self.pipeline.wake_at
            before = len(self.ended), self.pipeline.snapshot()
            self.carry_out(self.pipeline.wake(now=self.now))
            if self.pipeline.wake_at <= self.now:
                assert (len(self.ended), self.pipeline.snapshot()) != before, "a wake that changes nothing asks for itself again"
        self.now = until

    @precondition(lambda self: self.in_flight)
    @rule(pick=st.integers(0, 10**6), ending=st.sampled_from(ENDINGS))
    def answer(self, pick, ending):
        call = list(self.in_flight.values())[pick % len(self.in_flight)]
        is_job = self.pipeline.lanes[call.lane].job_timeout_s > 0 and self.scenario.providers[call.lane].api.style != "sync"
        if is_job and call.serial not in self.jobs and ending in ("well", "some"):
            self.jobs.add(call.serial)
            self.carry_out(self.pipeline.accepted(call, "job", now=self.now))
            return
        if ending == "not_sent" and call.serial in self.jobs:
            return
        del self.in_flight[call.serial]
        self.carry_out(self.pipeline.completed(call, self.outcome(call, ending, pick), now=self.now))
        if ending == "not_sent":
            self.sent.remove(call)

    def outcome(self, call, ending, pick):
        if ending == "not_sent":
            return Outcome("not_sent", retry_at=self.now + 1.0)
        if ending not in ("well", "some"):
            return Outcome(ending, usage=NOTHING_BEGUN, retry_after_s=2.0, jitter=0.5)
        kinds = ("item_error", "moderated", "missing")
        failures = [(k, kinds[(pick + k) % 3]) for k in range(len(call.items)) if ending == "some" and (pick >> k) & 1]
        contents = []
        for k, item in enumerate(call.items):
            token = (call.serial, k)
            if k not in dict(failures):
                self.made[token] = item.content
            contents.append(token)
        return Outcome(failures=failures, contents=contents, n_bytes=[10.0] * len(contents))

    @precondition(lambda self: self.fetches)
    @rule(pick=st.integers(0, 10**6), is_elsewhere=st.booleans())
    def tier_answers(self, pick, is_elsewhere):
        """A tier has what was put into it, by this batcher or by another one."""
        fetch = self.fetches.pop(pick % len(self.fetches))
        held = self.tier.get((fetch.tier, fetch.key))
        if is_elsewhere and held is None:
            token = ("elsewhere", fetch.serial)
            self.made[token] = fetch.item.content
            held = self.tier[fetch.tier, fetch.key] = Entry(fetch.key, inf, token, 10.0, dies_at=self.now + 300.0)
        entry = None if held is None or held.dies_at <= self.now else held.until(held.dies_at)
        self.carry_out(self.pipeline.fetched(fetch, entry, now=self.now))

    @precondition(lambda self: len(self.ended) < len(self.requests))
    @rule(pick=st.integers(0, 10**6))
    def cancel(self, pick):
        waiting = [serial for serial in self.requests if serial not in self.ended]
        serial = waiting[pick % len(waiting)]
        self.cancelled.add(serial)
        self.ended[serial] = "cancelled"
        self.carry_out(self.pipeline.cancel(self.requests[serial], now=self.now))

    @rule()
    def flush(self):
        self.carry_out(self.pipeline.flush(now=self.now))

    # -- actions ---------------------------------------------------------------------------------------------------------------
    def carry_out(self, actions):
        for action in actions:
            if isinstance(action, Hit):
                self.end(action.request, "hit")
                self.is_given(action.request, action.entry, is_near=action.how == NEAR)
            elif isinstance(action, Deliver):
                for item in action.items:
                    for request in item.requests:
                        self.end(request, "delivered")
                        self.is_given(request, item.entry)
            elif isinstance(action, Fail):
                for item in action.items:
                    for request in item.requests:
                        self.end(request, "failed")
            elif isinstance(action, Refuse):
                for request in action.requests:
                    self.end(request, "refused")
            elif isinstance(action, Fetch):
                self.fetches.append(action)
            elif isinstance(action, Store):
                for entry in action.entries:
                    assert isinstance(entry, Entry)
                    self.tier[action.tier, entry.key] = entry
            elif isinstance(action, Send):
                self.leaves(action.call)
            else:
                assert isinstance(action, Abort)

    def end(self, request, how):
        """INV-1: every request is named once."""
        assert request.serial not in self.ended, (request.serial, self.ended[request.serial], how)
        self.ended[request.serial] = how

    def is_given(self, request, entry, *, is_near=False):
        """INV-7: content of a successful item, made for the same key; or in other words, of the same tenant, variant and shape."""
        made_for = self.made[entry.content]
        if is_near:
            assert request.content.reusable
            assert (made_for.base[2], made_for.facts) == (request.content.base[2], request.content.facts)
        else:
            assert made_for.key == request.content.key
        assert made_for is request.content or (made_for.reusable and request.content.reusable)

    def leaves(self, call):
        """INV-4 and INV-5: what is sent together fits, and no more is under way than the lane takes."""
        self.in_flight[call.serial] = call
        self.sent.append(call)
        spec, batching = self.scenario.providers[call.lane], self.scenario.config.batching
        contents = [item.content for item in call.items]
        assert contents
        assert len(contents) == len({id(item) for item in call.items}) <= min(batching.max_batch_size, spec.api.max_items or inf)
        if call.same_key_as is None:
            assert not any(item.done for item in call.items)
        else:  # under its key goes the very body of its first sending
            assert call.items == call.same_key_as.items
            assert not all(item.done for item in call.items)
        assert len(contents) == 1 or sum(content.individual_usd for content in contents) <= batching.max_batch_cost + 1e-9
        assert len(contents) == 1 or sum(content.duration_s for content in contents) <= batching.max_batch_duration
        similarity = self.pipeline.builder.similarity
        for i, a in enumerate(contents):
            for b in contents[:i]:
                assert similarity.score(a.shape, a.duration_s, b.shape, b.duration_s) >= batching.similarity_threshold
        under_way = [other for other in self.in_flight.values() if other.lane == call.lane]
        assert len(under_way) <= min([4, *(limit.n for limit in spec.limits if limit.unit == "concurrency")])
        for limit in spec.limits:
            if limit.unit == "calls":
                assert sum(other.sent_at + limit.per > self.now for other in self.sent if other.lane == call.lane) <= limit.n

    # -- what always holds -----------------------------------------------------------------------------------------------------
    @invariant()
    def everybody_is_accounted_for(self):
        """INV-1 and INV-3 by the pipeline's own books, and ours."""
        if not hasattr(self, "pipeline"):
            return
        Everything.n_steps += 1
        s = self.pipeline.snapshot()
        ends = list(self.ended.values())
        assert s["n_submitted"] == len(self.requests) == sum(s[f"n_{k}"] for k in ("delivered", "failed", "refused", "cancelled", "pending"))
        assert s["n_delivered"] == ends.count("delivered") + ends.count("hit")
        assert [s[f"n_{how}"] for how in ("failed", "refused", "cancelled")] == [ends.count(how) for how in ("failed", "refused", "cancelled")]
        assert s["n_in_flight"] == len(self.in_flight)
        assert self.pipeline.wake_at >= self.pipeline._now

    @invariant()
    def no_slot_that_is_to_be_filled_stands_idle(self):
        """By capacity: beside an open group its lane has no slot, or another gate of it is closed."""
        if not hasattr(self, "pipeline") or self.scenario.config.batching.sizing != "capacity":
            return
        routing, builder, now = self.pipeline.dispatcher.routing, self.pipeline.builder, self.pipeline._now
        for batch in builder.most_pressing(MOST_LOOKED_AT, self.pipeline.lanes[0].queue.rank):
            lane = self.pipeline.lanes[batch.lane]
            taker = routing.choice(batch, lane, now) if routing.chooses else lane
            is_free = taker.limiter.n_in_flight < taker.limiter.concurrency and taker.opens_at(now) <= now
            assert not is_free or len(taker.queue)

    @invariant()
    def the_hard_budget_holds(self):
        """INV-6: in no window do bills exceed the limit, nor those of work that is not urgent what is left to it."""
        if not hasattr(self, "pipeline"):
            return
        inside = [call for call in self.sent if call.sent_at + WINDOW_S > self.now]
        limit = to_nano(LIMIT_USD)
        assert sum(call.bill_nano for call in inside) <= limit
        if all(call.batch.urgency != URGENT for call in inside):
            assert sum(call.bill_nano for call in inside) <= limit - round(limit * RESERVE)


def test_the_invariants_hold_whatever_comes():
    """INV-1, 3, 4, 5, 6 and 7 through 20,000 steps and more, in which every mechanism has fired."""
    Everything.n_steps = 0
    Everything.fired.clear()
    run_state_machine_as_test(Everything, settings=settings(max_examples=480, stateful_step_count=100, deadline=None))
    assert Everything.n_steps >= 20_000
    never = {name for name in Everything.fired if Everything.fired[name] == 0 and not name.startswith("n_packings")}
    assert never <= {
        "n_pending",
        "n_in_flight",
        "n_limits_learnt",
        "n_moves",
    }, never
