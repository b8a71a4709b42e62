"""One setting: its default, unit, bounds, words, names in the environment, and the part that brings it to life."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import Field
from pydantic.fields import FieldInfo

from sbsim.documents.faults import shown
from sbsim.documents.fields import Choice, Kind, Text, is_none
from sbsim.documents.yaml12 import read_scalar


def setting(
    default: Any,
    doc: str,
    *,
    alias: str | None = None,
    part: int | None = None,
    later: Mapping[str, int] | None = None,
) -> Any:
    """Declares a setting within its section.

    Parameters
    ----------
    default : in base units. doc : one line for tables and the schema. alias : its classic name in the environment.
    part : until this part of the project only the default is allowed. later : the same for single words of a choice.
    """
    extra: dict[str, Any] = {"x-alias": alias, "x-part": part, "x-later": dict(later or {})}
    return Field(default, description=doc, json_schema_extra={key: value for key, value in extra.items() if value})


@dataclass(frozen=True)
class Setting:
    """What is known of the setting at `path`, such as "batching.max_wait"."""

    path: str
    kind: Kind
    default: Any
    doc: str
    environment: str | None
    alias: str | None
    part: int | None
    later: Mapping[str, int]

    @classmethod
    def of(cls, section: str, name: str, field: FieldInfo) -> Setting:
        """The setting that a section's field declares."""
        kind = next(each for each in field.metadata if isinstance(each, Kind))
        extra: dict[str, Any] = dict(field.json_schema_extra) if isinstance(field.json_schema_extra, dict) else {}
        alias, part, later = extra.get("x-alias"), extra.get("x-part"), extra.get("x-later", {})
        environment = None if isinstance(field.default, tuple) else f"SMART_BATCHER_{section}_{name}".upper()
        return cls(f"{section}.{name}", kind, field.default, field.description or "", environment, alias, part, later)

    def within(self, position: int, name: str) -> Setting | None:
        """What is known of one field of one entry, where this setting is a list; None where it has no such field."""
        entry = getattr(self.kind, "entry", None)
        field = None if entry is None else entry.model_fields.get(name)
        if field is None:
            return None
        kind = next(each for each in field.metadata if isinstance(each, Kind))
        return Setting(f"{self.path}[{position}].{name}", kind, field.default, f"{name} of an entry of {self.path}", None, None, self.part, {})

    @property
    def unit(self) -> str:
        """Base unit of its values; empty where there is none."""
        return self.kind.unit

    def read(self, given: Any) -> Any:
        """A value as files give it, in base units. Raises ValueError."""
        return self.kind.read(given)

    def read_text(self, text: str) -> Any:
        """A value as an environment variable gives it. Raises ValueError."""
        text = text.strip()
        return self.kind.read(text if isinstance(self.kind, (Text, Choice)) or is_none(text) else read_scalar(text))

    def missing_part(self, value: Any) -> str | None:
        """Why `value` cannot be used yet, or None when it can."""
        if self.part is not None and value != self.default:
            return f"{_written(value)} comes with part {self.part}; allowed now: {_written(self.default)}; try leaving it out"
        if isinstance(value, str) and value in self.later:
            now = [word for word in getattr(self.kind, "words", ()) if word not in self.later]
            return f"{_written(value)} comes with part {self.later[value]}; allowed now: {', '.join(now)}; try {now[0]}"
        return None


def _written(value: Any) -> str:
    """A value as files write it."""
    if value is None or value == ():
        return "none"
    return str(value).lower() if isinstance(value, bool) else value if isinstance(value, str) else shown(value)
