"""For programs that speak in dicts: requests as they come from a queue or a form, in bulk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

from sbsim.documents.faults import nearest, one_of
from sbsim.errors import ScenarioError
from sbsim.live.batcher import SmartBatcher
from sbsim.live.delivery import Delivery
from sbsim.live.doors import listed, misplaced
from sbsim.records import ContentRequest

_FIELDS = tuple(each.name for each in fields(ContentRequest))


class SmartBatchingIntegration:
    """Processes lists of dicts through a batcher: held, planned together, released.

    Parameters
    ----------
    batcher : the one to use; it stays the caller's to close.

    Raises
    ------
    ScenarioError
        When it is none.
    """

    def __init__(self, batcher: SmartBatcher) -> None:
        if not isinstance(batcher, SmartBatcher):
            raise misplaced("SmartBatchingIntegration: batcher", batcher, "SmartBatcher")
        self._batcher = batcher

    async def process_video_requests(self, requests: Sequence[Mapping[str, Any]]) -> list[Delivery]:
        """The deliveries of these requests, in their order.

        Parameters
        ----------
        requests : fields of `ContentRequest` by name. Left out, `content_type` is "video" and `id` one that the batcher gives to nobody else.

        Raises
        ------
        ScenarioError
            When a field means nothing; then nothing is sent.
        StateError
            Without a provider, or when two requests have one id.
        """
        return await self._process(requests, {})

    async def process_bulk_job(self, job_id: str, requests: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """The same for the requests of one job, with its sums.

        Returns
        -------
        {"job_id", "results": deliveries in the order of the requests, "cost_usd", "succeeded", "failed"}.
        """
        deliveries = await self._process(requests, {"job_id": job_id})
        n_delivered = sum(delivery.status == "delivered" for delivery in deliveries)
        return {
            "job_id": job_id,
            "results": deliveries,
            "cost_usd": sum(delivery.cost_usd for delivery in deliveries),
            "succeeded": n_delivered,
            "failed": len(deliveries) - n_delivered,
        }

    async def _process(self, requests: Sequence[Mapping[str, Any]], common: Mapping[str, Any]) -> list[Delivery]:
        """The deliveries of these requests, all of which have the `common` fields."""
        given = listed("requests", requests, "mapping")
        for k, each in enumerate(given):
            if not isinstance(each, Mapping):
                raise misplaced(f"requests[{k}]", each, "mapping")
        ids = self._batcher.new_ids([each["id"] for each in given if isinstance(each.get("id"), str)])
        return await self._batcher.process_together([_wish({**each, **common}, ids, f"requests[{k}]") for k, each in enumerate(given)])


def _wish(given: Mapping[str, Any], ids: Iterator[str], where: str) -> ContentRequest:
    """The request that a dict's fields make; one without an id takes the next."""
    for name in given:
        if name not in _FIELDS:
            raise ScenarioError(f"{where}.{name}: no such field; allowed: {one_of(_FIELDS)}{nearest(str(name), _FIELDS)}")
    named = given if "id" in given else {"id": next(ids), **given}
    try:
        return ContentRequest(**{"content_type": "video", **named})
    except (TypeError, ValueError) as error:
        raise ScenarioError(f"{where}: {error}") from None
