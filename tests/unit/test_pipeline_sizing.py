"""Sizing policies in the whole pipeline: each fires where it should, helps where it can, and does harm where it must."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sbsim.records import BACKGROUND, NOTHING_BEGUN, URGENT
from sbsim.scenario import Scenario
from sbsim.search.space import choices
from sbsim.simulation import run, simulate
from tests.shop import shop
from tests.unit.test_pipeline_configure import Bench, lane, sent, the_call


def gpu(**changes: Any) -> dict[str, Any]:
    """A rented worker: a set-up of 5 s, a second a picture, paid by the second."""
    base: dict[str, Any] = {
        "name": "workers",
        "serves": {"content_type": "image"},
        "api": {"style": "sync", "takes": "list", "max_items": 64, "idempotency": "key", "cancel": "running"},
        "price": {"rates": [{"per": "gpu_second", "usd": 0.001}]},
        "latency": {"setup": "5s", "per_item": "1s"},
        "limits": [{"concurrency": 4, "on_excess": "queue"}],
    }
    return {**base, **changes}


def scenario(sizing: str, provider: dict[str, Any], *, rate: float = 1.0, size: int = 32, wait: str = "30s", **changes: Any) -> Scenario:
    arrivals = {"process": "poisson", "rate": rate}
    one = {"name": "picture", "content_type": "image", "engine": "xl", **changes.pop("class", {})}
    config = {
        "batching": {"max_batch_size": size, "max_wait": wait, "sizing": sizing, "similarity_threshold": 0},
        "rate_limit": {"batch_pacing_interval": 0, "concurrency": 4},
        "retry": {"max_attempts": 3, "base": "100ms"},
    }
    base = {"providers": [provider], "config": config, "workload": {"source": "synthetic", "arrivals": arrivals, "classes": [one]}, "sla": {}}
    return shop(**{**base, "horizon": "30min", "replications": 2, **changes})


def busy_with(classes: list[dict[str, Any]]) -> dict[str, Any]:
    return {"source": "synthetic", "arrivals": {"process": "poisson", "rate": 0.5}, "classes": classes}


def kpis(sizing: str, provider: dict[str, Any], **more: Any) -> tuple[dict[str, float], dict[str, int]]:
    study = simulate(scenario(sizing, provider, **more), seed=3)
    return {name: estimate.mean for name, estimate in study.kpis.items()}, study.counters


def test_free_slots_take_work_at_once_and_busy_ones_share_it():
    """By capacity: a quiet lane answers in a third of the time at more GPU seconds; a busy one loses nothing against fixed batches."""
    quiet, fired = kpis("capacity", gpu(), rate=0.1)
    fixed, _ = kpis("fixed", gpu(), rate=0.1)
    assert fired["n_resized"] > 0
    assert quiet["mean_latency_s"] < fixed["mean_latency_s"] / 3
    assert quiet["provider_cost_usd"] > fixed["provider_cost_usd"]
    busy, _ = kpis("capacity", gpu(), rate=3.0)
    assert busy["average_batch_size"] > 5
    assert busy["n_failed"] == 0


def test_no_slot_stands_idle_beside_waiting_work():
    """By capacity: what gathered while all slots were busy goes when one becomes free, long before its longest wait is over."""
    busy = gpu(limits=[{"concurrency": 2, "on_excess": "queue"}])
    for wait in ("30s", "10min"):
        finished = run(scenario("capacity", busy, rate=0.5, wait=wait, horizon="10min"), seed=3)
        sent_at, arrived_at = finished.log.sent_at[: finished.prepared.n], finished.prepared.arrived_at
        waited = sent_at > arrived_at  # then it left at the very instant at which a slot became free
        assert np.count_nonzero(waited) > 100
        assert np.isin(sent_at[waited], finished.log.calls["answered_at"]).all()


@pytest.mark.parametrize("similarity", [0.0, 0.9])
def test_free_slots_take_what_the_packer_makes_of_open_groups(similarity):
    """By capacity with optimal formation: what a slot takes is due, so no cut puts it back; all is delivered and no slot has stood idle."""
    looks = [
        {"name": f"class-{k}", "content_type": "image", "engine": "xl", "style_params": {"look": {f"look-{k}": 1.0}}, "weight": 1.0} for k in range(3)
    ]
    worker = gpu(
        price={"rates": [{"per": "gpu_second", "usd": 0.001}, {"per": "setup", "usd": 0.02}]}, limits=[{"concurrency": 1, "on_excess": "queue"}]
    )
    made = scenario("capacity", worker, rate=0.5, horizon="10min", replications=1, workload=busy_with(looks))
    finished = run(made.with_values({"batching.formation": "optimal", "batching.similarity_threshold": similarity}), seed=3)
    fired = finished.log.counters
    assert fired["n_delivered"] == fired["n_submitted"] > 200
    assert fired["n_cuts"] > 0
    assert fired["n_closed_by_slot"] > 0
    sent_at, arrived_at = finished.log.sent_at[: finished.prepared.n], finished.prepared.arrived_at
    waited = sent_at > arrived_at
    assert np.isin(sent_at[waited], finished.log.calls["answered_at"]).all()


def test_a_free_slot_takes_the_most_pressing_group_at_every_kind_of_instant():
    """By capacity: of two groups the urgent one goes first; a slot that opens by a setting, or after a gate let the queue go, is filled as well."""
    settings: dict[str, Any] = {"batching__sizing": "capacity", "batching__max_wait": 600.0, "batching__max_batch_size": 8}
    bench = Bench(lane(limits=[]), **settings, batching__similarity_threshold=1.0, rate_limit__concurrency=1)
    first = the_call(bench.submit(0.0, "a"))
    bench.submit(1.0, "in no hurry", urgency=BACKGROUND, resolution="512x512")
    bench.submit(2.0, "urgent", urgency=URGENT, deadline_at=400.0, resolution="1024x1024")
    assert [item.urgency for item in the_call(bench.answer(5.0, first, contents=["x"])).items] == [URGENT]
    assert sent(bench.set(6.0, rate_limit__concurrency=2)) == [1]
    bench = Bench(lane(limits=[]), **settings, rate_limit__concurrency=2, rate_limit__max_requests=1, rate_limit__time_window=10.0)
    bench.answer(1.0, the_call(bench.submit(0.0, "a")), contents=["x"])
    for k in range(3):
        assert not bench.submit(2.0 + k, str(k))
    assert sent(bench.pipeline.wake(now=bench.pipeline.wake_at)) == [3]
    assert bench.pipeline._now == 10.0  # the very instant at which the window has room
    bench = Bench(lane(limits=[]), **{**settings, "batching__sizing": "fixed"}, rate_limit__concurrency=2)
    assert not bench.submit(0.0, "a")
    assert sent(bench.set(1.0, batching__sizing="capacity")) == [1]


def test_urgent_work_finds_a_slot_beside_what_the_budget_holds():
    """By capacity: normal work is held for what is kept for urgent work; that goes at once, whatever waits, as long as a slot is free."""
    kept = {"budget__limit": 4.0, "budget__window": 1000.0, "budget__reserve_urgent": 0.5, "rate_limit__concurrency": 4}
    bench = Bench(lane(limits=[]), batching__sizing="capacity", batching__max_wait=600.0, batching__max_batch_size=8, **kept)
    assert [sum(sent(bench.submit(float(k), str(k)))) for k in range(5)] == [1, 1, 0, 0, 0]
    assert URGENT in [item.urgency for item in the_call(bench.submit(6.0, "now", urgency=URGENT)).items]


def test_what_is_given_up_when_a_slot_is_filled_makes_room_for_the_backlog():
    """By capacity: one is answered, the next can never be paid when its group takes the slot, and the third has its place in the same input."""
    by_second = {"rates": [{"per": "second", "usd": 1.0}]}
    bench = Bench(
        lane(limits=[], price=by_second), batching__sizing="capacity", batching__max_wait=600.0, batching__similarity_threshold=1.0,
        rate_limit__concurrency=1, queue__max_pending=2, queue__policy="fifo", budget__limit=50.0,
    )  # fmt: skip
    first = the_call(bench.submit(0.0, "a", duration=1))
    for k, duration_s in enumerate((60, 1, 1)):
        assert not bench.submit(1.0, str(k), duration=duration_s)
    assert sent(bench.answer(5.0, first, contents=["x"])) == [1]
    assert bench.pipeline.snapshot()["n_failed"] == 1
    assert not bench.pipeline._backlog


def test_calls_that_may_not_leave_are_no_free_slots():
    """By capacity: ten calls a minute for thirty pictures: whatever the limit on calls at once, what waits for the window shares its calls, and
    nobody waits for long."""
    lanes = gpu(price={"rates": [{"per": "item", "usd": 0.01}]}, latency={"total": "3s"}, limits=[])
    for concurrency in (2, 8, None):
        windows = {"rate_limit.max_requests": 10, "rate_limit.time_window": 60.0, "rate_limit.concurrency": concurrency}
        found = simulate(scenario("capacity", lanes, rate=0.5, size=8, wait="30s").with_values(windows), seed=3)
        assert not found.saturated
        assert found.kpis["mean_latency_s"].mean < 15
        paced = {"rate_limit.batch_pacing_interval": 7.0, "rate_limit.concurrency": concurrency}
        assert not simulate(scenario("capacity", lanes, rate=0.5, size=8, wait="30s").with_values(paced), seed=3).saturated


def test_the_slot_of_the_lane_that_should_make_it_is_what_counts():
    """By capacity: of two lanes alike the least loaded is taken, and neither stands idle while the other one is busy and work waits."""
    bench = Bench(
        lane("a", limits=[]), lane("b", limits=[]), batching__sizing="capacity", batching__max_wait=600.0, batching__max_batch_size=8,
        routing__policy="balanced", rate_limit__concurrency=1,
    )  # fmt: skip
    assert [action.call.lane for k in range(4) for action in bench.submit(float(k), str(k))] == [0, 1]
    assert bench.pipeline.builder.n_open == 1


ANYTHING = {"serves": {"content_type": "image"}, "limits": []}
BY_SLOTS: dict[str, Any] = {
    "batching__sizing": "capacity", "batching__max_wait": 600.0, "batching__max_batch_size": 8, "routing__policy": "balanced",
    "rate_limit__concurrency": 1,
}  # fmt: skip


def test_a_group_that_has_to_wait_holds_up_no_other():
    """By capacity: the most pressing group can be made by the busy lane alone; the slot that is free goes to the next one."""
    bench = Bench(lane("a", **ANYTHING), lane("b", limits=[]), **BY_SLOTS)
    calls = [action.call for k in range(2) for action in bench.submit(float(k), str(k))]
    assert [call.lane for call in calls] == [0, 1]
    assert not bench.submit(2.0, "only a makes it", engine="f", urgency=URGENT)
    assert not bench.submit(3.0, "both make it")
    assert [item.payer for item in the_call(bench.answer(5.0, calls[1], contents=["x"])).items] == [3]


def test_the_most_pressing_group_of_all_lanes_takes_a_slot():
    """By capacity: work in no hurry that was reckoned with another lane does not take the only slot before urgent work of its own."""
    bench = Bench(lane("a", limits=[]), lane("b", **ANYTHING), **BY_SLOTS)
    calls = [action.call for k in range(2) for action in bench.submit(float(k), str(k))]
    bench.submit(2.0, "in no hurry", urgency=BACKGROUND)
    bench.submit(3.0, "urgent", engine="f", urgency=URGENT)
    assert [item.urgency for item in the_call(bench.answer(5.0, calls[1], contents=["x"])).items] == [URGENT]


def test_a_newcomer_does_not_take_what_others_have_waited_for():
    """By capacity: a request that comes at the instant at which a window opens finds the urgent group, which waited for it, before it."""
    open_windows = {**BY_SLOTS, "routing__policy": "single", "rate_limit__concurrency": 4, "batching__similarity_threshold": 1.0}
    bench = Bench(lane(serves={"content_type": "image"}, limits=[{"calls": 1, "per": "10s"}]), **open_windows)
    bench.answer(2.0, the_call(bench.submit(0.0, "a")), contents=["x"])
    assert not bench.submit(3.0, "urgent", engine="f", urgency=URGENT)
    assert [item.urgency for item in the_call(bench.submit(10.0, "in no hurry", engine="g", urgency=BACKGROUND)).items] == [URGENT]


def test_urgent_work_passes_what_is_only_paced_and_not_what_a_limit_holds():
    """By capacity: behind a call that is early for the budget's pace an urgent group takes a free slot; behind a shut window it gathers."""
    paced = {"budget__limit": 10.0, "budget__window": 1000.0, "budget__reserve_urgent": 0.5, "budget__pacing": True, "rate_limit__concurrency": 2}
    alone = {**BY_SLOTS, "routing__policy": "single", "batching__late_join": False, "batching__similarity_threshold": 1.0}
    bench = Bench(lane(serves={"content_type": "image"}, limits=[]), **{**alone, **paced})
    for k in range(4):
        bench.submit(0.1 * k, str(k))
    assert len(bench.pipeline.lanes[0].queue) > 0
    assert sent(bench.submit(1.0, "urgent", engine="f", urgency=URGENT)) == [1]
    bench = Bench(lane(serves={"content_type": "image"}, limits=[{"calls": 1, "per": "10s"}]), **{**alone, "rate_limit__concurrency": 2})
    bench.submit(0.0, "a")
    assert not bench.submit(1.0, "b")
    assert not bench.pipeline.flush(now=1.5)
    assert not bench.submit(2.0, "urgent", engine="f", urgency=URGENT)
    assert (len(bench.pipeline.lanes[0].queue), bench.pipeline.builder.n_open) == (1, 1)


def test_behind_an_open_breaker_groups_gather():
    """By capacity: a lane that is left alone has no slot, and its probe is not the first newcomer's alone."""
    bench = Bench(lane(limits=[]), **{**BY_SLOTS, "routing__policy": "single", "rate_limit__concurrency": 4}, routing__allowed_failures=1)
    bench.answer(1.0, the_call(bench.submit(0.0, "a")), error="transient", usage=NOTHING_BEGUN, retry_after_s=9000.0)
    for k in range(3):
        assert not bench.submit(2.0 + k, str(k))
    assert bench.pipeline.builder.n_open == 1
    (group,) = bench.pipeline.builder.open_batches()
    assert len(group.items) == 3


def test_a_policy_that_comes_into_force_sizes_what_is_open():
    """Groups that were opened small are as large as the new policy has them."""
    bench = Bench(lane(limits=[]), batching__sizing="capacity", batching__max_wait=600.0, batching__max_batch_size=8, rate_limit__concurrency=1)
    bench.submit(0.0, "a")
    bench.submit(1.0, "b")
    (group,) = bench.pipeline.builder.open_batches()
    group.max_size = 2
    bench.set(2.0, batching__sizing="fixed")
    assert group.max_size == 8


def test_sizes_by_failure_follow_the_limits_that_are_learnt_and_count_what_is_moderated():
    """A limit on items that answers told of bounds the size from then on; a content that is refused alone is a poisoned one, whatever the word."""
    bench = Bench(lane(limits=[]), batching__sizing="failure", batching__max_batch_size=64)
    sizing, (only,) = bench.pipeline.builder.sizing, bench.pipeline.lanes
    call = the_call(bench.submit(0.0, "a"))
    before = sizing.rates(0).poison
    only.limiter.learn([("items", 5, 60.0)], 0.0, 0.0)
    assert sizing.size(call.items[0], 64) <= 5
    bench.answer(1.0, call, error="moderated")
    assert sizing.rates(0).poison > before


@pytest.mark.parametrize(("billed", "is_smaller"), [("full", True), ("none", False)])
def test_failures_that_are_billed_make_batches_smaller_and_cheaper(billed, is_smaller):
    """By expected cost: where a poisoned item spoils paid-for batches of a small fee, less is lost in small ones; unpaid failures change nothing."""
    provider = gpu(
        price={"rates": [{"per": "call", "usd": 0.004}, {"per": "item", "usd": 0.01}], "billed": {"failed": billed}},
        failures={"poison": 0.08, "call_error": 0.02},
    )
    fixed, _ = kpis("fixed", provider, rate=2.0)
    sized, fired = kpis("failure", provider, rate=2.0)
    if is_smaller:
        assert fired["n_resized"] > 100
        assert sized["average_batch_size"] < fixed["average_batch_size"] / 2
        assert sized["provider_cost_usd"] < 0.9 * fixed["provider_cost_usd"]
    else:
        assert sized["provider_cost_usd"] <= 1.01 * fixed["provider_cost_usd"]


def test_rates_are_learnt_from_what_happened():
    """After half an hour the policy knows the lane's failures to a quarter of their size."""
    from sbsim.pipeline.build import build
    from sbsim.runlog import RunLog
    from sbsim.seeds import Draws
    from sbsim.simulation.engine import Engine
    from sbsim.workload import prepare
    from sbsim.world import ModelledProvider

    failing = gpu(price={"rates": [{"per": "call", "usd": 0.01}]}, failures={"poison": 0.05, "call_error": 0.2, "item_error": 0.1})
    made = scenario("failure", failing, rate=3.0, size=8)
    prepared = prepare(made, 1, 0)
    pipeline = build(made.config, made.providers, prepared.books, prepared.shapes)
    engine = Engine(pipeline, [ModelledProvider(spec, Draws(1, 0)) for spec in made.providers], RunLog(prepared.n))
    engine.drive(prepared.requests())
    engine.drain(float("inf"))
    assert pipeline.builder.sizing.rates(0) == pytest.approx((0.2, 0.1, 0.05), rel=0.25)


def test_sizes_grow_until_calls_come_late_by_their_own_length():
    """AIMD lets more be in time where the size that is set makes calls that outlast their deadline, and pays more set-ups for it."""
    crowded = {"rate": 6.0, "size": 60, "wait": "10s", "sla": {"normal": {"deadline": "20s", "penalty": 0.01}}}
    provider = gpu(latency={"setup": "1s", "per_item": "1s", "parallel_items": 4})
    fixed, _ = kpis("fixed", provider, **crowded)
    found, fired = kpis("aimd", provider, **crowded)
    assert fired["n_resized"] > 0
    assert 1 - found["sla_compliance"] < 0.2 * (1 - fixed["sla_compliance"])
    assert found["average_batch_size"] < fixed["average_batch_size"]
    assert found["provider_cost_usd"] > fixed["provider_cost_usd"]


def test_heavy_content_goes_in_small_batches():
    """By complexity: of contents of 1 and of 9 s of work, calls of the heavy kind hold a third of the items; nothing runs as long as before."""
    heavy = {"class": {"duration": {"law": "empirical", "values": [1, 9], "weights": [0.8, 0.2]}}}
    provider = gpu(latency={"setup": "1s", "per_second": "1s"}, price={"rates": [{"per": "second", "usd": 0.01}]})

    def longest(sizing):
        made = scenario(sizing, provider, rate=1.5, size=12, config={
            "batching": {"max_batch_size": 12, "max_wait": "60s", "sizing": sizing, "similarity_threshold": 0.9},
            "rate_limit": {"batch_pacing_interval": 0, "concurrency": 40}, "retry": {"call_timeout": "1h"}}, **heavy)  # fmt: skip
        calls = run(made, seed=1).log.calls
        return (calls["answered_at"] - calls["sent_at"]).max()

    assert longest("complexity") < 0.6 * longest("fixed")


def test_a_search_may_turn_the_policy():
    """`batching.sizing` is a knob like any other choice, all five words of it."""
    words = ["fixed", "complexity", "capacity", "failure", "aimd"]
    made = shop(search={"batching.sizing": {"choices": words}})
    assert list(choices("batching.sizing", made.search["batching.sizing"].choices).grid) == words
    assert all(made.with_values({"batching.sizing": word}).config.batching.sizing == word for word in words)
