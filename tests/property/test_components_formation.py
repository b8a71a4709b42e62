"""A cut against every way of making it: never worse than greedy formation, never better than the best, and the bound below both."""

from __future__ import annotations

from itertools import combinations

import hypothesis.strategies as st
from hypothesis import given

from sbsim.components.formation import Formation, Outline, Terms
from sbsim.records import Content, Facts, Item, Offer, Request


class Shapes:
    """Shapes are alike when they are equal or neighbours."""

    threshold = 0.5

    def score(self, shape, duration_s, other_shape, other_duration_s):
        return 1.0 if abs(shape - other_shape) <= 1 else 0.0


def item(serial, nano, shape, duration_s):
    facts = Facts("image", "e", None, duration_s)
    content = Content(serial, serial, serial, facts, 0, shape, (Offer(0, nano, 0, nano, 0.0),), nano)
    return Item(Request(serial, 0.0, 100.0, 2, content))


@st.composite
def cuts(draw):
    """(groups as greedy formation might have them, which are ready, which items are due, outlines, terms)."""
    n = draw(st.integers(1, 6))
    families = [draw(st.integers(0, 2)) for _ in range(n)]
    setups = [draw(st.integers(0, 60)) for _ in range(3)]
    fee, max_size = draw(st.integers(0, 50)), draw(st.integers(1, 4))
    charges = [draw(st.integers(1, 40)) for _ in range(n)]
    outlines = [Outline(charge, fee, setups[family], family) for charge, family in zip(charges, families, strict=True)]
    items = [item(k, fee + setups[families[k]] + charges[k], families[k], float(draw(st.integers(1, 3)))) for k in range(n)]
    tiers = draw(st.sampled_from([((1, 1000),), ((1, 1000), (3, 800))]))
    terms = Terms(max_size, draw(st.sampled_from([None, 200])), draw(st.sampled_from([None, 5_000_000])), tiers, draw(st.sampled_from([0, 60])))
    groups, is_ready = [], []
    for one in items:  # first fit
        for group in groups:
            if admissible([*group, one], terms):
                group.append(one)
                break
        else:
            groups.append([one])
            is_ready.append(draw(st.booleans()))
    due = [is_ready[g] and draw(st.booleans()) for g, group in enumerate(groups) for _ in group]
    order = [one.content.serial for group in groups for one in group]
    return groups, is_ready, due, [outlines[k] for k in order], terms


def admissible(batch, terms):
    alike = all(abs(a.content.shape - b.content.shape) <= 1 for a, b in combinations(batch, 2))
    nano = sum(min(one.content.individual_nano, terms.max_nano or 10**9) for one in batch)
    us = sum(one.content.duration_s * 1e6 for one in batch)
    fits = (terms.max_nano is None or nano <= terms.max_nano) and (terms.max_us is None or us <= terms.max_us)
    return alike and len(batch) <= terms.max_size and fits


def bill(batch, outline_of, terms):
    """In thousandths of a nano-dollar."""
    outlines = [outline_of[one.content.serial] for one in batch]
    factor = max((start, factor) for start, factor in terms.tiers if start <= len(batch))[1]
    setups = {outline.family: outline.setup for outline in outlines}
    whole = 1000 * (outlines[0].fee + sum(setups.values())) + factor * sum(outline.charge for outline in outlines)
    return max(1000 * terms.minimum, whole)


def best(items, due, outline_of, later, terms):
    """The least objective of all ways to batch a set that holds everything due, by recursion on the first item."""
    if not items:
        return 0
    first, rest = items[0], items[1:]
    least = best(rest, due, outline_of, later, terms) + later[first.content.serial] if first.content.serial not in due else None
    for n in range(len(rest) + 1):
        for others in combinations(rest, n):
            if admissible([first, *others], terms):
                cost = bill([first, *others], outline_of, terms)
                cost += best([one for one in rest if one not in others], due, outline_of, later, terms)
                least = cost if least is None else min(least, cost)
    return least


@given(cuts())
def test_a_cut_is_between_its_bound_and_greedy_formation(given_cut):
    """bound <= least objective <= formed <= greedy, everybody is placed once, everything due goes, and every batch is admissible."""
    groups, is_ready, due, outlines, terms = given_cut
    items = [one for group in groups for one in group]
    outline_of = {one.content.serial: outline for one, outline in zip(items, outlines, strict=True)}
    formation = Formation(Shapes())
    later = dict(zip((one.content.serial for one in items), (1000 * nano for nano in formation._expected(items, outlines, terms)), strict=True))
    cut = formation.cut(groups, is_ready, due, outlines, terms)
    for _ in items:  # one by one they leave
        formation.sent(1, items[0].group)
    formation.sent(1, items[0].group)  # and one that was in no cut
    placed = [one for batch in (*cut.go, *cut.wait) for one in batch]
    assert sorted(one.content.serial for one in placed) == sorted(outline_of)
    must = {one.content.serial for one, is_due in zip(items, due, strict=True) if is_due}
    assert must <= {one.content.serial for batch in cut.go for one in batch}
    assert all(admissible(batch, terms) for batch in cut.go)
    formed = sum(bill(batch, outline_of, terms) for batch in cut.go) + sum(later[one.content.serial] for batch in cut.wait for one in batch)
    greedy = sum(bill(group, outline_of, terms) if ready else sum(later[one.content.serial] for one in group)
                 for group, ready in zip(groups, is_ready, strict=True))  # fmt: skip
    least = best(items, must, outline_of, later, terms)
    assert formation.bound_nano <= least / 1000 + 1
    assert least <= formed + 2000
    assert formed <= greedy + 2000
    assert abs(formation.formed_nano - formed / 1000) <= 2
    assert abs(formation.greedy_nano - greedy / 1000) <= 2


def test_what_is_due_stands_together():
    """Of ten equal items two are due and two batches of five are the least: both due ones go in one of them, the rest waits."""
    items = [item(k, 50, 0, 1.0) for k in range(10)]
    formation = Formation(Shapes())
    outlines = [Outline(30, 20, 0, 0)] * 10
    due = [k in (0, 9) for k in range(10)]
    cut = formation.cut([items[:5], items[5:]], [True, True], due, outlines, Terms(6, None, None, ((1, 1000),), 0))
    assert [len(batch) for batch in cut.go] == [6]
    assert {one.content.serial for one in cut.go[0]} >= {0, 9}
    assert sum(len(batch) for batch in cut.wait) == 4


def test_a_rider_that_needs_a_set_up_of_its_own_waits():
    """A due item goes with its family; another family would cost its set-up now and may find company later."""
    items = [item(0, 130, 0, 1.0), item(1, 130, 0, 1.0), item(2, 130, 1, 1.0)]
    outlines = [Outline(10, 20, 100, 0), Outline(10, 20, 100, 0), Outline(10, 20, 100, 1)]
    cut = Formation(Shapes()).cut([items], [True], [True, False, False], outlines, Terms(8, None, None, ((1, 1000),), 0))
    assert [[one.content.serial for one in batch] for batch in cut.go] == [[0, 1]]
    assert [[one.content.serial for one in batch] for batch in cut.wait] == [[2]]


def test_a_group_larger_than_a_call_is_reckoned_in_calls():
    """Of eight items in turns of two families four go in a call: greedy formation would pay both set-ups twice, the cut pays each once."""
    items = [item(k, 130, k % 2, 1.0) for k in range(8)]
    outlines = [Outline(10, 20, 100, k % 2) for k in range(8)]
    formation = Formation(Shapes())
    cut = formation.cut([items], [True], [True] * 8, outlines, Terms(4, None, None, ((1, 1000),), 0))
    assert sorted([one.content.serial for one in batch] for batch in cut.go) == [[0, 2, 4, 6], [1, 3, 5, 7]]
    formation.sent(8, items[0].group)
    assert (formation.greedy_nano, formation.formed_nano, formation.bound_nano) == (2 * (20 + 200 + 40), 2 * (20 + 100 + 40), 2 * (20 + 100 + 40))
