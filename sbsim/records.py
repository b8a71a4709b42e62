"""Values: what is asked for, what is under way, what came back. Nothing here decides, and nothing here holds a draw.

Slots, plain attributes: illegal values are refused where values enter (scenario, trace readers, `ContentRequest`), not in the inner loop. Instants
end in `_at`, durations in `_s` (seconds), whole nano-dollars in `_nano`, dollars in `_usd`, counts begin with `n_`.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from numbers import Integral, Real
from typing import Any, NamedTuple

from sbsim.errors import ScenarioError

URGENT, NORMAL, BACKGROUND = 1, 2, 3
PRIORITIES: Mapping[str, int] = {"urgent": URGENT, "normal": NORMAL, "background": BACKGROUND}
"""Names of the priorities, accepted everywhere; a smaller number is more urgent."""

CONTENT_TYPES = ("video", "image", "audio", "text")

# How a request ended; the codes of the run log's column `how`.
PENDING, MEMORY, NEAR, REDIS, CDN, JOINED, SERVED, FAILED, REFUSED, CANCELLED = range(10)
HOW = ("pending", "memory", "near_duplicate", "redis", "cdn", "coalesced", "provider", "failed", "refused", "cancelled")


class Facts(NamedTuple):
    """Everything about a content that a provider prices, times or limits; many contents share one.

    `style` is the content's style parameters as sorted (name, value) pairs; `units_in` and `units_out` are tokens, characters or images;
    `n_images` counts input images, `input_s` is the length of input video or audio. `estimated_usd` is what somebody reckons that it costs, for
    providers without a price list.
    """

    content_type: str
    engine: str
    resolution: str | None = None
    duration_s: float = 0.0
    style: tuple[tuple[str, Hashable], ...] = ()
    units_in: float = 0.0
    units_out: float = 1.0
    max_units_out: float | None = None
    n_images: int = 0
    input_s: float = 0.0
    estimated_usd: float | None = None


class Demand(NamedTuple):
    """What one call asks of a lane's limits."""

    n_items: int
    tokens: float
    content_s: float


class Offer:
    """What one lane asks for one content: its price per item before tiers and factor, and what it can cost at most.

    `input_nano` is the part of `item_nano` that pays for input; `most_nano` is what the item adds at most to a call's bill (None: no bound).
    `tokens` is the most that the item counts against a limit on tokens.
    """

    __slots__ = ("input_nano", "item_nano", "lane", "most_nano", "tokens")

    def __init__(self, lane: int, item_nano: int, input_nano: int, most_nano: int | None, tokens: float) -> None:
        self.lane = lane
        self.item_nano = item_nano
        self.input_nano = input_nano
        self.most_nano = most_nano
        self.tokens = tokens


class Content:
    """One distinct content, prepared once: no text is hashed and no price looked up in the loop.

    `key` is its exact identity (tenant included), `base` the same without the variant; `group` numbers its compatibility class (content type, engine,
    tenant) and `shape` its (resolution, style) within the preparer's list of shapes; `kind` stands for `facts` where they are looked up by (a
    number: the hash of a tuple costs as much as a short function); `offers` holds the lanes that serve it, cheapest first; where there are real-time
    lanes, the batch APIs among them stand apart in `slow_offers`; `only_lane` is the one lane that serves it, -1 where there is a choice.
    """

    __slots__ = (
        "base", "duration_s", "facts", "group", "individual_nano", "individual_usd", "key", "kind", "offers", "only_lane", "reusable", "serial",
        "shape", "slow_offers",
    )  # fmt: skip

    def __init__(
        self,
        serial: int,
        key: Hashable,
        base: Hashable,
        facts: Facts,
        group: int,
        shape: int,
        offers: tuple[Offer, ...],
        individual_nano: int,
        reusable: bool = True,
        kind: Hashable = None,
        slow_offers: tuple[Offer, ...] = (),
    ) -> None:
        self.serial = serial
        self.key = key
        self.base = base
        self.facts = facts
        self.kind = facts if kind is None else kind
        self.group = group
        self.shape = shape
        self.offers = offers
        self.slow_offers = slow_offers
        self.only_lane = offers[0].lane if len(offers) == 1 and not slow_offers else -1
        self.duration_s = facts.duration_s
        self.individual_nano = individual_nano
        self.individual_usd = individual_nano / 1e9
        self.reusable = reusable


class Request:
    """One wish of one user: when, by when, how urgent, which content."""

    __slots__ = ("arrived_at", "content", "deadline_at", "serial", "urgency")

    def __init__(self, serial: int, arrived_at: float, deadline_at: float, urgency: int, content: Content) -> None:
        self.serial = serial
        self.arrived_at = arrived_at
        self.deadline_at = deadline_at
        self.urgency = urgency
        self.content = content


class Entry:
    """Content as a cache tier holds it: a reference or inline value, dead from `expires_at` on; `cost_nano` is what it costs to make again.

    `dies_at` is when what it refers to is gone, in whatever tier it is held; `serial` is that of the content it was made for.
    """

    __slots__ = ("content", "cost_nano", "dies_at", "expires_at", "key", "n_bytes", "serial")

    def __init__(
        self,
        key: Hashable,
        expires_at: float,
        content: Any = None,
        n_bytes: float = 0.0,
        cost_nano: int = 0,
        dies_at: float = inf,
        serial: int = -1,
    ) -> None:
        self.key = key
        self.expires_at = expires_at
        self.content = content
        self.n_bytes = n_bytes
        self.cost_nano = cost_nano
        self.dies_at = dies_at
        self.serial = serial

    def until(self, expires_at: float) -> Entry:
        """The same, to be served until then."""
        return Entry(self.key, expires_at, self.content, self.n_bytes, self.cost_nano, self.dies_at, self.serial)


class Usage(NamedTuple):
    """What the provider says that a call used: the basis of its bill. `units_out` per item where it differs from what was asked."""

    gpu_s: float = 0.0
    units_out: Sequence[float] | None = None


NO_USAGE = Usage()
NOTHING_BEGUN = Usage(units_out=())
"""Of a call that was turned away at the door (429, 503, too large): whatever its error is billed, this one is not."""


class Outcome:
    """The end of one attempt.

    Attributes
    ----------
    error : None, or what befell the whole call: "rate_limited", "transient", "permanent", "moderated", "timed_out", "not_sent".
    failures : (index in the call, kind) of each item that has no content; kinds "item_error", "moderated", "missing", and "expired" or "cancelled" of
    what a batch API had not finished when it gave up or was told to stop, and does not charge.
    contents : the items' contents in the call's order, or None where nothing is carried (a simulation).
    usage : quantities to bill. retry_after_s : the provider's Retry-After. retry_at : with "not_sent", when a shared limit may have room.
    jitter : a uniform in (0, 1) for the backoff. life_s : how long the result can be fetched. n_bytes : inline bytes per item.
    limits_seen : what the answer's headers say of limits that nobody declared, as (unit, n, per_s), per_s None for what is held at once: all that
    they tell of; None for no headers.
    """

    __slots__ = ("contents", "error", "failures", "jitter", "life_s", "limits_seen", "n_bytes", "retry_after_s", "retry_at", "usage")

    def __init__(
        self,
        error: str | None = None,
        failures: Sequence[tuple[int, str]] = (),
        usage: Usage = NO_USAGE,
        contents: Sequence[Any] | None = None,
        retry_after_s: float = 0.0,
        jitter: float = 0.5,
        life_s: float = inf,
        n_bytes: Sequence[float] | None = None,
        retry_at: float = 0.0,
        limits_seen: Sequence[tuple[str, float, float | None]] | None = None,
    ) -> None:
        self.error = error
        self.failures = failures
        self.usage = usage
        self.contents = contents
        self.retry_after_s = retry_after_s
        self.jitter = jitter
        self.life_s = life_s
        self.n_bytes = n_bytes
        self.retry_at = retry_at
        self.limits_seen = limits_seen


class Item:
    """A content under way with the requests that wait for it: the unit that is batched, priced, sent and retried.

    `group` is the compatibility class that it is batched in, `lane` the lane that its waiting is reckoned with until a router decides.
    `ends_at` is when the work in flight is expected to end (-inf until it is sent, while it can still be hurried); `n_sent` counts the sendings that
    ended without content; `payer` is the serial of the request that is billed; `rivals` are items of the same content that were started because this
    one would come too late; `done`: somebody has been answered for all who waited, or nobody waits.
    """

    __slots__ = (
        "batch", "content", "deadline_at", "done", "ends_at", "entry", "group", "lane", "n_sent", "opened_at", "payer", "requests", "rivals",
        "urgency",
    )  # fmt: skip

    def __init__(self, request: Request) -> None:
        self.content = content = request.content
        self.group = content.group
        self.lane = 0
        self.requests = [request]
        self.urgency = request.urgency
        self.deadline_at = request.deadline_at
        self.opened_at = request.arrived_at
        self.batch: Batch | None = None
        self.ends_at = -inf
        self.entry: Entry | None = None
        self.n_sent = 0
        self.payer = request.serial
        self.done = False
        self.rivals: list[Item] | None = None


OPEN, READY, BOUND = 0, 1, 2


class Batch:
    """Items planned together: first an open group, then ready to go, then bound to a lane and cut into calls. It carries its sums."""

    __slots__ = (
        "call", "deadline_at", "due_at", "duration_s", "formed", "group", "is_joinable", "items", "lane", "list_usd", "max_size", "opened_at",
        "parts", "path", "queued_as", "queued_at", "rank", "ready_at", "serial", "shapes", "state", "urgency",
    )  # fmt: skip

    def __init__(self, serial: int, lane: int, group: int, opened_at: float) -> None:
        self.serial = serial
        self.lane = lane
        self.group = group
        self.items: list[Item] = []
        self.duration_s = 0.0
        self.list_usd = 0.0
        self.max_size = 1  # items that it may hold, set when it opens
        self.urgency = BACKGROUND
        self.deadline_at = inf
        self.opened_at = opened_at
        self.due_at = inf
        self.ready_at = inf
        self.shapes: dict[int, list[float]] = {}
        self.state = OPEN
        self.is_joinable = True
        self.rank: tuple[float, float] = (inf, inf)
        self.formed: tuple[int, int] | None = None  # what was pending of its class when it was last formed
        self.queued_as = 0  # the urgency under which its queue counts it
        self.queued_at = inf  # when it took its place in the queue that it last waited in
        self.parts: list[list[Item]] | None = None  # once bound: the calls still to be sent
        self.call: Call | None = None  # for a retry: the attempt before
        self.path = ""

    @property
    def unsent(self) -> list[Item]:
        """The items that it has yet to send."""
        return self.items if self.parts is None else [item for part in self.parts for item in part]


class Call:
    """One sending of a fixed list of items to a lane.

    (`lane`, `m`, `path`) names its draws: `m` numbers the calls first sent on the lane, `path` is "" for the first try, then "r" per retry and "0" or
    "1" per bisected half. `attempt` counts its batch's sendings from 1, `n_tries` those of this very list of items; `due_at` is when it times out.
    `is_late`: it has timed out; `is_in_doubt`: and nothing has told yet how it ended; `is_turned_away`: it was answered 429. `polled_at` is kept by
    the driver of a job lane, `body` (what it was sent with) by a live one. `bill_nano`, `fixed_nano` (call fee, set-up, top-up) and `part_nano` (per
    item, before scaling) are set by the answer.
    """

    __slots__ = (
        "attempt", "batch", "bill_nano", "body", "due_at", "fixed_nano", "is_answered", "is_in_doubt", "is_late", "is_turned_away", "items", "job",
        "job_timeout_s", "lane", "m", "n_tries", "part_nano", "path", "polled_at", "reservation", "same_key_as", "sent_at", "serial",
    )  # fmt: skip

    def __init__(
        self, serial: int, lane: int, batch: Batch, items: list[Item], m: int, path: str, attempt: int, sent_at: float, due_at: float
    ) -> None:
        self.serial = serial
        self.lane = lane
        self.batch = batch
        self.items = items
        self.m = m
        self.path = path
        self.attempt = attempt
        self.n_tries = 1
        self.sent_at = sent_at
        self.due_at = due_at
        self.same_key_as: Call | None = None
        self.is_turned_away = False
        self.job: Any = None
        self.job_timeout_s = inf  # seconds that its job may take once it is accepted, as its cost was bounded when it was sent
        self.reservation: Any = None
        self.bill_nano = 0
        self.fixed_nano = 0
        self.part_nano: Sequence[int] = ()
        self.polled_at: list[float] | None = None
        self.body: Any = None
        self.is_answered = False
        self.is_late = False
        self.is_in_doubt = False

    @property
    def key(self) -> Hashable:
        """The idempotency key: one's own, or that of the attempt of unknown outcome that this one repeats."""
        return (self.lane, self.m, self.path) if self.same_key_as is None else self.same_key_as.key

    @property
    def is_key_in_doubt(self) -> bool:
        """Whether nothing has told how the sending under its key ended that the provider may have taken on: a repetition that was turned away says
        nothing of the one before."""
        call = self
        while call.is_turned_away and call.same_key_as is not None:
            call = call.same_key_as
        return call.is_in_doubt


_NONE = type(None)
_KINDS: Mapping[str, tuple[tuple[type, ...], str, str]] = {
    "id": ((str, int), "text", '"r1"'),
    "prompt": ((str,), "text", '"a red fox"'),
    "resolution": ((str, _NONE), "text or None", '"1920x1080"'),
    "engine": ((str, _NONE), "text or None", '"veo-3.1-fast"'),
    "style_params": ((Mapping,), "a mapping", '{"video_style": "cinematic"}'),
    "fingerprint": ((str, _NONE), "text or None", "None"),
    "tenant": ((str,), "text", '"default"'),
    "variant": ((int, Integral), "a whole number", "0"),
    "seed": ((int, Integral, _NONE), "a whole number or None", "None"),
    "inputs": ((tuple, list), "a list", '["sha256:…"]'),
    "job_id": ((str, int, _NONE), "text or None", "None"),
}
"""What a field of a request may be, in types and in words, and what to try."""
_AMOUNTS = {
    "duration": "duration=8.0 (seconds)",
    "units_in": "units_in=0.0 (tokens, characters or images)",
    "units_out": "units_out=1.0 (tokens, characters or images)",
    "deadline_s": "deadline_s=60.0 (seconds)",
    "max_units_out": "max_units_out=1000.0 (tokens, characters or images)",
    "estimated_cost": "estimated_cost=0.1 (dollars)",
}
"""Fields that are amounts, and what to try."""
_OPTIONAL = ("deadline_s", "max_units_out", "estimated_cost")
_LONGEST = 60


@dataclass(slots=True)
class ContentRequest:
    """What a user asks for: the public face of a request, checked when it is made.

    Parameters
    ----------
    id : the caller's name for it, unique per tenant.
    content_type : "video", "image", "audio" or "text".
    prompt : what to make. resolution : such as "1920x1080" or "1080p". duration : seconds of content.
    engine : the model wanted; None: any provider of the content type.
    priority : 1 urgent, 2 normal, 3 background, or the name.
    style_params : name -> value. estimated_cost : dollars, for providers without a price list.
    fingerprint : identity of the content, if the caller knows better than its fields. tenant : contents of two tenants are never shared.
    variant, seed : two variants (or seeds) of one prompt are two contents. inputs : digests of input media.
    allow_reuse : False: always made anew. deadline_s : seconds from arrival. job_id : groups requests in the metrics.
    units_in, units_out, max_units_out : tokens, characters or images in, out, and out at most.

    Raises
    ------
    ScenarioError
        When a field is not what it says it is (a ValueError too).
    """

    id: str
    content_type: str
    prompt: str = ""
    resolution: str | None = None
    duration: float = 0.0
    engine: str | None = None
    priority: int | str = NORMAL
    style_params: Mapping[str, Hashable] = field(default_factory=dict)
    estimated_cost: float | None = None
    fingerprint: str | None = None
    tenant: str = "default"
    variant: int = 0
    seed: int | None = None
    inputs: Sequence[Any] = ()
    allow_reuse: bool = True
    deadline_s: float | None = None
    job_id: str | None = None
    units_in: float = 0.0
    units_out: float = 1.0
    max_units_out: float | None = None

    def __post_init__(self) -> None:
        for name, (kinds, allowed, attempt) in _KINDS.items():
            if not isinstance(getattr(self, name), kinds):
                raise self._refusal(name, f"is not {allowed}; try {attempt}")
        if self.content_type not in CONTENT_TYPES:
            raise self._refusal("content_type", f"is not one of {', '.join(CONTENT_TYPES)}")
        if isinstance(self.priority, str) or self.priority not in (URGENT, NORMAL, BACKGROUND) or isinstance(self.priority, bool):
            named = PRIORITIES.get(self.priority) if isinstance(self.priority, str) else None
            if named is None:
                raise self._refusal("priority", "is not 1 (urgent), 2 (normal), 3 (background) or one of these names")
            self.priority = named
        for name, attempt in _AMOUNTS.items():
            value = getattr(self, name)
            if value is None and name in _OPTIONAL:
                continue
            if not isinstance(value, (float, int, Real)) or isinstance(value, bool) or not 0 <= value < inf:  # type: ignore[operator]  # every Real compares
                raise self._refusal(name, f"must be a finite number, 0 or more; try {attempt}")

    def _refusal(self, name: str, why: str) -> ScenarioError:
        given = repr(getattr(self, name))
        return ScenarioError(f"request {self.id!r}: {name} {given if len(given) <= _LONGEST else given[: _LONGEST - 1] + '…'} {why}")
