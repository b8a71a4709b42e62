"""Figures in general: as files, the same bytes for the same picture on another day; their colours; and text that is drawn as it stands.

A function `plot_…` makes a figure of values, `draw_…` the bytes of a file. None needs a display, and none touches pyplot or its global state.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sbsim.errors import OutputError
from sbsim.search.files import write_files

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("png", "svg", "pdf")
"""Kinds of files that can be drawn."""

COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")
"""Told apart by the colour-blind too (Okabe and Ito, 2008)."""
GREY = "#7f7f7f"
MOST_POINTS = 2000
"""Points of a line at most: more than a picture shows, and a file of ten million requests stays small."""

_NO_DATE: dict[str, dict[str, Any]] = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None, "Producer": None}}
"""Metadata that a file does without: program, its version, date."""


@contextmanager
def steady_ids() -> Iterator[None]:
    """While a figure is made and written: identifiers in an svg come from what is drawn, not from chance."""
    import matplotlib

    with matplotlib.rc_context({"svg.hashsalt": "sbsim"}):
        yield


def file_bytes(figure: Figure, kind: str) -> bytes:
    """The figure as a file of one of the kinds in `FORMATS`."""
    file = io.BytesIO()
    figure.savefig(file, format=kind, dpi=150, metadata=_NO_DATE[kind])
    return file.getvalue()


def save(figure: Figure, path: str | PathLike[str]) -> Path:
    """Write a figure to a file of the kind that its name ends in (png, svg, pdf), whole or not at all.

    Raises
    ------
    OutputError
        When the name ends in something else, or the file cannot be written.
    """
    path = Path(path)
    kind = path.suffix.lower().removeprefix(".")
    if kind not in FORMATS:
        raise OutputError(f"{path}: a figure's name must end in {', '.join(f'.{each}' for each in FORMATS)}; try {path.with_suffix('.png')}")
    with steady_ids():
        write_files({path: file_bytes(figure, kind)})
    return path


def literal(text: str) -> str:
    """Text that is drawn as it stands: two dollar signs would make a formula of what is between them."""
    return text.replace("$", r"\$")


def colour(k: int) -> str:
    """The colour of number `k` of a row of things."""
    return COLOURS[k % len(COLOURS)]


def thinned(n: int) -> NDArray[np.int64]:
    """At most `MOST_POINTS` of the places 0 .. n - 1, evenly spread, first and last among them."""
    return np.unique(np.linspace(0, n - 1, min(n, MOST_POINTS)).astype(np.int64)) if n else np.zeros(0, dtype=np.int64)


def legend(axes: Any, **how: Any) -> None:
    """A small legend of what has a label; none where nothing has."""
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize="small", **how)


def room_above(axes: Any, factor: float) -> None:
    """The vertical axis from 0 to `factor` times the highest that is drawn; to 1 where nothing is."""
    highest = axes.dataLim.ymax
    axes.set_ylim(0.0, factor * highest if 0 < highest < inf else 1.0)
