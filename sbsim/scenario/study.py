"""What is asked of a simulation: what counts as good, what may be varied, how long and how often it runs."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Self

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema

from sbsim.documents.faults import FieldError, shown
from sbsim.documents.fields import (
    Boolean,
    Choice,
    Kind,
    Money,
    OptionalMoney,
    PositiveCount,
    Quantity,
    Size,
    Text,
    is_none,
)
from sbsim.documents.model import Model, field
from sbsim.laws import plain_number
from sbsim.records import PRIORITIES
from sbsim.scenario.kinds import AnyDurationLaw, read_priority
from sbsim.units import parse_duration, parse_money


class Sla(Model):
    """What a priority is promised, and what breaking the promise costs."""

    deadline: Annotated[float, Quantity("duration", is_open=True)] = field(math.inf, "Seconds from arrival to delivery.")
    penalty: Money = field(0.0, "Dollars for a delivery past its deadline.")
    penalty_per_minute: Money = field(0.0, "Dollars for every minute past the deadline.")
    lost: OptionalMoney = field(None, "Dollars for a request failed, refused or unfinished; default 2 x individual cost + penalty.")
    false_reuse_cost: OptionalMoney = field(None, "Dollars for a wrong reuse; default individual cost + penalty.")

    @model_validator(mode="before")
    @classmethod
    def _none_is_for_ever(cls, given: Any) -> Any:
        return {k: v for k, v in given.items() if k != "deadline" or not is_none(v)} if isinstance(given, Mapping) else given


def by_priority(given: dict[Any, Sla]) -> dict[int, Sla]:
    """Promises by the number of the priority, for all three."""
    read: dict[int, Sla] = {}
    for key, sla in given.items():
        try:
            priority = read_priority(key)
        except ValueError as error:
            raise FieldError(str(error), key) from None
        if priority in read:
            raise FieldError("this priority is given twice, by name and by number; try removing one", key)
        read[priority] = sla
    return {priority: read.get(priority, Sla()) for priority in PRIORITIES.values()}


_CONSTRAINT = re.compile(r"\s*([A-Za-z_]\w*)\s*(>=|<=|==|>|<)\s*(\S.*?)\s*\Z")


@dataclass(frozen=True, slots=True)
class Constraint:
    """What a KPI must keep to, such as sla_compliance >= 0.99."""

    kpi: str
    op: str
    bound: float

    def is_met_by(self, value: float) -> bool:
        """Whether `value` keeps to it."""
        return {">=": value >= self.bound, "<=": value <= self.bound, ">": value > self.bound, "<": value < self.bound, "==": value == self.bound}[
            self.op
        ]

    def __str__(self) -> str:
        return f"{self.kpi} {self.op} {self.bound:g}"


@dataclass(frozen=True)
class Constraints(Kind):
    """Constraints as text."""

    def read(self, given: Any) -> Any:
        listed = [given] if isinstance(given, str) else given
        if not isinstance(listed, (list, tuple)):
            raise FieldError(f'{shown(given)} is not a list; try ["sla_compliance >= 0.99"]')
        return tuple(each if isinstance(each, Constraint) else self._one(each, k) for k, each in enumerate(listed))

    @staticmethod
    def _one(given: Any, k: int) -> Constraint:
        match = _CONSTRAINT.match(given) if isinstance(given, str) else None
        if match is None:
            raise FieldError(f'{shown(given)} is not a constraint: a KPI, one of >= <= > < ==, and a number; try "sla_compliance >= 0.99"', k)
        kpi, op, text = match.groups()
        parse = parse_duration if kpi.endswith("_s") or "_s_" in kpi else parse_money if kpi.endswith("_usd") else plain_number
        try:
            bound = parse(_number(text))
        except ValueError as error:
            raise FieldError(f"{shown(given)}: {error}", k) from None
        return Constraint(kpi, op, bound)

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "string", "pattern": ">=|<=|==|>|<"}}


def _number(text: str) -> object:
    try:
        return float(text)
    except ValueError:
        return text


class Objective(Model):
    """What is sought."""

    minimise: Annotated[str, Text("the name of a KPI", example="total_cost_usd")] = field("total_cost_usd", "KPI to make small.")
    subject_to: Annotated[tuple[Constraint, ...], Constraints()] = field((), 'Constraints such as "sla_compliance >= 0.99".')

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        written = handler.resolve_ref_schema(handler(core_schema))
        written["properties"]["minimize"] = written["properties"]["minimise"]
        return written

    @model_validator(mode="before")
    @classmethod
    def _two_spellings(cls, given: Any) -> Any:
        if not isinstance(given, Mapping) or "minimize" not in given:
            return given
        if "minimise" in given:
            raise FieldError("minimise and minimize are the same; try removing one", "minimize")
        return {"minimise" if key == "minimize" else key: value for key, value in given.items()}


class Knob(Model):
    """A setting that may be searched: between low and high, or one of some choices. Its values are in base units once the scenario is read."""

    low: Any = field(None, "Least value.")
    high: Any = field(None, "Greatest value.")
    log: Boolean = field(False, "Whether steps are ratios.")
    choices: tuple[Any, ...] | None = field(None, "Every value that may be taken.")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.choices is not None:
            if self.low is not None or self.high is not None or self.log:
                raise FieldError("a knob has either choices or low and high; try removing one of both", "choices")
            if not self.choices:
                raise FieldError("an empty list leaves nothing to choose; try removing the knob", "choices")
        elif self.low is None or self.high is None:
            raise FieldError("a knob needs low and high, or choices; try {low: 1, high: 10}")
        return self

    @property
    def is_whole(self) -> bool:
        """Whether it takes whole numbers only."""
        return isinstance(self.low, int) and isinstance(self.high, int)


class Instances(Model):
    """Copies of the batcher."""

    n: PositiveCount = field(1, "How many.")
    by: Annotated[str, Choice(("round_robin", "content"))] = field("round_robin", "How requests are spread over them.")

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [{"type": "integer", "minimum": 1}, handler(core_schema)]}

    @model_validator(mode="before")
    @classmethod
    def _bare_number(cls, given: Any) -> Any:
        return given if isinstance(given, (Mapping, Instances)) else {"n": given}


class CacheTier(Model):
    """What a lower cache tier costs and takes."""

    latency: AnyDurationLaw = Field(description="Seconds to ask it; slower than cache.fetch_timeout is a miss.")
    capacity: Size = field(math.inf, "Bytes that it holds.")
    per_gb_month: Money = field(0.0, "Dollars per GB and month.")
    per_request: Money = field(0.0, "Dollars per request.")


class Tiers(Model):
    """The lower cache tiers."""

    redis: CacheTier | None = field(None, "The redis tier, shared by all instances: references and inline results.")
    cdn: CacheTier | None = field(None, "The cdn tier: whole results, kept as long as its own TTL says.")


@dataclass(frozen=True)
class Warmup(Kind):
    """Seconds, or "auto"."""

    unit: str = "s"

    def read(self, given: Any) -> Any:
        return given if given == "auto" else Quantity("duration").read(given)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"type": ["number", "string"]}, {"const": "auto"}]}


STUDIES = ("terminating", "steady")
__all__ = ["STUDIES", "CacheTier", "Constraint", "Instances", "Knob", "Objective", "Sla", "Tiers", "Warmup", "by_priority"]
