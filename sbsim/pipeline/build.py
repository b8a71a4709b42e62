"""Config and providers to a wired pipeline: the only place that wires."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from sbsim.components.batch_builder import BatchBuilder
from sbsim.components.breaker import Breaker
from sbsim.components.budget import Budget
from sbsim.components.cache import POLICIES
from sbsim.components.coalescer import Coalescer
from sbsim.components.near_duplicates import Neighbours
from sbsim.components.priority_queue import PriorityQueue
from sbsim.components.rate_limiter import RateLimiter
from sbsim.components.retry import Retry
from sbsim.components.tally import ServiceEstimate
from sbsim.config import Config
from sbsim.pipeline.dispatch import Dispatcher
from sbsim.pipeline.lane import Lane
from sbsim.pipeline.lookup import Lookup, TierPlace
from sbsim.pipeline.pipeline import Pipeline
from sbsim.pipeline.terms import Terms, or_inf
from sbsim.pricing import PriceBook
from sbsim.records import CDN, REDIS
from sbsim.scenario import ProviderSpec


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
    terms = Terms(config, tuple(providers), shapes, epoch_at)
    lanes = [_lane(i, spec, book, terms) for i, (spec, book) in enumerate(zip(providers, books, strict=True))]
    builder = BatchBuilder(
        max_size=batching.max_batch_size,
        max_usd=or_inf(batching.max_batch_cost),
        max_duration_s=or_inf(batching.max_batch_duration),
        max_wait_s=batching.max_wait,
        similarity=terms.similarity(),
        sizing=terms.sizing(lanes, lambda: builder.open_batches()),
        late_join=batching.late_join,
        closes_over=not batching.forms_anew,
        ordinal=ordinal,
        step=step,
    )
    dispatcher = Dispatcher(
        lanes=lanes,
        budget=_budget(terms),
        builder=builder,
        coalescer=Coalescer(batching.coalesce),
        drops_late=config.queue.on_deadline == "drop",
        formation=terms.formation(terms.similarity()),
        routing=config.routing.policy,
        ordinal=ordinal,
        step=step,
    )
    cache = config.cache
    return Pipeline(
        lookup=Lookup(
            POLICIES[cache.policy](cache.memory_size, or_inf(cache.memory_bytes), or_inf(cache.ttl)),
            tiers(config),
            cache.fetch_timeout,
            near,
            cache.negative_ttl,
        ),
        dispatcher=dispatcher,
        retry=Retry(max_attempts=config.retry.max_attempts, base_s=config.retry.base, cap_s=config.retry.cap),
        terms=terms,
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


def _budget(terms: Terms) -> Budget | None:
    settings, allowances = terms.config.budget, terms.allowances()
    if not allowances:
        return None
    return Budget(allowances, reserve_urgent=settings.reserve_urgent, reserve_quantile=settings.reserve_quantile, is_paced=settings.pacing)


def _lane(index: int, spec: ProviderSpec, book: PriceBook, terms: Terms) -> Lane:
    config = terms.config
    is_job = spec.api.style != "sync"
    is_slow = spec.api.style == "batch"
    call_timeout_s, job_timeout_s = terms.timeouts_s(index)
    limiter = RateLimiter(
        terms.limits(index),
        pacing_s=config.rate_limit.batch_pacing_interval,
        guard_s=config.rate_limit.guard,
        poll_s=spec.api.poll if is_job else 0.0,
        epoch_at=terms.epoch_at,
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
        max_items=or_inf(spec.api.max_items),
        max_bytes=or_inf(spec.api.max_bytes),
        idempotency=spec.api.idempotency,
        cancel=spec.api.cancel,
        call_timeout_s=call_timeout_s,
        job_timeout_s=job_timeout_s,
        is_job=is_job,
        is_slow=is_slow,
    )


def _first_turnaround_s(spec: ProviderSpec) -> float:
    """What a batch API is expected to take until its first answer, seconds: half of the time after which it gives up (an assumption)."""
    return spec.life_s / 2
