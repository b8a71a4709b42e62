"""How a request ended, and whoever waits to hear it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from sbsim.records import Request


@dataclass(slots=True)
class Delivery:
    """How a request ended.

    `status` is "delivered", "failed", "refused" or "cancelled"; `source` where the content came from (a name of `records.HOW`); `cost_usd` this
    request's share of the delivering call's bill; `reason`, a word, why there is no content; `detail`, of one that failed, what its provider said
    last: "TypeName: text" of what a function raised, 500 characters at most, or "".
    """

    status: str
    content: Any = None
    source: str | None = None
    cost_usd: float = 0.0
    reason: str | None = None
    detail: str = ""


@dataclass(slots=True)
class Waiter:
    """Who waits for a request, and what the provider said last of its content."""

    request: Request
    future: asyncio.Future[Delivery]
    said: str = ""

    def answer(self, delivery: Delivery) -> None:
        """It ended so; whoever dropped the future has been answered."""
        if delivery.status == "failed":
            delivery.detail = self.said
        if not self.future.done():
            self.future.set_result(delivery)

    def fail(self, error: Exception) -> None:
        """Nobody will know how it ended."""
        if not self.future.done():
            self.future.set_exception(error)
