"""Which pending items go together now: a policy for `batching.formation: optimal`.

At a cut of one compatibility class some of the pending items P must go (D: a deadline or the longest wait is up), the others may wait. Wanted are
disjoint batches that cover D at least objective

    sum over batches of the expected bill + sum over waiting i of rho x individual cost of i

with rho what an item of this class was billed so far, as a share of its individual cost (at first: that of a full batch). So an item that is not due
rides along exactly when its marginal bill now is below what it is expected to pay later. The cut is made in three steps:

1. all of P is packed at least cost (`sbsim.packing`), within a fixed number of units of work; what recurs is remembered, and more than bounds and
   greedy packings is afforded once per `SENT_PER_SOLUTION` items sent;
2. equal items change places, so that those that are due stand in as few batches as possible; batches without any go only when they are full;
3. from what goes, riders leave that cost more than they are expected to pay later.

It never does worse than greedy formation at the same cut: where the groups as they came have the lower objective, they are kept. `bound_nano` sums up
a lower bound on the objective: every batch costs at least the sum over its items of charge + (fee + set-up) / most items (the first bound of the
clairvoyant, statistics 7), and the packing's own bound where everything is due.

Bills are reckoned as if calls succeed: a share of failing calls makes every way of packing dearer by the same factor. GPU seconds are reckoned as a
line in the number of items, as the lane's calls took them.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple, Protocol

from sbsim.packing import Instance, Packer, Tariff
from sbsim.records import Call, Item

SENT_PER_SOLUTION = 50
"""Items that are sent for every packing that needed more than bounds and greedy packings."""
UNITS = 20.0
"""Units of work (about a millisecond each) that such a packing may take at effort 1."""
_MICRO, _MILLE = 1_000_000, 1000


class Likeness(Protocol):
    """How alike contents are: see `components.similarity`."""

    threshold: float

    def score(self, shape: int, duration_s: float, other_shape: int, other_duration_s: float) -> float: ...


class Outline(NamedTuple):
    """What an item asks of a call's bill on one lane, whole nano-dollars: its own charge, before tiers; the call's fee; the set-up of its family."""

    charge: int
    fee: int
    setup: int
    family: int


class Terms(NamedTuple):
    """What a batch may hold and how the lane prices it: items at most, list price in nano-dollars and microseconds of content at most (None: no such
    limit), tiers as (items at least, factor in thousandths on the charges), the minimum in nano-dollars."""

    max_size: int
    max_nano: int | None
    max_us: int | None
    tiers: tuple[tuple[int, int], ...]
    minimum: int


class Cut(NamedTuple):
    """Batches that go now, and batches to be that wait."""

    go: list[list[Item]]
    wait: list[list[Item]]


class Formation:
    """Cuts, and what they were worth.

    Parameters
    ----------
    similarity : members of a batch are pairwise at its threshold or above. effort : work per solution, 1 for `UNITS`.

    Attributes
    ----------
    n_cuts : cuts made.
    greedy_nano, formed_nano, bound_nano : the objective by greedy formation, as formed, and at least. What waits is in the objective of cut
        after cut, so each item that was sent counts once: with its share of the last cut that it was in.
    """

    def __init__(self, similarity: Likeness, effort: float = 1.0) -> None:
        self.similarity = similarity
        self.n_cuts = 0
        self.greedy_nano = self.formed_nano = self.bound_nano = 0
        self._packer = Packer(UNITS * effort)
        self._n_sent = 0
        self._last: dict[int, list[int]] = {}  # by group: the last cut's three objectives, its items, and how many of them have not been sent
        self._paid: dict[int, list[int]] = {}  # by group: nano-dollars billed, and what the same items cost each alone

    @property
    def packed(self) -> tuple[int, int, int]:
        """(packings asked for, of them remembered, of them beyond bounds and greedy packings)."""
        return self._packer.n_packed, self._packer.n_remembered, self._packer.n_climbed

    def configure(self, similarity: Likeness, effort: float) -> None:
        """Other terms from now on; what was learnt of bills stays."""
        self.similarity = similarity
        self._packer.afford(UNITS * effort)

    def billed(self, call: Call) -> None:
        """A call has brought content: what its items were billed is what their likes are expected to pay."""
        paid = self._paid.setdefault(call.batch.group, [0, 0])
        paid[0] += call.bill_nano
        paid[1] += sum(item.content.individual_nano for item in call.items)

    def sent(self, n_items: int, group: int | None = None) -> None:
        """So many items have left, of a class that was cut where `group` names one."""
        self._n_sent += n_items
        if group not in self._last:
            return
        greedy, formed, bound, n_cut, n_left = last = self._last[group]
        before, after = n_cut - n_left, n_cut - max(0, n_left - n_items)
        self.greedy_nano += greedy * after // n_cut - greedy * before // n_cut
        self.formed_nano += formed * after // n_cut - formed * before // n_cut
        self.bound_nano += bound * after // n_cut - bound * before // n_cut
        last[4] = n_cut - after

    def cut(self, groups: Sequence[Sequence[Item]], is_ready: Sequence[bool], due: Sequence[bool], outlines: Sequence[Outline], terms: Terms) -> Cut:
        """What goes now and what waits.

        Parameters
        ----------
        groups : the pending items of one class as they stand, in order of opening. is_ready : whether greedy formation would send each group now.
        due, outlines : whether each item must go, and what it asks of a bill, in the order of `groups`.
        """
        items = [item for group in groups for item in group]
        tariff, charges, classes = _tariff(outlines, terms)
        instance = self._instance(items, charges, classes, terms, tariff)
        may_climb = self._n_sent >= SENT_PER_SOLUTION * (self._packer.n_climbed + 1)
        packed = self._packer.pack(instance, may_climb=may_climb)
        scale = tariff.unit.denominator
        later = [nano * scale for nano in self._expected(items, outlines, terms)]

        def cost(batch: Sequence[int]) -> int:
            return tariff.cost(len(batch), sum(tariff.setups[c] for c in {classes[k] for k in batch}), sum(charges[k] for k in batch))

        go, wait = self._formed(instance, packed.batches, due, later, cost, terms.max_size)
        formed = sum(map(cost, go)) + sum(later[k] for batch in wait for k in batch)
        greedy_go, greedy_wait = _as_they_stand(groups, is_ready, terms.max_size)
        greedy = sum(map(cost, greedy_go)) + sum(later[k] for batch in greedy_wait for k in batch)
        if greedy <= formed:
            go, wait, formed = greedy_go, greedy_wait, greedy
        bound = self._bound(outlines, due, later, terms, scale)
        if all(due):
            bound = max(bound, int(packed.bound * scale))
        self.n_cuts += 1
        self._last[items[0].group] = [greedy // scale, formed // scale, min(bound, formed) // scale, len(items), len(items)]
        return Cut([[items[k] for k in batch] for batch in go], [[items[k] for k in batch] for batch in wait])

    # -- steps -------------------------------------------------------------------------------------------------------------
    def _expected(self, items: Sequence[Item], outlines: Sequence[Outline], terms: Terms) -> list[int]:
        """What each item is expected to pay if it waits."""
        billed, alone = self._paid.get(items[0].group, (0, 0))
        if not alone:
            first, factor = outlines[0], _factor(terms, terms.max_size)
            share = first.charge * factor // _MILLE + (first.fee + first.setup) // terms.max_size
            billed, alone = share, max(1, items[0].content.individual_nano)
        return [item.content.individual_nano * billed // alone for item in items]

    def _instance(self, items: Sequence[Item], charges: tuple[int, ...], classes: tuple[int, ...], terms: Terms, tariff: Tariff) -> Instance:
        sizes = tuple(min(item.content.individual_nano, terms.max_nano) for item in items) if terms.max_nano is not None else (0,) * len(items)
        us = tuple(min(round(item.content.duration_s * _MICRO), terms.max_us) for item in items) if terms.max_us is not None else ()
        return Instance(
            sizes=sizes,
            capacity=terms.max_nano or 0,
            max_items=terms.max_size,
            durations=us,
            max_duration=terms.max_us or 0,
            classes=classes,
            setup_weights=(0,) * len(tariff.setups),
            charges=charges,
            conflicts=self._conflicts(items),
            tariff=tariff,
        )

    def _conflicts(self, items: Sequence[Item]) -> tuple[int, ...]:
        """For each item a bit mask of those it is not alike enough to be with; empty where all may be together."""
        of_shape: dict[int, dict[float, int]] = {}
        for k, item in enumerate(items):
            durations = of_shape.setdefault(item.content.shape, {})
            durations[item.content.duration_s] = durations.get(item.content.duration_s, 0) | 1 << k
        shapes = {shape: sorted(durations.items()) for shape, durations in sorted(of_shape.items())}
        everybody = (1 << len(items)) - 1
        unlike = {
            (shape, duration_s): everybody & ~sum(alike)
            for shape, lengths in shapes.items()
            for (duration_s, _), *alike in zip(lengths, *(self._alike(shape, lengths, other, shapes[other]) for other in shapes), strict=True)
        }
        if not any(unlike.values()):
            return ()
        return tuple(unlike[item.content.shape, item.content.duration_s] for item in items)

    def _alike(self, shape: int, lengths: Sequence[tuple[float, int]], other: int, others: Sequence[tuple[float, int]]) -> list[int]:
        """For each of the durations `lengths` of one shape the bit mask of those of another one that are alike enough.

        Both are ascending, (seconds, bit mask). The nearer two durations, the more alike (see `components.similarity`), so those alike to one are a
        stretch of the others, and a longer one's stretch begins and ends no earlier: two marks that only move on find them all.
        """
        score, threshold = self.similarity.score, self.similarity.threshold
        if all(score(shape, lengths[a][0], other, others[b][0]) >= threshold for a, b in ((0, -1), (-1, 0))):
            return [sum(mask for _, mask in others)] * len(lengths)
        if score(shape, lengths[0][0], other, lengths[0][0]) < threshold:  # not even those of equal duration
            return [0] * len(lengths)
        found = []
        begin = end = mask = 0
        for duration_s, _ in lengths:
            while end < len(others) and (others[end][0] <= duration_s or score(shape, duration_s, other, others[end][0]) >= threshold):
                mask |= others[end][1]
                end += 1
            while begin < end and score(shape, duration_s, other, others[begin][0]) < threshold:
                mask &= ~others[begin][1]
                begin += 1
            found.append(mask)
        return found

    @staticmethod
    def _formed(
        instance: Instance, batches: list[list[int]], due: Sequence[bool], later: Sequence[int], cost: _Cost, max_size: int
    ) -> tuple[list[list[int]], list[list[int]]]:
        """Equal items change places so that few batches hold what is due; those and full ones go, without riders that do not pay."""
        kind_of = {k: t for t, members in enumerate(instance.types.members) for k in members}
        queues = [sorted(members, key=lambda k: (not due[k], k)) for members in instance.types.members]
        taken = [0] * len(queues)
        go: list[list[int]] = []
        wait: list[list[int]] = []
        for batch in sorted(batches, key=lambda batch: (-len(batch), min(batch))):
            placed = []
            for k in batch:
                t = kind_of[k]
                placed.append(queues[t][taken[t]])
                taken[t] += 1
            placed.sort()
            if not any(due[k] for k in placed) and len(placed) < max_size:
                wait.append(placed)
                continue
            if len(placed) < max_size:
                whole, left = cost(placed), []
                for k in sorted((k for k in placed if not due[k]), key=lambda k: (later[k], -k)):
                    rest = [other for other in placed if other != k]
                    if rest and whole - cost(rest) > later[k]:
                        placed, whole = rest, cost(rest)
                        left.append(k)
                if left:
                    wait.append(sorted(left))
            go.append(placed)
        return go, wait

    @staticmethod
    def _bound(outlines: Sequence[Outline], due: Sequence[bool], later: Sequence[int], terms: Terms, scale: int) -> int:
        """What the objective is at least, in the tariff's unit: see `_floor`; fees by the item or for what is due, whichever is more."""
        families: dict[int, list[int]] = {}
        for k, outline in enumerate(outlines):
            families.setdefault(outline.family, []).append(k)
        return max(sum(_floor(outlines, due, later, terms, scale, mine, by_batch) for mine in families.values())
                   + (scale * min(outline.fee for outline in outlines) * -(-sum(due) // terms.max_size) if by_batch else 0)
                   for by_batch in (False, True))  # fmt: skip


def _floor(
    outlines: Sequence[Outline], due: Sequence[bool], later: Sequence[int], terms: Terms, scale: int, mine: Sequence[int], fees_are_paid: bool
) -> int:
    """What the items `mine` of one family cost at least beside fees that are paid already.

    m due items need at least m / max_size batches, rounded up, and as many set-ups; the others may ride along there. Or every item that goes pays its
    share of a full batch. Either is true of fees and of set-ups, each for itself; no item costs less than that, or than to wait, if it may.
    """
    factor = min(factor for _, factor in terms.tiers)
    n_due = sum(due[k] for k in mine)
    by_item, by_batch = 0, scale * min(outlines[k].setup for k in mine) * -(-n_due // terms.max_size)
    for k in mine:
        outline = outlines[k]
        alone = scale * (outline.charge * factor // _MILLE)
        riding = alone if fees_are_paid else alone + scale * outline.fee // terms.max_size
        share = riding + scale * outline.setup // terms.max_size
        by_item += share if due[k] else min(share, later[k])
        by_batch += riding if due[k] else min(riding, later[k])
    return max(by_item, by_batch)


def _as_they_stand(groups: Sequence[Sequence[Item]], is_ready: Sequence[bool], max_size: int) -> tuple[list[list[int]], list[list[int]]]:
    """Greedy formation, by numbers of items: what is ready goes as it is, in as many calls as the lane needs for it."""
    go: list[list[int]] = []
    wait: list[list[int]] = []
    first = 0
    for group, goes in zip(groups, is_ready, strict=True):
        after = first + len(group)
        if goes:
            go.extend(list(range(start, min(start + max_size, after))) for start in range(first, after, max_size))
        else:
            wait.append(list(range(first, after)))
        first = after
    return go, wait


class _Cost(Protocol):
    def __call__(self, batch: Sequence[int], /) -> int: ...


def _factor(terms: Terms, n_items: int) -> int:
    return max((start, factor) for start, factor in terms.tiers if start <= n_items)[1]


def _tariff(outlines: Sequence[Outline], terms: Terms) -> tuple[Tariff, tuple[int, ...], tuple[int, ...]]:
    """(tariff, charge of each item, class of each item), in nano-dollars, with tiers in thousandths of them. Where fees or set-ups of a family
    differ, the dearest counts, as it is billed."""
    families: dict[int, int] = {}
    classes = tuple(families.setdefault(outline.family, len(families)) for outline in outlines)
    setups = [0] * len(families)
    for outline, c in zip(outlines, classes, strict=True):
        setups[c] = max(setups[c], outline.setup)
    fee = max(outline.fee for outline in outlines)
    if len(terms.tiers) == 1:
        factor = terms.tiers[0][1]
        charges = tuple(outline.charge * factor // _MILLE for outline in outlines)
        return Tariff(fee=fee, setups=tuple(setups), minimum=terms.minimum), charges, classes
    return (
        Tariff(
            fee=fee * _MILLE,
            setups=tuple(setup * _MILLE for setup in setups),
            tiers=terms.tiers,
            minimum=terms.minimum * _MILLE,
            unit=Fraction(1, _MILLE),
        ),
        tuple(outline.charge for outline in outlines),
        classes,
    )
