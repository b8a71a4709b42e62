"""Requests that are held back until somebody releases them, and the batches they would make."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from math import inf

from sbsim import records
from sbsim.components.batch_builder import BatchBuilder
from sbsim.components.formation import SENT_PER_SOLUTION, Formation
from sbsim.components.sizing import FixedSize
from sbsim.errors import StateError
from sbsim.live.delivery import Delivery
from sbsim.pipeline.forming import packing_terms
from sbsim.pipeline.pipeline import Pipeline
from sbsim.pipeline.terms import or_inf
from sbsim.records import ContentRequest, Item, Request


@dataclass(slots=True, eq=False)
class Held:
    """A request as it was given and as it was prepared; `answer` is what its caller waits for."""

    wish: ContentRequest
    request: Request
    answer: asyncio.Future[Delivery]

    def fail(self, error: Exception) -> None:
        """There will be no delivery. Whoever waits is told; that nobody does is no news."""
        if not self.answer.done():
            self.answer.set_exception(error)
            self.answer.exception()


@dataclass(slots=True, eq=False)
class Batch:
    """Requests that would go together.

    `requests` are as they were given, in their order; `items` are the distinct contents that they ask for, one request for each.
    """

    id: str
    requests: list[ContentRequest]
    items: list[ContentRequest]
    members: list[Held] = field(repr=False, default_factory=list)

    def __len__(self) -> int:
        return len(self.requests)


class HoldingRoom:
    """What is held, and the batches that were made of it and wait to be processed."""

    def __init__(self) -> None:
        self.waiting: dict[tuple[str, str], Held] = {}  # by tenant and id, in order of arrival
        self.planned: dict[str, Batch] = {}
        self._n = self._n_named = 0

    def __len__(self) -> int:
        return len(self.waiting) + sum(len(batch) for batch in self.planned.values())

    def add(self, held: Held) -> None:
        """Raises StateError when a request of this id is held already."""
        name = (held.wish.tenant, held.wish.id)
        if name in self.waiting or any((member.wish.tenant, member.wish.id) == name for member in self._planned_members()):
            raise StateError(f"request {held.wish.id!r} of tenant {held.wish.tenant!r} is held already; ids are unique within a tenant")
        self.waiting[name] = held

    def new_ids(self, stated: Collection[str]) -> Iterator[str]:
        """Ids that were never given before, that nobody who is here has, whatever its tenant, and that are none of the `stated` ones."""
        taken = {*stated, *(name for _, name in self.waiting), *(member.wish.id for member in self._planned_members())}
        while True:
            self._n_named += 1
            if (name := f"request-{self._n_named}") not in taken:
                yield name

    def requests(self) -> list[ContentRequest]:
        """All that are held, those in planned batches first."""
        return [*(wish for batch in self.planned.values() for wish in batch.requests), *(held.wish for held in self.waiting.values())]

    def plan(self, pipeline: Pipeline) -> list[Batch]:
        """Everything that waits, in batches; with those that were planned before and not processed yet, oldest first."""
        members = list(self.waiting.values())
        self.waiting.clear()
        self._plan(members, pipeline)
        return list(self.planned.values())

    def plan_these(self, members: Sequence[Held], pipeline: Pipeline) -> list[Batch]:
        """Of all that waits only these, in batches of their own."""
        self.drop(members)
        return self._plan(members, pipeline)

    def _plan(self, members: Sequence[Held], pipeline: Pipeline) -> list[Batch]:
        batches = []
        for items in planned_items([member.request for member in members], pipeline):
            chosen = {request.serial for item in items for request in item.requests}
            inside = [member for member in members if member.request.serial in chosen]
            firsts = {item.payer for item in items}
            self._n += 1
            batch = Batch(f"batch-{self._n}", [m.wish for m in inside], [m.wish for m in inside if m.request.serial in firsts], inside)
            self.planned[batch.id] = batch
            batches.append(batch)
        return batches

    def take(self, batch: Batch) -> None:
        """It is processed now. Raises StateError when it was before, or is none of ours."""
        if self.planned.get(batch.id) is not batch:
            raise StateError(f"{batch.id} is not waiting to be processed: it was before, or another batcher made it; try build_optimal_batches()")
        del self.planned[batch.id]

    def drop(self, members: Sequence[Held]) -> None:
        """These wait no more."""
        for member in members:
            self.waiting.pop((member.wish.tenant, member.wish.id), None)

    def clear(self) -> list[Held]:
        """Whoever is still here leaves."""
        gone = [*self.waiting.values(), *self._planned_members()]
        self.waiting.clear()
        self.planned.clear()
        return gone

    def _planned_members(self) -> Iterator[Held]:
        return (member for batch in self.planned.values() for member in batch.members)


def planned_items(requests: Sequence[Request], pipeline: Pipeline) -> list[list[Item]]:
    """The batches that these requests would make if all of them were there at once: equal contents are one item, where they may be shared."""
    terms = pipeline.terms
    batching = terms.config.batching
    builder = BatchBuilder(
        max_size=batching.max_batch_size,
        max_usd=or_inf(batching.max_batch_cost),
        max_duration_s=or_inf(batching.max_batch_duration),
        max_wait_s=inf,
        similarity=terms.similarity(),
        sizing=FixedSize(),
        late_join=False,
        closes_over=not batching.forms_anew,
    )
    items: dict[object, Item] = {}
    batches: list[records.Batch] = []
    for request in requests:
        content = request.content
        item = items.get(content.key) if batching.coalesce and content.reusable else None
        if item is not None:
            item.requests.append(request)
            continue
        item = items[content.key] = Item(request)
        item.lane = content.offers[0].lane
        item.deadline_at = inf  # nothing closes by itself
        batches.extend(builder.add(item, request.arrived_at, 0.0) or ())
    batches.extend(builder.flush(inf))
    batches.sort(key=lambda batch: batch.serial)
    formation = terms.formation(terms.similarity())
    return [batch.items for batch in batches] if formation is None else _packed(batches, formation, pipeline)


def _packed(batches: Sequence[records.Batch], formation: Formation, pipeline: Pipeline) -> list[list[Item]]:
    """The items of these batches at least cost, where a call of their lane takes several."""
    classes: dict[tuple[int, int], list[records.Batch]] = {}
    for batch in batches:
        classes.setdefault((batch.lane, batch.group), []).append(batch)
    formation.sent(SENT_PER_SOLUTION * (len(classes) + 1))  # who asks for a plan can wait for a good one
    planned: list[list[Item]] = []
    for (number, _), groups in classes.items():
        lane, now = pipeline.lanes[number], groups[-1].opened_at
        items = [item for group in groups for item in group.items]
        if lane.takes not in ("list", "file"):
            planned.extend(group.items for group in groups)
            continue
        outlines, terms = lane.outlines(items, now), packing_terms(pipeline.builder, lane, groups[0], now)
        planned.extend(formation.cut([group.items for group in groups], [True] * len(groups), [True] * len(items), outlines, terms).go)
    return planned
