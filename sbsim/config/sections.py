"""The table of settings: each row is a field of its section, with default, unit, bound and words.

`documents.fields` says how each kind of value is read; `setting` adds what the kind cannot know. Values are in base units: seconds, bytes, dollars,
None for "no such limit".
"""

import re
from dataclasses import dataclass
from typing import Annotated, Any, Self

from pydantic import model_validator

from sbsim.config.setting import setting
from sbsim.documents.faults import FieldError, shown
from sbsim.documents.fields import (
    Boolean,
    Choice,
    Count,
    Duration,
    Fraction,
    Kind,
    Money,
    Number,
    OptionalCount,
    OptionalDuration,
    OptionalMoney,
    PositiveCount,
    PositiveDuration,
    PositiveNumber,
    Quantity,
    Size,
    Text,
    is_none,
)
from sbsim.documents.model import Model, read_list
from sbsim.units import parse_duration

_DAY_S = 86400.0
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d) UTC\Z")
_REFERENCE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")
_LOGIN = re.compile(r"//([^/]*)@")
_PER = re.compile(r"\s*(\d+(?:\.\d+)?)\s+per\s+(.+)\Z")

OptionalText = Annotated[str | None, Text("text", or_none=True)]
OptionalSize = Annotated[float | None, Quantity("size", or_none=True)]
OptionalWindow = Annotated[float | None, Quantity("duration", is_open=True, or_none=True)]


@dataclass(frozen=True)
class Reference(Text):
    """What production looks up when it needs it, as ${NAME}; a URL without a password may stand as it is. Settings are printed and exported."""

    what: str = "a reference"
    or_none: bool = True
    example: str = '"${NAME}"'
    is_secret: bool = False

    def read(self, given: Any) -> Any:
        text = super().read(given)
        if text is None or _REFERENCE.fullmatch(text):
            return text
        login = _LOGIN.search(text)
        password = text if self.is_secret else login[1].rpartition(":")[2] if login else ""
        if password and not _REFERENCE.fullmatch(password):
            raise FieldError(
                f"a password in the open would be printed and exported; allowed: ${{NAME}}, resolved when it is used; try {self.example}"
            )
        return text


OptionalUrl = Annotated[str | None, Reference("a URL")]
OptionalSecret = Annotated[str | None, Reference("a secret", is_secret=True)]


@dataclass(frozen=True)
class Resets(Kind):
    """When a window begins anew: "rolling", or a time of day such as "00:00 UTC"."""

    def read(self, given: Any) -> Any:
        if given == "rolling" or (isinstance(given, str) and _CLOCK.match(given)):
            return given
        raise FieldError(f'{shown(given)} is neither rolling nor a time of day in UTC; try "00:00 UTC"')

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": "^(rolling|([01][0-9]|2[0-3]):[0-5][0-9] UTC)$"}


def time_of_day_s(text: str) -> float:
    """Seconds after midnight of "06:30 UTC". Raises ValueError."""
    match = _CLOCK.match(text)
    if match is None:
        raise FieldError(f'{shown(text)} is not a time of day in UTC; try "00:00 UTC"')
    return int(match[1]) * 3600.0 + int(match[2]) * 60.0


@dataclass(frozen=True)
class Ageing(Kind):
    """How long one level of urgency weighs as much as waiting: "1 per 30min", or just the duration."""

    unit: str = "s"

    def read(self, given: Any) -> Any:
        match = _PER.match(given) if isinstance(given, str) else None
        try:
            levels, seconds = (float(match[1]), parse_duration(match[2])) if match else (1.0, parse_duration(given))
        except ValueError as error:
            raise FieldError(f'{error}; an ageing is a duration per level of urgency, such as "1 per 30min"') from None
        if levels <= 0 or seconds <= 0:
            raise FieldError(f'{shown(given)} must be > 0 s per level; try "1 per 30min"')
        return seconds / levels

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string"}]}


class Batching(Model):
    """How items are grouped."""

    max_batch_size: PositiveCount = setting(25, "Items in a batch at most.", alias="SMART_BATCHER_MAX_SIZE")
    max_batch_cost: OptionalMoney = setting(500.0, "List price of a batch at most, dollars.", alias="SMART_BATCHER_MAX_COST")
    max_batch_duration: OptionalDuration = setting(1800.0, "Seconds of content in a batch at most.")
    similarity_threshold: Fraction = setting(
        0.7, "Members of a batch are pairwise at least this similar.", alias="SMART_BATCHER_SIMILARITY_THRESHOLD"
    )
    max_wait: Duration = setting(30.0, "Seconds that an open group waits for company at most; never past a member's slack.")
    formation: Annotated[str, Choice(("greedy", "optimal"))] = setting(
        "greedy", "How ready items become batches: as they came, or (with late_join) packed at least cost with a proven bound."
    )
    formation_effort: PositiveNumber = setting(1.0, "Work that a packing may take, in units of some 20 ms.")
    sizing: Annotated[str, Choice(("fixed", "complexity", "capacity", "failure", "aimd"))] = setting(
        "fixed",
        "Size of a new group, up to max_batch_size: fixed, less for heavier content (complexity), what waits over the free slots (capacity), "
        "least expected cost under failures (failure), or more until calls come late or fail (aimd).",
    )
    coalesce: Boolean = setting(True, "Whether a request joins work in flight for the same content.")
    late_join: Boolean = setting(True, "Whether a ready group still takes members until a lane can take it.")

    @property
    def forms_anew(self) -> bool:
        """Whether a packer forms groups anew; one that takes nobody in once it is ready is none for it."""
        return self.formation == "optimal" and self.late_join


class RateLimit(Model):
    """Our own limits, beside those that a provider declares."""

    max_requests: OptionalCount = setting(
        10,
        "Attempts (polls too) per lane and time_window at most; the default stands only where no provider declares limits, else none.",
        alias="RATE_LIMIT_MAX_REQUESTS",
    )
    time_window: OptionalWindow = setting(60.0, "Seconds over which max_requests are counted.", alias="RATE_LIMIT_TIME_WINDOW")
    batch_pacing_interval: Duration = setting(0.5, "Seconds between two sendings on a lane at least.")
    concurrency: OptionalCount = setting(8, "Calls in flight on a lane at most.")
    guard: Duration = setting(0.25, "Seconds that windows are kept longer than declared: providers count arrivals, we count departures.")

    @model_validator(mode="after")
    def _needs_a_window(self) -> Self:
        if self.max_requests is not None and self.time_window is None:
            raise FieldError('none is no window for max_requests; try "60s", or max_requests: none', "time_window")
        return self

    @property
    def is_unset(self) -> bool:
        """Whether our own window was left to the default, which depends on what providers declare."""
        return not {"max_requests", "time_window"} & self.model_fields_set


class Cache(Model):
    """What is remembered, where and for how long."""

    memory_size: Count = setting(1000, "Entries of the memory tier at most; 0 switches it off.", alias="CACHE_MEMORY_SIZE")
    memory_bytes: OptionalSize = setting(256.0 * 2**20, "Bytes of the memory tier at most; the tighter bound counts.")
    ttl: OptionalDuration = setting(3600.0, "Seconds that an entry may be served.")
    policy: Annotated[str, Choice(("lru", "lfu", "sieve", "w_tinylfu", "gdsf"))] = setting(
        "lru", "Which entry goes when the tier is full; gdsf weighs what it costs to make again."
    )
    near_duplicates: Boolean = setting(False, "Whether content of the same meaning in other words is reused.")
    near_duplicate_threshold: Annotated[float, Quantity("fraction", low=0.5)] = setting(
        0.8, "Likeness from which two prompts count as the same; those that share less than two fifths of their words never do, whatever it says."
    )
    near_duplicate_entries: PositiveCount = setting(10000, "Entries of the index of prompts at most; it is per process, empty after a restart.")
    redis_url: OptionalUrl = setting(None, "Where the redis tier is, as ${NAME}; none switches it off.")
    redis_ttl: OptionalDuration = setting(None, "Seconds that an entry of the redis tier may be served; none: cache.ttl.")
    cdn_url: OptionalUrl = setting(None, "Where the cdn tier is, as ${NAME}; none switches it off.")
    cdn_ttl: OptionalDuration = setting(None, "Seconds that an entry of the cdn tier may be served; none: cache.ttl.")
    fetch_timeout: Duration = setting(0.05, "Seconds that a lower tier may take to answer; a slow tier is a miss.")
    negative_ttl: Duration = setting(0.0, "Seconds that a provider's refusal of a content is remembered.")


class Queue(Model):
    """In which order work is served, and what happens when there is too much."""

    policy: Annotated[str, Choice(("score", "fifo", "strict"))] = setting(
        "score", "Order of ready batches: urgency with age and slack, arrival, urgency."
    )
    max_pending: PositiveCount = setting(10000, "Items taken on and not finished at most.")
    on_full: Annotated[str, Choice(("wait", "refuse"))] = setting("wait", "What a request does beyond max_pending.")
    on_deadline: Annotated[str, Choice(("serve", "drop"))] = setting("serve", "Whether a request past its deadline is still served.")
    ageing: Annotated[float, Ageing()] = setting(1800.0, "Seconds of waiting that weigh as much as one level of urgency (1 per 30 min).")
    initial_service_s: PositiveDuration = setting(60.0, "Seconds that a call is expected to take until the first answer.")


def _begins_at(resets: str, window_s: float) -> None:
    """Refuses a calendar window of which the time of day would begin only some, now and then. Raises FieldError."""
    if resets != "rolling" and _DAY_S % window_s and window_s % _DAY_S:
        reason = "do not divide a day and are no whole days, so no time of day always begins a window"
        raise FieldError(f"{window_s:g} s {reason}; try 24h, or resets: rolling", "window")


class BudgetWindow(Model):
    """One of several budgets."""

    limit: Money
    window: PositiveDuration = _DAY_S
    resets: Annotated[str, Resets()] = "rolling"
    kind: Annotated[str, Choice(("hard", "soft"))] = "hard"

    @model_validator(mode="after")
    def _begins_at_its_time(self) -> Self:
        _begins_at(self.resets, self.window)
        return self

    def offset_s(self, epoch_at: float) -> float | None:
        """Seconds from time 0 to a reset, where time 0 is `epoch_at` seconds after 1970 (UTC); None for a rolling window.

        Calendar windows follow one another without a gap from that time of day on 1970-01-01, a Thursday: `window: 1h` with "00:30 UTC" resets at
        half past every hour, `window: 7d` with "00:00 UTC" every Thursday.
        """
        return None if self.resets == "rolling" else (time_of_day_s(self.resets) - epoch_at) % self.window


@dataclass(frozen=True)
class BudgetWindows(Kind):
    """A list of budgets that hold together."""

    entry: type[Model] = BudgetWindow

    def read(self, given: Any) -> Any:
        return () if is_none(given) else read_list(BudgetWindow, given, "[{limit: 100, window: 1h}]")

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": BudgetWindow.model_json_schema()}


class Budget(Model):
    """What may be spent."""

    limit: OptionalMoney = setting(None, "Dollars per window at most, by the price list: plans do not count.")
    window: PositiveDuration = setting(_DAY_S, "Seconds of the budget's window.")
    resets: Annotated[str, Resets()] = setting(
        "rolling", 'rolling, or for calendar windows the time of day at which they begin, "00:00 UTC"; those of several days count from 1970-01-01.'
    )
    kind: Annotated[str, Choice(("hard", "soft"))] = setting(
        "hard", "hard reserves the most a call can cost and is never exceeded; soft reserves a quantile and may be."
    )
    reserve_urgent: Fraction = setting(0.0, "Share of every window's limit kept for urgent requests.")
    reserve_quantile: Fraction = setting(
        1.0, "Quantile of a call's cost that soft windows reserve, learnt from settled bills; 1 reserves the most, as hard ones do."
    )
    pacing: Boolean = setting(
        False, "Whether a call that is not urgent waits until the elapsed share of every window has caught up with the booked share of its limit."
    )
    on_spent: Annotated[str, Choice(("wait", "refuse"))] = setting(
        "wait",
        "What a request does that memory and work under way cannot answer while some window has no room for it: wait for room, or be turned away "
        "(before lower tiers are asked).",
    )
    windows: Annotated[tuple[BudgetWindow, ...], BudgetWindows()] = setting(
        (), "More budgets, each {limit, window, resets, kind}; all of them and limit hold together."
    )

    @model_validator(mode="after")
    def _begins_at_its_time(self) -> Self:
        _begins_at(self.resets, self.window)
        return self

    @property
    def in_force(self) -> tuple[BudgetWindow, ...]:
        """Every window that holds: that of `limit` first, where one is set."""
        if self.limit is None:
            return self.windows
        return (BudgetWindow(limit=self.limit, window=self.window, resets=self.resets, kind=self.kind), *self.windows)

    @property
    def is_hard(self) -> bool:
        """Whether some window is hard: then the most that a call can cost must be known."""
        return any(window.kind == "hard" for window in self.in_force)


class Retry(Model):
    """What happens after a failure."""

    max_attempts: PositiveCount = setting(4, "Attempts of a call at most, the first included.")
    base: Duration = setting(1.0, "Seconds of the first backoff at most (full jitter; doubled with every attempt).")
    cap: Duration = setting(60.0, "Seconds of any backoff at most.")
    call_timeout: PositiveDuration = setting(120.0, "Seconds from an attempt's sending until it is in doubt (a job: until it is accepted).")
    job_timeout: PositiveDuration = setting(1800.0, "Seconds that an accepted job may take.")
    in_doubt: Annotated[str, Choice(("hold", "fail", "resend"))] = setting(
        "hold", "What becomes of a call of which nobody knows whether it was taken."
    )


class Routing(Model):
    """Which lane serves what several could."""

    policy: Annotated[str, Choice(("cheapest", "fastest", "balanced", "single"))] = setting(
        "cheapest", "Which lane makes what several could: the cheapest or least loaded that meets the deadline, the fastest, always the first."
    )
    batch_lane: Annotated[str, Choice(("never", "slack"))] = setting("never", "When a batch API is used: for what can wait for it, or never.")
    cooldown: Duration = setting(30.0, "Seconds that a failing lane is left alone.")
    allowed_failures: PositiveCount = setting(3, "Failures in a row after which a lane is left alone.")


class Content(Model):
    """Where generated content is kept."""

    store: OptionalText = setting(None, "A folder, or the cdn tier.", part=5)
    inline_max: Size = setting(256.0 * 2**10, "Bytes up to which content is carried inline.", part=5)
    max_bytes: Size = setting(2.0 * 2**30, "Bytes of one content at most.", part=5)
    secret: OptionalSecret = setting(None, "Key of the store's names, as ${NAME}.", part=5)


class Shared(Model):
    """Limits and budget shared by several batchers."""

    on_loss: Annotated[str, Choice(("share", "stop"))] = setting("share", "When the shared tier is out of reach: go on with 1/N, or stop.", part=5)


class Journal(Model):
    """The durable log of a live batcher."""

    path: OptionalText = setting(None, "File of the journal.", part=5)
    retention: Duration = setting(30 * _DAY_S, "Seconds that finished work is remembered.", part=5)
    keep_prompts: Boolean = setting(False, "Whether prompts are kept once delivered.", part=5)


class Similarity(Model):
    """What makes two contents alike, as relative weights. Engine, content type and tenant are equal within a group, so the engine counts in full."""

    engine_weight: Number = setting(0.3, "Weight of the engine, which is equal within a group.")
    resolution_weight: Number = setting(0.2, "Weight of the resolution: equal or not.")
    duration_weight: Number = setting(0.2, "Weight of the duration: shorter / longer.")
    style_weight: Number = setting(0.3, "Weight of the style parameters: share of equal ones.")

    @model_validator(mode="after")
    def _has_weight(self) -> Self:
        if self.engine_weight + self.resolution_weight + self.duration_weight + self.style_weight <= 0:
            raise FieldError("the weights add up to 0; at least one must be > 0; try leaving them out")
        return self


class Fingerprint(Model):
    """What makes two contents the same."""

    normalise: Annotated[str, Choice(("strict", "loose"))] = setting(
        "strict", "strict: case and inner white space of prompts for audio and text matter; loose: for no content type."
    )


class Controller(Model):
    """Moves size, wait and thresholds from what it observes, within bounds."""

    enabled: Boolean = setting(False, "Whether settings are moved while running.")
    interval: PositiveDuration = setting(60.0, "Seconds between two looks.")
    max_late: Fraction = setting(0.05, "Share of deliveries past their deadlines beyond which the wait is halved.")
    min_batch_size: PositiveCount = setting(1, "Lower bound of batching.max_batch_size.")
    max_batch_size: PositiveCount = setting(100, "Upper bound of batching.max_batch_size.")
    min_wait: Duration = setting(0.0, "Lower bound of batching.max_wait, seconds.")
    max_wait: Duration = setting(300.0, "Upper bound of batching.max_wait, seconds.")
    min_similarity_threshold: Fraction = setting(0.5, "Lower bound of batching.similarity_threshold.")
    max_similarity_threshold: Fraction = setting(1.0, "Upper bound of batching.similarity_threshold.")
    min_near_duplicate_threshold: Annotated[float, Quantity("fraction", low=0.5)] = setting(
        0.8, "Lower bound of cache.near_duplicate_threshold; below the default more reuse is wrong, which nobody can observe."
    )
    max_near_duplicate_threshold: Annotated[float, Quantity("fraction", low=0.5)] = setting(0.95, "Upper bound of cache.near_duplicate_threshold.")

    @model_validator(mode="after")
    def _bounds_are_in_order(self) -> Self:
        for knob in ("batch_size", "wait", "similarity_threshold", "near_duplicate_threshold"):
            low, high = getattr(self, f"min_{knob}"), getattr(self, f"max_{knob}")
            if low > high:
                raise FieldError(f"{low:g} is more than max_{knob}, {high:g}; try lowering it", f"min_{knob}")
        return self
