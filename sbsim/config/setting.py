"""One setting: its default, unit, bounds, words, names in the environment, and the part that brings it to life."""

from __future__ import annotations

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
) -> Any:
    """Declares a setting within its section.

    Parameters
    ----------
    default : in base units. doc : one line for tables and the schema. alias : its classic name in the environment.
    part : until this part of the project only the default is allowed.
    """
    extra: dict[str, Any] = {"x-alias": alias, "x-part": part}
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

    @classmethod
    def of(cls, section: str, name: str, field: FieldInfo) -> Setting:
        """The setting that a section's field declares."""
        kind = next(each for each in field.metadata if isinstance(each, Kind))
        extra: dict[str, Any] = dict(field.json_schema_extra) if isinstance(field.json_schema_extra, dict) else {}
        alias, part = extra.get("x-alias"), extra.get("x-part")
        environment = None if isinstance(field.default, tuple) else f"SMART_BATCHER_{section}_{name}".upper()
        return cls(f"{section}.{name}", kind, field.default, field.description or "", environment, alias, part)

    def within(self, position: int, name: str) -> Setting | None:
        """What is known of one field of one entry, where this setting is a list; None where it has no such field."""
        entry = getattr(self.kind, "entry", None)
        field = None if entry is None else entry.model_fields.get(name)
        if field is None:
            return None
        kind = next(each for each in field.metadata if isinstance(each, Kind))
        return Setting(f"{self.path}[{position}].{name}", kind, field.default, f"{name} of an entry of {self.path}", None, None, self.part)

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
        if self.part is None or value == self.default:
            return None
        return f"{_written(value)} comes with part {self.part}; allowed now: {_written(self.default)}; try leaving it out"


def _written(value: Any) -> str:
    """A value as files write it."""
    if value is None or value == ():
        return "none"
    return str(value).lower() if isinstance(value, bool) else value if isinstance(value, str) else shown(value)
