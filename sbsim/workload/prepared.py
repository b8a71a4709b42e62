"""`prepare`: a scenario's traffic made ready for the inner loop, the same for everyone who asks with the same seed and replication.

A synthetic workload is a fresh history for each (seed, replication), and so is a trace that holds laws (servegen); any other trace is one history,
whatever they are. Prepared workloads are remembered, the latest ones, up to a few million requests: a search runs many settings on the same traffic,
and preparing costs as much as simulating hits. What is remembered never changes but by growing: `beyond` may add contents, always the same ones.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from math import inf
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sbsim import collector
from sbsim.components.fingerprint import scope_fingerprint
from sbsim.components.near_duplicates import KnownNeighbours, NeighbourGraph, Scorer, TokenSet
from sbsim.errors import ScenarioError
from sbsim.pipeline.prepare import Preparer
from sbsim.pricing import PriceBook
from sbsim.records import NORMAL, Content, ContentRequest, Request
from sbsim.scenario import Scenario, Workload
from sbsim.seeds import Draws
from sbsim.workload.columns import Columns, joined, no_jobs, requests_of
from sbsim.workload.contents import SyntheticContents
from sbsim.workload.losses import cheap_losses
from sbsim.workload.memory import Memory
from sbsim.workload.recorded import RecordedContents
from sbsim.workload.replayed import replayed
from sbsim.workload.synthetic import SyntheticTraffic, Wanted

_FIRST_PIECE, _LARGEST_PIECE = 1024, 65_536
_REMEMBERED = 3_000_000
"""Requests and contents kept for further runs, over all remembered workloads: some 300 MB."""


MOST_EXPECTED = 3e7
"""Requests of a synthetic study at most: some 5 GB."""
_memory = Memory(_REMEMBERED)


class _Contents(Protocol):
    """What both kinds of workload know of their contents."""

    intent: list[int]
    knows_intent: bool

    def prompt(self, serial: int) -> str: ...

    def wording(self, serial: int) -> int: ...

    def written(self, serial: int, name: str, urgency: int, tenant_names: Sequence[str]) -> ContentRequest: ...


class Prepared:
    """A workload ready to run.

    Attributes
    ----------
    n : requests of the study: those that arrive before the horizon, or the first `requests`. horizon_at : H, seconds.
    arrived_at, deadline_at, urgency, class_index, tenant_index, content_index, job_index : columns of shape (n,), see `columns.Columns`.
    contents : every content, by serial; shapes : (resolution, style) by number; books : a price book per lane. The lists grow while `beyond` is read.
    intent : per content, the number of its true meaning; reuse across intents is wrong. knows_intent : False for a recorded trace, where nobody knows
    what two wordings have in common.
    class_names, tenant_names : by index. n_skipped_rows : bad rows of the trace left out. warnings : sentences for the reader.
    epoch_at : seconds since 1970 of instant 0, 0.0 where the traffic has no calendar.
    """

    def __init__(
        self,
        columns: Columns,
        horizon_at: float,
        preparer: Preparer,
        contents: _Contents,
        further: Iterator[Columns] = iter(()),  # noqa: B008  # empty, and never advanced
        *,
        class_names: tuple[str, ...],
        tenant_names: tuple[str, ...],
        n_skipped_rows: int = 0,
        warnings: tuple[str, ...] = (),
        epoch_at: float = 0.0,
    ) -> None:
        self.arrived_at, self.deadline_at, self.urgency, self.class_index, self.tenant_index, self.content_index, self.job_index = columns
        self.n = columns.arrived_at.size
        self.horizon_at = horizon_at
        self.contents: list[Content] = preparer.contents
        self.shapes = preparer.shapes
        self.books: list[PriceBook] = preparer.books
        self.intent = contents.intent
        self.knows_intent = contents.knows_intent
        self.class_names = class_names
        self.tenant_names = tenant_names
        self.n_skipped_rows = n_skipped_rows
        self.warnings = warnings
        self.epoch_at = epoch_at
        self._columns = columns
        self._of_contents = contents
        self._further = further
        self._beyond: list[Columns] = []
        self._graphs: dict[str, NeighbourGraph] = {}

    def requests(self) -> Iterator[Request]:
        """The requests of the study in order, made piece by piece."""
        return requests_of(self._columns, self.contents, 0)

    def beyond(self) -> Iterator[Request]:
        """Requests that arrive after the study's, serials from n on: without end for a steady study, none for any other."""
        first, k = self.n, 0
        while True:
            if k == len(self._beyond):
                columns = next(self._further, None)
                if columns is None:
                    return
                self._beyond.append(columns)
                for normalise, graph in self._graphs.items():
                    self._extend(graph, normalise)
            yield from requests_of(self._beyond[k], self.contents, first)
            first += self._beyond[k].arrived_at.size
            k += 1

    def neighbours(self, threshold: float, max_entries: int, normalise: str = "strict", scorer: Scorer | None = None) -> KnownNeighbours:
        """An empty memory of these contents' prompts, for one run; who is alike is reckoned once for all runs and thresholds of an equal scorer."""
        return KnownNeighbours(self._graph(normalise, TokenSet() if scorer is None else scorer), self.contents, threshold, max_entries)

    def _graph(self, normalise: str, scorer: Scorer) -> NeighbourGraph:
        """The likeness of all contents so far; what an earlier scorer thought is forgotten."""
        graph = self._graphs.get(normalise)
        if graph is None or graph.scorer != scorer:
            graph = self._graphs[normalise] = NeighbourGraph(scorer)
        self._extend(graph, normalise)
        return graph

    def _extend(self, graph: NeighbourGraph, normalise: str) -> None:
        """Let a graph know all contents so far."""
        written = [self._of_contents.written(k, "", NORMAL, self.tenant_names) for k in range(graph.n, len(self.contents))]
        if written:
            reusable = [content.reusable for content in self.contents[graph.n :]]
            scopes = [scope_fingerprint(one, normalise) if may else None for one, may in zip(written, reusable, strict=True)]
            graph.extend([one.prompt for one in written], scopes)

    def prompt(self, serial: int) -> str:
        """The prompt that asks for a content: a readable sentence, or what the trace says."""
        return self._of_contents.prompt(serial)

    def wording(self, serial: int) -> int:
        """Which wording of its intent a content is; 0 is the plain one."""
        return self._of_contents.wording(serial)

    def written(self, row: int) -> ContentRequest:
        """Request `row` of the study as its user would write it, its serial for an id."""
        deadline_s = float(self.deadline_at[row] - self.arrived_at[row])
        written = self._of_contents.written(int(self.content_index[row]), str(row), int(self.urgency[row]), self.tenant_names)
        written.deadline_s = None if deadline_s == inf else deadline_s
        return written


def prepare(scenario: Scenario, seed: int, replication: int) -> Prepared:
    """The traffic of one replication.

    Parameters
    ----------
    scenario : its workload, providers (for prices), sla (for deadlines), horizon and requests count; of its settings `fingerprint` alone.
    seed, replication : name the history of drawn traffic. They do not matter for a recorded trace.

    Raises
    ------
    TraceError
        When the trace is not what it claims to be, or a row asks for what no provider serves.
    ScenarioError
        When no traffic comes of it, or no provider serves a content.
    """
    is_trace = scenario.workload.source == "trace"
    drawn = (seed, replication) if scenario.workload.is_drawn else None
    state = _file_state(scenario.workload.path) if is_trace else None
    key = (scenario.name, drawn, state, scenario.horizon, scenario.requests, scenario.study, scenario.config.fingerprint.normalise)
    parts = (scenario.workload, scenario.providers, scenario.sla)
    known: Prepared | None = _memory.get(key, parts)
    if known is None:
        preparer = Preparer(scenario.providers, normalise=scenario.config.fingerprint.normalise)
        with collector.at_rest():
            make = _from_trace if is_trace else _from_draws
            known = make(scenario, preparer, Draws(seed, replication))
        known.warnings += tuple(cheap_losses(scenario.sla, known.urgency, known.content_index, known.contents))
        _memory.put(key, parts, known, known.n + len(known.contents))
    return known


def forget() -> None:
    """Let go of the workloads remembered so far: for whoever runs many histories, each of them once."""
    _memory.clear()


# -- synthetic ---------------------------------------------------------------------------------------------------------------
def _from_draws(scenario: Scenario, preparer: Preparer, draws: Draws) -> Prepared:
    workload = scenario.workload
    traffic = SyntheticTraffic(workload, draws)
    contents = SyntheticContents(traffic.classes, preparer, is_unique=workload.catalogue is None)
    deadlines_s = np.array([inf, *(scenario.sla[urgency].deadline for urgency in (1, 2, 3))])
    horizon = inf if scenario.horizon is None else scenario.horizon
    most = inf if scenario.requests is None else scenario.requests
    _require_room(workload, horizon, most)
    parts: list[Columns] = []
    n, size = 0, _FIRST_PIECE
    while True:
        wanted = traffic.take(size)
        n_before_horizon = int(np.searchsorted(wanted.arrived_at, horizon))
        n_taken = min(n_before_horizon, int(min(most - n, wanted.own.size)))
        parts.append(_columns(wanted.part(0, n_taken), contents, deadlines_s))
        n += n_taken
        if n_taken < wanted.own.size or n == most:
            break
        size = min(2 * size, _LARGEST_PIECE)
    columns = joined(parts)
    if n < most and horizon == inf:
        raise ScenarioError(f"workload.profile: its rate ends at 0, and only {n} of {most} requests ever come; try a horizon, or fewer requests")
    horizon_at = float(columns.arrived_at[-1]) if n == most else horizon
    is_steady = scenario.study == "steady"
    return Prepared(
        columns,
        horizon_at,
        preparer,
        contents,
        _further(wanted.part(n_taken), traffic, contents, deadlines_s) if is_steady else iter(()),
        class_names=tuple(spec.name for spec in workload.classes),
        tenant_names=_tenant_names(workload.tenants.count),
    )


def _require_room(workload: Workload, horizon_s: float, most: float) -> None:
    """Refuses traffic of which no machine would see the end."""
    arrivals = workload.arrivals
    assert arrivals is not None
    rate = max(arrivals.rates) if arrivals.rates is not None else arrivals.rate or 0.0
    expected = min(rate * horizon_s, most) if rate else most
    if expected > MOST_EXPECTED:
        raise ScenarioError(
            f"workload.arrivals: some {expected:.2g} requests are expected, and a run can hold {MOST_EXPECTED:.0e}; "
            "try a lower rate, a shorter horizon, or requests: 100000"
        )


def _columns(wanted: Wanted, contents: SyntheticContents, deadlines_s: NDArray[np.float64]) -> Columns:
    return Columns(
        wanted.arrived_at,
        wanted.arrived_at + deadlines_s[wanted.urgency],
        wanted.urgency,
        wanted.class_index.astype(np.int32),
        wanted.tenant_index.astype(np.int32),
        contents.index(wanted),
        no_jobs(wanted.own.size),
    )


def _further(wanted: Wanted, traffic: SyntheticTraffic, contents: SyntheticContents, deadlines_s: NDArray[np.float64]) -> Iterator[Columns]:
    """What comes after the study, in small pieces, for as long as anything comes."""
    while True:
        for start in range(0, wanted.own.size, _FIRST_PIECE):
            piece = wanted.part(start, start + _FIRST_PIECE)
            n_finite = int(np.searchsorted(piece.arrived_at, inf))
            if n_finite:
                yield _columns(piece.part(0, n_finite), contents, deadlines_s)
            if n_finite < piece.own.size:
                return
        wanted = traffic.take(_FIRST_PIECE)


def _tenant_names(count: int) -> tuple[str, ...]:
    return ("default",) if count == 1 else tuple(f"tenant-{k}" for k in range(count))


# -- recorded ----------------------------------------------------------------------------------------------------------------
def _from_trace(scenario: Scenario, preparer: Preparer, draws: Draws) -> Prepared:
    trace = replayed(scenario, draws)
    contents = RecordedContents(trace, preparer, scenario.providers)
    columns = contents.columns(scenario.sla)
    return Prepared(
        columns,
        float(columns.arrived_at[-1]),
        preparer,
        contents,
        class_names=contents.class_names,
        tenant_names=contents.tenant_names,
        n_skipped_rows=trace.n_skipped,
        warnings=tuple(trace.warnings()),
        epoch_at=0.0 if trace.starts_at_ns is None else trace.starts_at_ns / 1e9,
    )


def _file_state(path: str | None) -> Hashable:
    """Something that changes when a file does, or one in a folder."""
    try:
        place = Path(path or "")
        files = sorted(place.iterdir()) if place.is_dir() else [place]
        return tuple((file.name, state.st_mtime_ns, state.st_size) for file in files for state in (file.stat(),))
    except (OSError, ValueError):
        return None  # reading it will say what is wrong
