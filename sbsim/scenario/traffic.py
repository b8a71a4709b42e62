"""Traffic: who asks for what, when. All attributes are in base units (seconds, per second); laws are `Law`s."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from sbsim.documents.faults import FieldError, nearest, one_of, shown
from sbsim.documents.fields import (
    Choice,
    Count,
    Duration,
    Flag,
    Fraction,
    Kind,
    Name,
    PositiveCount,
    PositiveNumber,
    Quantity,
    Rate,
    Text,
)
from sbsim.documents.model import Model, field, section
from sbsim.laws import Constant, Popularity
from sbsim.records import CONTENT_TYPES, NORMAL
from sbsim.scenario.kinds import (
    Between,
    CountLaw,
    DurationLaw,
    Dwells,
    Popular,
    Profile,
    Rates,
    Styles,
    UnitsLaw,
    Weights,
    read_priority,
    read_resolution,
    read_style_value,
)

FORMATS = ("generic", "sbsim", "journal", "azure-llm", "gentd26", "mooncake", "servegen", "openai-batch", "litellm-spend-logs")
RECORDED = ("started_at", "finished_at", "cost_usd", "status", "cached", "provider")
"""Columns of a trace that hold what happened, not what was asked for."""
DRAWN = ("servegen",)
"""Formats that hold laws to draw traffic from instead of traffic."""
_ASKED = (
    "arrived_at", "id", "content_type", "prompt", "resolution", "duration", "engine", "priority", "style_params", "fingerprint", "tenant", "variant",
    "seed", "inputs", "allow_reuse", "deadline_s", "job_id", "units_in", "units_out", "max_units_out", "n_images", "input_s", "estimated_cost",
    "blocks",
)  # fmt: skip
_FALLBACKS: Mapping[str, Any] = {
    "content_type": Choice(CONTENT_TYPES).read,
    "engine": Text("the name of an engine").read,
    "prompt": Text().read,
    "resolution": read_resolution,
    "duration": Quantity("duration").read,
    "priority": read_priority,
    "tenant": Text("the name of a tenant").read,
    "deadline_s": Quantity("duration").read,
    "allow_reuse": Flag().read,
    "units_in": Quantity("number").read,
    "units_out": Quantity("number").read,
    "max_units_out": Quantity("number").read,
    "n_images": Quantity("count").read,
    "input_s": Quantity("duration").read,
}

_NEEDED = {"poisson": ("rate",), "gamma": ("rate", "cv"), "weibull": ("rate", "cv"), "mmpp": ("rates", "dwell"), "batch": ("rate", "size")}
"""Keys of each arrival process; no other is allowed beside them."""


class Arrivals(Model):
    """The process of arrivals. A rate counts requests, also where they come in batches."""

    process: Annotated[str, Choice(tuple(_NEEDED))] = Field(description="poisson | gamma | weibull | mmpp | batch")
    rate: Rate | None = field(None, "Requests per second.")
    cv: Annotated[float | None, Quantity("number", is_open=True)] = field(None, "Coefficient of variation of the gaps (gamma, weibull).")
    rates: Rates = field(None, "Requests per second in each state (mmpp).")
    dwell: Dwells = field(None, "Mean seconds in each state (mmpp); one value holds for all.")
    size: CountLaw | None = field(None, "Requests that arrive together (batch).")

    @model_validator(mode="after")
    def _fits_its_process(self) -> Self:
        needed = _NEEDED[self.process]
        for key in ("rate", "cv", "rates", "dwell", "size"):
            given = getattr(self, key) is not None
            if given and key not in needed:
                raise FieldError(f"a {self.process} process has no {key}; allowed: {one_of(needed)}; try removing it", key)
            if key in needed and not given:
                raise FieldError(f"a {self.process} process needs {one_of(needed)}; missing: {key}")
        if self.process == "mmpp":
            assert self.rates is not None
            assert self.dwell is not None
            if max(self.rates) <= 0:
                raise FieldError("every rate is 0: nothing would ever arrive; at least one must be > 0", "rates")
            if len(self.dwell) == 1:
                object.__setattr__(self, "dwell", self.dwell * len(self.rates))
            if len(self.dwell) != len(self.rates):
                raise FieldError(f"{len(self.dwell)} dwell times for {len(self.rates)} rates; give one each, or one for all", "dwell")
        return self


class Tenants(Model):
    """Whose requests they are; contents of two tenants are never shared."""

    count: PositiveCount = field(1, "Number of tenants.")
    popularity: Popular = field(Popularity(), "How requests are spread over them.")


class Catalogue(Model):
    """What can be asked for; each class has its own, of its share of the contents."""

    contents: PositiveCount = Field(description="Distinct contents over all classes.")
    popularity: Popular = field(Popularity(), "How requests are spread over them.")
    near_duplicates: Fraction = field(0.0, "Share of requests that word their content anew: reuse is right.")
    lookalikes: Fraction = field(0.0, "Share of contents that differ from another in one slot of the sentence: reuse is wrong.")


class Inputs(Model):
    """Media that go in."""

    images: Count = field(0, "Input images per content.")
    seconds: Duration = field(0.0, "Seconds of input video or audio per content.")


class TrafficClass(Model):
    """One kind of request. Shares add up to 1, whatever weights were given."""

    name: Name = Field(description="Its name.")
    weight: PositiveNumber = field(1.0, "Relative share of the requests.")
    content_type: Annotated[str, Choice(CONTENT_TYPES)] = Field(description="video | image | audio | text")
    engine: Annotated[str, Text("the name of an engine")] = Field(description="The model that is wanted.")
    resolution: Annotated[dict[str, float] | None, Weights(read_resolution, "resolution")] = field(None, "Size or name, or several with weights.")
    duration: DurationLaw | None = field(None, "Seconds of content.")
    style_params: Annotated[dict[str, dict[Any, float]], Styles()] = field({}, "name -> value, or {value: weight}.")
    inputs: Inputs = section(Inputs, "Media that go in.")
    units_in: UnitsLaw = field(Constant(value=0.0), "Tokens or characters in.")
    units_out: UnitsLaw = field(Constant(value=1.0), "Tokens, characters or images out.")
    max_units_out: Annotated[float | None, Quantity("number", is_open=True, or_none=True)] = field(
        None, "Bound on the units out; default: fixed units out bound themselves."
    )
    priority: Annotated[dict[int, float], Weights(read_priority, "priority", are_shares=True)] = field({NORMAL: 1.0}, "Urgency of each request.")
    no_reuse: Fraction = field(0.0, "Share of requests with allow_reuse=False.")
    variants: CountLaw = field(Constant(value=1.0), "Variants asked for together.")

    @model_validator(mode="after")
    def _fixed_units_bound_themselves(self) -> Self:
        if self.max_units_out is None and "units_out" in self.model_fields_set and isinstance(self.units_out, Constant) and self.units_out.value > 0:
            object.__setattr__(self, "max_units_out", self.units_out.value)
        return self


@dataclass(frozen=True)
class Columns(Kind):
    """Field of a request -> column of the trace."""

    def read(self, given: Any) -> Any:
        if not isinstance(given, Mapping):
            raise FieldError(f"{shown(given)} is not a mapping; try {{arrived_at: ts, prompt: text}}")
        for key, column in given.items():
            known = (*_ASKED, *RECORDED)
            if key not in known and not str(key).startswith("style_params."):
                raise FieldError(f"unknown field of a request; allowed: {one_of(known)}, style_params.NAME{nearest(key, known)}", key)
            if not isinstance(column, str) or not column:
                raise FieldError(f"{shown(column)} is not the name of a column; try quoting it", key)
        return dict(given)

    def schema(self) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": {"type": "string"}}


@dataclass(frozen=True)
class Fallbacks(Kind):
    """Field of a request -> value for what the trace does not say; kept in base units."""

    def read(self, given: Any) -> Any:
        if not isinstance(given, Mapping):
            raise FieldError(f"{shown(given)} is not a mapping; try {{content_type: image, engine: sdxl}}")
        values: dict[str, Any] = {}
        for key, value in given.items():
            try:
                values[key] = self._read(key, value)
            except ValueError as error:
                raise FieldError(str(error), key, *getattr(error, "path", ())) from None
        return values

    @staticmethod
    def _read(key: Any, value: Any) -> Any:
        if key == "style_params":
            if not isinstance(value, Mapping):
                raise FieldError(f"{shown(value)} is not a mapping; try {{style: cinematic}}")
            return {name: read_style_value(each) for name, each in value.items()}
        if key not in _FALLBACKS:
            known = (*_FALLBACKS, "style_params")
            raise FieldError(f"unknown field of a request; allowed: {one_of(known)}{nearest(key, known)}")
        return _FALLBACKS[key](value)

    def schema(self) -> dict[str, Any]:
        return {"type": "object", "properties": {key: {} for key in (*_FALLBACKS, "style_params")}, "additionalProperties": False}


class Resample(Model):
    """Histories made from one trace."""

    block: Duration = Field(description="Seconds of a block.")


_SYNTHETIC = ("arrivals", "profile", "tenants", "catalogue", "classes")
_TRACE = ("path", "format", "columns", "defaults", "speedup", "between", "on_bad_row", "resample")


class Workload(Model):
    """The traffic: synthetic (arrivals, classes, …) or a trace (path, format, …)."""

    source: Annotated[str, Choice(("synthetic", "trace", "sql"))] = Field(description="synthetic | trace | sql")
    arrivals: Arrivals | None = field(None, "The process of arrivals (synthetic).")
    profile: Annotated[tuple[tuple[float, float], ...], Profile()] = field((), "Multiplier of the rate over time (synthetic).")
    tenants: Tenants = section(Tenants, "Whose requests they are (synthetic).")
    catalogue: Catalogue | None = field(None, "What can be asked for (synthetic); without one every request is content of its own.")
    classes: tuple[TrafficClass, ...] = field((), "Kinds of requests (synthetic).")
    path: Annotated[str | None, Text("a path", or_none=True, example='"traffic.csv"')] = field(None, "File of the trace; a folder for servegen.")
    format: Annotated[str, Choice(FORMATS)] = field("generic", "How the trace is written.")
    columns: Annotated[dict[str, str], Columns()] = field({}, "Field of a request -> column (generic).")
    defaults: Annotated[dict[str, Any], Fallbacks()] = field({}, "What the trace does not say.")
    speedup: PositiveNumber = field(1.0, "How many times faster the trace is replayed.")
    between: Between = field(None, "Part of the trace that is replayed: seconds from its first arrival (servegen: from its first window).")
    on_bad_row: Annotated[str, Choice(("error", "skip"))] = field("error", "What happens to a row that cannot be read.")
    resample: Resample | None = field(None, "Histories made from one trace (part 6).")

    @property
    def is_drawn(self) -> bool:
        """Whether each replication is a fresh history, drawn from laws, rather than one that was recorded."""
        return self.source != "trace" or self.format in DRAWN

    @model_validator(mode="after")
    def _fits_its_source(self) -> Self:
        if self.source == "synthetic":
            for key, what in (("arrivals", "a process of arrivals"), ("classes", "at least one class")):
                if not getattr(self, key):
                    raise FieldError(f"synthetic traffic needs {what}; missing: {key}")
        for key in _TRACE if self.source == "synthetic" else _SYNTHETIC:
            if key in self.model_fields_set and getattr(self, key) != type(self).model_fields[key].get_default(call_default_factory=True):
                raise FieldError(
                    f"{self.source} traffic has no {key}; try removing it, or source: {'trace' if self.source == 'synthetic' else 'synthetic'}", key
                )
        if self.between is not None and self.between[0] >= self.between[1]:
            raise FieldError(f"{shown(list(self.between))} is empty: the first time must be before the second; try [0h, 2h]", "between")
        return self
