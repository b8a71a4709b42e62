"""`Scenario`: a whole study, validated and in base units; immutable, and cheap to make others of."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import PurePath
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, PrivateAttr, ValidationError, model_validator

from sbsim.config import Config, known_setting
from sbsim.config import require_available as require_available_settings
from sbsim.documents.faults import FieldError, at, nearest, one_of, refusal, shown
from sbsim.documents.fields import Choice, Kind, Name, OptionalDuration, PositiveCount, Quantity, Text
from sbsim.documents.model import Model, field, section
from sbsim.documents.origin import Origins, path_text
from sbsim.documents.paths import locate, parse_path, with_value
from sbsim.errors import ScenarioError
from sbsim.laws import Constant
from sbsim.records import PRIORITIES
from sbsim.scenario import checks, parts
from sbsim.scenario.knobs import in_base_units, read_knobs
from sbsim.scenario.limits import Limit
from sbsim.scenario.provider import ProviderSpec
from sbsim.scenario.sharing import with_shared_prices
from sbsim.scenario.study import STUDIES, Instances, Knob, Objective, Sla, Tiers, Warmup, by_priority
from sbsim.scenario.traffic import Workload


class _Version(Kind):
    """The version of the format."""

    def read(self, given: Any) -> Any:
        if given is True or given != 1 or isinstance(given, bool):
            raise FieldError(f"{shown(given)} is not a version of the format; allowed: 1; try version: 1")
        return 1

    def schema(self) -> dict[str, Any]:
        return {"const": 1}


class Robust(Model):
    """A search that holds for several futures."""

    scenarios: tuple[Any, ...] = field((), "The futures.")


class Scenario(Model):
    """Traffic, providers, promises, settings, and what is asked of their simulation.

    Attributes are the keys of the file in base units (seconds, bytes, dollars, per second). `warnings` says what is allowed and probably not meant;
    `digest` identifies the content, however it was written.
    """

    version: Annotated[int, _Version()] = Field(description="Version of the format: 1.")
    name: Name = Field(description="Its name.")
    description: Annotated[str | None, Text(or_none=True, is_long=True)] = field(None, "What it is about.")
    seed: Annotated[int, Quantity("count", high=2**63 - 1)] = field(0, "Root of all randomness.")
    horizon: Annotated[float | None, Quantity("duration", is_open=True, or_none=True)] = field(None, "Seconds of traffic.")
    requests: Annotated[int | None, Quantity("count", low=1, or_none=True)] = field(None, "Requests of traffic; with a horizon whichever ends first.")
    study: Annotated[str, Choice(STUDIES)] = field(None, "terminating | steady; default: steady for synthetic traffic without a profile.")
    warmup: Annotated[float | str, Warmup()] = field(0.0, "Seconds not counted at the start, or auto.")
    replications: PositiveCount = field(10, "Independent histories.")
    drain_limit: OptionalDuration = field(None, "Seconds after the horizon at which the run ends; none: longest deadline + window in force + 1 h.")
    workload: Workload = Field(description="The traffic.")
    providers: tuple[ProviderSpec, ...] = Field(description="The lanes.")
    sla: Annotated[dict[Any, Sla], AfterValidator(by_priority)] = section(lambda: by_priority({}), "Promises by priority.")
    instances: Instances = section(Instances, "Copies of the batcher.")
    tiers: Tiers = section(Tiers, "The lower cache tiers.")
    config: Config = section(Config, "The baseline's settings.")
    objective: Objective = section(Objective, "What is sought.")
    search: dict[str, Knob] = section(dict, "Settings that may be varied.")
    robust: Robust | None = field(None, "A search that holds for several futures (part 6).")
    indifference_usd: Annotated[float | None, Quantity("money", or_none=True)] = field(None, "Dollars that do not matter (part 6).")

    _notes: tuple[str, ...] = PrivateAttr(default=())
    _scorer: Any = PrivateAttr(default=None)
    _document: dict[str, Any] = PrivateAttr(default_factory=dict)
    _origins: Origins = PrivateAttr(default_factory=lambda: Origins("scenario"))

    @classmethod
    def from_mapping(cls, given: Mapping[str, Any], where: str | None = None) -> Self:
        """The scenario that plain values describe; `where` names them in messages. Raises ScenarioError."""
        return cls.from_document(given, Origins(where or "scenario"))

    @classmethod
    def from_document(cls, document: Mapping[str, Any], origins: Origins) -> Self:
        """The same, with the places of its entries for messages. Raises ScenarioError."""
        try:
            scenario = cls.model_validate(document)
            require_available_settings(scenario.config, origins, ("config",))
        except ValidationError as error:
            raise refusal(error, origins) from None
        scenario._document, scenario._origins = dict(document), origins
        scenario._probe_knobs()
        return scenario

    def _probe_knobs(self) -> None:
        """Knobs that are no settings are tried out: the scenario with each value must be one, and says what the value is in base units."""
        document = {key: value for key, value in self._document.items() if key != "search"}
        for path, knob in self.search.items():
            if setting_path(path) is not None:
                continue

            def read(given: Any, path: str = path, is_choice: bool = knob.choices is not None) -> Any:
                changed = type(self).from_mapping(set_value(document, Origins(""), path, given, ""), f"with {shown(given)}")
                value = changed.get(path)
                return given if is_choice else value.value if isinstance(value, Constant) else value

            try:
                self.search[path] = in_base_units(knob, read)
            except ValueError as error:
                raise at(self._origins, ("search", path, *getattr(error, "path", ())), str(error)) from None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        put = object.__setattr__
        put(self, "providers", with_shared_prices(self.providers))
        if "study" not in self.model_fields_set:
            put(self, "study", "steady" if self.workload.source == "synthetic" and not self.workload.profile else "terminating")
        parts.require_available(self)
        checks.check(self)
        put(self, "config", self.config.resolved(any(provider.limits for provider in self.providers)))
        checks.check_settings(self, self.config)
        put(self, "search", read_knobs(self.search, type(self).model_fields, self.config))
        return self

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is allowed and probably not meant, a sentence each."""
        judged = self._scorer is not None and self.config.cache.near_duplicates
        notes = (f"near-duplicates are judged by {self._scorer!r}, which no file carries; SmartBatcher(scorer=…) takes it",) if judged else ()
        return (*self._notes, *notes, *checks.warnings(self))

    def noted(self, *notes: str) -> Self:
        """The same scenario with these warnings first."""
        changed = self.model_copy()
        changed._notes = (*self._notes, *notes)
        return changed

    @property
    def scorer(self) -> Any:
        """The judge of near-duplicates (`components.near_duplicates.Scorer`) in place of the words; None: the words."""
        return self._scorer

    def with_scorer(self, scorer: Any) -> Self:
        """The same scenario with another judge of near-duplicates, such as an embedding model; no file can say which.

        See `components.near_duplicates.Scorer`, and `SmartBatcher(scorer=…)` for the same one in production.
        """
        changed = self.model_copy()
        changed._scorer = scorer
        return changed

    @property
    def digest(self) -> str:
        """Hex digest of what the scenario says in base units: the same however it is written, and wherever its files lie."""
        plain = self.model_dump(mode="python")
        plain.pop("description")
        path = plain["workload"]["path"]
        plain["workload"]["path"] = None if path is None else PurePath(path).name
        if self._scorer is not None:
            plain["scorer"] = repr(self._scorer)
        return hashlib.blake2b(json.dumps(plain, default=repr, sort_keys=False).encode(), digest_size=16).hexdigest()

    def where(self, *path: str | int) -> str:
        """The place of an entry and its path, as messages begin: `scenario.yaml:7:3: objective.minimise`."""
        return f"{self._origins.place(path)}: {path_text(path)}"

    @property
    def document(self) -> Mapping[str, Any]:
        """The plain values that it was read from."""
        return self._document

    def with_config(self, config: Config) -> Self:
        """The same study of other settings. Raises ScenarioError where providers rule them out."""
        config = config.resolved(any(provider.limits for provider in self.providers))
        require_available_settings(config, None, ("config",))
        try:
            checks.check_settings(self, config)
        except FieldError as error:
            raise at(Origins("scenario"), tuple(error.path), str(error)) from None
        changed = self.model_copy(update={"config": config})
        changed._document = {**self._document, "config": config.to_plain()}
        return changed

    def with_values(self, values: Mapping[str, Any]) -> Self:
        """The scenario with `values` (path -> value as files give it) in place; paths of settings need no `config.`. Raises ScenarioError."""
        settings = {setting_path(path): value for path, value in values.items()}
        if None not in settings:
            return self.with_config(self.config.with_values({str(path): value for path, value in settings.items()}))
        document: Any = self._document
        origins = self._origins.copy()
        for text, value in values.items():
            document = set_value(document, origins, text, value, f"{text}={shown(value)}")
        return type(self).from_document(document, origins).with_scorer(self._scorer)

    def get(self, path: str) -> Any:
        """The value at a path, in base units. Raises ScenarioError."""
        known = setting_path(path)
        if known is not None:
            return self.config.get(known)
        here: Any = self
        for step in locate(self._document, parse_path(path)):
            here = _below(here, step, path)
        return here


def _below(here: Any, step: Any, path: str) -> Any:
    if isinstance(here, Limit) and step == here.unit:
        return here.n
    if isinstance(here, Model):
        for name, known in type(here).model_fields.items():
            if step == (known.alias or name):
                return getattr(here, name)
        allowed: Any = [known.alias or name for name, known in type(here).model_fields.items()]
    elif isinstance(here, Mapping):
        allowed = list(here)
        key = step if step in here else PRIORITIES.get(step, step)  # priorities are kept by number
        if key in here:
            return here[key]
    else:
        allowed = range(len(here)) if isinstance(here, tuple) else ()
        if step in allowed:
            return here[step]
    text = one_of(allowed) or f"nothing below {shown(here)}"
    raise ScenarioError(f"{path}: there is no {step} here; allowed: {text}{nearest(step, map(str, allowed)) or '; try the path above it'}")


def setting_path(path: str) -> str | None:
    """The path of a setting (or part of one) without `config.`, or None where `path` leads elsewhere in the scenario."""
    bare = path.removeprefix("config.")
    return bare if known_setting(bare) else None


def set_value(document: Any, origins: Origins, text: str, value: Any, place: str) -> Any:
    """A copy of `document` with `value` at the path `text`; `origins` learns that it came from `place`. Raises ScenarioError."""
    steps = parse_path(text)
    if steps[0] in Config.model_fields and steps[0] not in Scenario.model_fields:
        steps = ("config", *steps)
    path = locate(document, steps)
    origins.replace(path, place)
    return with_value(document, path, value)
