"""LiteLLM's price file (model_prices_and_context_window.json) as entries: what each is for, what it costs, and which of its fields are odd.

Every version of the file has other fields and other mistakes, so nothing here is refused but a file that is no price file: unknown fields stay with
their entry, numbers written as text are read, and what cannot be a price (null, text, nested, negative, not finite) is remembered by name.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any

from sbsim.documents.faults import nearest, one_of, shown
from sbsim.errors import ScenarioError
from sbsim.pricelists.names import Name

MAX_BYTES = 64 * 2**20
NO_MODE = "not said"
_PRICE = re.compile(r"(?:^|_)cost(?:_|$)")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
_SHUT_DOWN = re.compile(r"(?:^|[/.])(?:sora-|imagen-?\d|imagegeneration@)", re.IGNORECASE)
"""Families whose makers shut them down in 2026 and which price files still carry (as of 2026-11-23); LiteLLM says so of other entries itself, in
`deprecation_date`."""
_EXAMPLE = "sample_spec"
"""The entry that explains the file's fields to its authors."""


@dataclass(frozen=True)
class Entry:
    """One model in a price file.

    Attributes
    ----------
    mode : what it is for, in the file's own words (video_generation, audio_speech, chat …). vendor : whose API it is.
    prices : dollars by the file's own field names, 0 where the file says 0. odd : fields that ought to be prices and are none.
    limits : requests and tokens per minute by the file's names, rpm and tpm, where they are numbers above 0.
    source : where the file has its facts from. remark : the file's own words about the price. ends_on : day on which the model is shut down.
    is_shut_down : its family was shut down already, whatever the file says.
    """

    name: str
    mode: str
    vendor: str
    prices: Mapping[str, float]
    odd: tuple[str, ...]
    limits: Mapping[str, float]
    source: str
    remark: str
    ends_on: str | None
    is_shut_down: bool

    @cached_property
    def parsed(self) -> Name:
        """What its name says: the model, and the quality, size and steps that the price is for."""
        return Name.of(self.name)

    @property
    def has_price(self) -> bool:
        """Whether it says of anything what it costs."""
        return any(usd > 0 for usd in self.prices.values())

    def is_dead(self, on_day: str) -> bool:
        """Whether the model was shut down by a day (2026-11-23)."""
        return self.is_shut_down or (self.ends_on is not None and self.ends_on <= on_day)


@dataclass(frozen=True)
class PriceFile:
    """A price file. `n_left_out` counts entries that are no mappings and so describe nothing."""

    path: str
    entries: Mapping[str, Entry]
    n_left_out: int

    def search(self, text: str = "", mode: str = "") -> list[Entry]:
        """Entries whose name or vendor holds every word of `text`, in any case, and whose mode begins with `mode`. Raises ScenarioError."""
        modes = sorted({entry.mode for entry in self.entries.values()})
        if mode and not any(known.startswith(mode) for known in modes):
            raise ScenarioError(f"{self.path}: no entry has the mode {shown(mode)}; allowed: {one_of(modes)}{nearest(mode, modes)}")
        words = text.lower().split()
        return [
            entry
            for entry in self.entries.values()
            if entry.mode.startswith(mode) and all(word in f"{entry.name} {entry.vendor}".lower() for word in words)
        ]

    def find(self, name: str) -> list[Entry]:
        """The entry of this name, then those of the same model by quality and size; at least one. Raises ScenarioError naming the nearest."""
        exact = self.entries.get(name)
        sized = [] if exact is not None and exact.parsed.is_sized else self._sized.get(name, [])
        if exact is not None:
            return [exact, *(entry for entry in sized if entry.mode == exact.mode)]
        if sized:
            return sized
        names = [*self.entries, *self._sized]
        near = [known for known in names if name.lower() in known.lower()][:3] or get_close_matches(name, names, 3, 0.5)
        hint = f"; try {one_of(near)}" if near else "; try --search WORD"
        raise ScenarioError(f"{self.path}: no entry is called {shown(name)}{hint}")

    @cached_property
    def _sized(self) -> dict[str, list[Entry]]:
        """Entries for a quality, a size or steps, by the model's own name."""
        found: dict[str, list[Entry]] = {}
        for entry in self.entries.values():
            if entry.parsed.is_sized:
                found.setdefault(entry.parsed.model, []).append(entry)
        return found


def read_price_file(path: str | Path) -> PriceFile:
    """The entries of a LiteLLM price file, in its order.

    Raises
    ------
    ScenarioError
        When the file cannot be read or is no such file.
    """
    document = _document(Path(path))
    if not isinstance(document, dict):
        raise ScenarioError(f"{path}: not a price file: a JSON object of model name -> fields is wanted, and this is {_kind(document)}")
    given = {name: fields for name, fields in document.items() if name != _EXAMPLE}
    entries = {name: _entry(name, fields) for name, fields in given.items() if isinstance(fields, dict)}
    if not any(entry.prices or entry.odd for entry in entries.values()):
        raise ScenarioError(
            f"{path}: not a price file: none of its {len(given)} entries has a field such as output_cost_per_image; "
            "try LiteLLM's model_prices_and_context_window.json"
        )
    return PriceFile(str(path), entries, len(given) - len(entries))


def _document(path: Path) -> Any:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ScenarioError(
                f"{path}: larger than {MAX_BYTES // 2**20} MiB; a price file is not; try LiteLLM's model_prices_and_context_window.json"
            )
        return json.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise ScenarioError(f"{path}: cannot be read: {error.strerror}; try the path of a LiteLLM price file") from None
    except UnicodeDecodeError as error:
        raise ScenarioError(f"{path}: not UTF-8 text (byte {error.start}); a price file is JSON") from None
    except json.JSONDecodeError as error:
        raise ScenarioError(f"{path}:{error.lineno}:{error.colno}: not JSON: {error.msg}; a price file is JSON") from None
    except (RecursionError, ValueError) as error:  # nested beyond reason; a number of thousands of digits
        raise ScenarioError(f"{path}: not a price file: {'nested too deep' if isinstance(error, RecursionError) else error}") from None


def _kind(document: Any) -> str:
    return "a list" if isinstance(document, list) else "nothing" if document is None else shown(document)


def _entry(name: str, fields: Mapping[str, Any]) -> Entry:
    named = {field: value for field, value in fields.items() if _PRICE.search(field) and value is not None}
    prices = {field: usd for field, value in named.items() if (usd := _number(value)) is not None}
    limits = {field: n for field in ("rpm", "tpm") if (n := _number(fields.get(field))) is not None and n >= 1}
    metadata = fields.get("metadata")
    remarks = [metadata.get(key) for key in ("comment", "notes", "calculation")] if isinstance(metadata, dict) else []
    ends_on = _text(fields.get("deprecation_date"))
    return Entry(
        name=name,
        mode=_text(fields.get("mode")) or NO_MODE,
        vendor=_text(fields.get("litellm_provider")),
        prices=prices,
        odd=tuple(field for field in named if field not in prices),
        limits=limits,
        source=_text(fields.get("source")),
        remark=next(filter(None, map(_text, remarks)), ""),
        ends_on=ends_on if _DAY.match(ends_on) else None,
        is_shut_down=_SHUT_DOWN.search(name) is not None,
    )


def _number(value: Any) -> float | None:
    """A finite number >= 0, also where it is written as text; else None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _text(value: Any) -> str:
    """Text on one line; nothing of anything else."""
    return " ".join(value.split()) if isinstance(value, str) else ""
