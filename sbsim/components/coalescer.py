"""At most one piece of work under way per content, shared by everybody who wants it: a memory.

Contract. A request joins work in flight for its content (tenant included in the key) if that work is expected to meet its deadline; if it is not, and work
started now would, the request starts its own: the two are rivals, and the first result serves both. Only reusable contents are shared. Work that has not
left yet can always be joined: it inherits the highest priority and the earliest deadline of its waiters.
"""

from __future__ import annotations

from collections.abc import Hashable

from sbsim.records import Item, Request


class Coalescer:
    """Work under way. `enabled=False`: nothing is ever found, every request is work of its own.

    Attributes
    ----------
    items : the newest work by content key; the pipeline looks here itself, since a call for every request costs as much as the look.
    """

    __slots__ = ("enabled", "items")

    def __init__(self, enabled: bool = True) -> None:
        self.enabled = enabled
        self.items: dict[Hashable, Item] = {}

    def __len__(self) -> int:
        return len(self.items)

    def find(self, request: Request, now: float, service_s: float) -> Item | None:
        """Work that `request` may join; None: it starts its own. `service_s`: expected seconds of work that starts now."""
        item = self.items.get(request.content.key)
        if item is None:
            return None
        deadline_at = request.deadline_at
        if item.ends_at > deadline_at and now + service_s <= deadline_at:
            return None
        return item

    def open(self, item: Item) -> None:
        """New work begins. If older work for the same content is under way and would come too late, the two become rivals."""
        content = item.content
        if not self.enabled or not content.reusable:
            return
        older = self.items.get(content.key)
        if older is not None:
            rivals = older.rivals
            if rivals is None:
                rivals = older.rivals = [older]
            rivals.append(item)
            item.rivals = rivals
        self.items[content.key] = item

    def join(self, request: Request, item: Item) -> bool:
        """`request` waits for `item` too; True when it made the item more pressing."""
        item.requests.append(request)
        hurried = False
        if request.urgency < item.urgency:
            item.urgency = request.urgency
            hurried = True
        if request.deadline_at < item.deadline_at:
            item.deadline_at = request.deadline_at
            hurried = True
        return hurried

    def close(self, item: Item) -> None:
        """The work has ended, one way or the other: later requests for the content find nothing, neither it nor its rivals."""
        current = self.items.get(item.content.key)
        if current is not None and (current is item or (item.rivals is not None and current in item.rivals)):
            del self.items[item.content.key]
