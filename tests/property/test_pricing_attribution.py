"""Who pays which share of a call: shares add up, are fair, and are the same one call at a time and in bulk."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sbsim.pricing import split, split_many

amounts = st.integers(0, 10**15)
calls = st.tuples(amounts, amounts, st.lists(st.one_of(st.just(0), st.integers(0, 10**15)), min_size=1, max_size=9)).map(
    lambda drawn: (max(drawn[0], drawn[1]), min(drawn[0], drawn[1]), drawn[2])
)


def fair(bill: int, fixed: int, parts: list[int]) -> list[Fraction]:
    """The shares before whole nano-dollars: fixed parts equally, the rest by the parts."""
    weights = parts if any(parts) else [1] * len(parts)
    return [Fraction(fixed, len(parts)) + Fraction((bill - fixed) * weight, sum(weights)) for weight in weights]


@given(call=calls)
def test_shares_add_up_to_the_bill_and_are_within_two_nano_dollars_of_fair(call: tuple[int, int, list[int]]) -> None:
    """Nothing is lost or made up: each of the two rounded parts moves a share by less than one nano-dollar."""
    bill, fixed, parts = call
    shares = split(bill, fixed, parts)
    assert sum(shares) == bill
    assert all(abs(share - wanted) < 2 for share, wanted in zip(shares, fair(bill, fixed, parts), strict=True))


@given(call=calls, data=st.data())
def test_the_lowest_serials_get_what_is_left_over(call: tuple[int, int, list[int]], data: st.DataObject) -> None:
    """Beyond what everybody gets rounded down, odd nano-dollars go one each to the lowest serials, in whatever order the items stand."""
    bill, fixed, parts = call
    n = len(parts)
    serials = data.draw(st.lists(st.integers(0, 10**6), min_size=n, max_size=n, unique=True))
    weights = parts if any(parts) else [1] * n
    down = [fixed // n + (bill - fixed) * weight // sum(weights) for weight in weights]
    extra = [share - least for share, least in zip(split(bill, fixed, parts, serials), down, strict=True)]
    by_serial = [extra[k] for k in sorted(range(n), key=serials.__getitem__)]
    assert by_serial == sorted(by_serial, reverse=True)
    assert set(by_serial) <= {0, 1, 2}


def test_a_worked_example() -> None:
    """A fee of 100 and items of 300, 300 and 301 billed at half: 50 are fixed, 450 go by the parts, 2 + 2 are left over for serials 5 and 6."""
    assert split(500, 50, [300, 300, 301], [7, 5, 6]) == [16 + 149, 16 + 149 + 2, 16 + 150 + 2]
    assert split(7, 7, [0, 0, 0, 0]) == [2, 2, 2, 1]
    assert split(0, 0, [5]) == [0]


@given(many=st.lists(calls, max_size=12), data=st.data())
def test_in_bulk_the_shares_are_the_same(many: list[tuple[int, int, list[int]]], data: st.DataObject) -> None:
    """`split_many` is `split` for every call, items of different calls mixed in any order, up to a million dollars a call."""
    rows = [(k, part) for k, (_, _, parts) in enumerate(many) for part in parts]
    serials = data.draw(st.permutations(range(len(rows))))
    call = np.array([k for k, _ in rows], dtype=np.int64)
    shuffled = np.array(data.draw(st.permutations(range(len(rows)))), dtype=np.int64)
    shares = np.empty(len(rows), dtype=np.int64)
    shares[shuffled] = split_many(
        np.array([bill for bill, _, _ in many], dtype=np.int64),
        np.array([fixed for _, fixed, _ in many], dtype=np.int64),
        call[shuffled],
        np.array([part for _, part in rows], dtype=np.int64)[shuffled],
        np.array(serials, dtype=np.int64)[shuffled],
    )
    for k, (bill, fixed, parts) in enumerate(many):
        mine = np.flatnonzero(call == k)
        assert shares[mine].tolist() == split(bill, fixed, parts, [serials[j] for j in mine])


def test_quotients_that_floats_miss_by_one_are_right() -> None:
    """49 x (1 / 49) is less than 1 in floats; every call of two items with small parts and bills is split as by hand."""
    cases = [(bill, first, second) for bill in range(60) for first in range(1, 60) for second in (0, 1, 7)]
    columns = np.array(cases, dtype=np.int64)
    call = np.repeat(np.arange(len(cases)), 2)
    shares = split_many(columns[:, 0], np.zeros(len(cases), dtype=np.int64), call, columns[:, 1:].ravel(), np.arange(2 * len(cases)))
    assert shares.reshape(-1, 2).tolist() == [split(bill, 0, [first, second]) for bill, first, second in cases]


def test_a_call_without_items_takes_no_share() -> None:
    """Calls that stand in the table without items (there are none in a run, but a filter may leave some) harm nobody."""
    ones = np.ones(1, dtype=np.int64)
    shares = split_many(np.array([5, 9], dtype=np.int64), np.array([0, 0], dtype=np.int64), ones, ones, ones)
    assert shares.tolist() == [9]
