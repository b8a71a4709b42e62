"""sbsim: simulate and optimise the batching layer in front of paid generation APIs, with the very components that run in production.

The public face is lazy (PEP 562): importing `sbsim` loads nothing until a name is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_FACE = {
    "BatchingConfig": ("sbsim.config", "Config"),
    "CacheManager": ("sbsim.live.memory", "CacheManager"),
    "CallableProvider": ("sbsim.live.connect.callable", "CallableProvider"),
    "ContentRequest": ("sbsim.records", "ContentRequest"),
    "CostAnalyzer": ("sbsim.live.faces", "CostAnalyzer"),
    "Delivery": ("sbsim.live.delivery", "Delivery"),
    "InfeasibleError": ("sbsim.errors", "InfeasibleError"),
    "PriorityQueue": ("sbsim.live.faces", "PriorityQueue"),
    "ProviderError": ("sbsim.errors", "ProviderError"),
    "RateLimiter": ("sbsim.live.faces", "RateLimiter"),
    "SbsimError": ("sbsim.errors", "SbsimError"),
    "Scenario": ("sbsim.scenario", "Scenario"),
    "ScenarioError": ("sbsim.errors", "ScenarioError"),
    "SmartBatcher": ("sbsim.live.batcher", "SmartBatcher"),
    "SmartBatchingIntegration": ("sbsim.live.integration", "SmartBatchingIntegration"),
    "StateError": ("sbsim.errors", "StateError"),
    "TraceError": ("sbsim.errors", "TraceError"),
    "recommend": ("sbsim.export", "recommend"),
    "simulate": ("sbsim.simulation.study", "simulate"),
    "sweep": ("sbsim.search.sweep", "sweep"),
}

if TYPE_CHECKING:
    from sbsim.config import Config as BatchingConfig
    from sbsim.errors import InfeasibleError, ProviderError, SbsimError, ScenarioError, StateError, TraceError
    from sbsim.export import recommend
    from sbsim.live.batcher import SmartBatcher
    from sbsim.live.connect.callable import CallableProvider
    from sbsim.live.delivery import Delivery
    from sbsim.live.faces import CostAnalyzer, PriorityQueue, RateLimiter
    from sbsim.live.integration import SmartBatchingIntegration
    from sbsim.live.memory import CacheManager
    from sbsim.records import ContentRequest
    from sbsim.scenario import Scenario
    from sbsim.search.sweep import sweep
    from sbsim.simulation.study import simulate

__all__ = [
    "BatchingConfig", "CacheManager", "CallableProvider", "ContentRequest", "CostAnalyzer", "Delivery", "InfeasibleError", "PriorityQueue",
    "ProviderError", "RateLimiter", "SbsimError", "Scenario", "ScenarioError", "SmartBatcher", "SmartBatchingIntegration", "StateError", "TraceError",
    "recommend", "simulate", "sweep",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    try:
        module, attribute = _FACE[name]
    except KeyError:
        raise AttributeError(f"module 'sbsim' has no attribute {name!r}") from None
    value = getattr(import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_FACE])
