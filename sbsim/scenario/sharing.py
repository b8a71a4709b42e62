"""Prices that are stated by naming another provider: `{same_as: images, factor: 0.5}`."""

from __future__ import annotations

from typing import Any

from sbsim.documents.faults import FieldError, nearest, one_of
from sbsim.scenario.price import Price
from sbsim.scenario.provider import Change, ProviderSpec


def with_shared_prices(providers: tuple[ProviderSpec, ...]) -> tuple[ProviderSpec, ...]:
    """The providers with every `same_as` resolved: the other's price but for its plan, with this one's own keys, both factors multiplied.

    Raises FieldError.
    """
    by_name = {provider.name: provider.price for provider in providers}
    resolved = []
    for k, provider in enumerate(providers):
        update: dict[str, Any] = {}
        if provider.price.same_as is not None:
            update["price"] = _resolved(provider.price, by_name, "providers", k, "price")
        if any(change.price is not None and change.price.same_as is not None for change in provider.changes):
            update["changes"] = tuple(_changed(change, by_name, "providers", k, "changes", j) for j, change in enumerate(provider.changes))
        resolved.append(provider.model_copy(update=update) if update else provider)
    return tuple(resolved)


def _changed(change: Change, by_name: dict[str, Price], *path: str | int) -> Change:
    """A change whose price, if it is another's, is that one's at the start."""
    if change.price is None or change.price.same_as is None:
        return change
    return change.model_copy(update={"price": _resolved(change.price, by_name, *path, "price")})


def _resolved(price: Price, by_name: dict[str, Price], *path: str | int) -> Price:
    seen: list[str] = []
    chain = [price]
    while (other := chain[-1].same_as) is not None:
        if other not in by_name:
            raise FieldError(f"there is no provider {other!r}; allowed: {one_of(by_name)}{nearest(other, by_name)}", *path, "same_as")
        if other in seen or by_name[other] is price:
            raise FieldError(f"{other!r} refers back to this price; try giving rates in one of them", *path, "same_as")
        seen.append(other)
        chain.append(by_name[other])
    whole = chain.pop()
    for own in reversed(chain):
        given = {key: getattr(own, key) for key in own.model_fields_set - {"same_as", "factor"}}
        whole = whole.model_copy(update={**given, "factor": whole.factor * own.factor, "same_as": None})
    return whole.model_copy(update={"plan": price.plan})  # the fee of another's plan is paid there
