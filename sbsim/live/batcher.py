"""The batcher that runs in production: settings and providers in, content out.

    async with SmartBatcher(provider=CallableProvider(render)) as batcher:
        delivery = await batcher.submit(ContentRequest("r1", "image", prompt="a red fox"))

It prepares each request, gives it to the driver and hands back its delivery. It knows no clock (the driver's) and takes no decision (the pipeline's).
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from sbsim.components.controller import LEAST, moved
from sbsim.components.near_duplicates import Scorer
from sbsim.config import Config, SettingsFile
from sbsim.config import load as load_settings
from sbsim.errors import StateError
from sbsim.live.connect.connection import TierConnection
from sbsim.live.connect.unconnected import NO_PROVIDER, Connections, connected
from sbsim.live.contents import Contents
from sbsim.live.costs import analysis
from sbsim.live.delivery import Delivery
from sbsim.live.doors import listed, misplaced, promises, seconds
from sbsim.live.driver import Driver
from sbsim.live.held import Batch, Held, HoldingRoom, planned_items
from sbsim.live.memory import CacheManager
from sbsim.live.metrics import Metrics
from sbsim.live.settings import UNSET, LiveSetting, LiveSettings, observed
from sbsim.measure import KPI_BY_NAME
from sbsim.pipeline.build import build
from sbsim.pipeline.build import tiers as tiers_of
from sbsim.pipeline.prepare import deadline_at
from sbsim.pipeline.terms import KNOB_PATHS
from sbsim.records import ContentRequest, Request
from sbsim.runlog import RunLog
from sbsim.scenario import ProviderSpec, load_deployment


class SmartBatcher:
    """Batches, reuses and paces requests to paid providers.

    Every setting comes from the first of these that says it: an argument, the environment (`SMART_BATCHER_…`), a file (`from_file`), the default.

    Parameters
    ----------
    max_batch_size : items in a batch at most (default 25). max_batch_cost : dollars of a batch at most, by the price list (500).
    similarity_threshold : members of a batch are pairwise at least this similar, 0 to 1 (0.7).
    cache_manager : a memory that is used from now on as this batcher's, with what it holds; its size and TTL count as arguments.
    provider : one connection or several (`CallableProvider`), in a list or by name; each is a lane. None: nothing can be sent.
    config : settings; where they differ from the defaults they count as arguments.
    deadlines : seconds from arrival by priority (1, 2, 3, or the name), for requests that state none.
    tiers : connections to the lower cache tiers that `config.cache` switches on, in their order.
    scorer : the judge of near-duplicates, such as an embedding model (see `components.near_duplicates.Scorer`); None: the words.
    record : keep a run log (`batcher.log`) for comparing with a simulation; it grows with the requests served.
    environment : variables to read in place of the process's.

    Attributes
    ----------
    max_batch_size, max_batch_cost, max_batch_duration, max_wait, similarity_threshold : settings that can be assigned at run time; `update` changes
    any.
    cache_manager : the memory tier, as `CacheManager`.

    Raises
    ------
    ScenarioError
        When a setting means nothing.
    StateError
        When a tier is switched on that has no connection.
    """

    max_batch_size = LiveSetting("batching.max_batch_size")
    max_batch_cost = LiveSetting("batching.max_batch_cost")
    max_batch_duration = LiveSetting("batching.max_batch_duration")
    max_wait = LiveSetting("batching.max_wait")
    similarity_threshold = LiveSetting("batching.similarity_threshold")

    __slots__ = (
        "_contents", "_deadlines", "_held", "_is_closed", "_is_connected", "_metrics", "_n", "_n_unpriced", "_settings", "_specs", "cache_manager",
        "driver", "log",
    )  # fmt: skip

    def __init__(
        self,
        max_batch_size: int = UNSET,
        max_batch_cost: float | None = UNSET,
        similarity_threshold: float = UNSET,
        cache_manager: CacheManager | None = None,
        *,
        provider: Connections = None,
        config: Config | None = None,
        deadlines: Mapping[int | str, float | str | None] | None = None,
        tiers: Sequence[TierConnection] = (),
        scorer: Scorer | None = None,
        record: bool = True,
        environment: Mapping[str, str] | None = None,
        _file: SettingsFile | None = None,
        _specs: Sequence[ProviderSpec] = (),
    ) -> None:
        if cache_manager is not None and not isinstance(cache_manager, CacheManager):
            raise misplaced("SmartBatcher: cache_manager", cache_manager, "CacheManager")
        if config is not None and not isinstance(config, Config):
            raise misplaced("SmartBatcher: config", config, "BatchingConfig")
        promised = promises("SmartBatcher: deadlines", {} if deadlines is None else deadlines)
        tiers = listed("SmartBatcher: tiers", tiers, "tier")
        arguments = {
            "batching.max_batch_size": max_batch_size,
            "batching.max_batch_cost": max_batch_cost,
            "batching.similarity_threshold": similarity_threshold,
            **(cache_manager.settings if cache_manager is not None else {}),
        }
        connections, self._specs = connected(provider, _specs)
        self._is_connected = provider is not None
        self._settings = LiveSettings(
            {path: value for path, value in arguments.items() if value is not UNSET},
            config=config,
            environment=os.environ if environment is None else environment,
            file=_file,
            providers_declare_limits=any(spec.limits for spec in self._specs),
        )
        config = self._settings.config
        if len(tiers) != len(tiers_of(config)):
            names = ", ".join(place.name for place in tiers_of(config)) or "none"
            raise StateError(f"SmartBatcher: config.cache switches on {names} of the lower tiers, and {len(tiers)} connections were given")
        self._contents = Contents(self._specs, config.fingerprint.normalise, lambda: self.config.cache.memory_size, scorer)
        cache, preparer = config.cache, self._contents.preparer
        near = self._contents.empty_index(cache.near_duplicate_threshold, cache.near_duplicate_entries) if cache.near_duplicates else None
        pipeline = build(config, self._specs, preparer.books, preparer.shapes, epoch_at=time.time(), near=near)
        self.log = RunLog(0) if record else None
        self._metrics = Metrics(self.log)
        self.driver = Driver(pipeline, connections, self._metrics, tiers)
        self.cache_manager = CacheManager() if cache_manager is None else cache_manager
        self.cache_manager.serve(pipeline.lookup, self._contents, self.driver.now, tiers)
        self._deadlines = promised
        self._held = HoldingRoom()
        self._n = self._n_unpriced = 0
        self._is_closed = False

    @classmethod
    def from_file(cls, path: str | Path, *, provider: Connections = None, **options: Any) -> Self:
        """A batcher as a file says: settings, and where it has them providers (price, limits, api) and promises (deadlines).

        Parameters
        ----------
        path : what `sbsim recommend` or `export` wrote, or bare settings. provider : how the file's providers are reached, by name or in order;
        without providers in the file as for `SmartBatcher`. options : as for `SmartBatcher`; they take precedence over the file.

        Raises
        ------
        ScenarioError
            When the file cannot be read, or says something that means nothing.
        StateError
            When a provider of the file has no connection.
        """
        if not isinstance(path, (str, Path)):
            raise misplaced("SmartBatcher.from_file: path", path, "path")
        deployed = load_deployment(path)
        promised = {priority: sla.deadline for priority, sla in (deployed.sla or {}).items()}
        return cls(provider=provider, _file=load_settings(path), _specs=deployed.providers, **{"deadlines": promised, **options})

    # -- requests ----------------------------------------------------------------------------------------------------------
    async def submit(self, request: ContentRequest) -> Delivery:
        """The delivery of `request`: its content, or why there is none. Cancelling the caller harms no other waiter.

        Raises
        ------
        StateError
            After `close`, without a provider, or on another event loop than before.
        ScenarioError
            When it is no ContentRequest, or no provider serves it.
        """
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

    # -- held requests -----------------------------------------------------------------------------------------------------
    async def add_request(self, request: ContentRequest) -> asyncio.Future[Delivery]:
        """Hold `request` back until a batch that it is in is processed; the future has its delivery then.

        Raises
        ------
        StateError
            After `close`, or when a request of this id is held already.
        """
        return self._hold(request).answer

    async def build_optimal_batches(self) -> list[Batch]:
        """Everything that is held, as the batches that it would make; oldest first. Nothing is sent."""
        return self._held.plan(self.driver.pipeline)

    async def process_batch(self, batch: Batch) -> dict[str, Any]:
        """Release a batch through cache, budget and limits, and wait for the deliveries of its requests.

        Returns
        -------
        {"batch_id", "results": {request id: Delivery}, "cost_usd", "succeeded", "failed"}: dollars of these deliveries, and how many requests got
        their content and how many did not.

        Raises
        ------
        StateError
            Without a provider, or when the batch was processed before or is none of this batcher's.
        ScenarioError
            When it is no batch at all.
        """
        if not isinstance(batch, Batch):
            raise misplaced("SmartBatcher.process_batch: batch", batch, "Batch")
        deliveries = await self._process(batch)
        n_delivered = sum(delivery.status == "delivered" for delivery in deliveries)
        return {
            "batch_id": batch.id,
            "results": {request.id: delivery for request, delivery in zip(batch.requests, deliveries, strict=True)},
            "cost_usd": sum(delivery.cost_usd for delivery in deliveries),
            "succeeded": n_delivered,
            "failed": len(deliveries) - n_delivered,
        }

    async def process_together(self, requests: Sequence[ContentRequest]) -> list[Delivery]:
        """The deliveries of these requests, in their order: held, planned in batches of their own, released at once.

        Raises
        ------
        StateError
            Without a provider, or when a request of one of these ids is held already; then nothing is sent.
        """
        self._require_provider()
        members: list[Held] = []
        try:
            members.extend(self._hold(request) for request in listed("SmartBatcher.process_together: requests", requests, "ContentRequest"))
        except Exception:
            self._held.drop(members)
            raise
        waiting = [member for member in members if not member.answer.done()]
        await asyncio.gather(*(self._process(batch) for batch in self._held.plan_these(waiting, self.driver.pipeline)))
        return [member.answer.result() for member in members]

    def new_ids(self, stated: Collection[str] = ()) -> Iterator[str]:
        """Ids for requests that come without one: each is given once, and none is that of a request that is held, or one of the `stated` ones."""
        return self._held.new_ids(stated)

    def _hold(self, request: ContentRequest) -> Held:
        self._require_open()
        loop = self.driver.bind()
        held = Held(request, self._prepare(request), loop.create_future())
        if len(self._held) >= self.config.queue.max_pending:
            held.answer.set_result(self.driver.turn_away(held.request, "refused", "queue_full"))
        else:
            self._held.add(held)
        return held

    async def _process(self, batch: Batch) -> list[Delivery]:
        """The deliveries of a batch's requests, in their order. Cancelling the caller cancels them."""
        self._require_open()
        self._require_provider()
        self._held.take(batch)
        for member in batch.members:
            self.driver.wishes[member.request.serial] = member.wish
        futures = self.driver.release([member.request for member in batch.members])
        try:
            deliveries = await asyncio.gather(*futures)
        except asyncio.CancelledError:
            for member in batch.members:
                self.driver.cancel(member.request)
                member.answer.cancel()
            raise
        except StateError as error:  # a bug of ours: nobody waits for ever on it
            for member in batch.members:
                member.fail(error)
            raise
        for member, delivery in zip(batch.members, deliveries, strict=True):
            if not member.answer.done():
                member.answer.set_result(delivery)
        return deliveries

    # -- settings ----------------------------------------------------------------------------------------------------------
    @property
    def config(self) -> Config:
        """The settings that hold now, resolved."""
        return self.driver.pipeline.terms.config

    def update(self, change: Config | Mapping[str, Any]) -> None:
        """New settings, at once: a whole set, or those that change, as in `{"rate_limit": {"max_requests": None}}` or `{"batching.max_wait": 5}`.

        What has not left yet is treated as if they had always held; limits and budgets keep what they have counted.

        Raises
        ------
        ScenarioError
            When a setting means nothing; then nothing has changed.
        StateError
            When one cannot change while a batcher runs (the URL of a tier).
        """
        self._settings.follow(self.config, "controller")
        config = self._settings.changed(change)
        if config.cache.near_duplicates:
            cache = config.cache
            self._contents.index(self.driver.pipeline.lookup, cache.near_duplicate_threshold, cache.near_duplicate_entries)
        self.driver.configure(config)
        self._contents.normalise_by(config.fingerprint.normalise)
        self._settings.follow(config)

    def explain_config(self) -> dict[str, dict[str, Any]]:
        """path -> {"value", "source"} of every setting; the source is "argument", "environment NAME", "file PATH", "default" or "controller"."""
        self._settings.follow(self.config, "controller")
        return self._settings.explain()

    def optimize_configuration(self, recent_metrics: Mapping[str, float] | None = None) -> dict[str, Any]:
        """One step of the controller's rule, taken at once (see `components.controller`); which settings moved, and to what.

        Parameters
        ----------
        recent_metrics : what `get_performance_metrics` returns, or KPIs by name (None: not known), or part of them; None: what was observed so far,
        if that is enough.
        `sla_compliance`, `close_share`, `attempt_error_rate`, `average_batch_size`, `full_share`, `batch_saving`, `cache_hit_ratio` and
        `near_duplicate_hit_ratio` are read; of what is left out the rule supposes nothing that speaks against more company. With none of them, or of
        no requests, nothing moves.

        Raises
        ------
        ScenarioError
            When recent_metrics has other names, or values that their names do not allow.
        """
        terms, own = self.driver.pipeline.terms, self.get_performance_metrics()
        if recent_metrics is None and own["n_delivered"] < LEAST:
            return {}
        seen = observed(own if recent_metrics is None else recent_metrics, own.keys() | KPI_BY_NAME.keys() | {"batch_saving"})
        if seen is None:
            return {}
        wanted = moved(terms.knobs(), seen, terms.controller_bounds())
        moves = {path: value for path, value, before in zip(KNOB_PATHS, wanted, terms.knobs(), strict=True) if value != before}
        if moves:
            self._settings.follow(self.config, "controller")
            self.driver.configure(self._settings.changed(moves))
            self._settings.follow(self.config, "controller")
        return moves

    # -- views -------------------------------------------------------------------------------------------------------------
    def get_cost_benefit_analysis(self, batch: Batch | Sequence[ContentRequest] | None = None) -> dict[str, Any]:
        """What batching these requests would save, before anything is sent; see `live.costs`. None: all that are held."""
        where = "get_cost_benefit_analysis: batch"
        requests = self._held.requests() if batch is None else batch.requests if isinstance(batch, Batch) else listed(where, batch, "ContentRequest")
        prepared = [self._prepared(request, k) for k, request in enumerate(requests)]
        pipeline = self.driver.pipeline
        prices = "list" if not self._contents.is_unpriced else "unknown" if any(map(_is_unpriced, requests)) else "estimated"
        return analysis(planned_items(prepared, pipeline), pipeline.lanes, prices)

    def get_performance_metrics(self) -> dict[str, float]:
        """What was achieved so far, as numbers, by the definitions of the KPI table; a ratio over 0 is 0.

        Dollars count requests of unknown cost as 0; `n_cost_unknown` says how many there were.
        """
        n_pending = self.driver.pipeline.n_pending
        return {**self._metrics.summary(), "n_pending": n_pending, "n_held": len(self._held), "n_cost_unknown": self._n_unpriced}

    def snapshot(self) -> dict[str, int]:
        """Where the submitted requests are, and how often each mechanism fired."""
        return self.driver.pipeline.snapshot()

    # -- life --------------------------------------------------------------------------------------------------------------
    async def close(self, drain: float | str = 30.0) -> None:
        """Refuse new work, send what waits, and wait for it `drain` seconds at most. Who waits then, or is held, is answered "cancelled".

        Raises ScenarioError when `drain` is no duration; then the batcher is open as before.
        """
        drain_s = seconds("SmartBatcher.close: drain", drain)
        self._is_closed = True
        for held in self._held.clear():
            delivery = self.driver.turn_away(held.request, "cancelled", "closed")
            if not held.answer.done():
                held.answer.set_result(delivery)
        await self.driver.drain(drain_s)

    async def __aenter__(self) -> Self:
        self.driver.bind()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    # -- steps -------------------------------------------------------------------------------------------------------------
    def _start(self, request: ContentRequest) -> tuple[Request, asyncio.Future[Delivery]]:
        self._require_open()
        self._require_provider()
        self.driver.bind()
        prepared = self._prepare(request)
        self.driver.wishes[prepared.serial] = request
        return prepared, self.driver.submit(prepared)

    def _prepare(self, request: ContentRequest) -> Request:
        prepared = self._prepared(request, self._n)
        self._n += 1
        self._n_unpriced += self._contents.is_unpriced and _is_unpriced(request)
        return prepared

    def _prepared(self, request: ContentRequest, serial: int) -> Request:
        if not isinstance(request, ContentRequest):
            raise misplaced("SmartBatcher: request", request, "ContentRequest")
        content = self._contents.of(request)
        arrived_at = self.driver.now()
        wanted_s = self._deadlines.get(int(request.priority)) if request.deadline_s is None else request.deadline_s
        return Request(serial, arrived_at, deadline_at(arrived_at, wanted_s), int(request.priority), content)

    def _require_open(self) -> None:
        if self._is_closed:
            raise StateError("this batcher is closed; make a new one")

    def _require_provider(self) -> None:
        if not self._is_connected:
            raise StateError(NO_PROVIDER)


def _is_unpriced(request: ContentRequest) -> bool:
    return request.estimated_cost is None
