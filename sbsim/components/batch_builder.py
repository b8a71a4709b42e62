"""Groups form online: a waiting room.

An item goes to the open group of its key that it is similar enough to, else to a new one. A group becomes ready on size, cost, duration, at its
earliest latest-start (a member's deadline less the lane's expected service) or at its first arrival + max_wait; it stays joinable until it is bound
to a lane (`late_join`), unless it is full.

Contract. Every batch obeys `max_size` and, beyond its first item, `max_usd` and `max_duration_s`; its members are pairwise at or above the similarity
threshold. `due_at` is the earliest instant at which an open group must become ready (inf: none); `wake(now)` gives the groups whose instant has
come, in order of (due instant, serial), and is harmless when early. A due instant is stored once and compared with `now >= due_at`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from heapq import heapify, heappop, heappush, nsmallest
from math import inf
from typing import Protocol

from sbsim.records import BACKGROUND, BOUND, OPEN, READY, Batch, Call, Content, Item, Outcome


class Likeness(Protocol):
    """How alike contents are: see `components.similarity`."""

    threshold: float

    def worst(self, shape: int, duration_s: float, shapes: Mapping[int, Sequence[float]]) -> float: ...


class Sizing(Protocol):
    """How many items the group that an item opens may hold, up to `most`: the contract is that of `components.sizing.sizing`."""

    @property
    def learns(self) -> bool: ...

    @property
    def fills_slots(self) -> bool: ...

    def size(self, item: Item, most: int) -> int: ...

    def answered(self, call: Call, outcome: Outcome, now: float) -> None: ...


class BatchBuilder:
    """Greedy formation: what goes, goes as it is, unless somebody forms it anew (`company`, `reform`).

    Parameters
    ----------
    max_size : items; `sizing` may set a group's less. max_usd : list-price dollars. max_duration_s : seconds of content.
    max_wait_s : seconds from a group's first arrival.
    late_join : whether a ready group may take compatible items until it is bound.
    closes_over : whether a group that has no room for an item's cost or duration is full and goes; False where a packer decides later.
    ordinal, step : of several batchers this one numbers its batches ordinal + step, ordinal + 2 step, ...
    """

    __slots__ = (
        "_agenda", "_home", "_joinable", "_serial", "_step", "closed_by", "closes_over", "due_at", "late_join", "max_duration_s", "max_size",
        "max_usd", "max_wait_s", "n_late_joins", "n_open", "n_resized", "similarity", "sizing",
    )  # fmt: skip

    def __init__(
        self,
        *,
        max_size: int,
        max_usd: float,
        max_duration_s: float,
        max_wait_s: float,
        similarity: Likeness,
        sizing: Sizing,
        late_join: bool = True,
        closes_over: bool = True,
        ordinal: int = 0,
        step: int = 1,
    ) -> None:
        self.closes_over = closes_over
        self.max_size = max_size
        self.sizing = sizing
        self.max_usd = max_usd
        self.max_duration_s = max_duration_s
        self.max_wait_s = max_wait_s
        self.similarity = similarity
        self.late_join = late_join
        self.due_at = inf
        self.n_open = 0
        self.n_late_joins = 0
        self.n_resized = 0  # groups that were set less than `max_size`
        self.closed_by = {"size": 0, "cost": 0, "duration": 0, "due": 0, "slot": 0, "flush": 0}
        self._joinable: dict[int, list[Batch]] = {}  # by group number, oldest first
        self._home: dict[int, Batch] = {}  # by group and shape: the group that last took this shape
        self._agenda: list[tuple[float, int, Batch]] = []
        self._serial, self._step = ordinal, step

    def add(self, item: Item, now: float, service_s: float) -> list[Batch] | None:
        """Take an item in; `service_s` is its lane's expected service. Returns the groups that became ready, oldest first (None: none did)."""
        content = item.content
        shape = content.shape
        duration_s = content.duration_s
        usd = content.individual_usd
        group = item.group
        cell = group << 32 | shape
        ready: list[Batch] | None = None
        span: list[float] | None = None
        batch = self._home.get(cell)
        if batch is not None and batch.is_joinable:
            span = batch.shapes.get(shape)
            # a duration between two that were checked needs no check of its own: it is as near to every member as the farther of the two
            if (span is None or not span[0] <= duration_s <= span[1]) and not self._is_alike(batch, shape, duration_s):
                batch = self._first_fit(group, shape, duration_s)
        else:
            batch = self._first_fit(group, shape, duration_s)
        if batch is not None and (batch.list_usd + usd > self.max_usd or batch.duration_s + duration_s > self.max_duration_s):
            if self.closes_over:
                ready = self._overflow(batch, "cost" if batch.list_usd + usd > self.max_usd else "duration", now)
                batch = None
            else:
                batch = self._first_with_room(group, content)
        if batch is None:
            batch = self._open(item)
        item.batch = batch
        batch.items.append(item)
        batch.duration_s += duration_s
        batch.list_usd += usd
        if item.urgency < batch.urgency:
            batch.urgency = item.urgency
        if item.deadline_at < batch.deadline_at:
            batch.deadline_at = item.deadline_at
        span = batch.shapes.get(shape)
        if span is None:
            batch.shapes[shape] = [duration_s, duration_s]
            self._home[cell] = batch
        elif duration_s < span[0]:
            span[0] = duration_s
        elif duration_s > span[1]:
            span[1] = duration_s
        if len(batch.items) >= batch.max_size:
            self._close_door(batch)
            if batch.state == OPEN:
                return [*(ready or ()), self._make_ready(batch, now, "size")]
        elif batch.state == OPEN:
            due_at = item.deadline_at - service_s
            if due_at < batch.due_at:
                batch.due_at = due_at
            else:
                due_at = batch.due_at
                if len(batch.items) > 1:
                    return ready
            if due_at <= now:
                return [*(ready or ()), self._make_ready(batch, now, "due")]
            self._arm(batch, due_at)
            return ready
        self.n_late_joins += 1
        return ready

    def tighten(self, item: Item, service_s: float) -> None:
        """A more pressing request joined `item`: its open group may have to go earlier."""
        batch = item.batch
        if batch is None:
            return
        if item.urgency < batch.urgency:
            batch.urgency = item.urgency
        if item.deadline_at < batch.deadline_at:
            batch.deadline_at = item.deadline_at
        if batch.state == OPEN and item.deadline_at - service_s < batch.due_at:
            batch.due_at = item.deadline_at - service_s
            self._arm(batch, batch.due_at)

    def wake(self, now: float) -> list[Batch]:
        """The groups whose due instant has come."""
        ready = []
        agenda = self._agenda
        while agenda and now >= agenda[0][0]:
            due_at, _, batch = heappop(agenda)
            if batch.state == OPEN and batch.due_at == due_at:
                ready.append(self._make_ready(batch, now, "due"))
        self._refresh()
        return ready

    def flush(self, now: float) -> list[Batch]:
        """Every open group, ready at once, in order of opening."""
        return [self.make_due(batch, now, "flush") for batch in sorted(self.open_batches(), key=lambda batch: batch.serial)]

    def most_pressing(self, n: int, rank: Callable[[Batch], tuple[float, float]]) -> list[Batch]:
        """The n open groups with the smallest ranks, in their order."""
        return nsmallest(n, self.open_batches(), key=lambda batch: (rank(batch), batch.serial))

    def make_due(self, batch: Batch, now: float, reason: str) -> Batch:
        """An open group is ready, and every member of it is due: who forms it anew sends them all."""
        self._make_ready(batch, now, reason)
        batch.due_at = -inf
        return batch

    def bind(self, batch: Batch) -> None:
        """The batch was given to a lane: nobody joins it any more."""
        if batch.is_joinable:
            self._close_door(batch)
        batch.state = BOUND

    def leave(self, item: Item) -> None:
        """Nobody waits for `item` any more: it leaves its group, which goes on without it."""
        batch = item.batch
        if batch is None or batch.state == BOUND:
            return
        batch.items.remove(item)
        batch.duration_s -= item.content.duration_s
        batch.list_usd -= item.content.individual_usd
        if not batch.items:  # whoever came now would wait in a group that nobody sends
            was_open = batch.state == OPEN
            batch.state = BOUND
            self._close_door(batch)
            if was_open:
                self.n_open -= 1
                self._refresh()

    def remake(self, before: Batch, items: list[Item], lane: int) -> Batch:
        """A bound batch of `items` of `before` that were sent to `lane` in vain: it keeps its age, so it stands where it stood.

        The lane is that of the call: what was left of `before` may have gone to another one since.
        """
        self._serial += self._step
        batch = Batch(self._serial, lane, before.group, before.opened_at)
        batch.is_joinable = False
        batch.state = BOUND
        batch.ready_at = before.ready_at
        for item in items:
            _admit(batch, item)
        return batch

    def gather(self, items: Sequence[Item], now: float) -> list[Batch]:
        """Items that were planned together as batches that are ready at once, in as few as group, lane and terms allow; nobody joins them."""
        whole: dict[tuple[int, int], Batch] = {}
        for item in items:
            batch = whole.get((item.lane, item.group))
            if batch is None:
                self._serial += self._step
                batch = whole[item.lane, item.group] = Batch(self._serial, item.lane, item.group, item.opened_at)
                batch.max_size, batch.is_joinable, batch.state, batch.ready_at = self.max_size, False, READY, now
            _admit(batch, item)
        return [piece for batch in whole.values() for piece in self.split(batch)]

    def configure(
        self,
        *,
        max_size: int,
        max_usd: float,
        max_duration_s: float,
        max_wait_s: float,
        similarity: Likeness,
        sizing: Sizing,
        late_join: bool,
        closes_over: bool,
        services_s: Sequence[float],
        now: float,
    ) -> list[Batch]:
        """New terms, at once; `services_s` is what each lane is expected to take. Returns the groups that became ready, oldest first.

        A group that is full by them goes, and one that is too large goes in pieces, all at once; one whose members are no longer alike enough falls
        into groups that are. A wait is counted from a group's first arrival, as if it had always been so long.
        """
        last_size, last_wait_s, last_sizing = self.max_size, self.max_wait_s, self.sizing
        self.max_size, self.max_usd, self.max_duration_s, self.max_wait_s = max_size, max_usd, max_duration_s, max_wait_s
        self.similarity, self.sizing, self.late_join, self.closes_over = similarity, sizing, late_join, closes_over
        self._home.clear()
        ready: list[Batch] = []
        for batch in sorted((batch for batches in self._joinable.values() for batch in batches), key=lambda batch: batch.serial):
            if sizing is not last_sizing:
                batch.max_size = sizing.size(batch.items[0], max_size)
            else:
                batch.max_size = max_size if batch.max_size == last_size else min(batch.max_size, max_size)
            if batch.state == OPEN:
                waits_until, service_s = batch.opened_at + last_wait_s, services_s[batch.lane]
                must_at = batch.due_at if batch.due_at < waits_until else batch.deadline_at - service_s
                batch.due_at = min(batch.opened_at + max_wait_s, must_at) if max_wait_s != last_wait_s else batch.due_at
                ready.extend(self._judge(batch, service_s, now))
            elif not late_join or len(batch.items) >= batch.max_size:
                self._close_door(batch)
        self._agenda = [(batch.due_at, batch.serial, batch) for batch in self.open_batches()]
        heapify(self._agenda)
        self._refresh()
        return ready

    def split(self, batch: Batch) -> list[Batch]:
        """A batch that is ready and not bound, in pieces that keep to the terms; itself where it does. They keep its age and take nobody in."""
        batch.max_size = min(batch.max_size, self.max_size)
        pieces = self._pieces(batch)
        if len(pieces) == 1:
            return [batch]
        self._close_door(batch)
        batch.state = BOUND
        for piece in pieces:
            piece.state, piece.is_joinable, piece.ready_at = READY, False, batch.ready_at
        return pieces

    def company(self, batch: Batch) -> list[Batch]:
        """The groups that could share calls with `batch`, which is ready and not bound, in order of opening, itself included; ready groups at another
        lane stay there. None where it takes nobody in."""
        if not batch.is_joinable:
            return []
        return [other for other in self._joinable[batch.group] if other.state == OPEN or other.lane == batch.lane]

    def reform(
        self, batch: Batch, company: Sequence[Batch], go: Sequence[Sequence[Item]], wait: Sequence[Sequence[Item]], service_s: float, now: float
    ) -> list[Batch]:
        """The items of `company` in other groups: those of `go` are ready, the first of them in place of `batch`, those of `wait` open.

        Returns the ready ones, `batch` first; without any, `batch` is empty and gone. A group keeps the age of its oldest item.
        """
        ready_at = {id(item): other.ready_at if other.state == READY else now for other in company for item in other.items}
        made_due = {id(item) for other in company if other.due_at == -inf for item in other.items}
        for other in company:
            self.n_open -= other.state == OPEN
            self._close_door(other)
            other.state, other.items = BOUND, []
        ready = []
        for k, items in enumerate(go):
            one = batch if k == 0 else self._fresh(batch, items[0])
            one.items, one.shapes, one.duration_s, one.list_usd = [], {}, 0.0, 0.0
            one.urgency, one.deadline_at, one.opened_at = BACKGROUND, inf, min(item.opened_at for item in items)
            for item in items:
                _admit(one, item)
            one.state, one.ready_at = READY, min(ready_at[id(item)] for item in items)
            one.due_at = inf if made_due.isdisjoint(map(id, items)) else -inf
            if self.late_join and len(items) < one.max_size:
                one.is_joinable = True
                self._joinable[one.group].append(one)
            ready.append(one)
        for items in wait:
            one = self._fresh(batch, items[0])
            one.opened_at = min(item.opened_at for item in items)
            for item in items:
                _admit(one, item)
                self._home[one.group << 32 | item.content.shape] = one
            one.due_at = min(one.opened_at + self.max_wait_s, one.deadline_at - service_s)
            one.is_joinable = True
            self._joinable[one.group].append(one)
            self._arm(one, one.due_at)
        self.n_open += len(wait)
        self._joinable[batch.group].sort(key=lambda one: (one.opened_at, one.serial))
        self._refresh()
        return ready

    def open_batches(self) -> list[Batch]:
        """Groups that are open now."""
        return [batch for batches in self._joinable.values() for batch in batches if batch.state == OPEN]

    # -- steps -------------------------------------------------------------------------------------------------------------
    def _is_alike(self, batch: Batch, shape: int, duration_s: float) -> bool:
        return self.similarity.worst(shape, duration_s, batch.shapes) >= self.similarity.threshold

    def _judge(self, batch: Batch, service_s: float, now: float) -> list[Batch]:
        """An open group under new terms: what of it is ready."""
        pieces = self._pieces(batch)
        if len(pieces) == 1:
            pieces = [batch]
        else:
            self._close_door(batch)
            batch.state = BOUND
            self.n_open += len(pieces) - 1
            for piece in pieces:
                piece.due_at = min(piece.opened_at + self.max_wait_s, piece.deadline_at - service_s)
                self._joinable[batch.group].append(piece)
        is_over = self._is_over(batch)
        ready = []
        for piece in pieces:
            if is_over or len(piece.items) >= piece.max_size:
                self._close_door(piece)
                ready.append(self._make_ready(piece, now, "size"))
            elif now >= piece.due_at:
                ready.append(self._make_ready(piece, now, "due"))
        return ready

    def _is_over(self, batch: Batch) -> bool:
        """Whether a group holds more than the terms allow."""
        n = len(batch.items)
        return n > batch.max_size or (n > 1 and (batch.list_usd > self.max_usd or batch.duration_s > self.max_duration_s))

    def _pieces(self, batch: Batch) -> list[Batch]:
        """The members of a batch in groups that keep to the terms, each in the first that has room for it; one group where the batch itself does."""
        pieces: list[Batch] = []
        for item in batch.items:
            content = item.content
            for piece in pieces:
                has_room = len(piece.items) < piece.max_size and piece.list_usd + content.individual_usd <= self.max_usd
                if (
                    has_room
                    and piece.duration_s + content.duration_s <= self.max_duration_s
                    and self._is_alike(piece, content.shape, content.duration_s)
                ):
                    break
            else:
                self._serial += self._step
                piece = Batch(self._serial, batch.lane, batch.group, batch.opened_at)
                piece.max_size = batch.max_size
                pieces.append(piece)
            _admit(piece, item)
        if len(pieces) == 1:
            for item in batch.items:
                item.batch = batch
        return pieces

    def _overflow(self, batch: Batch, reason: str, now: float) -> list[Batch] | None:
        """`batch` has no room for what came: it is full, and goes if it was open."""
        ready = [self._make_ready(batch, now, reason)] if batch.state == OPEN else None
        self._close_door(batch)
        return ready

    def _fresh(self, before: Batch, item: Item) -> Batch:
        """A group of the same class and lane, without members."""
        self._serial += self._step
        batch = Batch(self._serial, before.lane, before.group, item.opened_at)
        batch.max_size, batch.is_joinable = before.max_size, False
        return batch

    def _has_room(self, batch: Batch, content: Content) -> bool:
        return (
            len(batch.items) < batch.max_size
            and batch.list_usd + content.individual_usd <= self.max_usd
            and batch.duration_s + content.duration_s <= self.max_duration_s
        )

    def _first_with_room(self, group: int, content: Content) -> Batch | None:
        for batch in self._joinable.get(group, ()):
            if self._has_room(batch, content) and self._is_alike(batch, content.shape, content.duration_s):
                return batch
        return None

    def _first_fit(self, group: int, shape: int, duration_s: float) -> Batch | None:
        for batch in self._joinable.get(group, ()):
            if self._is_alike(batch, shape, duration_s):
                return batch
        return None

    def _open(self, item: Item) -> Batch:
        self._serial += self._step
        batch = Batch(self._serial, item.lane, item.group, item.opened_at)
        batch.due_at = item.opened_at + self.max_wait_s
        batch.max_size = self.sizing.size(item, self.max_size)
        if batch.max_size < self.max_size:
            self.n_resized += 1
        joinable = self._joinable.get(item.group)
        if joinable is None:
            self._joinable[item.group] = [batch]
        else:
            joinable.append(batch)
        self.n_open += 1
        return batch

    def _arm(self, batch: Batch, due_at: float) -> None:
        heappush(self._agenda, (due_at, batch.serial, batch))
        if due_at < self.due_at:
            self.due_at = due_at

    def _make_ready(self, batch: Batch, now: float, reason: str) -> Batch:
        batch.state = READY
        batch.ready_at = now
        self.n_open -= 1
        self.closed_by[reason] += 1
        if not self.late_join and batch.is_joinable:
            self._close_door(batch)
        if batch.due_at == self.due_at:
            self._refresh()
        return batch

    def _close_door(self, batch: Batch) -> None:
        if batch.is_joinable:
            batch.is_joinable = False
            self._joinable[batch.group].remove(batch)

    def _refresh(self) -> None:
        """`due_at` again, past the entries of groups that have gone or have another due instant by now."""
        agenda = self._agenda
        while agenda and (agenda[0][2].state != OPEN or agenda[0][2].due_at != agenda[0][0]):
            heappop(agenda)
        self.due_at = agenda[0][0] if agenda else inf


def _admit(batch: Batch, item: Item) -> None:
    """`item` is of the batch, which adds it up; the long way, `BatchBuilder.add` is the short one."""
    content = item.content
    item.batch = batch
    batch.items.append(item)
    batch.duration_s += content.duration_s
    batch.list_usd += content.individual_usd
    batch.urgency = min(batch.urgency, item.urgency)
    batch.deadline_at = min(batch.deadline_at, item.deadline_at)
    span = batch.shapes.setdefault(content.shape, [content.duration_s, content.duration_s])
    span[0], span[1] = min(span[0], content.duration_s), max(span[1], content.duration_s)
