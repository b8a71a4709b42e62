"""A lane as the pipeline sees it: a provider's gates, its queue of ready batches, and what it has learnt about its service time."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Sequence
from math import inf

from sbsim.components.breaker import Breaker
from sbsim.components.formation import Outline
from sbsim.components.priority_queue import PriorityQueue
from sbsim.components.rate_limiter import RateLimiter
from sbsim.components.tally import RunningTime, ServiceEstimate
from sbsim.pricing import PriceBook
from sbsim.records import URGENT, Batch, Call, Content, Demand, Item
from sbsim.scenario import line_bytes

_ONE = Demand(1, 0.0, 0.0)


class Offered:
    """What a lane offers for these items, of these kinds: an option of the router, reckoned as far as it is asked for.

    `nano` is what they are expected to cost at the price of the day, in the calls that the lane takes them in; GPU seconds as calls took so far.
    """

    __slots__ = ("_ends_at", "_items", "_lane", "_now", "lane", "nano")

    def __init__(self, lane: Lane, items: Sequence[Item], kinds: tuple[Hashable, ...], now: float) -> None:
        self.lane = lane.index
        book, gpu_s = lane.book.at(now), lane.service.mean_s
        if lane.takes in ("list", "file"):
            self.nano = book.quote(items, gpu_s, kinds)
        else:
            self.nano = sum(book.quote([item], gpu_s) for item in items)
        self._lane, self._items, self._now = lane, items, now
        self._ends_at: float | None = None

    @property
    def ends_at(self) -> float:
        """When the result is expected."""
        if self._ends_at is None:
            self._ends_at = self._lane.ends_at(self._items, self._now)
        return self._ends_at

    @property
    def load(self) -> float:
        """Calls under way and batches waiting, per slot."""
        lane = self._lane
        return (lane.limiter.n_in_flight + len(lane.queue)) / lane.limiter.concurrency


class Lane:
    """State and fixed terms of one provider.

    Parameters
    ----------
    takes : how requests travel in a call: "one", "variants" (requests that differ in their variant only), "list" or "file".
    max_items : items in a call at most. max_bytes : bytes of a file at most. idempotency, cancel : the provider's promises.
    call_timeout_s : seconds from a sending until its call is in doubt (a job: until it is accepted). job_timeout_s : seconds from acceptance.
    is_slow : a batch API, whose answers take minutes to hours.
    """

    __slots__ = (
        "blocked_until", "book", "breaker", "call_timeout_s", "cancel", "idempotency", "index", "is_held", "is_job", "is_shared", "is_slow",
        "job_timeout_s", "jobs", "limiter", "longest_s", "m", "max_bytes", "max_items", "name", "queue", "running", "service", "short_since",
        "short_until", "takes", "timeout_at", "watched",
    )  # fmt: skip

    def __init__(
        self,
        *,
        index: int,
        name: str,
        book: PriceBook,
        limiter: RateLimiter,
        breaker: Breaker,
        queue: PriorityQueue,
        service: ServiceEstimate,
        takes: str,
        max_items: float,
        max_bytes: float = inf,
        idempotency: str,
        cancel: str,
        call_timeout_s: float,
        job_timeout_s: float,
        is_job: bool = False,
        is_slow: bool = False,
    ) -> None:
        self.index = index
        self.name = name
        self.book = book
        self.limiter = limiter
        self.breaker = breaker
        self.queue = queue
        self.service = service
        self.takes = takes
        self.max_items = 1 if takes == "one" else max_items
        self.max_bytes = max_bytes
        self.idempotency = idempotency
        self.cancel = cancel
        self.call_timeout_s = call_timeout_s
        self.job_timeout_s = job_timeout_s
        self.longest_s = call_timeout_s + job_timeout_s if is_job else call_timeout_s  # until work is cut off, where it can be
        self.is_job = is_job
        self.is_slow = is_slow
        self.running = RunningTime()
        self.is_shared = False  # whether other instances use the same limits, so that what they do may free them
        self.m = 0  # calls first sent so far
        self.is_held = False  # whether the budget, or its pace, held what was last looked at
        self.short_since = inf  # since when the budget has held the head of the queue; inf: it does not
        self.short_until = -inf  # until when it last did
        self.blocked_until = inf  # when the head of the queue may go; inf: only an answer can help
        self.watched: deque[Call] = deque()  # sent calls in the order in which they time out
        self.jobs: deque[Call] = deque()  # accepted jobs, likewise
        self.timeout_at = inf  # never later than the next timeout; calls answered by then are passed over

    def close_short(self, now: float) -> None:
        """The head of the queue is looked at anew: until now the budget has held it, if it did."""
        if self.short_since < now:
            self.short_until = now
        self.short_since = inf

    def was_short_since(self, queued_at: float, now: float) -> bool:
        """Whether the budget has held the head of the queue at any time after `queued_at`, when somebody took a place in it."""
        return queued_at < (now if self.short_since < now else self.short_until)

    @property
    def max_part(self) -> float:
        """Items that a call can carry: as many as the provider takes and the limits can grant, as far as they are known."""
        return min(self.max_items, self.limiter.most_items)

    def demand(self, items: Sequence[Item]) -> Demand:
        """What a call of these items asks of the limits."""
        if not self.limiter.has_size_limits:
            return Demand(len(items), 0.0, 0.0)
        tokens = content_s = 0.0
        for item in items:
            content = item.content
            tokens += content.offers[0].tokens
            content_s += content.duration_s
        return Demand(len(items), tokens, content_s)

    def can_ever(self, content: Content) -> bool:
        """Whether a call of this content alone could ever pass the limits."""
        return self.limiter.can_ever(Demand(1, content.offers[0].tokens, content.duration_s))

    def opens_at(self, now: float, demand: Demand = _ONE) -> float:
        """`now` or when breaker, pacing, Retry-After and windows would let such a call pass, slots left aside."""
        at = self.limiter.opens_at(demand, now)
        return at if self.breaker.is_closed else max(at, self.breaker.ready_at(now))

    @property
    def has_free_slot(self) -> bool:
        """Whether fewer calls are under way than may be."""
        return self.limiter.n_in_flight < self.limiter.concurrency

    def has_slot_for(self, batch: Batch, now: float) -> bool:
        """Whether an open group could leave at once: a slot is free, nothing ready waits for it, and the other gates are open; else `blocked_until`
        says when they are. What the budget holds is no company for urgent work, for which something may be kept."""
        if not self.has_free_slot:
            return False
        if len(self.queue):
            return batch.urgency == URGENT and self.is_held and self.queue.first_urgent() is None
        at = self.opens_at(now)
        if at > now:
            self.blocked_until = min(self.blocked_until, at)
        return at <= now

    def ends_at(self, items: Sequence[Item], now: float) -> float:
        """When the result of these items is expected, behind what waits here already.

        A lane that nothing is known of is given one try: it could never show how fast it is while it is held for slow.
        """
        limiter, n_ahead = self.limiter, len(self.queue)
        expected_s = self.service.expected_s if self.service.n or limiter.n_in_flight or n_ahead else 0.0
        first = self.demand(items[:1]) if limiter.has_size_limits else _ONE
        starts_at = self.opens_at(now, first)
        return max(starts_at if starts_at < inf else now, now + self.backlog_s()) + expected_s

    def backlog_s(self) -> float:
        """Seconds that a batch which came now would wait for those before it, when no slot is free."""
        limiter, n_ahead = self.limiter, len(self.queue)
        if not n_ahead and limiter.n_in_flight < limiter.concurrency:
            return 0.0
        return (n_ahead + 1) * self.service.expected_s / limiter.concurrency

    def outlines(self, items: Sequence[Item], now: float) -> list[Outline]:
        """What each of these items asks of a call's bill; GPU seconds as a line in the number of items, as calls took them."""
        book, running = self.book.at(now), self.running
        found = []
        for item in items:
            charge, fee, setup, gpu, family = book.outline(item.content)
            found.append(Outline(charge + round(gpu * running.per_item_s), fee + round(gpu * running.at_first_s), setup, family))
        return found

    def next_part(self, batch: Batch) -> list[Item]:
        """The items of the batch's next call. Before it is bound this is only a look: the batch may still grow."""
        return batch.parts[0] if batch.parts is not None else self.cut(batch.items)[0]

    def cut(self, items: list[Item]) -> list[list[Item]]:
        """The calls that a batch makes: usually one."""
        if len(items) == 1 or (self.takes == "list" and len(items) <= self.max_items and not self.limiter.has_size_limits):
            return [items]
        return self.plan(items)

    def plan(self, items: Sequence[Item]) -> list[list[Item]]:
        """Cut a batch into calls, in its own order: no call carries more items, bytes or tokens than the provider takes or a limit can ever grant."""
        parts: list[list[Item]] = []
        open_part: dict[object, tuple[list[Item], list[float]]] = {}
        most_items, most_tokens = self.max_part, self.limiter.most_tokens
        most_content_s = self.limiter.most_content_s
        for item in items:
            content = item.content
            kin = content.base if self.takes == "variants" else None
            tokens, content_s = content.offers[0].tokens, content.duration_s
            n_bytes = line_bytes(content.facts) if self.max_bytes < inf else 0.0
            part, sums = open_part.get(kin, ([], [0.0, 0.0, 0.0]))
            is_full = len(part) >= most_items or sums[2] + n_bytes > self.max_bytes
            if not part or is_full or sums[0] + tokens > most_tokens or sums[1] + content_s > most_content_s:
                part, sums = [], [0.0, 0.0, 0.0]
                open_part[kin] = (part, sums)
                parts.append(part)
            part.append(item)
            sums[0] += tokens
            sums[1] += content_s
            sums[2] += n_bytes
        return parts

    def watch(self, call: Call) -> None:
        """From now on the call's timeout is known to `timeout_at`."""
        watched = self.watched if call.job is None else self.jobs
        while watched and watched[0].is_answered:  # let go early: what is freed soon is made again where it was
            watched.popleft()
        watched.append(call)
        if call.due_at < self.timeout_at:
            self.timeout_at = call.due_at

    def time_out_after(self, call_timeout_s: float, job_timeout_s: float, now: float) -> None:
        """Other timeouts. A shorter one ends earlier what is under way, a longer one changes nothing there: its cost was bounded by the last."""
        self.longest_s = call_timeout_s + job_timeout_s if self.is_job else call_timeout_s
        self.call_timeout_s, self.job_timeout_s = call_timeout_s, job_timeout_s
        for call in self.watched:
            call.due_at = min(call.due_at, call.sent_at + call_timeout_s) if call.job is None else call.due_at
        for call in self.jobs:
            call.due_at = min(call.due_at, now + job_timeout_s)
        self.timeout_at = min((call.due_at for call in (*self.watched, *self.jobs)), default=inf)

    def overdue(self, now: float) -> list[Call]:
        """The calls that have timed out by now, in the order of their timeouts; arms `timeout_at` for the next."""
        late: list[Call] = []
        self.timeout_at = inf
        for waiting, is_job in ((self.watched, False), (self.jobs, True)):
            while waiting:
                call = waiting[0]
                gone = call.is_answered or call.is_late or (call.job is not None) is not is_job
                if not gone and now < call.due_at:
                    if call.due_at < self.timeout_at:
                        self.timeout_at = call.due_at
                    break
                waiting.popleft()
                if not gone:
                    late.append(call)
        return late
