"""Figures as files: which kinds can be written, and the same bytes for the same picture on another day or machine."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("png", "svg", "pdf")
"""Kinds of files that can be drawn."""

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
