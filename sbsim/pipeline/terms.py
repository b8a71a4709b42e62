"""What settings and providers mean for the parts of a pipeline: read when it is built, and again when its settings change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from math import inf

from sbsim.components.batch_builder import Sizing
from sbsim.components.budget import Allowance
from sbsim.components.controller import Bounds, Knobs
from sbsim.components.formation import Formation
from sbsim.components.rate_limiter import Limit
from sbsim.components.similarity import Shape, Similarity
from sbsim.components.sizing import AimdSize, CapacitySize, ComplexitySize, FailureSize, FixedSize
from sbsim.config import Config
from sbsim.pipeline.lane import Lane
from sbsim.records import Batch
from sbsim.scenario import ProviderSpec
from sbsim.units import to_nano

KNOB_PATHS = ("batching.max_batch_size", "batching.max_wait", "batching.similarity_threshold", "cache.near_duplicate_threshold")
"""The settings that the controller moves, in the order of `Knobs`."""


def or_inf(value: float | None) -> float:
    """A setting whose None means "no such limit"."""
    return inf if value is None else value


@dataclass(frozen=True)
class Terms:
    """Resolved settings, the lanes in the scenario's order, and the preparer's list of (resolution, style), which may grow.

    `epoch_at` is the wall-clock instant of time 0, seconds since 1970 (UTC), for calendar windows.
    """

    config: Config
    providers: Sequence[ProviderSpec]
    shapes: Sequence[Shape]
    epoch_at: float = 0.0

    def limits(self, lane: int) -> list[Limit]:
        """Our own limits and the provider's known ones apply together."""
        own = self.config.rate_limit
        limits = [Limit("concurrency", own.concurrency)] if own.concurrency is not None else []
        if own.max_requests is not None:
            limits.append(Limit("calls", own.max_requests, own.time_window))
        for limit in self.providers[lane].limits:
            if limit.known:
                limits.append(Limit(limit.unit, limit.n, limit.per, limit.kind, limit.burst, limit.resets))
        return limits

    def timeouts_s(self, lane: int) -> tuple[float, float]:
        """Seconds from a sending until its call is in doubt, and from a job's acceptance until it is."""
        spec, retry = self.providers[lane], self.config.retry
        if spec.api.style != "batch":
            return retry.call_timeout, retry.job_timeout
        # A batch API gives up by itself: the poll that finds that out must still come, and be answered, in time.
        return retry.call_timeout, spec.life_s + spec.api.poll + retry.call_timeout

    def allowances(self) -> list[Allowance]:
        """What may be spent; empty: there is no budget."""
        return [
            Allowance(to_nano(each.limit), each.window, each.kind == "hard", each.offset_s(self.epoch_at)) for each in self.config.budget.in_force
        ]

    def similarity(self) -> Similarity:
        """How alike contents are, and must be."""
        return Similarity(self.shapes, self.config.similarity, self.config.batching.similarity_threshold)

    def formation(self, similarity: Similarity, before: Formation | None = None) -> Formation | None:
        """The packer where groups are formed anew at each cut; one that goes on keeps what it has learnt."""
        batching = self.config.batching
        if not batching.forms_anew:
            return None
        if before is None:
            return Formation(similarity, batching.formation_effort)
        before.configure(similarity, batching.formation_effort)
        return before

    def controller_bounds(self) -> Bounds:
        """Within what the controller moves what."""
        own, cache = self.config.controller, self.config.cache
        low = Knobs(own.min_batch_size, own.min_wait, own.min_similarity_threshold, own.min_near_duplicate_threshold)
        high = Knobs(own.max_batch_size, own.max_wait, own.max_similarity_threshold, own.max_near_duplicate_threshold)
        return Bounds(low, high, own.max_late, cache.near_duplicates)

    def knobs(self) -> Knobs:
        """Where they stand."""
        batching = self.config.batching
        return Knobs(batching.max_batch_size, batching.max_wait, batching.similarity_threshold, self.config.cache.near_duplicate_threshold)

    def turned_to(self, knobs: Knobs) -> Terms:
        """The same terms with the knobs elsewhere; what has not moved stays as it was written."""
        moves = {path: value for path, value, before in zip(KNOB_PATHS, knobs, self.knobs(), strict=True) if value != before}
        return replace(self, config=self.config.with_values(moves, "controller"))

    def sizing(self, lanes: Sequence[Lane], groups: Callable[[], Iterable[Batch]]) -> Sizing:
        """The policy that `batching.sizing` names; `groups` gives the open ones."""
        if self.config.batching.sizing == "capacity":
            return CapacitySize(lanes, groups)
        if self.config.batching.sizing == "failure":
            return FailureSize(lanes, self.config.retry.max_attempts)
        plain: dict[str, type[Sizing]] = {"fixed": FixedSize, "complexity": ComplexitySize, "aimd": AimdSize}
        return plain[self.config.batching.sizing]()
