"""What a door lets in, against brute force over whole histories."""

from __future__ import annotations

from copy import deepcopy
from math import floor, inf
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbsim.records import Call, Content, Facts, Item, Outcome, Request
from sbsim.scenario import Limit, ProviderSpec
from sbsim.seeds import Draws
from sbsim.world import ModelledProvider
from sbsim.world.door import make_window

UNITS = ("calls", "items", "tokens", "content_seconds")


def window(n: st.SearchStrategy[int], per: st.SearchStrategy[int], kind: str) -> st.SearchStrategy[dict[str, Any]]:
    burst = {"burst": st.integers(2, 6)} if kind == "bucket" else {}
    return st.fixed_dictionaries({"unit": st.sampled_from(UNITS), "n": n, "per": per, "kind": st.just(kind), **burst})


few, short = st.sampled_from([1, 1, 2, 3, 5, 12]), st.integers(1, 4)
windows = st.one_of(window(few, short, "sliding"), window(few, short, "fixed"), window(few, short, "bucket"))
powers = st.sampled_from([1, 2, 4, 8])
queued = st.one_of(window(few, short, "sliding"), window(few, short, "fixed"), window(powers, powers, "bucket"))
"""A bucket that refills by powers of two is exact in floats, like everything else here."""
slots = st.fixed_dictionaries({"unit": st.sampled_from(["concurrency", "outstanding"]), "n": st.integers(1, 3)})
gaps = st.sampled_from([0, 0, 1, 2, 3, 4, 4, 8, 12])
arrivals = st.lists(st.tuples(gaps, st.integers(1, 3), st.integers(0, 3), st.integers(1, 3)), min_size=1, max_size=25)
"""(quarter seconds since the one before, items, tokens in per item, seconds of content per item): all sums are exact in floats, ties are frequent."""


def provider(limits: list[dict[str, Any]], **sections: Any) -> ModelledProvider:
    given = {
        "name": "p",
        "serves": {"content_type": "text"},
        "api": {"takes": "list"},
        "price": {},
        "latency": {"per_second": 0.75, "parallel_items": 9},
    }
    return ModelledProvider(ProviderSpec.model_validate({**given, "limits": [written(limit) for limit in limits], **sections}), Draws(0, 0))


def written(limit: dict[str, Any]) -> dict[str, Any]:
    """A limit as a scenario writes it."""
    return {limit["unit"]: limit["n"], **{key: value for key, value in limit.items() if key not in ("unit", "n")}}


def call(m: int, n_items: int, tokens: int, seconds: int) -> Call:
    facts = Facts("text", "m", duration_s=float(seconds), units_in=float(tokens), units_out=1.0)
    items = [Item(Request(10 * m + k, 0.0, 1e9, 2, Content(10 * m + k, k, k, facts, 0, 0, (), 0))) for k in range(n_items)]
    return Call(m, 0, None, items, m, "", 1, 0.0, 1e9)  # type: ignore[arg-type]


def weight(unit: str, n_items: int, tokens: int, seconds: int) -> int:
    return {"calls": 1, "items": n_items, "tokens": n_items * (tokens + 1), "content_seconds": n_items * seconds}[unit]


def holds(limit: dict[str, Any], passed: list[tuple[float, int]]) -> bool:
    """Whether a window limit is kept by passages (instant, weight), by looking at every window there is."""
    n, per, kind = limit["n"], limit["per"], limit["kind"]
    instants = [at for at, _ in passed]
    if kind == "sliding":
        return all(sum(w for at, w in passed if t - per < at <= t) <= n for t in instants)
    if kind == "fixed":
        return all(sum(w for at, w in passed if floor(at / per) == k) <= n for k in {floor(at / per) for at in instants})
    # A bucket of `burst` with rate n / per: no closed stretch of time takes more than the burst and what flows in meanwhile.
    return all(sum(w for at, w in passed if s <= at <= t) <= limit["burst"] + n / per * (t - s) + 1e-6 for s in instants for t in instants if s <= t)


def can_ever(limit: dict[str, Any], amount: int) -> bool:
    return amount <= limit.get("burst", limit["n"])


@given(limits=st.lists(windows, min_size=1, max_size=3), held=st.lists(slots, max_size=2), arrivals=arrivals)
@settings(max_examples=3 * settings().max_examples)
def test_a_door_lets_in_all_that_fits_and_nothing_else(limits: list[dict[str, Any]], held: list[dict[str, Any]], arrivals: list[Any]) -> None:
    """After each arrival: what was let in keeps every limit, and what was turned away would have broken one; its Retry-After suffices."""
    made = provider([*limits, *held])
    passed: list[tuple[float, tuple[int, int, int]]] = []
    ends: list[float] = []
    now = 0.0
    for m, (gap, *shape) in enumerate(arrivals):
        now += gap / 4
        asked = call(m, *shape)
        before = deepcopy(made)
        at, answer = made.answer(asked, now)
        assert isinstance(answer, Outcome)
        fits = all(holds(limit, [(t, weight(limit["unit"], *s)) for t, s in [*passed, (now, shape)]]) for limit in limits)
        has_slot = all(sum(end > now for end in ends) < limit["n"] for limit in held)
        if answer.error is None:
            assert fits
            assert has_slot
            passed.append((now, tuple(shape)))  # type: ignore[arg-type]
            ends.append(at)
        elif answer.error == "permanent":
            assert not all(can_ever(limit, weight(limit["unit"], *shape)) for limit in limits)
        else:
            assert not (fits and has_slot)
            assert answer.retry_after_s >= 1
            assert answer.retry_after_s == int(answer.retry_after_s)
            later = before.answer(asked, now + answer.retry_after_s)[1]
            assert isinstance(later, Outcome)
            assert later.error is None


lasting = st.one_of(window(few, short, "sliding"), window(few, short, "fixed"))
"""A bucket is left out: when its limit comes into force it is empty at most, whatever passed before."""


@given(
    limits=st.lists(st.lists(lasting, max_size=2), min_size=2, max_size=3),
    held=st.lists(st.lists(slots, max_size=1), min_size=3, max_size=3),
    changes=st.lists(st.integers(1, 16), min_size=2, max_size=2, unique=True).map(sorted),
    arrivals=arrivals,
)
@settings(max_examples=3 * settings().max_examples)
def test_a_door_whose_limits_change_lets_in_what_fits_those_of_the_day(
    limits: list[Any], held: list[Any], changes: list[int], arrivals: list[Any]
) -> None:
    """After each arrival: all that passed before, under whatever limits, counts against those in force; Retry-After suffices while they stay."""
    spec = [[*windows, *slots] for windows, slots in zip(limits, held, strict=False)]
    made = provider(
        spec[0], changes=[{"at": at, "limits": [written(limit) for limit in later]} for at, later in zip(changes, spec[1:], strict=False)]
    )
    passed: list[tuple[float, tuple[int, int, int]]] = []
    ends: list[float] = []
    now = 0.0
    for m, (gap, *shape) in enumerate(arrivals):
        now += gap / 4
        k = min(sum(now >= at for at in changes), len(limits) - 1)
        asked, before = call(m, *shape), deepcopy(made)
        at, answer = made.answer(asked, now)
        assert isinstance(answer, Outcome)
        can = all(can_ever(limit, weight(limit["unit"], *shape)) for limit in limits[k])
        fits = can and all(door_has_room(limit, passed, now, tuple(shape)) for limit in limits[k])
        has_slot = all(sum(end > now for end in ends) < limit["n"] for limit in held[k])
        if answer.error is None:
            assert fits
            assert has_slot
            passed.append((now, tuple(shape)))  # type: ignore[arg-type]
            ends.append(at)
        elif answer.error == "permanent":
            assert not can
        else:
            assert not (fits and has_slot)
            again_at = now + answer.retry_after_s
            if sum(again_at >= each for each in changes[: len(limits) - 1]) == k:
                later = before.answer(asked, again_at)[1]
                assert isinstance(later, Outcome)
                assert later.error is None


def door_has_room(limit: dict[str, Any], passed: list[tuple[float, Any]], now: float, shape: tuple[Any, ...]) -> bool:
    """Whether one more passage keeps the limit in the window that ends now: what is behind it may have been let in by a wider one."""
    n, per = limit["n"], limit["per"]
    inside = [
        weight(limit["unit"], *s) for at, s in passed if (at > now - per if limit["kind"] == "sliding" else floor(at / per) == floor(now / per))
    ]
    return sum(inside) + weight(limit["unit"], *shape) <= n


@pytest.mark.parametrize("unit", ["calls", "items"])
@pytest.mark.parametrize("kind", ["sliding", "fixed", "bucket"])
@given(
    n=st.integers(1, 3), per=st.sampled_from([1, 2, 4]), burst=st.integers(1, 3), arrivals=st.lists(st.tuples(gaps, st.integers(1, 2)), max_size=20)
)
def test_one_window_alone(kind: str, unit: str, n: int, per: int, burst: int, arrivals: list[tuple[int, int]]) -> None:
    """A window is ready at the first instant at which the weight fits if nothing else comes: not a quarter second before, and ties belong to it."""
    limit = {"n": n, "per": per, "kind": kind, **({"burst": burst} if kind == "bucket" else {})}
    window = make_window(Limit.model_validate({unit: n, **{key: value for key, value in limit.items() if key != "n"}}))
    passed: list[tuple[float, int]] = []
    now = 0.0
    for gap, amount in arrivals:
        now, amount = now + gap / 4, 1 if unit == "calls" else amount
        ready_at = window.ready_at(amount, now)
        if not can_ever(limit, amount):
            assert ready_at == inf
            continue
        assert holds(limit, [*passed, (ready_at, amount)])
        assert ready_at == now or not holds(limit, [*passed, (max(now, ready_at - 1 / 64), amount)])
        if ready_at == now:
            window.take(amount, now)
            passed.append((now, amount))


# -- queues, against a simulation that knows nothing but the definitions ----------------------------------------------------
def naive_answers(limits: list[dict[str, Any]], workers: list[int], arrivals: list[tuple[float, tuple[int, int, int]]]) -> list[tuple[float, float]]:
    """(passage, answer) of each call: first come, first served through the windows, then through the workers, by trying instant after instant."""
    passed: list[tuple[float, tuple[int, int, int]]] = []
    work: list[tuple[float, float]] = []
    answers = []
    for now, shape in arrivals:
        at = max([now, *(t for t, _ in passed)])
        while not all(holds(limit, [(t, weight(limit["unit"], *s)) for t, s in [*passed, (at, shape)]]) for limit in limits):
            at += 1 / 64
        passed.append((at, shape))
        start = max([at, *(began for began, _ in work)])
        while any(sum(began <= start < ended for began, ended in work) >= n for n in workers):
            start = min(ended for _, ended in work if ended > start)
        work.append((start, start + 0.75 * shape[2]))
        answers.append((at, work[-1][1]))
    return answers


@given(limits=st.lists(queued, max_size=2), workers=st.lists(st.integers(1, 3), max_size=2), arrivals=arrivals)
@settings(max_examples=2 * settings().max_examples)
def test_a_queue_answers_as_a_naive_simulation_does(limits: list[dict[str, Any]], workers: list[int], arrivals: list[Any]) -> None:
    """Windows and workers that queue give every call the passage and the answer that trying instant after instant finds."""
    arrivals = [(gap, *shape) for gap, *shape in arrivals if all(can_ever(limit, weight(limit["unit"], *shape)) for limit in limits)]
    patient = [{**limit, "on_excess": "queue"} for limit in limits] + [{"unit": "concurrency", "n": n, "on_excess": "queue"} for n in workers]
    sync, jobs = provider(patient), provider(patient, api={"style": "job", "takes": "list", "poll": 1})
    now, history, answers = 0.0, [], []
    for m, (gap, *shape) in enumerate(arrivals):
        now += gap / 4
        history.append((now, tuple(shape)))
        answers.append((jobs.answer(call(m, *shape), now)[0], sync.answer(call(m, *shape), now)[0]))
    assert answers == naive_answers(limits, workers, history)  # type: ignore[arg-type]
