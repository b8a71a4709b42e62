"""Distinct synthetic contents, prepared once each: from what requests want to `Content`s with prices and identity.

Owns which wishes want the same: same class, entry, wording, variant and tenant, unless the request must be made anew. Keys are the contents' own
serials: whole numbers that are equal exactly when the fingerprints of the written requests would be (a test holds the two together). Serials follow
the order of first appearance, so that they do not depend on the pieces in which requests are made.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from sbsim.errors import ScenarioError
from sbsim.pipeline.prepare import Preparer
from sbsim.records import ContentRequest, Facts
from sbsim.workload.catalogue import ClassContents
from sbsim.workload.synthetic import Wanted

Ints = NDArray[np.int64]

_Place = tuple[int, int, int, int, int, int]
"""(class, entry, wording, variant, tenant, own): what a content is, by numbers."""


class SyntheticContents:
    """The contents that were wanted so far.

    Attributes
    ----------
    intent : per content, the number of its true meaning: equal for all wordings, variants and tenants of an entry.
    """

    def __init__(self, classes: Sequence[ClassContents], preparer: Preparer, *, is_unique: bool) -> None:
        self.intent: list[int] = []
        self.knows_intent = True
        self._classes = classes
        self._preparer = preparer
        self._is_unique = is_unique  # no catalogue: nothing is ever wanted twice
        self._numbers: dict[_Place, int] = {}
        self._places: list[_Place] = []

    def index(self, wanted: Wanted) -> Ints:
        """Serial of the content of each request, shape (n,); what is wanted for the first time is prepared."""
        n_before = len(self._places)
        n = wanted.own.size
        places = list(zip(*(column.tolist() for column in wanted[1:6]), wanted.own.tolist(), strict=True))
        if self._is_unique:
            index, new = np.arange(n_before, n_before + n), np.arange(n)
            self._places.extend(places)
        else:
            numbers = self._numbers
            number = numbers.setdefault
            index = np.fromiter([number(place, len(numbers)) for place in places], dtype=np.int64, count=n)
            highest = np.maximum.accumulate(np.concatenate(([n_before - 1], index)))
            new = np.flatnonzero(highest[1:] > highest[:-1])  # where a number occurs that never occurred before
            self._places.extend([places[k] for k in new.tolist()])
        self._prepare(n_before, self._facts(wanted, new))
        return index

    def _facts(self, wanted: Wanted, rows: Ints) -> list[Facts]:
        """What providers need to know of the contents of these rows."""
        if len(self._classes) == 1:
            return self._classes[0].facts(wanted.entry[rows])
        classes = wanted.class_index[rows]
        order = np.argsort(classes, kind="stable")
        facts: list[Facts] = []
        for k, contents in enumerate(self._classes):
            facts.extend(contents.facts(wanted.entry[rows[classes == k]]))
        by_row = np.empty(rows.size, dtype=np.int64)
        by_row[order] = np.arange(rows.size)
        return list(map(facts.__getitem__, by_row.tolist()))

    def _prepare(self, first: int, facts: list[Facts]) -> None:
        prepare, n_classes = self._preparer.content, len(self._classes)
        intent = self.intent
        try:
            for serial, fact, (k, entry, wording, _, tenant, own) in zip(range(first, first + len(facts)), facts, self._places[first:], strict=True):
                meaning = entry * n_classes + k
                intent.append(meaning)
                prepare(fact, serial, (meaning, wording, tenant), tenant, own == 0)
        except ScenarioError as error:
            k = self._places[len(self._preparer.contents)][0]
            raise ScenarioError(f"workload.classes[{k}] ({self._classes[k].spec.name}): {error}") from None

    # -- in words ------------------------------------------------------------------------------------------------------------
    def prompt(self, serial: int) -> str:
        """The sentence that asks for a content."""
        k, entry, wording, *_ = self._places[serial]
        return self._classes[k].prompt(entry, wording)

    def wording(self, serial: int) -> int:
        """Which wording a content has; 0 is the plain one."""
        return self._places[serial][2]

    def written(self, serial: int, name: str, urgency: int, tenant_names: Sequence[str]) -> ContentRequest:
        """The request as a user would write it, with `name` for its id."""
        k, entry, _, variant, tenant, own = self._places[serial]
        facts = self._preparer.contents[serial].facts
        style: dict[str, Hashable] = dict(facts.style)
        return ContentRequest(
            name, facts.content_type, self.prompt(serial), facts.resolution, facts.duration_s, facts.engine, urgency, style, None, None,
            tenant_names[tenant], variant, None, self._classes[k].inputs(entry), own == 0, None, None, facts.units_in, facts.units_out,
            facts.max_units_out,
        )  # fmt: skip
