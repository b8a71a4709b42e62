"""What every model of a document has in common: its keys are all known, nothing is guessed, and it never changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sbsim.documents.faults import FieldError, nearest, one_of, refusal, shown
from sbsim.documents.origin import Origins


def field(default: Any, doc: str, *, alias: str | None = None) -> Any:
    """A key that may be left out: its value then (in base units), and what it means."""
    return Field(default, description=doc, alias=alias)


def section(made: Callable[[], Any], doc: str) -> Any:
    """A mapping that may be left out, which leaves out all of its keys."""
    return Field(default_factory=made, description=doc)


def read_list(model: type[Model], given: Any, example: str) -> tuple[Any, ...]:
    """A list of models. Raises FieldError with the position of the entry at fault."""
    if not isinstance(given, (list, tuple)):
        raise FieldError(f"{shown(given)} is not a list; try {example}")
    entries = []
    for k, each in enumerate(given):
        try:
            entries.append(model.model_validate(each))
        except ValidationError as error:
            raise FieldError(str(error), k, within=error) from None
    return tuple(entries)


class Model(BaseModel):
    """A mapping with known keys. Fields are named as their keys; those that are Python keywords end in an underscore."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, defer_build=True)

    @classmethod
    def from_mapping(cls, given: Mapping[str, Any], where: str | None = None) -> Self:
        """The model of plain values; `where` names them in messages. Raises ScenarioError."""
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            raise refusal(error, Origins(where or cls.__name__)) from None

    @model_validator(mode="before")
    @classmethod
    def _check_keys(cls, given: Any) -> Any:
        """Unknown and missing keys are reported here, by their own names and with what they mean."""
        if isinstance(given, cls):
            return given
        keys = {field.alias or name: field for name, field in cls.model_fields.items()}
        if not isinstance(given, Mapping):
            raise FieldError(f"{shown(given)} is not a mapping; allowed keys: {one_of(keys)}; try {{{next(iter(keys))}: …}}")
        for key in given:
            if key not in keys:
                raise FieldError(f"unknown key; allowed: {one_of(keys)}{nearest(key, keys)}", key)
        for key, field in keys.items():
            if key not in given and field.is_required():
                raise FieldError(f"missing: {key}{f' ({field.description})' if field.description else ''}; given: {one_of(given) or 'nothing'}")
        # a key with nothing behind it: a section left empty
        return {key: value for key, value in given.items() if value is not None or keys[key].default_factory is None}
