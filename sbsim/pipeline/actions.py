"""What the pipeline asks its driver to do: decided first, carried out after. Values only.

Slots and plain attributes: a frozen object costs 3.4 times as much to make, and these are made for every request.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TypeAlias

from sbsim.records import Call, Entry, Item, Request


class Hit:
    """Answered at once from the memory tier; `how` is MEMORY or NEAR."""

    __slots__ = ("entry", "how", "request")

    def __init__(self, request: Request, entry: Entry, how: int) -> None:
        self.request = request
        self.entry = entry
        self.how = how


class Deliver:
    """Each item's entry goes to every request that waits for it; `how` is SERVED, REDIS or CDN; `call` is the one that delivers (None: a tier)."""

    __slots__ = ("call", "how", "items")

    def __init__(self, items: Sequence[Item], how: int, call: Call | None) -> None:
        self.items = items
        self.how = how
        self.call = call


class Refuse:
    """Never taken on. `reason`: queue_full, too_large, no_bound, over_budget, never_affordable, moderated (a remembered refusal), closed."""

    __slots__ = ("reason", "requests")

    def __init__(self, requests: Sequence[Request], reason: str) -> None:
        self.requests = requests
        self.reason = reason


class Fail:
    """Taken on and given up, with the last error of the items."""

    __slots__ = ("error", "items")

    def __init__(self, items: Sequence[Item], error: str) -> None:
        self.items = items
        self.error = error


class Fetch:
    """Ask lower tier number `tier` for `key`, which `item` wants; the answer is `fetched(this very action, entry | None)`, once.

    `serial` is its place among the calls and questions of one instant; `is_open` until it is answered or `due_at` has come.
    """

    __slots__ = ("due_at", "is_open", "item", "key", "serial", "tier")

    def __init__(self, tier: int, item: Item, key: Hashable, serial: int, due_at: float) -> None:
        self.tier = tier
        self.item = item
        self.key = key
        self.serial = serial
        self.due_at = due_at
        self.is_open = True


class Store:
    """Put these entries, made for these items, into lower tier number `tier`; no answer."""

    __slots__ = ("entries", "items", "tier")

    def __init__(self, tier: int, entries: Sequence[Entry], items: Sequence[Item]) -> None:
        self.tier = tier
        self.entries = entries
        self.items = items


class Send:
    """Give this call to its lane; the answer is `accepted` (jobs) and then `completed`, exactly once."""

    __slots__ = ("call",)

    def __init__(self, call: Call) -> None:
        self.call = call


class Abort:
    """A job whose result nobody wants any more; no answer."""

    __slots__ = ("call",)

    def __init__(self, call: Call) -> None:
        self.call = call


Action: TypeAlias = Hit | Deliver | Refuse | Fail | Fetch | Store | Send | Abort
Actions: TypeAlias = Sequence[Action]
NOTHING: Actions = ()
