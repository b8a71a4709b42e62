"""One clear message for whatever a document gets wrong: where, what was given, what is allowed, what to try."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from pydantic import ValidationError

from sbsim.documents.origin import Origins, Path, path_text
from sbsim.errors import ScenarioError

_LONGEST = 60


class FieldError(ValueError):
    """A value that its field does not allow; `path` leads from the field to the part at fault. `within`: what was found at that part."""

    def __init__(self, message: str, *path: str | int | float, within: ValidationError | None = None) -> None:
        super().__init__(message)
        self.path = path
        self.within = within


def shown(given: object) -> str:
    """A value as messages show it: short, on one line."""
    text = "none" if given is None else str(given).lower() if isinstance(given, bool) else repr(given)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def nearest(given: object, allowed: Iterable[str]) -> str:
    """The allowed word that `given` was probably meant to be, as "; try …", or nothing."""
    near = get_close_matches(str(given), list(allowed), 1, 0.5)
    return f"; try {near[0]}" if near else ""


def one_of(allowed: Iterable[object]) -> str:
    """A list of words for a message."""
    return ", ".join(str(word) for word in allowed)


def refusal(error: ValidationError, origins: Origins, prefix: Path = ()) -> ScenarioError:
    """The first of a validation's errors, in the order of the file, as one message; `prefix` leads from the document's root to what was validated."""
    found = sorted(_flat(error, prefix), key=lambda fault: origins.order(fault[0]))
    path, message = found[0]
    more = "" if len(found) == 1 else f" (and {len(found) - 1} more like this)"
    return at(origins, path, message + more)


def at(origins: Origins, path: Path, message: str) -> ScenarioError:
    """The error that says `message` of the entry at `path`."""
    return ScenarioError(f"{origins.place(path)}: {path_text(path)}: {message}" if path else f"{origins.place(path)}: {message}")


def _flat(error: ValidationError, prefix: Path) -> Iterator[tuple[Path, str]]:
    for fault in error.errors(include_url=False):
        path = (*prefix, *fault["loc"])
        cause = fault.get("ctx", {}).get("error")
        if isinstance(cause, ValidationError):  # a part that a field's reader validated by itself
            yield from _flat(cause, path)
        elif isinstance(cause, FieldError) and cause.within is not None:
            yield from _flat(cause.within, (*path, *cause.path))
        elif isinstance(cause, ValueError):
            yield (*path, *getattr(cause, "path", ())), str(cause)
        elif path[-1:] == ("[key]",):
            yield path[:-1], "a key here is text; try quoting it"
        else:
            yield path, f"{shown(fault['input'])} {_NATIVE.get(fault['type'], fault['msg'])}"


_NATIVE = {
    "tuple_type": "is not a list; try [ … ]",
    "list_type": "is not a list; try [ … ]",
    "dict_type": "is not a mapping; try {key: value}",
}
"""pydantic's own findings in the manner of ours; every other check is made by a field's reader."""
