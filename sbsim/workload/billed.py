"""The bill of recorded traffic as it was, against the bill that a price book makes of the same requests: how far the model can be trusted with money.

Every row with a recorded cost is priced as a call of its own: on the lane that it names, where its provider is one and serves it, else on the
cheapest lane that bills at once. What an own cache answered costs nothing. What ended otherwise than well costs what the lane's `billed` says. GPU
seconds are those between start and end, where both are recorded, else what the lane's latency lets expect.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sbsim.errors import ScenarioError, TraceError
from sbsim.pipeline.prepare import Preparer
from sbsim.records import NORMAL, Content, Facts, Item, Outcome, Request, Usage
from sbsim.scenario import ProviderSpec, Scenario
from sbsim.workload.replayed import replayed
from sbsim.workload.traces import STATUSES, Outcomes, Trace, as_request

WORTH_A_WARNING = 0.02
"""Share of the recorded bill that the modelled one may be off before a reader is warned."""
N_RESIDUALS = 10


@dataclass(frozen=True)
class EngineBill:
    """The rows of one engine that have a recorded cost and a price: how many, and dollars as recorded and as modelled."""

    engine: str
    n_rows: int
    recorded_usd: float
    modelled_usd: float


@dataclass(frozen=True)
class Residual:
    """A row whose two bills differ: where it stands, what it was, dollars."""

    place: str
    engine: str
    provider: str | None
    status: str
    recorded_usd: float
    modelled_usd: float


@dataclass(frozen=True)
class Bills:
    """Recorded against modelled.

    Attributes
    ----------
    n_rows : rows compared. n_unstated : rows without a recorded cost. n_unserved, unserved_usd : rows that no provider serves, and what they cost;
    they are not compared. why_unserved : what is wrong with the first of them.
    recorded_usd, modelled_usd : dollars over all rows compared. engines : by engine, the dearest first. residuals : the rows that differ most, ten at
    most.
    """

    n_rows: int
    n_unstated: int
    n_unserved: int
    unserved_usd: float
    why_unserved: str | None
    recorded_usd: float
    modelled_usd: float
    engines: tuple[EngineBill, ...]
    residuals: tuple[Residual, ...]

    @property
    def difference(self) -> float | None:
        """(modelled - recorded) / recorded; None where nothing was recorded to cost anything."""
        return None if self.recorded_usd == 0 else (self.modelled_usd - self.recorded_usd) / self.recorded_usd

    @property
    def is_off(self) -> bool:
        """Whether the two differ by more than is worth a warning."""
        return self.modelled_usd > 0 if self.difference is None else abs(self.difference) > WORTH_A_WARNING

    @property
    def line(self) -> str:
        """Both in one line."""
        apart = "no cost was recorded" if self.difference is None else f"{self.difference:+.2%}"
        return f"billed as recorded ${self.recorded_usd:,.6g}, as modelled ${self.modelled_usd:,.6g} ({apart}) over {self.n_rows:,} rows"

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader should know before believing a bill of the model, a sentence each."""
        said = []
        if self.is_off:
            worst = f"; most of it for {self._worst}" if len(self.engines) > 1 else ""
            said.append(f"the model misses the recorded bill by more than {WORTH_A_WARNING:.0%}: {self.line}{worst}; try correcting the prices")
        if self.n_unserved:
            said.append(f"{self.n_unserved:,} rows with a recorded cost (${self.unserved_usd:,.6g}) are not compared: {self.why_unserved}")
        return tuple(said)

    @property
    def _worst(self) -> str:
        return max(self.engines, key=lambda one: abs(one.modelled_usd - one.recorded_usd)).engine


def bills(trace: Trace, providers: Sequence[ProviderSpec]) -> Bills | None:
    """Recorded against modelled bill of a trace at the prices of `providers`; None where no row has a recorded cost. Raises ScenarioError."""
    outcomes = trace.outcomes
    if outcomes is None or np.isnan(outcomes.cost_usd).all():
        return None
    rows = np.flatnonzero(~np.isnan(outcomes.cost_usd))
    modelled, why = _modelled(trace, outcomes, rows, providers)
    served = ~np.isnan(modelled)
    unserved_usd = float(outcomes.cost_usd[rows[~served]].sum())
    rows, modelled = rows[served], modelled[served]
    recorded = outcomes.cost_usd[rows]
    names = [wish.engine or wish.content_type or "not said" for wish in trace.wishes]
    return Bills(
        n_rows=rows.size,
        n_unstated=trace.n - int(served.size),
        n_unserved=int((~served).sum()),
        unserved_usd=unserved_usd,
        why_unserved=why,
        recorded_usd=float(recorded.sum()),
        modelled_usd=float(modelled.sum()),
        engines=_by_engine([names[wish] for wish in trace.wish[rows].tolist()], recorded, modelled),
        residuals=tuple(_residuals(trace, outcomes, rows, modelled, names)),
    )


def bills_of(scenario: Scenario) -> Bills | None:
    """The same of the trace that a scenario replays, at its own prices; None where it replays none too. Raises ScenarioError, TraceError."""
    return None if scenario.workload.is_drawn else bills(replayed(scenario), scenario.providers)


def _by_engine(names: list[str], recorded: NDArray[np.float64], modelled: NDArray[np.float64]) -> tuple[EngineBill, ...]:
    numbers: dict[str, int] = {}
    index = np.array([numbers.setdefault(name, len(numbers)) for name in names], dtype=np.int64)
    counts, were, are = (np.bincount(index, weights, minlength=len(numbers)) for weights in (None, recorded, modelled))
    found = [EngineBill(name, int(counts[k]), float(were[k]), float(are[k])) for name, k in numbers.items()]
    return tuple(sorted(found, key=lambda one: (-one.recorded_usd, one.engine)))


def _residuals(trace: Trace, outcomes: Outcomes, rows: NDArray[np.int64], modelled: NDArray[np.float64], names: list[str]) -> list[Residual]:
    apart = np.abs(modelled - outcomes.cost_usd[rows])
    largest = np.argsort(-apart, kind="stable")[:N_RESIDUALS]
    found = []
    for k in largest[apart[largest] > 5e-10].tolist():  # less than a nano-dollar is rounding
        row = int(rows[k])
        status = "cached" if outcomes.cached[row] == 1 else STATUSES[max(int(outcomes.status[row]), 0)]
        provider = int(outcomes.provider[row])
        found.append(
            Residual(
                trace.place(int(outcomes.line[row])), names[int(trace.wish[row])], None if provider < 0 else outcomes.providers[provider], status,
                float(outcomes.cost_usd[row]), float(modelled[k]),
            )
        )  # fmt: skip
    return found


# -- one row's price ---------------------------------------------------------------------------------------------------------
def _modelled(trace: Trace, outcomes: Outcomes, rows: NDArray[np.int64], providers: Sequence[ProviderSpec]) -> tuple[NDArray[np.float64], str | None]:
    """Dollars of each of the rows, nan where no provider serves it, and why the first of those is not."""
    priced = _Priced(trace, providers)
    seconds = outcomes.took_s - outcomes.waited_s
    modelled = np.zeros(rows.size)
    columns = (trace.wish[rows], outcomes.provider[rows], outcomes.status[rows], seconds[rows])
    for k, (row, wish, provider, status, served_s) in enumerate(zip(rows.tolist(), *(column.tolist() for column in columns), strict=True)):
        if outcomes.cached[row] == 1:
            continue
        name = None if provider < 0 else outcomes.providers[provider]
        modelled[k] = priced.usd(wish, name, STATUSES[max(status, 0)], served_s)
    return modelled, priced.why_unserved


class _Priced:
    """Prices of what a trace asks for, each found once."""

    def __init__(self, trace: Trace, providers: Sequence[ProviderSpec]) -> None:
        self.why_unserved: str | None = None
        self._trace = trace
        self._providers = providers
        self._preparer = Preparer(providers, keeps=False)
        self._types = sorted({spec.serves.content_type for spec in providers})
        self._lane_of = {spec.name: k for k, spec in enumerate(providers)}
        self._has_gpu = [any(rate.per == "gpu_second" for rate in spec.price.rates) for spec in providers]
        self._contents: dict[int, Content | None] = {}
        self._known: dict[Hashable, float] = {}

    def usd(self, wish: int, provider: str | None, status: str, served_s: float) -> float:
        """Dollars of a row that asks for `wish`, was given to `provider`, ended as `status` and ran for `served_s` seconds (nan: not known)."""
        content = self._content(wish)
        if content is None:
            return np.nan
        lane = self._lane(content, provider)
        key = (wish, lane, status, served_s if self._has_gpu[lane] and served_s == served_s else None)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._bill(content, lane, status, served_s) / 1e9
        return known

    def _bill(self, content: Content, lane: int, status: str, served_s: float) -> int:
        book = self._preparer.books[lane]
        if self._has_gpu[lane] and served_s != served_s:
            if status == "ok":
                return book.alone_nano(content.facts)
            served_s = 0.0
        outcome = Outcome(None if status == "ok" else status, usage=Usage(gpu_s=served_s) if self._has_gpu[lane] else Usage())
        return book.bill([Item(Request(0, 0.0, 0.0, NORMAL, content))], outcome)[0]

    def _lane(self, content: Content, provider: str | None) -> int:
        lanes = [offer.lane for offer in content.offers]
        named = self._lane_of.get(provider or "")
        if named in lanes:
            return named
        return next((lane for lane in lanes if self._providers[lane].api.style != "batch"), lanes[0])

    def _content(self, index: int) -> Content | None:
        if index in self._contents:
            return self._contents[index]
        wish = self._trace.wishes[index]
        content_type = wish.content_type or (self._types[0] if len(self._types) == 1 else None)
        content: Content | None = None
        try:
            if content_type is None:
                raise TraceError(f"nothing says what kind of content it asks for; allowed: {', '.join(self._types)}; try --default content_type=…")
            content = self._preparer.content(self._facts(index, content_type), index, index, wish.tenant)
        except (ScenarioError, TraceError) as error:
            if self.why_unserved is None:
                self.why_unserved = f"{self._trace.place(self._trace.wish_line[index])}: {error}"
        self._contents[index] = content
        return content

    def _facts(self, index: int, content_type: str) -> Facts:
        wish = self._trace.wishes[index]
        facts = self._preparer.facts(as_request(wish, content_type))
        return facts._replace(n_images=max(wish.n_images, len(wish.inputs)), input_s=wish.input_s)
