"""Config and providers to a wired pipeline: the only place that wires."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from math import inf

from sbsim.components.batch_builder import BatchBuilder
from sbsim.components.breaker import Breaker
from sbsim.components.budget import Allowance, Budget
from sbsim.components.cache import POLICIES
from sbsim.components.coalescer import Coalescer
from sbsim.components.near_duplicates import Neighbours
from sbsim.components.priority_queue import PriorityQueue
from sbsim.components.rate_limiter import Limit, RateLimiter
from sbsim.components.retry import Retry
from sbsim.components.similarity import Similarity
from sbsim.components.sizing import AimdSize, CapacitySize, ComplexitySize, FailureSize, FixedSize, Sizing
from sbsim.components.tally import ServiceEstimate
from sbsim.config import Config
from sbsim.pipeline.dispatch import Dispatcher
from sbsim.pipeline.lane import Lane
from sbsim.pipeline.lookup import Lookup, TierPlace
from sbsim.pipeline.pipeline import Pipeline
from sbsim.pricing import PriceBook
from sbsim.records import CDN, REDIS, Batch
from sbsim.scenario import ProviderSpec
from sbsim.units import to_nano


def build(
    config: Config,
    providers: Sequence[ProviderSpec],
    books: Sequence[PriceBook],
    shapes: list[tuple[str | None, tuple[tuple[str, Hashable], ...]]],
    *,
    epoch_at: float = 0.0,
    near: Neighbours | None = None,
    ordinal: int = 0,
    step: int = 1,
) -> Pipeline:
    """A pipeline in its first state.

    Parameters
    ----------
    config : resolved settings. providers : the lanes, in the scenario's order; books : their price books, likewise.
    shapes : the preparer's list of (resolution, style), which may grow while the pipeline lives.
    epoch_at : the wall-clock instant of time 0, seconds since 1970 (UTC), for calendar windows.
    near : the memory of prompts where `cache.near_duplicates` is on. ordinal, step : which of how many instances it is: their calls have different
    numbers, and so different luck.
    """
    batching = config.batching
    similarity = Similarity(shapes, config.similarity, batching.similarity_threshold)
    lanes = [_lane(i, spec, book, config, epoch_at) for i, (spec, book) in enumerate(zip(providers, books, strict=True))]
    builder = BatchBuilder(
        max_size=batching.max_batch_size,
        max_usd=_or_inf(batching.max_batch_cost),
        max_duration_s=_or_inf(batching.max_batch_duration),
        max_wait_s=batching.max_wait,
        similarity=similarity,
        sizing=_sizing(config, lanes, lambda: builder.open_batches()),
        late_join=batching.late_join,
        ordinal=ordinal,
        step=step,
    )
    dispatcher = Dispatcher(
        lanes=lanes,
        budget=_budget(config, epoch_at),
        builder=builder,
        coalescer=Coalescer(batching.coalesce),
        drops_late=config.queue.on_deadline == "drop",
        routing=config.routing.policy,
        ordinal=ordinal,
        step=step,
    )
    cache = config.cache
    return Pipeline(
        lookup=Lookup(
            POLICIES[cache.policy](cache.memory_size, _or_inf(cache.memory_bytes), _or_inf(cache.ttl)),
            tiers(config),
            cache.fetch_timeout,
            near,
            cache.negative_ttl,
        ),
        dispatcher=dispatcher,
        retry=Retry(max_attempts=config.retry.max_attempts, base_s=config.retry.base, cap_s=config.retry.cap),
        max_pending=config.queue.max_pending,
        on_full=config.queue.on_full,
        in_doubt=config.retry.in_doubt,
        routing=config.routing.policy,
        batch_lane=config.routing.batch_lane,
    )


def share(pipelines: Sequence[Pipeline]) -> None:
    """From now on these instances have their limits and their budget in common, as if whoever grants them took no time."""
    first = pipelines[0]
    for pipeline in pipelines:
        pipeline.budget = pipeline.dispatcher.budget = first.budget
        for lane, common in zip(pipeline.lanes, first.lanes, strict=True):
            lane.limiter = common.limiter
            lane.is_shared = True


def tiers(config: Config) -> list[TierPlace]:
    """The lower tiers that the settings switch on, in the order in which they are asked."""
    named = (TierPlace(REDIS, "redis"), config.cache.redis_url), (TierPlace(CDN, "cdn"), config.cache.cdn_url)
    return [place for place, url in named if url is not None]


def _or_inf(value: float | None) -> float:
    return inf if value is None else value


def _sizing(config: Config, lanes: Sequence[Lane], groups: Callable[[], Iterable[Batch]]) -> Sizing:
    """The policy that `batching.sizing` names."""
    if config.batching.sizing == "capacity":
        return CapacitySize(lanes, groups)
    if config.batching.sizing == "failure":
        return FailureSize([lane.book for lane in lanes], [lane.max_part for lane in lanes], config.retry.max_attempts)
    plain: dict[str, type[Sizing]] = {"fixed": FixedSize, "complexity": ComplexitySize, "aimd": AimdSize}
    return plain[config.batching.sizing]()


def _budget(config: Config, epoch_at: float) -> Budget | None:
    budget = config.budget
    if not budget.in_force:
        return None
    return Budget(
        [Allowance(to_nano(each.limit), each.window, each.kind == "hard", each.offset_s(epoch_at)) for each in budget.in_force],
        reserve_urgent=budget.reserve_urgent,
        reserve_quantile=budget.reserve_quantile,
        is_paced=budget.pacing,
    )


def _lane(index: int, spec: ProviderSpec, book: PriceBook, config: Config, epoch_at: float) -> Lane:
    is_job = spec.api.style != "sync"
    is_slow = spec.api.style == "batch"
    retry = config.retry
    # A batch API gives up by itself: the poll that finds that out must still come, and be answered, in time.
    job_timeout_s = spec.life_s + spec.api.poll + retry.call_timeout if is_slow else retry.job_timeout
    limiter = RateLimiter(
        _limits(spec, config),
        pacing_s=config.rate_limit.batch_pacing_interval,
        guard_s=config.rate_limit.guard,
        poll_s=spec.api.poll if is_job else 0.0,
        epoch_at=epoch_at,
    )
    return Lane(
        index=index,
        name=spec.name,
        book=book,
        limiter=limiter,
        breaker=Breaker(config.routing.allowed_failures, config.routing.cooldown),
        queue=PriorityQueue(config.queue.policy, config.queue.ageing),
        service=ServiceEstimate(config.queue.initial_service_s if not is_slow else _first_turnaround_s(spec)),
        takes=spec.api.takes,
        max_items=_or_inf(spec.api.max_items),
        max_bytes=_or_inf(spec.api.max_bytes),
        idempotency=spec.api.idempotency,
        cancel=spec.api.cancel,
        call_timeout_s=retry.call_timeout,
        job_timeout_s=job_timeout_s,
        is_job=is_job,
        is_slow=is_slow,
    )


def _first_turnaround_s(spec: ProviderSpec) -> float:
    """What a batch API is expected to take until its first answer, seconds: half of the time after which it gives up (an assumption)."""
    return spec.life_s / 2


def _limits(spec: ProviderSpec, config: Config) -> list[Limit]:
    """Our own limits and the provider's known ones apply together."""
    own = config.rate_limit
    limits = [Limit("concurrency", own.concurrency)] if own.concurrency is not None else []
    if own.max_requests is not None:
        limits.append(Limit("calls", own.max_requests, own.time_window))
    for limit in spec.limits:
        if limit.known:
            limits.append(Limit(limit.unit, limit.n, limit.per, limit.kind, limit.burst, limit.resets))
    return limits
