"""What runs in production: settings, providers and promises, without the laws that only a simulation needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sbsim.config import Config
from sbsim.config.files import load as load_settings
from sbsim.documents.faults import FieldError, at, refusal
from sbsim.documents.model import Model
from sbsim.documents.origin import Origins
from sbsim.scenario.parts import require_available_provider
from sbsim.scenario.provider import ProviderSpec
from sbsim.scenario.scenario import Scenario
from sbsim.scenario.sharing import with_shared_prices
from sbsim.scenario.study import Sla, by_priority

_DEPLOYED = ("name", "as_of", "serves", "api", "price", "result", "limits")
"""Keys of a provider that production needs: no latency, no failures."""


@dataclass(frozen=True)
class Deployment:
    """A file that runs in production, read back. `providers` and `sla` are empty where it has none."""

    config: Config
    providers: tuple[ProviderSpec, ...] = ()
    sla: Mapping[int, Sla] | None = None


def deployment(scenario: Scenario, config: Config | None = None) -> dict[str, Any]:
    """Plain values of `recommended.yaml`: every setting of `config` (default: the scenario's), providers and promises. `${NAME}` stays as it is."""
    config = scenario.config if config is None else config
    document = scenario.document
    providers = [{key: provider[key] for key in _DEPLOYED if key in provider} for provider in document["providers"]]
    written: dict[str, Any] = {"version": 1, "name": scenario.name, "config": config.to_plain(), "providers": providers}
    return {**written, "sla": document["sla"]} if document.get("sla") else written


def load_deployment(path: str | Path) -> Deployment:
    """Settings, providers and promises of a file that `deployment` wrote, or of bare settings. Raises ScenarioError."""
    file = load_settings(path)
    parts = _Parts.model_validate
    try:
        read = parts({key: value for key, value in (("providers", file.providers), ("sla", file.sla)) if value is not None})
        providers = with_shared_prices(read.providers)
        for k, provider in enumerate(providers):
            _available(provider, k, file.origins)
    except ValidationError as error:
        raise refusal(error, file.origins) from None
    except FieldError as error:
        raise at(file.origins, tuple(error.path), str(error)) from None
    config = file.config.resolved(any(provider.limits for provider in providers))
    return Deployment(config, providers, by_priority(read.sla) if read.sla is not None else None)


class _Parts(Model):
    """The parts beside the settings."""

    providers: tuple[ProviderSpec, ...] = ()
    sla: dict[Any, Sla] | None = None


def _available(provider: ProviderSpec, k: int, origins: Origins) -> None:
    try:
        require_available_provider(provider)
    except FieldError as error:
        raise at(origins, ("providers", k, *error.path), str(error)) from None
