"""Contents and columns of a recorded workload: which rows want the same, and what each costs.

Rows want the same when their fingerprints are equal; a row that says neither prompt, fingerprint nor inputs wants content of its own, and so does
one with allow_reuse false or with an input that is known by its address alone. A content's facts are those of its first row. A class is a content
type and an engine, as far as the file says them. Nothing here is drawn: a trace is one history, the same in every replication.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf

import numpy as np
from numpy.typing import NDArray

from sbsim.components.fingerprint import is_reusable
from sbsim.errors import ScenarioError, TraceError
from sbsim.pipeline.prepare import Preparer
from sbsim.records import NORMAL, ContentRequest, Facts
from sbsim.scenario import ProviderSpec, Sla
from sbsim.workload.columns import Columns, no_jobs
from sbsim.workload.traces import Trace, Wish, as_identity, as_request

Ints = NDArray[np.int64]


class RecordedContents:
    """The contents that a trace asks for.

    Attributes
    ----------
    intent : per content its own number: what a recorded prompt truly means is not known beyond its identity.
    class_names, tenant_names : in order of first appearance.
    """

    def __init__(self, trace: Trace, preparer: Preparer, providers: Sequence[ProviderSpec]) -> None:
        self.intent: list[int] = []
        self.knows_intent = False
        self._trace = trace
        self._preparer = preparer
        self._types = sorted({spec.serves.content_type for spec in providers})
        self._wish_of: list[int] = []
        self._content_of: dict[str, int] = {}
        self._identities: dict[int, tuple[str, str, bool]] = {}
        self._facts: dict[int, Facts] = {}
        self._known: list[int | None] = [None] * len(trace.wishes)
        self._tenants: dict[str, int] = {}
        self._classes: dict[str, int] = {}
        self._tenant_of_wish = [self._tenants.setdefault(wish.tenant, len(self._tenants)) for wish in trace.wishes]
        self._class_of_wish = [self._classes.setdefault(_class_name(wish), len(self._classes)) for wish in trace.wishes]
        self.tenant_names = tuple(self._tenants)
        self.class_names = tuple(self._classes)

    def columns(self, sla: Mapping[int, Sla]) -> Columns:
        """The rows as requests, in order; contents are prepared on the way. Raises TraceError for a row that no provider serves."""
        trace = self._trace
        deadline_s = np.array([inf, *(sla[urgency].deadline for urgency in (1, 2, 3))])[trace.priority]
        if trace.deadline_s is not None:
            deadline_s = np.where(np.isnan(trace.deadline_s), deadline_s, trace.deadline_s)
        known = self._known
        wanted = [self._prepare(wish) if known[wish] is None else known[wish] for wish in trace.wish.tolist()]
        return Columns(
            trace.arrived_at,
            trace.arrived_at + deadline_s,
            trace.priority,
            np.array(self._class_of_wish, dtype=np.int32)[trace.wish],
            np.array(self._tenant_of_wish, dtype=np.int32)[trace.wish],
            np.array(wanted, dtype=np.int64),
            no_jobs(trace.n) if trace.job is None else trace.job,
        )

    def _prepare(self, index: int) -> int:
        """Serial of the content that a row with this wish wants; remembered where other rows can want the same."""
        wish = self._trace.wishes[index]
        n = len(self.intent)
        if not wish.has_identity:
            return self._make(index, str(n), str(n), wish.allow_reuse)
        identity = self._identities.get(index)
        if identity is None:
            wanted = as_identity(wish, self._content_type(index))
            identity = self._identities[index] = (*self._preparer.identity(wanted), is_reusable(wanted))
        key, base, reusable = identity
        if not reusable:
            return self._make(index, f"{key}/{n}", base, reusable)
        serial = self._content_of.get(key)
        if serial is None:
            serial = self._content_of[key] = self._make(index, key, base, reusable)
        self._known[index] = serial
        return serial

    def _make(self, index: int, key: str, base: str, reusable: bool) -> int:
        """A new content; its serial."""
        wish = self._trace.wishes[index]
        facts = self._facts.get(index)
        if facts is None:
            written = self._preparer.facts(self._written(index, ""))
            facts = self._facts[index] = written._replace(n_images=max(wish.n_images, len(wish.inputs)), input_s=wish.input_s)
        try:
            content = self._preparer.content(facts, key, base, self._tenant_of_wish[index], reusable)
        except ScenarioError as error:
            raise TraceError(f"{self._trace.place(self._trace.wish_line[index])}: {error}") from None
        self.intent.append(content.serial)
        self._wish_of.append(index)
        return content.serial

    def _written(self, index: int, name: str, urgency: int = NORMAL) -> ContentRequest:
        return as_request(self._trace.wishes[index], self._content_type(index), name, urgency)

    def _content_type(self, index: int) -> str:
        """What a wish says, or the one type that all providers serve. Raises TraceError."""
        content_type = self._trace.wishes[index].content_type
        if content_type is None:
            if len(self._types) != 1:
                place, allowed = self._trace.place(self._trace.wish_line[index]), ", ".join(self._types)
                raise TraceError(
                    f"{place}: nothing says what kind of content it asks for; allowed: {allowed}; try defaults: {{content_type: {self._types[0]}}}"
                )
            content_type = self._types[0]
        return content_type

    # -- in words ------------------------------------------------------------------------------------------------------------
    def prompt(self, serial: int) -> str:
        """The prompt of a content's first row; empty where the trace has none."""
        return self._trace.wishes[self._wish_of[serial]].prompt or ""

    def wording(self, serial: int) -> int:
        """0: a recorded prompt is its own plain wording."""
        return 0

    def written(self, serial: int, name: str, urgency: int, tenant_names: Sequence[str]) -> ContentRequest:
        """The request as its row has it, with `name` for its id."""
        return self._written(self._wish_of[serial], name, urgency)


def _class_name(wish: Wish) -> str:
    return " ".join(part for part in (wish.content_type, wish.engine) if part) or "any"
