"""A modelled provider over time: cold starts, outages by chance, terms that change, plans, and what the headers of its answers say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sbsim.records import Call, Content, Facts, Item, Outcome, Request
from sbsim.scenario import ProviderSpec
from sbsim.seeds import Draws
from sbsim.world import Job, ModelledProvider

FACTS = Facts("image", "sdxl")
USD = 10**9
ITEM = {"rates": [{"per": "item", "usd": 1}]}


def provider(*, seed: int = 7, **sections: Any) -> ModelledProvider:
    given = {"name": "p", "serves": {"content_type": "image"}, "api": {"takes": "list"}, "price": ITEM, "latency": {"per_item": 1}}
    return ModelledProvider(ProviderSpec.model_validate({**given, **sections}), Draws(seed, 0))


def call(m: int, n_items: int = 1) -> Call:
    items = [Item(Request(k, 0.0, 1e9, 2, Content(k, k, k, FACTS, 0, 0, (), 0))) for k in range(100 * m, 100 * m + n_items)]
    return Call(m, 0, None, items, m, "", 1, 0.0, 1e9)  # type: ignore[arg-type]


def error(made: ModelledProvider, m: int, now: float) -> str | None:
    answered = made.answer(call(m), now)[1]
    assert isinstance(answered, Outcome)
    return answered.error


# -- cold starts --------------------------------------------------------------------------------------------------------------
COLD = {"time": "20s", "idle_after": "5min"}


def test_the_first_call_and_the_first_after_a_pause_are_cold() -> None:
    """Cold at 0: 20 + 1 s; warm until 300 s after the last work's end, at exactly which it is cold again."""
    made = provider(cold_start=COLD)
    assert [made.answer(call(m), now)[0] - now for m, now in enumerate([0.0, 100.0, 400.0, 701.0, 1021.9])] == [21, 1, 1, 21, pytest.approx(1)]
    assert made.counters()["n_cold_starts"] == 2


def test_who_comes_while_it_warms_up_waits_for_the_rest() -> None:
    """A second call 5 s after the first, cold one waits the 15 s that are left; it is no cold start of its own."""
    made = provider(cold_start=COLD)
    assert [made.answer(call(m), now)[0] for m, now in enumerate([0.0, 5.0, 20.0])] == [21.0, 21.0, 21.0]
    assert made.counters()["n_cold_starts"] == 1


@pytest.mark.parametrize(("billed", "gpu_s"), [(False, 1.0), (True, 21.0)])
def test_a_cold_start_is_metered_where_it_is_billed(billed: bool, gpu_s: float) -> None:
    """The answer comes as late either way."""
    made = provider(cold_start={**COLD, "billed": billed}, price={"rates": [{"per": "gpu_second", "usd": 1}]})
    at, answered = made.answer(call(0), 0.0)
    assert isinstance(answered, Outcome)
    assert (at, answered.usage.gpu_s, made.ledger_nano) == (21.0, gpu_s, gpu_s * USD)


@pytest.mark.parametrize(("billed", "gpu_s"), [(False, (0.0, 5.0)), (True, (10.0, 25.0))])
def test_work_that_is_cancelled_is_metered_to_that_instant(billed: bool, gpu_s: tuple[float, float]) -> None:
    """After 10 s of a cold start of 20 s nothing is metered unless it is billed; after 25 s, 5 s of work are."""
    price = {"rates": [{"per": "gpu_second", "usd": 1}], "billed": {"cancelled": "elapsed"}}
    for now, seconds in zip((10.0, 25.0), gpu_s, strict=True):
        made = provider(cold_start={**COLD, "billed": billed}, price=price, latency={"per_item": 60}, api={"takes": "list", "cancel": "running"})
        running = call(0)
        made.answer(running, 0.0)
        stopped = made.abort(running, now)
        assert stopped is not None
        assert (stopped[1].usage.gpu_s, made.ledger_nano) == (seconds, seconds * USD)


# -- outages by chance ----------------------------------------------------------------------------------------------------------
BY_CHANCE = {"every": {"law": "exponential", "mean": 90}, "for": {"law": "exponential", "mean": 10}}


def out(made: ModelledProvider, instants: np.ndarray) -> list[bool]:
    return [error(made, m, float(now)) is not None for m, now in enumerate(instants)]


def test_outages_by_chance_last_and_pause_as_their_laws_say() -> None:
    """A provider that is up for 90 s and out for 10 s on average is out a tenth of the time: within 3.5 standard deviations over 2,000 cycles."""
    instants = np.arange(0.0, 200_000.0, 1.0)
    states = np.array(out(provider(failures={"outages": BY_CHANCE}), instants))
    assert abs(states.mean() - 0.1) < 3.5 * 0.9 * 0.1 * (2 / 2000) ** 0.5
    assert abs(np.count_nonzero(np.diff(states.astype(int)) == 1) - 2000 * 0.905) < 3.5 * 2000**0.5  # those within one second are not seen


def test_outages_by_chance_belong_to_provider_and_number_whoever_asks() -> None:
    """Asked every second or every thirteen, one sees the same outages; another provider has its own, and so has another replication's seed."""
    often = out(provider(failures={"outages": BY_CHANCE}), np.arange(0.0, 1300.0, 1.0))
    assert out(provider(failures={"outages": BY_CHANCE}), np.arange(0.0, 1300.0, 13.0)) == often[::13]
    assert True in often
    assert out(provider(failures={"outages": BY_CHANCE}, name="q"), np.arange(0.0, 1300.0, 1.0)) != often
    assert out(provider(failures={"outages": BY_CHANCE}, seed=8), np.arange(0.0, 1300.0, 1.0)) != often


def test_stated_laws_are_kept_to_the_instant() -> None:
    """{every: 100s, for: 10s} is out in [100, 110), [210, 220) and so on: gaps run from the end of one to the start of the next."""
    made = provider(failures={"outages": {"every": "100s", "for": "10s"}})
    assert out(made, np.array([0.0, 99.9, 100.0, 109.9, 110.0, 209.9, 210.0, 219.9, 220.0])) == [
        False,
        False,
        True,
        True,
        False,
        False,
        True,
        True,
        False,
    ]


# -- changing terms -----------------------------------------------------------------------------------------------------------
def test_a_call_is_charged_by_the_price_that_holds_when_it_is_sent() -> None:
    """1 dollar before 100 s, 3 from then on; a call that runs across the change is charged 1, and so is its end when it is cancelled after it."""
    made = provider(
        changes=[{"at": 100, "price": {"rates": [{"per": "item", "usd": 3}]}}], api={"takes": "list", "cancel": "running"}, latency={"per_item": 50}
    )
    owed = []
    for m, now in enumerate([99.0, 100.0]):
        made.answer(call(m), now)
        owed.append(made.ledger_nano / USD)
    assert owed == [1, 4]
    across = call(2)
    before = provider(
        changes=[{"at": 100, "price": {"rates": [{"per": "item", "usd": 3}]}}], api={"takes": "list", "cancel": "running"}, latency={"per_item": 50}
    )
    before.answer(across, 80.0)
    before.answer(call(3), 101.0)
    assert before.abort(across, 120.0) is not None
    assert before.ledger_nano == (1 + 3) * USD
    assert before.n_changes == 1


def test_what_passed_under_the_old_limits_counts_under_the_new_ones() -> None:
    """10 calls a minute become 2 at 60 s: of the ten sent at 50 s the window of the new limit is full until 110 s, as Retry-After says."""
    made = provider(limits=[{"calls": 10, "per": 60}], changes=[{"at": 60, "limits": [{"calls": 2, "per": 60}]}])
    assert [error(made, m, 50.0) for m in range(11)] == [None] * 10 + ["rate_limited"]
    refused = made.answer(call(11), 60.0)[1]
    assert isinstance(refused, Outcome)
    assert (refused.error, refused.retry_after_s) == ("rate_limited", 50.0)
    assert [error(made, m, 110.0) for m in (12, 13, 14)] == [None, None, "rate_limited"]


def test_work_under_way_holds_its_slots_under_the_new_limits() -> None:
    """Five calls of 100 s run when concurrency falls to 2: the next is let in when the fourth of them has ended, not the first."""
    made = provider(limits=[{"concurrency": 5}], changes=[{"at": 50, "limits": [{"concurrency": 2}]}], latency={"per_item": 100})
    assert [error(made, m, 10.0 * m) for m in range(5)] == [None] * 5
    refused = made.answer(call(5), 60.0)[1]
    assert isinstance(refused, Outcome)
    assert (refused.error, refused.retry_after_s) == ("rate_limited", 70.0)
    assert [error(made, 6, 129.9), error(made, 7, 130.0), error(made, 8, 130.0)] == ["rate_limited", None, "rate_limited"]


def test_a_queue_shortens_when_workers_are_added_and_lengthens_when_they_go() -> None:
    """One worker becomes three at 5 s: who queued keeps his start, and nobody overtakes him; three become one: the last to come free counts."""
    patient = {"concurrency": 1, "on_excess": "queue"}
    more = provider(limits=[patient], changes=[{"at": 5, "limits": [{**patient, "concurrency": 3}]}], latency={"per_item": 10})
    assert [more.answer(call(m), now)[0] for m, now in enumerate([0.0, 0.0, 6.0, 6.0, 6.0])] == [10.0, 20.0, 20.0, 20.0, 30.0]
    fewer = provider(limits=[{**patient, "concurrency": 3}], changes=[{"at": 5, "limits": [patient]}], latency={"per_item": 10})
    assert [fewer.answer(call(m), now)[0] for m, now in enumerate([0.0, 1.0, 2.0, 6.0])] == [10.0, 11.0, 12.0, 22.0]


def test_a_job_that_is_seen_after_a_change_frees_its_place_under_the_new_limits() -> None:
    """Its place is held at every door until its result is seen."""
    made = provider(
        api={"style": "job", "takes": "list", "poll": 20}, limits=[{"concurrency": 3}], changes=[{"at": 5, "limits": [{"outstanding": 1}]}]
    )
    _, job = made.answer(call(0), 0.0)
    assert isinstance(job, Job)
    assert error(made, 1, 10.0) == "rate_limited"
    made.poll(job, 20.0)
    assert isinstance(made.answer(call(2), 20.0)[1], Job)


def test_polls_before_a_change_count_after_it() -> None:
    """A creation at 0 s and polls at 20, 40 and 60 s: of 3 calls in 100 s, from 70 s on, none is left until the first poll leaves."""
    api = {"style": "job", "takes": "list", "poll": 20}
    made = provider(api=api, latency={"per_item": 500}, changes=[{"at": 70, "limits": [{"calls": 3, "per": 100}]}])
    _, job = made.answer(call(0), 0.0)
    assert isinstance(job, Job)
    for now in (20.0, 40.0, 60.0):
        made.poll(job, now)
    refused = made.answer(call(1), 70.0)[1]
    assert isinstance(refused, Outcome)
    assert refused.retry_after_s == 50.0
    assert isinstance(made.answer(call(2), 120.0)[1], Job)


def test_a_bucket_that_comes_into_force_is_empty_at_most() -> None:
    """However much passed before, a bucket of 2 that refills at 1 a second has room again after a second."""
    made = provider(changes=[{"at": 100, "limits": [{"calls": 1, "per": 1, "kind": "bucket", "burst": 2}]}])
    assert [error(made, m, 99.5) for m in range(50)] == [None] * 50
    assert [error(made, m, now) for m, now in enumerate([100.0, 100.4, 100.5, 101.5, 103.5, 103.5, 103.5], 50)] == [
        "rate_limited", "rate_limited", None, None, None, None, "rate_limited",
    ]  # fmt: skip


# -- what headers say ---------------------------------------------------------------------------------------------------------
def test_headers_tell_of_the_limits_that_nobody_declared() -> None:
    """Successes, refusals and 429s all carry them; declared windows are told once they have changed, what is held at once and queues never, and
    without any there are no headers."""
    hidden = [{"calls": 2, "per": 10, "known": False}, {"concurrency": 9, "known": False}, {"calls": 99, "per": 5}]
    made = provider(limits=[*hidden, {"items": 5, "per": 1, "on_excess": "queue", "known": False}], changes=[{"at": 50, "limits": hidden[1:]}])
    answers = [made.answer(call(m), now)[1] for m, now in enumerate([0.0, 0.0, 0.0, 50.0])]
    assert [answer.limits_seen for answer in answers] == [(("calls", 2, 10),)] * 3 + [(("calls", 99, 5),)]  # type: ignore[union-attr]
    assert [answer.error for answer in answers] == [None, None, "rate_limited", None]  # type: ignore[union-attr]
    assert provider(limits=hidden[2:]).answer(call(0), 0.0)[1].limits_seen is None  # type: ignore[union-attr]


# -- plans --------------------------------------------------------------------------------------------------------------------
PLAN = {**ITEM, "plan": {"fee": 10, "per": 100, "included": 4}}


@pytest.mark.parametrize(
    ("sent_at", "ends_at", "usd"),
    [
        ([], 100, 10),  # a fee is owed whether anything is sent or not
        ([0, 1, 2], 100, 10),  # 3 of 4 included dollars
        ([0, 1, 2, 3, 4, 99], 100, 10 + 2),
        ([0, 1, 2, 3, 4, 100, 101], 200, (10 + 1) + (10 + 0)),  # what one period leaves over is lost to the next
        ([0, 1, 2, 3], 50, 5 + 2),  # half a period: half the fee, half of what it includes
        ([0, 120, 130], 125, (10 + 0) + (2.5 + 1)),  # what is sent after the end belongs to the last period: 2 dollars of 1 included
    ],
)
def test_a_plan_costs_its_fee_and_the_use_beyond_what_it_includes(sent_at: list[float], ends_at: float, usd: float) -> None:
    """fee + max(0, use - included) for every period of 100 s; the last in proportion, where the study ends within it."""
    made = provider(price=PLAN)
    for m, now in enumerate(sent_at):
        made.answer(call(m), float(now))
    assert made.ledger_nano == len(sent_at) * USD
    made.close(ends_at)
    assert made.ledger_nano == usd * USD


def test_new_limits_leave_a_plan_as_it_is_and_a_new_price_ends_it() -> None:
    """A plan left after 30 of 100 s costs 30 % of it: 3 dollars, 1.2 included; what is used then is charged as listed."""
    made = provider(price=PLAN, changes=[{"at": 10, "limits": []}, {"at": 30, "price": ITEM}])
    for m, now in enumerate([0.0, 20.0, 40.0, 50.0, 60.0]):
        made.answer(call(m), now)
    made.close(100.0)
    assert made.ledger_nano == (3 + 0.8 + 3) * USD
