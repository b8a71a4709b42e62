"""Synthetic traffic: who wants what, when, as columns, in pieces of any size.

Owns the draws of wishes; knows the scenario's workload, no price and no provider. A *wish* is what a user asks for in one go: an instant, a class, an
entry of its catalogue, a wording, an urgency, a tenant. With `variants` v it becomes v requests of one instant, variants 0 .. v - 1, with consecutive
serials: who asks for four variants gets four, and who asks again for them may be given the same ones.

Rates and weights count requests: wishes of a class come in proportion to weight / E[variants]. Every draw is keyed by the number of the wish, which
is the serial of the request wherever nobody asks for variants.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sbsim.records import NORMAL
from sbsim.scenario import TrafficClass, Workload
from sbsim.seeds import Draws
from sbsim.workload.arrivals import Arrivals, mean_whole_number, whole_numbers
from sbsim.workload.catalogue import ClassContents, choose
from sbsim.workload.prompts import n_wordings

Ints = NDArray[np.int64]


class Wanted(NamedTuple):
    """Requests before their contents are prepared, each column of shape (n,).

    `entry`, `wording`, `variant` with class and tenant say what is wanted; `own` is 0, or a number of its own for a request that must be made anew.
    """

    arrived_at: NDArray[np.float64]
    class_index: Ints
    entry: Ints
    wording: Ints
    variant: Ints
    tenant_index: Ints
    urgency: NDArray[np.int8]
    own: Ints

    def part(self, start: int, stop: int | None = None) -> Wanted:
        """Requests start .. stop - 1."""
        return Wanted._make(column[start:stop] for column in self)


class SyntheticTraffic:
    """The endless stream of requests of a synthetic workload; the same whatever pieces it is taken in.

    Attributes
    ----------
    classes : the contents of each traffic class.
    """

    def __init__(self, workload: Workload, draws: Draws) -> None:
        specs = workload.classes
        whole = sum(spec.weight for spec in specs)
        shares = [spec.weight / whole for spec in specs]
        n_variants = [mean_whole_number(spec.variants) for spec in specs]
        self.classes = [
            ClassContents(spec, k, len(specs), share, workload.catalogue, draws) for k, (spec, share) in enumerate(zip(specs, shares, strict=True))
        ]
        self._odds = [share / n for share, n in zip(shares, n_variants, strict=True)]
        assert workload.arrivals is not None
        self._arrivals = Arrivals(workload.arrivals, workload.profile, 1 / sum(self._odds), draws)
        self._workload = workload
        self._specs = specs
        self._draws = draws
        self._n_wishes = 0
        self._n_requests = 0

    def take(self, n: int) -> Wanted:
        """Requests of the next n wishes. An instant of inf means that neither it nor anything after it ever comes."""
        first = self._n_wishes
        self._n_wishes += n
        arrived_at = self._arrivals.take(n)
        classes = self._classes(first, n)
        wanted = Wanted(
            arrived_at,
            classes,
            self._entries(classes, first, n),
            self._wordings(classes, first, n),
            np.zeros(n, dtype=np.int64),
            self._tenants(first, n),
            self._urgencies(classes, first, n),
            self._is_anew(classes, first, n),
        )
        wanted = self._with_variants(wanted, first, n)
        serials = np.arange(self._n_requests, self._n_requests + wanted.own.size)
        self._n_requests += wanted.own.size
        return wanted._replace(own=wanted.own * (serials + 1))

    # -- one column each -----------------------------------------------------------------------------------------------------
    def _classes(self, first: int, n: int) -> Ints:
        if len(self._specs) == 1:
            return np.zeros(n, dtype=np.int64)
        return choose(self._odds, self._draws.bulk("request.class", first, n))

    def _entries(self, classes: Ints, first: int, n: int) -> Ints:
        if self._workload.catalogue is None:
            return np.arange(first, first + n)
        u = self._draws.bulk("request.content", first, n)
        entries = np.empty(n, dtype=np.int64)
        for k, contents in enumerate(self.classes):
            mine = classes == k
            entries[mine] = contents.ranks(u[mine])
        return entries

    def _wordings(self, classes: Ints, first: int, n: int) -> Ints:
        catalogue = self._workload.catalogue
        if catalogue is None or catalogue.near_duplicates == 0:
            return np.zeros(n, dtype=np.int64)
        is_reworded = self._draws.bulk("request.reworded", first, n) < catalogue.near_duplicates
        n_other = np.array([n_wordings(spec.content_type) - 1 for spec in self._specs])[classes]
        wordings = 1 + (self._draws.bulk("request.wording", first, n) * n_other).astype(np.int64)
        return np.where(is_reworded, wordings, 0)

    def _tenants(self, first: int, n: int) -> Ints:
        tenants = self._workload.tenants
        if tenants.count == 1:
            return np.zeros(n, dtype=np.int64)
        return tenants.popularity.rank(self._draws.bulk("request.tenant", first, n), tenants.count)

    def _urgencies(self, classes: Ints, first: int, n: int) -> NDArray[np.int8]:
        def pick(spec: TrafficClass) -> NDArray[np.int8]:
            options = np.array(sorted(spec.priority), dtype=np.int8)
            return options[choose((spec.priority[int(k)] for k in options), self._draws.bulk("request.priority", first, n))]

        return self._by_class(classes, pick, lambda spec: spec.priority == {NORMAL: 1.0}, np.full(n, NORMAL, dtype=np.int8))

    def _is_anew(self, classes: Ints, first: int, n: int) -> Ints:
        """1 for a wish whose content must be made anew, else 0."""

        def pick(spec: TrafficClass) -> Ints:
            return (self._draws.bulk("request.no_reuse", first, n) < spec.no_reuse).astype(np.int64)

        return self._by_class(classes, pick, lambda spec: spec.no_reuse == 0, np.zeros(n, dtype=np.int64))

    def _with_variants(self, wanted: Wanted, first: int, n: int) -> Wanted:
        def pick(spec: TrafficClass) -> Ints:
            return whole_numbers(spec.variants, self._draws, "request.variants", first, n)

        counts = self._by_class(wanted.class_index, pick, lambda spec: spec.variants.high <= 1, np.ones(n, dtype=np.int64))
        if counts.max(initial=1) == 1:
            return wanted
        spread = Wanted._make(np.repeat(column, counts) for column in wanted)
        starts = np.repeat(np.cumsum(counts) - counts, counts)
        return spread._replace(variant=np.arange(starts.size) - starts)

    def _by_class(
        self, classes: Ints, pick: Callable[[TrafficClass], NDArray[Any]], is_plain: Callable[[TrafficClass], bool], plain: NDArray[Any]
    ) -> NDArray[Any]:
        """`plain`, replaced for the wishes of every class that is not plain by what is picked for it."""
        values = plain
        for k, spec in enumerate(self._specs):
            if not is_plain(spec):
                values = pick(spec) if len(self._specs) == 1 else np.where(classes == k, pick(spec), values)
        return values
