"""Which connection makes what a lane stands for, and the lane of a batcher that has none."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from sbsim.errors import StateError
from sbsim.live.connect.connection import Connection
from sbsim.records import Call, ContentRequest, Outcome
from sbsim.scenario import ANY, ProviderSpec

_LOG = logging.getLogger("sbsim.live")
NO_PROVIDER = (
    "SmartBatcher needs a provider to send anything; give it one: a Python function (CallableProvider), a web API (HttpProvider) "
    "or a batch API of files (BatchProvider); for example SmartBatcher(provider=CallableProvider(fn))"
)
Connections: TypeAlias = Connection | Sequence[Connection] | Mapping[str, Connection] | None


class Unconnected:
    """A lane that nothing can be sent on: for prices, and for a batcher without a provider."""

    def __init__(self, spec: ProviderSpec) -> None:
        self.spec = spec

    async def send(self, call: Call, wishes: Sequence[ContentRequest], accepted: Any) -> Outcome:
        """Nobody gets here: a batcher without providers takes nothing on."""
        raise StateError(NO_PROVIDER)


def connected(given: Connections, declared: Sequence[ProviderSpec]) -> tuple[list[Connection], list[ProviderSpec]]:
    """(connections, their lanes): in the order of the declared lanes, whose price, limits and contents count; without declared ones as given.

    Raises
    ------
    StateError
        When what is given is empty or no provider, a declared lane has no connection, a connection no lane, or the two disagree on what a call takes.
    """
    if given is None:
        lanes = list(declared) or [_any_lane()]
        return [Unconnected(lane) for lane in lanes], lanes
    by_name = _by_name(given, declared)
    if not by_name and not declared:
        raise StateError(f"SmartBatcher(provider={given!r}) is empty. {NO_PROVIDER}")
    if not declared:
        return list(by_name.values()), [connection.spec for connection in by_name.values()]
    lanes, connections = [], []
    for lane in declared:
        connection = by_name.pop(lane.name, None)
        if connection is None:
            raise StateError(f"provider {lane.name!r} of the file has no connection; given: {', '.join(by_name) or 'none'}; try {{{lane.name!r}: …}}")
        connections.append(connection)
        lanes.append(_reached(lane, connection))
    if by_name:
        raise StateError(f"{', '.join(by_name)}: no such provider in the file; there are: {', '.join(lane.name for lane in declared)}")
    return connections, lanes


def _by_name(given: Connection | Sequence[Connection] | Mapping[str, Connection], declared: Sequence[ProviderSpec]) -> dict[str, Connection]:
    """Connections by the names of their lanes: as many as are declared, none of them under a declared name, stand in the order of the declared."""
    many = isinstance(given, Sequence) and not isinstance(given, str)
    offered: list[Connection] = list(given.values()) if isinstance(given, Mapping) else list(given) if many else [given]  # type: ignore[arg-type,list-item]
    for one in offered:
        if not (hasattr(one, "spec") and hasattr(one, "send")):
            raise StateError(
                f"SmartBatcher(provider=…): {one!r} is no provider; allowed: a CallableProvider, several in a list, or a mapping from lanes to them; "
                'try CallableProvider(fn) for a function of one request, CallableProvider(fn, takes="list") for one of a list'
            )
    if isinstance(given, Mapping):
        return dict(given)
    names = [connection.spec.name for connection in offered]
    known = [lane.name for lane in declared]
    if len(known) == len(names) and not set(known) & set(names):
        names = known
    if len(set(names)) < len(names):
        raise StateError(f"two providers are called {next(name for name in names if names.count(name) > 1)!r}; try CallableProvider(fn, name=…)")
    return dict(zip(names, offered, strict=True))


def _reached(lane: ProviderSpec, connection: Connection) -> ProviderSpec:
    """The declared lane as this connection reaches it: what it costs and allows is declared, how a call is made is the connection's.

    What the file promises of calls in doubt and the connection does not keep is logged: a run that was simulated by it resent and paid otherwise.
    """
    api = connection.spec.api
    if (api.takes == "one") is not (lane.api.takes == "one"):
        raise StateError(
            f"provider {lane.name!r} takes {lane.api.takes} in a call and its connection takes {api.takes}; "
            f"try CallableProvider(fn, takes={'one' if lane.api.takes == 'one' else 'list'!r})"
        )
    for name in ("idempotency", "cancel"):
        promised, kept = getattr(lane.api, name), getattr(api, name)
        if promised != kept:
            _LOG.warning("provider %r: api.%s is %s in the file and %s of its connection, which counts", lane.name, name, promised, kept)
    most = [n for n in (api.max_items, lane.api.max_items) if n is not None]
    return lane.model_copy(update={"api": api.model_copy(update={"max_items": min(most) if most else None})})


def _any_lane() -> ProviderSpec:
    spec = ProviderSpec.from_mapping(
        {
            "name": "none",
            "serves": {"content_type": "text"},
            "api": {"style": "sync", "takes": "list"},
            "price": {"rates": []},
            "latency": {"total": 1.0},
        }
    )
    return spec.model_copy(update={"serves": spec.serves.model_copy(update={"content_type": ANY})})
