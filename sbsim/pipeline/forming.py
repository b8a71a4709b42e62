"""Forming anew: the groups that could share calls are packed afresh when a lane can take one of them.

The groups of a class are the builder's, what to pack them into is the packer's to say (`components.formation`); here one is asked about the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from sbsim.components.batch_builder import BatchBuilder
from sbsim.components.formation import Formation, Terms
from sbsim.pipeline.lane import Lane
from sbsim.records import READY, Batch, Item
from sbsim.units import to_nano


def form(formation: Formation, builder: BatchBuilder, lane: Lane, batch: Batch, now: float) -> bool:
    """Form anew what is pending of the batch's class: it keeps its place, with the members that a packer gives it; False when it has none left.

    An item is due when its longest wait is up or its latest start has come, or when its group was made due as a whole.
    """
    if batch.state != READY or lane.takes not in ("list", "file"):
        return True
    queue, service_s = lane.queue, lane.service.expected_s
    company = builder.company(batch)
    items = [item for other in company for item in other.items if not item.done]
    due = _due(items, builder.max_wait_s, service_s, now)
    pending = len(items), sum(due)
    if not items or pending == batch.formed:
        return True
    outlines = lane.outlines(items, now)
    if len(company) == 1 and len({outline.family for outline in outlines}) == 1:
        return True  # nothing could be cheaper than all of it together
    living = [([item for item in other.items if not item.done], other.state == READY) for other in company]
    groups, is_ready = zip(*((group, ready) for group, ready in living if group), strict=True)
    cut = formation.cut(groups, is_ready, due, outlines, packing_terms(builder, lane, batch, now))
    for other in company:
        if other is not batch and queue.holds(other):
            queue.discard(other)
    order = sorted(cut.go, key=lambda items: (min(item.urgency for item in items), min(item.deadline_at for item in items), items[0].payer))
    ready = builder.reform(batch, company, order, cut.wait, service_s, now)
    for other in ready[1:]:
        other.queued_at = min(batch.queued_at, now)
        queue.push(other)
    if queue.holds(batch):
        queue.update(batch)
    together = [item for other in builder.company(batch) for item in other.items] if ready else []
    batch.formed = len(together), sum(_due(together, builder.max_wait_s, service_s, now))
    return bool(ready)


def _due(items: Sequence[Item], max_wait_s: float, service_s: float, now: float) -> list[bool]:
    return [
        now >= item.opened_at + max_wait_s or now >= item.deadline_at - service_s or (item.batch is not None and item.batch.due_at == -inf)
        for item in items
    ]


def packing_terms(builder: BatchBuilder, lane: Lane, batch: Batch, now: float) -> Terms:
    """What a batch may hold on this lane, and how it is priced."""
    book = lane.book.at(now)
    return Terms(
        max_size=int(min(batch.max_size, lane.max_part)),
        max_nano=None if builder.max_usd == inf else to_nano(builder.max_usd),
        max_us=None if builder.max_duration_s == inf else round(builder.max_duration_s * 1e6),
        tiers=tuple((start, round(factor * 1000)) for start, factor in book.tiers),
        minimum=book.minimum_nano,
    )


def counts(formation: Formation | None) -> dict[str, int]:
    """What forming anew has done, and the objective of its cuts in nano-dollars: as greedy formation has it, as formed, and at least."""
    if formation is None:
        return {}
    n_packed, n_remembered, n_solved = formation.packed
    return {
        "n_cuts": formation.n_cuts,
        "n_packed": n_packed,
        "n_packings_remembered": n_remembered,
        "n_packings_solved": n_solved,
        "formation_greedy_nano": formation.greedy_nano,
        "formation_formed_nano": formation.formed_nano,
        "formation_bound_nano": formation.bound_nano,
    }
