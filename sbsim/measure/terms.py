"""What depends on a provider's terms beyond a call's bill: who pays for plans, and what a content costs alone by the prices of its day.

Whole nano-dollars. It knows the run log's columns and the providers; no KPI.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sbsim.pricing import PriceBook, periods, split_many
from sbsim.records import Content

if TYPE_CHECKING:
    from sbsim.runlog import RunLog
    from sbsim.scenario import ProviderSpec

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def with_plans(providers: Sequence[ProviderSpec], log: RunLog, item_nano: Ints, ends_at: float) -> tuple[Ints, int]:
    """Shares of calls' bills, by the price lists, become shares of what is owed where providers have plans.

    What a period of a plan costs (fee + use beyond what is included) is borne by the items of the calls that were sent in it, in proportion to their
    shares by the price list; equally, where these are all 0. A period in which nothing was sent has nobody to bear it.

    Parameters
    ----------
    item_nano : (n_items,) the items' shares of their calls' bills. ends_at : end of the study, seconds.

    Returns
    -------
    (n_items,) what each item bears; and what nobody bears. Together they are all that is owed.
    """
    borne, idle_nano = item_nano.copy(), 0
    for lane, spec in enumerate(providers):
        its_periods = periods(spec, ends_at)
        if not its_periods:
            continue
        opens_at, closes_at = (np.array([getattr(one, name) for one in its_periods]) for name in ("opens_at", "closes_at"))
        rows = np.flatnonzero(log.calls["lane"][log.item_call] == lane)
        sent_at = log.calls["sent_at"][log.item_call[rows]]
        period = np.searchsorted(opens_at, sent_at, side="right") - 1
        is_in_one = (period >= 0) & (sent_at < closes_at[period])
        rows, period = rows[is_in_one], period[is_in_one]
        used = np.zeros(len(its_periods), dtype=np.int64)
        np.add.at(used, period, item_nano[rows])
        owed = np.array([one.owed_nano(int(nano)) for one, nano in zip(its_periods, used, strict=True)], dtype=np.int64)
        borne[rows] = split_many(owed, np.zeros_like(owed), period, item_nano[rows], log.item_payer[rows])
        idle_nano += int(owed[np.bincount(period, minlength=len(owed)) == 0].sum())
    return borne, idle_nano


def individual_nano(contents: Sequence[Content], books: Sequence[PriceBook], content: Ints, arrived_at: Floats, at_first: Ints) -> Ints:
    """(n,) what each request's content costs alone by the price lists that hold when it arrives.

    Parameters
    ----------
    contents, books : by serial, and by lane. content, arrived_at : (n,) serial of its content and instant of arrival of each request.
    at_first : by content, the price before any change.
    """
    individual = at_first[content]
    changes_at = sorted({at for book in books for at in book.changes_at})
    for k, since in enumerate(changes_at):
        until = changes_at[k + 1] if k + 1 < len(changes_at) else np.inf
        mine = np.flatnonzero((arrived_at >= since) & (arrived_at < until))
        known: dict[Any, int] = {}
        for row, serial in zip(mine.tolist(), content[mine].tolist(), strict=True):
            one = contents[serial]
            nano = known.get(one.kind)
            if nano is None:
                nano = known[one.kind] = min(books[offer.lane].at(since).alone_nano(one.facts) for offer in one.offers)
            individual[row] = nano
    return individual
