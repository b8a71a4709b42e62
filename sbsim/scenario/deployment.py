"""What runs in production: settings, providers and promises, without the laws that only a simulation needs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, ValidationError, model_validator

from sbsim.config import Config, SettingsFile, plain_value, require_available
from sbsim.config import load as load_settings
from sbsim.config.files import read_document
from sbsim.documents.faults import refusal
from sbsim.documents.model import Model
from sbsim.errors import ScenarioError
from sbsim.scenario.instances import is_divided, share_of
from sbsim.scenario.limits import Limit
from sbsim.scenario.provider import ProviderSpec
from sbsim.scenario.scenario import Scenario
from sbsim.scenario.sharing import with_shared_prices
from sbsim.scenario.study import Sla, by_priority

_DEPLOYED = ("name", "as_of", "serves", "api", "price", "result", "limits", "expires_after")
"""Keys of a provider that production needs: no latency, no turnaround, no failures, no changes that somebody expects."""


@dataclass(frozen=True)
class Deployment:
    """A file that runs in production, read back. `providers` and `sla` are empty where it has none.

    The numbers are those of one of `instances`; `whole` has, by path, what the settings that these divide are for all of them.
    """

    config: Config
    providers: tuple[ProviderSpec, ...] = ()
    sla: Mapping[int, Sla] | None = None
    instances: int = 1
    whole: Mapping[str, Any] = field(default_factory=dict)


def deployment(scenario: Scenario, config: Config | None = None) -> dict[str, Any]:
    """Plain values of `recommended.yaml`: every setting of `config` (default: the scenario's), providers and promises. `${NAME}` stays as it is.

    Where several instances divide limits and budget among them, the numbers are those of one instance; `instances` says of how many, and `whole` what
    the divided settings were: a scenario that reads the file back goes by them.
    """
    config = scenario.config if config is None else config
    n, document = scenario.instances.n, scenario.document
    providers = [{key: provider[key] for key in _DEPLOYED if key in provider} for provider in document["providers"]]
    written: dict[str, Any] = {"version": 1, "name": scenario.name}
    if is_divided(config, n):
        own, specs = share_of(config, scenario.providers, n)
        for provider, spec in zip(providers, specs, strict=True):
            if "limits" in provider:
                provider["limits"] = [_share(limit, each) for limit, each in zip(provider["limits"], spec.limits, strict=True)]
        written |= {"instances": n, "whole": {path: plain_value(old) for path, (old, _) in config.differences(own).items()}}
        config = own
    written |= {"config": config.to_plain(), "providers": providers}
    return {**written, "sla": document["sla"]} if document.get("sla") else written


def _share(written: Mapping[str, Any], limit: Limit) -> dict[str, Any]:
    """A limit as it was written, with one instance's numbers."""
    numbers = {limit.unit: limit.n} if limit.burst is None else {limit.unit: limit.n, "burst": limit.burst}
    return {**written, **numbers}


def load_deployment(path: str | Path) -> Deployment:
    """Settings, providers and promises of a file that `deployment` wrote, or of bare settings. Raises ScenarioError."""
    file = load_settings(path)
    require_available(file.config, file.origins, file.prefix)
    providers, sla = _parts(file)
    config = file.config.resolved(any(provider.limits for provider in providers))
    return Deployment(config, providers, sla, file.instances, file.whole)


def load_providers(path: str | Path) -> tuple[ProviderSpec, ...]:
    """The lanes in a file that holds `providers`, whatever else is in it. Raises ScenarioError."""
    document, origins = read_document(Path(path))
    if not isinstance(document, Mapping) or not document.get("providers"):
        raise ScenarioError(f"{path}: it has no providers, and so no prices; allowed: a scenario, or a file with a list `providers`")
    try:
        return _Parts.model_validate({"providers": document["providers"]}).providers
    except ValidationError as error:
        raise refusal(error, origins) from None


def says_traffic(path: str | Path) -> bool:
    """Whether a file is a whole scenario rather than a list of providers. Raises ScenarioError where it cannot be read."""
    document, _ = read_document(Path(path))
    return isinstance(document, Mapping) and "workload" in document


def differing_parts(file: SettingsFile, scenario: Scenario) -> list[str]:
    """What a file of settings says otherwise than the scenario, beside settings: words for a warning. Raises ScenarioError."""
    providers, sla = _parts(file)
    specs = scenario.providers
    if file.instances > 1 and is_divided(scenario.config, scenario.instances.n):
        _, specs = share_of(scenario.config, specs, scenario.instances.n)
    here = {provider.name: _deployed(provider) for provider in specs}
    differing = []
    if file.providers is not None and {provider.name: _deployed(provider) for provider in providers} != here:
        differing.append("list of providers")
    if sla is not None and sla != scenario.sla:
        differing.append("sla")
    return differing


class _Parts(Model):
    """The parts beside the settings."""

    providers: tuple[ProviderSpec, ...] = ()
    sla: Annotated[dict[Any, Sla], AfterValidator(by_priority)] | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        object.__setattr__(self, "providers", with_shared_prices(self.providers))
        return self


def _parts(file: SettingsFile) -> tuple[tuple[ProviderSpec, ...], dict[int, Sla] | None]:
    given = {key: value for key, value in (("providers", file.providers), ("sla", file.sla)) if value is not None}
    try:
        read = _Parts.model_validate(given)
    except ValidationError as error:
        raise refusal(error, file.origins) from None
    return read.providers, read.sla


def _deployed(provider: ProviderSpec) -> tuple[Any, ...]:
    return tuple(getattr(provider, key) for key in _DEPLOYED)
