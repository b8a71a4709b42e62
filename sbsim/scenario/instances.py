"""What each of several copies of the batcher may use of limits that nobody shares: 1/n of them, whole numbers and nano-dollars rounded down.

With a tier that all of them reach (redis) limits and budget are shared, and nothing is divided.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sbsim.config import Config
from sbsim.documents.faults import FieldError
from sbsim.scenario.limits import Limit
from sbsim.scenario.provider import ProviderSpec
from sbsim.units import to_nano, to_usd

_WHOLE = ("calls", "items", "concurrency", "outstanding")


def is_divided(config: Config, n: int) -> bool:
    """Whether limits and budget are divided among `n` instances."""
    return n > 1 and config.cache.redis_url is None


def share_of(config: Config, providers: Sequence[ProviderSpec], n: int) -> tuple[Config, tuple[ProviderSpec, ...]]:
    """Settings and lanes as one of `n` instances has them where nothing is shared.

    Raises
    ------
    FieldError
        When a whole number leaves nothing for each.
    """
    own = config.rate_limit
    changes: dict[str, Any] = {"rate_limit.batch_pacing_interval": own.batch_pacing_interval * n}
    for name in ("max_requests", "concurrency"):
        value = getattr(own, name)
        if value is not None:
            changes[f"rate_limit.{name}"] = _part(value, n, "config", "rate_limit", name)
    if config.budget.limit is not None:
        changes["budget.limit"] = _dollars(config.budget.limit, n)
    if config.budget.windows:
        changes["budget.windows"] = [{**each.model_dump(), "limit": _dollars(each.limit, n)} for each in config.budget.windows]
    lanes = tuple(
        spec.model_copy(update={"limits": tuple(_divided(limit, n, k, j) for j, limit in enumerate(spec.limits))}) for k, spec in enumerate(providers)
    )
    return config.with_values(changes), lanes


def _divided(limit: Limit, n: int, k: int, j: int) -> Limit:
    part = _part(limit.n, n, "providers", k, "limits", j, limit.unit) if limit.unit in _WHOLE else limit.n / n
    return limit.model_copy(update={"n": part, "burst": None if limit.burst is None else limit.burst / n})


def _dollars(limit: float, n: int) -> float:
    return to_usd(to_nano(limit) // n)


def _part(value: float, n: int, *place: str | int) -> int:
    part = int(value // n)
    if part < 1:
        raise FieldError(f"{value:g} cannot be divided among {n} instances; try a tier that they share (cache.redis_url), or fewer instances", *place)
    return part
