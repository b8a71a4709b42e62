"""A modelled provider, one behaviour at a time: when the answer comes, what it says, what it costs."""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np
import pytest

from sbsim.errors import ScenarioError, StateError
from sbsim.records import Call, Content, Facts, Item, Outcome, Request
from sbsim.scenario import ProviderSpec
from sbsim.seeds import Draws
from sbsim.world import Job, ModelledProvider

FACTS = Facts("image", "sdxl", duration_s=2.0, units_out=3.0)
FAST = {"per_item": 1}
USD = 10**9


def provider(*, seed: int = 7, **sections: Any) -> ModelledProvider:
    given = {
        "name": "p",
        "serves": {"content_type": "image"},
        "api": {"takes": "list"},
        "price": {"rates": [{"per": "item", "usd": 1}]},
        "latency": FAST,
    }
    return ModelledProvider(ProviderSpec.model_validate({**given, **sections}), Draws(seed, 0))


def call(m: int, n_items: int = 1, *, path: str = "", first: int | None = None, facts: Facts = FACTS, n_sent: int = 0) -> Call:
    """Call number m; its items are requests and contents `first`, `first` + 1 ... (by default ten times m)."""
    serials = range(10 * m if first is None else first, (10 * m if first is None else first) + n_items)
    items = [Item(Request(k, 0.0, 1e9, 2, Content(k, k, k // 2, facts, 0, 0, (), 0))) for k in serials]
    for item in items:
        item.n_sent = n_sent
    return Call(m, 0, None, items, m, path, 1, 0.0, 1e9)  # type: ignore[arg-type]


def outcome(answer: tuple[float, Outcome | Job]) -> Outcome:
    assert isinstance(answer[1], Outcome)
    return answer[1]


# -- time ----------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("parallel", "seconds"), [(1, 5 + 4 * 4.1), (2, 5 + 2 * 4.1), (8, 5 + 4.1)])
def test_a_call_takes_set_up_and_the_longer_of_its_longest_item_and_its_sum_over_the_parallel(parallel: int, seconds: float) -> None:
    """Item = 1 + 0.5 x 2 s of content + 0.7 x 3 units = 4.1 s; four of them behind a set-up of 5 s."""
    made = provider(latency={"setup": 5, "per_item": 1, "per_second": 0.5, "per_unit": 0.7, "parallel_items": parallel})
    assert made.answer(call(0, 4), 100.0)[0] == pytest.approx(100 + seconds)


def test_no_more_units_come_out_than_were_asked_for() -> None:
    """`max_units_out` bounds what is made, and with it the time."""
    made = provider(latency={"per_unit": 1})
    assert made.answer(call(0, facts=FACTS._replace(max_units_out=2.0)), 0.0)[0] == 2.0


def test_noise_multiplies_and_total_replaces() -> None:
    """The same draw scales the formula as noise, and is the law's own value as total."""
    law = {"law": "exponential"}
    noise = provider(latency={"per_item": 4, "noise": law}).answer(call(3), 0.0)[0]
    total = provider(latency={"total": {**law, "mean": 4}}).answer(call(3), 0.0)[0]
    assert noise == pytest.approx(total)
    assert noise != 4.0


def test_a_retry_has_draws_of_its_own_and_no_draw_depends_on_order() -> None:
    """A call's luck is keyed by (lane, m, path): the same in any order, for any content, another for a retry, a lane, a replication."""
    law = {"total": {"law": "exponential", "mean": 1}}
    seconds = {m: provider(latency=law).answer(call(m), 0.0)[0] for m in range(40)}
    backwards = provider(latency=law)
    assert seconds == {m: backwards.answer(call(m, 3, first=1000 - m), 0.0)[0] for m in reversed(range(40))}
    others = [
        [provider(latency=law).answer(call(m, path="r"), 0.0)[0] for m in range(40)],
        [provider(latency=law).answer(call(m, path="rr"), 0.0)[0] for m in range(40)],
        [provider(latency=law, name="q").answer(call(m), 0.0)[0] for m in range(40)],
        [provider(latency=law, seed=8).answer(call(m), 0.0)[0] for m in range(40)],
    ]
    drawn = [*seconds.values(), *(at for other in others for at in other)]
    assert len(set(drawn)) == len(drawn)
    assert abs(np.corrcoef(list(seconds.values()), others[0])[0, 1]) < 0.4


# -- limits that reject -----------------------------------------------------------------------------------------------------
def test_a_rejection_comes_soon_costs_nothing_and_counts_nowhere() -> None:
    """Two calls in 10 s, a third is turned away as often as it tries; when the first has left the window the next is in: rejections took no room."""
    made = provider(limits=[{"calls": 2, "per": 10}], latency={"per_item": 100, "refusal": "250ms"})
    assert [outcome(made.answer(call(m), t)).error for m, t in enumerate([0.0, 1.0])] == [None, None]
    for m in range(2, 9):
        at, refused = made.answer(call(m), float(m))
        assert at == m + 0.25
        assert isinstance(refused, Outcome)
        assert (refused.error, refused.retry_after_s) == ("rate_limited", ceil(10 - m))
    assert outcome(made.answer(call(9), 10.0)).error is None  # the window is half-open: (0, 10] no longer holds the first
    assert made.ledger_nano == 3 * USD
    assert (made.n_calls, made.n_rejected) == (10, 7)


def test_retry_after_is_a_whole_second_at_least() -> None:
    """Even when room comes in 0.2 s, Retry-After says 1."""
    made = provider(limits=[{"concurrency": 1}])
    made.answer(call(0), 0.0)
    assert outcome(made.answer(call(1), 0.8)).retry_after_s == 1.0
    assert outcome(made.answer(call(2), 1.0)).error is None  # an answer at the same instant has freed the slot


def test_retry_after_suffices_where_a_subtraction_is_rounded() -> None:
    """The slot is free 4 + 3 ulp after 0; asked at 2.5 ulp, the rest of 4 + 0.5 ulp is rounded to 4, which would come too early: 5."""
    ulp = 2.0**-50
    made = provider(limits=[{"concurrency": 1}], latency={"total": {"law": "constant", "value": 4 + 3 * ulp}})
    made.answer(call(0), 0.0)
    assert outcome(made.answer(call(1), 2.5 * ulp)).retry_after_s == 5.0


def test_all_limits_or_none() -> None:
    """A call that has room in the window but no slot takes no room in the window either."""
    made = provider(limits=[{"calls": 2, "per": 100}, {"concurrency": 1}])
    assert [outcome(made.answer(call(m), t)).error for m, t in enumerate([0.0, 0.5, 0.6, 1.0])] == [None, "rate_limited", "rate_limited", None]


def test_what_a_limit_can_never_grant_is_refused_for_good() -> None:
    """Three items do not fit a limit of two: waiting would not help, so it is no 429, and it costs nothing."""
    made = provider(limits=[{"items": 2, "per": 10, "known": False}], price={"rates": [{"per": "item", "usd": 1}], "billed": {"failed": "full"}})
    at, refused = made.answer(call(0, 3), 5.0)
    assert (at, outcome((at, refused)).error) == (5.1, "permanent")
    assert (made.ledger_nano, made.n_too_large) == (0, 1)
    assert outcome(made.answer(call(1, 2), 5.0)).error is None


def test_tokens_count_as_they_are_announced() -> None:
    """Against a limit on tokens a call counts what goes in and the most that may come out, whatever it makes."""
    made = provider(limits=[{"tokens": 100, "per": 10}])
    asked = Facts("image", "m", units_in=30, units_out=5, max_units_out=30)
    assert [outcome(made.answer(call(m, facts=asked), 0.0)).error for m in range(2)] == [None, "rate_limited"]


# -- limits that queue ------------------------------------------------------------------------------------------------------
def test_a_queueing_provider_answers_later_instead_of_refusing() -> None:
    """One worker, three calls of 1 s at once: answers after 1, 2 and 3 s, in order, none refused."""
    made = provider(limits=[{"concurrency": 1, "on_excess": "queue"}])
    assert [made.answer(call(m), 0.0)[0] for m in range(3)] == [1.0, 2.0, 3.0]
    assert made.counters()["n_queued"] == 2


def test_a_queue_at_the_door_and_a_slot_behind_it() -> None:
    """Two calls in 10 s pass, the third waits until 10 s; a limit on what is outstanding rejects while it waits."""
    made = provider(limits=[{"calls": 2, "per": 10, "on_excess": "queue"}, {"outstanding": 3}])
    assert [made.answer(call(m), 0.0)[0] for m in range(3)] == [1.0, 1.0, 11.0]
    made.answer(call(3), 1.0)
    assert outcome(made.answer(call(4), 2.0)).error is None
    assert outcome(made.answer(call(5), 2.0)).error == "rate_limited"


# -- jobs -----------------------------------------------------------------------------------------------------------------------
JOB = {"style": "job", "takes": "list", "poll": 20}


def polled(made: ModelledProvider, job: Job, at: float, every: float = 20.0) -> tuple[list[float], float, Outcome]:
    """Polls as a driver makes them: (instants without a result, instant of the result, result)."""
    misses = []
    while True:
        at += every
        seen_at, result = made.poll(job, at)
        if result is not None:
            return misses, seen_at, result
        misses.append(at)


@pytest.mark.parametrize(("seconds", "n_misses"), [(45, 2), (40, 1), (0.5, 0)])
def test_a_job_is_seen_at_the_first_poll_after_it_is_done(seconds: float, n_misses: int) -> None:
    """Accepted at once, done after 45 s, polled every 20 s: seen at 60 s; done at the very instant of a poll it is seen by that poll."""
    made = provider(api=JOB, latency={"total": {"law": "constant", "value": seconds}})
    at, job = made.answer(call(0), 5.0)
    assert isinstance(job, Job)
    misses, seen_at, _ = polled(made, job, at)
    assert at == 5.0
    assert len(misses) == n_misses
    assert seen_at == 5.0 + 20 * (n_misses + 1)


def test_a_job_holds_its_slot_until_its_result_is_seen() -> None:
    """Done after 1 s but seen at 20 s: until then there is no second slot, and Retry-After names the poll that frees it."""
    made = provider(api=JOB, limits=[{"concurrency": 1}])
    _, job = made.answer(call(0), 0.0)
    assert isinstance(job, Job)
    refused = outcome(made.answer(call(1), 10.0))
    assert (refused.error, refused.retry_after_s) == ("rate_limited", 10.0)
    made.poll(job, 20.0)
    assert isinstance(made.answer(call(2), 20.0)[1], Job)


def test_polls_count_against_limits_on_calls_and_may_be_turned_away() -> None:
    """Two calls in 50 s: the creation and one poll; the next polls see nothing until one falls outside the window, though the job was long done."""
    made = provider(api=JOB, limits=[{"calls": 2, "per": 50}], latency={"total": {"law": "constant", "value": 25}})
    _, job = made.answer(call(0), 0.0)
    assert isinstance(job, Job)
    misses, seen_at, _ = polled(made, job, 0.0)
    assert (misses, seen_at) == ([20.0, 40.0], 60.0)
    assert (made.n_polls, made.n_polls_rejected) == (3, 1)


def test_a_queueing_limit_delays_polls() -> None:
    """Behind a limit that queues a poll is answered when it has passed the door."""
    made = provider(api=JOB, limits=[{"calls": 1, "per": 50, "on_excess": "queue"}], latency={"total": {"law": "constant", "value": 25}})
    _, job = made.answer(call(0), 0.0)
    assert isinstance(job, Job)
    at, result = made.poll(job, 20.0)
    assert at == 50.0
    assert result is not None


def test_a_result_lives_from_its_making() -> None:
    """A job's result that expires after an hour and was made 15 s before it was seen lives 15 s less; a direct answer lives the whole hour."""
    result = {"as": "url", "expires": "1h"}
    made = provider(api=JOB, result=result, latency={"total": {"law": "constant", "value": 45}})
    at, job = made.answer(call(0), 0.0)
    assert isinstance(job, Job)
    assert polled(made, job, at)[2].life_s == 3600 - 15
    assert outcome(provider(result=result).answer(call(0), 0.0)).life_s == 3600


def test_inline_results_say_their_bytes() -> None:
    """Bytes per second of content, for each item; a url brings none."""
    inline = {"as": "inline", "bytes": "1kB/s"}
    assert outcome(provider(result=inline).answer(call(0, 2), 0.0)).n_bytes == [2000, 2000]
    assert outcome(provider(result={"as": "url", "bytes": "1kB/s"}).answer(call(0, 2), 0.0)).n_bytes is None


# -- failures ---------------------------------------------------------------------------------------------------------------
def test_an_outage_refuses_what_is_sent_and_lets_what_runs_finish() -> None:
    """Sent before 10 s: answered at 12 s; sent within [10, 15): 503 after `latency.refusal`, unbilled whatever failures cost; at 15 s all is well."""
    billed = {"rates": [{"per": "item", "usd": 1}], "billed": {"failed": "full"}}
    made = provider(failures={"outages": [{"at": 10, "for": 5}]}, latency={"per_item": 3}, price=billed)
    at, first = made.answer(call(0), 9.0)
    assert (at, outcome((at, first)).error) == (12.0, None)
    for m, now in ((1, 10.0), (2, 14.9)):
        at, refused = made.answer(call(m), now)
        assert (at, outcome((at, refused)).error) == (now + 0.1, "transient")
    assert outcome(made.answer(call(3), 15.0)).error is None
    assert (made.ledger_nano, made.n_unavailable) == (2 * USD, 2)


def test_an_outage_that_starts_inside_another_does_not_shorten_it() -> None:
    """[0, 100) holds although [10, 20) has ended."""
    made = provider(failures={"outages": [{"at": 0, "for": 100}, {"at": 10, "for": 10}]})
    assert outcome(made.answer(call(0), 50.0)).error == "transient"
    assert outcome(made.answer(call(1), 100.0)).error is None


def test_a_poll_during_an_outage_sees_nothing() -> None:
    """The job goes on and is seen by the first poll afterwards."""
    made = provider(api=JOB, failures={"outages": [{"at": 15, "for": 30}]})
    at, job = made.answer(call(0), 0.0)
    assert isinstance(job, Job)
    assert polled(made, job, at)[1] == 60.0


def test_errors_of_calls_have_their_share_and_cost_nothing() -> None:
    """A tenth of 4,000 calls fails within 3.5 standard deviations; retries draw anew; what failed is not billed."""
    made = provider(failures={"call_error": 0.1})
    failed = [m for m in range(4000) if outcome(made.answer(call(m), float(m))).error == "transient"]
    assert abs(len(failed) - 400) < 3.5 * (4000 * 0.1 * 0.9) ** 0.5
    assert made.ledger_nano == (4000 - len(failed)) * USD
    again = [m for m in failed if outcome(made.answer(call(m, path="r"), 5000.0 + m)).error is not None]
    assert 0 < len(again) < len(failed) / 4


def test_moderated_contents_are_refused_every_time_and_item_errors_anew() -> None:
    """A content that is moderated once is moderated in every call, at every provider; an item that failed once mostly succeeds the next time."""
    strict = {"moderated": 0.2, "item_error": 0.2}
    made, other = provider(failures=strict), provider(failures=strict, name="q")
    first, second, elsewhere = (
        dict(outcome(made.answer(call(0, 500, first=0), 0.0)).failures),
        dict(outcome(made.answer(call(1, 500, first=0, n_sent=1), 0.0)).failures),
        dict(outcome(other.answer(call(0, 500, first=0), 0.0)).failures),
    )
    refused = [{k for k, kind in failures.items() if kind == "moderated"} for failures in (first, second, elsewhere)]
    assert refused[0] == refused[1] == refused[2]
    assert 60 < len(refused[0]) < 140
    failed = [{k for k, kind in failures.items() if kind == "item_error"} for failures in (first, second)]
    assert 0 < len(failed[0] & failed[1]) < len(failed[0]) / 2
    assert made.counters()["n_moderated"] == 2 * len(refused[0])
    assert made.ledger_nano == (1000 - len(first) - len(second)) * USD


def test_a_poisoned_content_takes_its_whole_call_down() -> None:
    """Every call with a poisoned item fails for good, every other succeeds."""
    made = provider(failures={"poison": 0.3})
    alone = [outcome(made.answer(call(k, first=k), 0.0)).error for k in range(40)]
    assert set(alone) == {None, "permanent"}
    for k in range(0, 40, 4):
        together = outcome(made.answer(call(k, 4, first=k), 0.0)).error
        assert together == ("permanent" if "permanent" in alone[k : k + 4] else None)


def test_a_mechanism_that_never_fires_changes_nothing() -> None:
    """Failures with a chance of 1e-12, limits that are never reached and an outage after the end leave every answer as it was, bit for bit."""
    latency = {"setup": 1, "per_item": 2, "noise": {"law": "lognormal", "cv": 0.4}}
    armed = provider(
        latency=latency,
        failures={"call_error": 1e-12, "item_error": 1e-12, "moderated": 1e-12, "outages": [{"at": "300d", "for": 1}]},
        limits=[
            {"calls": 10**6, "per": 1},
            {"concurrency": 10**6},
            {"tokens": 10**9, "per": 1, "kind": "fixed"},
            {"outstanding": 10**6, "on_excess": "queue"},
        ],
        api={"takes": "list", "idempotency": "key", "cancel": "running"},
    )
    plain = provider(latency=latency)
    for m in range(300):
        path = "r" * (m % 3)
        (at, a), (same_at, b) = armed.answer(call(m, m % 5 + 1, path=path), m / 7), plain.answer(call(m, m % 5 + 1, path=path), m / 7)
        assert at == same_at
        assert isinstance(a, Outcome)
        assert isinstance(b, Outcome)
        assert [getattr(a, name) for name in Outcome.__slots__ if name != "jitter"] == [
            getattr(b, name) for name in Outcome.__slots__ if name != "jitter"
        ]
    assert armed.ledger_nano == plain.ledger_nano


# -- resending and cancelling -------------------------------------------------------------------------------------------------
def resent(first: Call, m: int) -> Call:
    again = Call(100 + m, 0, first.batch, first.items, first.m, "r", 2, 0.0, 1e9)
    again.same_key_as = first
    return again


def test_a_known_key_gets_the_first_answer_and_one_bill() -> None:
    """While the work runs the resend is answered with it; afterwards at once; money is owed for the first sending alone."""
    made = provider(api={"takes": "list", "idempotency": "key"}, failures={"item_error": 0.5})
    first = call(0, 6)
    at, answered = made.answer(first, 0.0)
    owed = made.ledger_nano
    for now, expected_at in ((3.0, at), (at + 5, at + 5.1)):
        again_at, again = made.answer(resent(first, int(now)), now)
        assert again_at == expected_at
        assert outcome((again_at, again)).failures == outcome((at, answered)).failures
    assert made.ledger_nano == owed
    assert made.n_replayed == 2


def test_a_resend_of_fewer_items_gets_the_results_of_those() -> None:
    """Results belong to items, not to places: half the items of a call, sent again under its key, end as they did the first time."""
    made = provider(api={"takes": "list", "idempotency": "key"}, failures={"item_error": 0.5})
    first = call(0, 8)
    failed = {k for k, _ in outcome(made.answer(first, 0.0)).failures}
    again = resent(first, 0)
    again.items = first.items[::-2]
    assert {7 - 2 * k for k, _ in outcome(made.answer(again, 1.0)).failures} == failed & {7, 5, 3, 1}


def test_without_keys_a_resend_is_made_and_billed_again() -> None:
    """idempotency: none is what double billing comes from."""
    made = provider()
    first = call(0)
    made.answer(first, 0.0)
    made.answer(resent(first, 0), 0.5)
    assert made.ledger_nano == 2 * USD


def test_a_resent_job_is_the_same_work_and_holds_no_second_slot() -> None:
    """Both sendings see the result; the slot is free as soon as the first has."""
    made = provider(api={**JOB, "idempotency": "key"}, limits=[{"concurrency": 1}], latency={"total": {"law": "constant", "value": 30}})
    first = call(0)
    _, job = made.answer(first, 0.0)
    at, twin = made.answer(resent(first, 0), 25.0)
    assert isinstance(job, Job)
    assert isinstance(twin, Job)
    assert (at, made.poll(twin, 45.0)[1]) != (at, None)
    assert outcome(made.answer(call(1), 46.0)).error == "rate_limited"
    assert made.poll(job, 47.0)[1] is not None
    assert isinstance(made.answer(call(2), 47.0)[1], Job)


GPU = {"rates": [{"per": "gpu_second", "usd": 1}, {"per": "item", "usd": 10}], "billed": {"cancelled": "elapsed", "timed_out": "full"}}


def test_cancelled_work_stops_frees_its_slot_and_is_billed_as_stated() -> None:
    """`cancelled: elapsed` costs the seconds that ran; a call that timed out costs its items too; the slot is free at once."""
    made = provider(api={"takes": "list", "cancel": "running"}, price=GPU, limits=[{"concurrency": 1}], latency={"per_item": 30})
    first = call(0)
    made.answer(first, 0.0)
    assert made.ledger_nano == 40 * USD
    stopped = made.abort(first, 12.5)
    assert stopped is not None
    assert (stopped[0], stopped[1].error, stopped[1].usage.gpu_s) == (12.5, "cancelled", 12.5)
    assert made.ledger_nano == 12.5 * USD
    late = call(1)
    assert outcome(made.answer(late, 12.5)).error is None
    late.is_late = True
    stopped = made.abort(late, 20.5)
    assert stopped is not None
    assert stopped[1].error == "timed_out"
    assert made.ledger_nano == (12.5 + 18) * USD


def test_work_that_has_not_begun_costs_nothing_when_cancelled() -> None:
    """A call that still waits in the provider's queue is taken out of it unbilled; who stands behind it keeps the start he was given."""
    made = provider(
        api={"takes": "list", "cancel": "running"}, price=GPU, limits=[{"concurrency": 1, "on_excess": "queue"}], latency={"per_item": 30}
    )
    made.answer(call(0), 0.0)
    waiting = call(1)
    made.answer(waiting, 0.0)
    stopped = made.abort(waiting, 10.0)
    assert stopped is not None
    assert made.ledger_nano == 40 * USD
    assert made.answer(call(2), 10.0)[0] == 60.0


def test_nobody_overtakes_the_queue_when_a_worker_is_cancelled_free() -> None:
    """The queue's head keeps the start that it was given, so who comes later starts no earlier, though a worker was freed in between."""
    made = provider(api={"takes": "list", "cancel": "running"}, limits=[{"concurrency": 2, "on_excess": "queue"}], latency={"per_item": 50})
    long, short, head, late = call(0, 2), call(1), call(2), call(3)
    assert [made.answer(one, 0.0)[0] for one in (long, short, head)] == [100.0, 50.0, 100.0]
    assert made.abort(long, 10.0) is not None
    assert made.answer(late, 11.0)[0] == 100.0


def test_what_cannot_be_cancelled_goes_on() -> None:
    """cancel: never, and work that is done already: the answer stays as it was."""
    endless, quick = provider(latency={"per_item": 30}), provider(api={"takes": "list", "cancel": "running"})
    first = call(0)
    endless.answer(first, 0.0)
    assert endless.abort(first, 5.0) is None
    quick.answer(first, 0.0)
    assert quick.abort(first, 1.0) is None


def test_a_cancelled_job_frees_its_slot() -> None:
    """Nobody will poll it: the slot is free from the abort on."""
    made = provider(api={**JOB, "cancel": "running"}, limits=[{"concurrency": 1}], latency={"per_item": 90})
    first = call(0)
    made.answer(first, 0.0)
    assert made.abort(first, 10.0) is not None
    assert isinstance(made.answer(call(1), 10.0)[1], Job)


# -- the door's own checks ------------------------------------------------------------------------------------------------------
def test_calls_that_the_api_cannot_express_are_bugs_of_the_sender() -> None:
    """More items than one, than max_items, or variants of different requests: StateError, never an answer."""
    with pytest.raises(StateError, match=r"takes one .* was sent 2 items"):
        provider(api={"takes": "one"}).answer(call(0, 2), 0.0)
    with pytest.raises(StateError, match="at most 3 items"):
        provider(api={"takes": "list", "max_items": 3}).answer(call(0, 4), 0.0)
    variants = provider(api={"takes": "variants"})
    assert outcome(variants.answer(call(0, 2), 0.0)).error is None  # the helper's contents 0 and 1 share their base
    with pytest.raises(StateError, match="variants of one request"):
        variants.answer(call(0, 3), 0.0)


def test_a_price_for_late_answers_that_nobody_could_stop_is_refused() -> None:
    """It would never be charged, whether it is a price of the first hour or of a later one."""
    late = {"rates": [], "billed": {"timed_out": "none"}}
    with pytest.raises(ScenarioError, match=r"billed\.timed_out: none .*cancel: running"):
        provider(changes=[{"at": 10, "price": late}])
    with pytest.raises(ScenarioError, match=r"billed\.timed_out: none .*cancel: running"):
        provider(price={"rates": [], "billed": {"timed_out": "none"}})
