"""Where the entries of a document come from, and how a path within it is written."""

from __future__ import annotations

from typing import Any

Path = tuple[str | int | float, ...]
"""Keys and list positions from the document's root to an entry."""


def path_text(path: Path) -> str:
    """A path as messages and flags write it: ("workload", "classes", 0, "duration") -> "workload.classes[0].duration"."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


class Origins:
    """The place of every entry of one document: file, line and column, or the flag that set it.

    Parameters
    ----------
    source : what the document is called where an entry has no place of its own.
    """

    __slots__ = ("_places", "source")

    def __init__(self, source: str) -> None:
        self.source = source
        self._places: dict[Path, Any] = {}

    def mark(self, path: Path, place: Any) -> None:
        """Remember that the entry at `path` stands at `place`: a parser's mark, or text such as "--set seed=1"."""
        self._places[path] = place

    def place(self, path: Path) -> str:
        """The place of the entry at `path`, or of the nearest entry around it."""
        for length in range(len(path), 0, -1):
            place = self._places.get(path[:length])
            if place is not None:
                return place if isinstance(place, str) else f"{self.source}:{place.line + 1}:{place.column + 1}"
        return self.source

    def order(self, path: Path) -> tuple[int, int]:
        """Sorts entries as they stand in the file; entries without a line come last."""
        for length in range(len(path), 0, -1):
            place = self._places.get(path[:length])
            if place is not None and not isinstance(place, str):
                return place.line, place.column
        return 2**31, 0

    def replace(self, path: Path, place: str) -> None:
        """From now on everything at and below `path` comes from `place`."""
        for below in [known for known in self._places if known[: len(path)] == path]:
            del self._places[below]
        self._places[path] = place

    def copy(self) -> Origins:
        """Places that can be changed without changing these."""
        other = Origins(self.source)
        other._places = dict(self._places)
        return other

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Origins) and self.__getstate__() == other.__getstate__()

    __hash__ = None  # type: ignore[assignment]  # it grows

    def __getstate__(self) -> tuple[str, dict[Path, str]]:
        return self.source, {path: self.place(path) for path in self._places}  # a parser's marks cannot be pickled

    def __setstate__(self, state: tuple[str, dict[Path, str]]) -> None:
        self.source, self._places = state[0], dict(state[1])
