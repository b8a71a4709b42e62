"""The batcher that runs in production: settings and providers in, content out.

    async with SmartBatcher(provider=CallableProvider(render)) as batcher:
        delivery = await batcher.submit(ContentRequest("r1", "image", prompt="a red fox"))

It prepares each request, gives it to the driver and hands back its delivery. It knows no clock (the driver's) and takes no decision (the pipeline's).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Self

from sbsim.components.fingerprint import is_reusable
from sbsim.config import Config
from sbsim.errors import StateError
from sbsim.live.driver import Connection, Delivery, Driver, TierConnection
from sbsim.pipeline.build import build
from sbsim.pipeline.build import tiers as tiers_of
from sbsim.pipeline.prepare import Preparer, deadline_at
from sbsim.records import Content, ContentRequest, Request
from sbsim.runlog import RunLog


class SmartBatcher:
    """Batches, reuses and paces requests to paid providers.

    Parameters
    ----------
    provider : one connection or several (`CallableProvider`); each is a lane.
    config : settings; None: the defaults. deadlines : seconds from arrival by priority (1, 2, 3), for requests that state none.
    tiers : connections to the lower cache tiers that `config.cache` switches on, in their order.
    record : keep a run log (`batcher.log`), for metrics and for comparing with a simulation; it grows with the requests served.

    Raises
    ------
    StateError
        When there is no provider or a tier is switched on that has no connection, or from `submit` after `close`.
    """

    def __init__(
        self,
        *,
        provider: Connection | Sequence[Connection] | None = None,
        config: Config | None = None,
        deadlines: Mapping[int, float] | None = None,
        tiers: Sequence[TierConnection] = (),
        record: bool = True,
    ) -> None:
        if provider is None:
            raise StateError("SmartBatcher needs a provider; give it one, for example CallableProvider(fn)")
        connections = list(provider) if isinstance(provider, Sequence) else [provider]
        specs = [connection.spec for connection in connections]
        config = Config() if config is None else config
        self.config = config.resolved(any(spec.limits for spec in specs))
        if len(tiers) != len(tiers_of(self.config)):
            names = ", ".join(place.name for place in tiers_of(self.config)) or "none"
            raise StateError(f"SmartBatcher: config.cache switches on {names} of the lower tiers, and {len(tiers)} connections were given")
        self._preparer = Preparer(specs, normalise=self.config.fingerprint.normalise, keeps=False)
        pipeline = build(self.config, specs, self._preparer.books, self._preparer.shapes, epoch_at=time.time())
        self.log = RunLog(0) if record else None
        self.driver = Driver(pipeline, connections, self.log, tiers)
        self._contents: dict[str, Content] = {}
        self._deadlines = dict(deadlines or {})
        self._n = 0
        self._is_closed = False

    async def submit(self, request: ContentRequest) -> Delivery:
        """The delivery of `request`: its content, or why there is none. Cancelling the caller harms no other waiter."""
        prepared, future = self._start(request)
        try:
            return await future
        except asyncio.CancelledError:
            self.driver.cancel(prepared)
            raise

    def submit_nowait(self, request: ContentRequest) -> asyncio.Future[Delivery]:
        """The same without waiting: the request has reached the pipeline when this returns."""
        return self._start(request)[1]

    def flush(self) -> None:
        """Send every open group as it is."""
        self.driver.flush()

    def snapshot(self) -> dict[str, int]:
        """Where the submitted requests are, and how often each mechanism fired."""
        return self.driver.pipeline.snapshot()

    async def close(self, drain: float = 30.0) -> None:
        """Refuse new work, send what waits, and wait for it `drain` seconds at most; whoever still waits then is answered "cancelled"."""
        self._is_closed = True
        await self.driver.drain(drain)

    async def __aenter__(self) -> Self:
        self.driver.bind()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    # -- steps -------------------------------------------------------------------------------------------------------------
    def _start(self, request: ContentRequest) -> tuple[Request, asyncio.Future[Delivery]]:
        if self._is_closed:
            raise StateError("this batcher is closed; make a new one")
        self.driver.bind()
        prepared = self._prepare(request)
        self.driver.wishes[prepared.serial] = request
        return prepared, self.driver.submit(prepared)

    def _prepare(self, request: ContentRequest) -> Request:
        preparer = self._preparer
        key, base = preparer.identity(request)
        can_share = is_reusable(request)
        content = self._contents.get(key) if can_share else None
        if content is None:
            facts = preparer.facts(request)
            own = key if can_share else f"{key}/{self._n}"
            content = preparer.content(facts, own, base, request.tenant, reusable=can_share)
            if can_share:
                self._remember(key, content)
        arrived_at = self.driver.now()
        wanted_s = self._deadlines.get(int(request.priority)) if request.deadline_s is None else request.deadline_s
        prepared = Request(self._n, arrived_at, deadline_at(arrived_at, wanted_s), int(request.priority), content)
        self._n += 1
        return prepared

    def _remember(self, key: str, content: Content) -> None:
        """Prepared contents are kept for as many keys as memory holds, oldest out first: only a shortcut, prepared again when needed."""
        contents = self._contents
        contents[key] = content
        if len(contents) > 4 * max(self.config.cache.memory_size, 256):
            del contents[next(iter(contents))]
