"""A modelled batch API: when a file is done, what is finished when it is given up or cancelled, and what is charged for that."""

from __future__ import annotations

from typing import Any

import pytest

from sbsim.errors import ScenarioError, StateError
from sbsim.records import Call, Content, Facts, Item, Outcome, Request
from sbsim.scenario import ProviderSpec, line_bytes
from sbsim.seeds import Draws
from sbsim.world import Job, ModelledProvider

API = {"style": "batch", "takes": "file", "poll": 60, "idempotency": "lookup", "cancel": "partial"}
FACTS = Facts("image", "sdxl")
USD = 10**9


def provider(*, seed: int = 7, **sections: Any) -> ModelledProvider:
    given = {
        "name": "batches",
        "serves": {"content_type": "image"},
        "api": API,
        "price": {"rates": [{"per": "item", "usd": 1}, {"per": "call", "usd": 100}]},
        "turnaround": "1000s",
    }
    return ModelledProvider(ProviderSpec.model_validate({**given, **sections}), Draws(seed, 0))


def file(m: int, n_items: int, *, facts: Facts = FACTS, path: str = "") -> Call:
    items = [Item(Request(k, 0.0, 1e9, 2, Content(k, k, k, facts, 0, 0, (), 0))) for k in range(100 * m, 100 * m + n_items)]
    return Call(m, 0, None, items, m, path, 1, 0.0, 1e9)  # type: ignore[arg-type]


def uploaded(made: ModelledProvider, call: Call, now: float) -> tuple[float, Job]:
    at, job = made.answer(call, now)
    assert isinstance(job, Job)
    return at, job


def fetched(made: ModelledProvider, job: Job, at: float) -> tuple[float, Outcome]:
    while True:
        at += made.poll_s
        at, outcome = made.poll(job, at)
        if outcome is not None:
            return at, outcome


def test_a_file_is_seen_at_the_first_poll_after_its_turnaround() -> None:
    """Uploaded at 5 s and done at 1005 s, polled every 60 s: seen at 1025 s, whole, and billed by what is in it."""
    made = provider()
    at, job = uploaded(made, file(0, 8), 5.0)
    assert at == 5.0
    seen_at, outcome = fetched(made, job, at)
    assert (seen_at, outcome.error, outcome.failures) == (1025.0, None, ())
    assert made.ledger_nano == 108 * USD


def test_a_turnaround_belongs_to_the_call_whatever_is_in_the_file() -> None:
    """Two files of the same number take the same time; a retry and another number draw anew."""
    law = {"turnaround": {"law": "lognormal", "median": "7min", "p90": "1h"}}
    done = [uploaded(provider(**law), call, 0.0)[1].done_at for call in (file(0, 1), file(0, 50), file(1, 1), file(0, 1, path="r"))]
    assert done[0] == done[1]
    assert len(set(done)) == 3


@pytest.mark.parametrize(("n", "life_s", "n_done"), [(10, 499, 4), (10, 500, 5), (10, 99, 0), (3, 999, 2), (10, 1000, 10)])
def test_what_is_unfinished_when_a_file_is_given_up_comes_back_expired_and_unbilled(n: int, life_s: int, n_done: int) -> None:
    """Requests are worked off evenly and in order: of n, floor(n x life / turnaround) are finished and billed; with none, not even the fee."""
    made = provider(expires_after=life_s)
    _, job = uploaded(made, file(0, n), 0.0)
    assert job.done_at == min(life_s, 1000)
    _, outcome = fetched(made, job, 0.0)
    assert outcome.error is None
    assert list(outcome.failures) == [(k, "expired") for k in range(n_done, n)]
    assert made.ledger_nano == (n_done + 100 * (n_done > 0)) * USD
    assert made.n_expired == n - n_done


def test_a_batch_api_gives_up_after_a_day_unless_it_says_otherwise() -> None:
    """`expires_after` left out is 24 h."""
    assert uploaded(provider(turnaround="2d"), file(0, 2), 0.0)[1].done_at == 24 * 3600


def test_what_a_file_had_not_finished_has_not_failed_otherwise() -> None:
    """Failures of items are those of the finished ones; the others are expired, whatever would have become of them."""
    strict = {"failures": {"item_error": 0.5}}
    whole = dict(fetched(provider(**strict), uploaded(provider(**strict), file(0, 40), 0.0)[1], 0.0)[1].failures)
    made = provider(**strict, expires_after=250)
    half = dict(fetched(made, uploaded(made, file(0, 40), 0.0)[1], 0.0)[1].failures)
    assert {k: kind for k, kind in half.items() if k < 10} == {k: kind for k, kind in whole.items() if k < 10}
    assert {kind for k, kind in half.items() if k >= 10} == {"expired"}
    assert made.n_item_errors == sum(k < 10 for k in whole)


def test_a_cancelled_file_delivers_and_bills_what_is_finished() -> None:
    """cancel: partial at 355 s of 1000: 3 of 10 are there, 7 are cancelled and cost nothing, though a cancelled call is billed in full."""
    made = provider(limits=[{"outstanding": 1}])
    call = file(0, 10)
    uploaded(made, call, 0.0)
    assert made.answer(file(1, 1), 1.0)[1].error == "rate_limited"  # type: ignore[union-attr]
    stopped = made.abort(call, 355.0)
    assert stopped is not None
    at, outcome = stopped
    assert (at, outcome.error, list(outcome.failures)) == (355.0, None, [(k, "cancelled") for k in range(3, 10)])
    assert made.ledger_nano == 103 * USD
    assert isinstance(made.answer(file(2, 1), 355.0)[1], Job)  # its place among the outstanding is free
    assert made.abort(call, 400.0) is None


def test_cancelling_a_file_that_would_have_failed_as_a_whole_finds_nothing_finished() -> None:
    """Nobody knows before the end that the call would fail: all of it is cancelled, and nothing is owed."""
    made = provider(failures={"call_error": 0.999999}, price={"rates": [{"per": "item", "usd": 1}], "billed": {"failed": "full"}})
    call = file(0, 4)
    uploaded(made, call, 0.0)
    stopped = made.abort(call, 900.0)
    assert stopped is not None
    assert (stopped[1].error, len(stopped[1].failures), made.ledger_nano) == (None, 4, 0)


def test_a_call_in_doubt_is_looked_up_and_found_once() -> None:
    """idempotency: lookup: sent again under its key, the file that is under way answers for both, and is billed once."""
    made = provider()
    first = file(0, 4)
    _, job = uploaded(made, first, 0.0)
    again = Call(9, 0, None, first.items, 0, "r", 2, 0.0, 1e9)  # type: ignore[arg-type]
    again.same_key_as = first
    _, twin = uploaded(made, again, 130.0)
    assert twin.done_at == job.done_at
    assert not fetched(made, twin, 130.0)[1].failures
    assert not fetched(made, job, 180.0)[1].failures
    assert made.ledger_nano == 104 * USD
    assert made.n_replayed == 1


def test_a_file_of_too_many_bytes_is_refused_for_good() -> None:
    """1 KiB and 4 bytes per unit in, each: two contents of 256 units make 4 KiB, three do not fit."""
    made = provider(api={**API, "max_bytes": 4096})
    asked = FACTS._replace(units_in=256.0)
    assert line_bytes(asked) == 2048
    assert isinstance(made.answer(file(0, 2, facts=asked), 0.0)[1], Job)
    refused = made.answer(file(1, 3, facts=asked), 0.0)[1]
    assert isinstance(refused, Outcome)
    assert (refused.error, made.n_too_large, made.ledger_nano) == ("permanent", 1, 102 * USD)


def test_a_file_of_several_engines_is_a_bug_of_the_sender_where_one_is_all_it_takes() -> None:
    """one_engine_per_call is a rule of the format, not a limit."""
    mixed = file(0, 2)
    mixed.items[1].content.facts = FACTS._replace(engine="flux")
    assert isinstance(provider().answer(mixed, 0.0)[1], Job)
    with pytest.raises(StateError, match="one engine per call"):
        provider(api={**API, "one_engine_per_call": True}).answer(mixed, 0.0)


def test_seconds_on_a_gpu_are_those_of_the_work_not_of_the_turnaround() -> None:
    """`latency` says what the machines do, `turnaround` when it is there; a file half done has used half of it."""
    priced = {"price": {"rates": [{"per": "gpu_second", "usd": 1}]}, "latency": {"per_item": 2}}
    for life_s, gpu_s in ((2000, 20.0), (500, 10.0)):
        made = provider(**priced, expires_after=life_s)
        outcome = fetched(made, uploaded(made, file(0, 10), 0.0)[1], 0.0)[1]
        assert outcome.usage.gpu_s == gpu_s
        assert made.ledger_nano == gpu_s * USD


def test_a_batch_api_without_a_turnaround_cannot_be_modelled() -> None:
    """A deployment that was read back does not say how long a file takes."""
    with pytest.raises(ScenarioError, match="a batch API has a turnaround"):
        provider(turnaround=None)
