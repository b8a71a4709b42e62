"""Can batching save anything at these list prices? A question about price lists alone, answered before any simulation."""

from __future__ import annotations

from sbsim.scenario import ProviderSpec, Scenario


def why_batching_saves_nothing(scenario: Scenario) -> str | None:
    """A sentence that says why no call of several requests is cheaper than calls of one; None when some provider's is."""
    providers = scenario.providers
    several = [provider for provider in providers if takes_several(provider, scenario)]
    if any(_rewards_company(provider) for provider in several):
        return None
    if not several:
        why = "every provider takes one request per call"
    elif not any(_rewards_company(provider) for provider in providers):
        why = "no provider charges by the call or the set-up, gives a discount on many items, or bills time that a call's items share"
    else:
        why = "those providers whose prices reward company take one request per call"
    return f"list prices give batching nothing to save: {why}. Only reuse of content, fewer failures and fewer penalties can lower this bill"


def takes_several(provider: ProviderSpec, scenario: Scenario) -> bool:
    """Whether two requests can travel in one call."""
    if provider.api.takes == "one" or provider.api.max_items == 1:
        return False
    if provider.api.takes != "variants" or scenario.workload.source != "synthetic":
        return True
    return any(one.variants.points != (1.0,) for one in scenario.workload.classes)


def _rewards_company(provider: ProviderSpec) -> bool:
    """Whether an item of a larger call can cost less."""
    price, latency = provider.price, provider.latency
    charged = {rate.per for rate in price.rates if rate.usd > 0}
    alone = next((tier.factor for tier in price.tiers if tier.from_ == 1), 1.0)
    shares_time = latency.total is not None or latency.setup > 0 or latency.parallel_items > 1
    return (
        bool(charged & {"call", "setup"})
        or price.minimum > 0
        or (bool(charged) and any(tier.from_ > 1 and tier.factor < alone for tier in price.tiers))
        or ("gpu_second" in charged and shares_time)
    )
