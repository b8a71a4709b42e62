"""Results for readers: tables and figures made of what was measured. It neither prints nor simulates.

A figure is made of values, as a `matplotlib.figure.Figure` that no window owns. The public names are loaded when one is used (PEP 562), so that a
command without a figure does not wait for matplotlib.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_FACE = {
    "plot_batch_sizes": "sbsim.report.batch_sizes",
    "plot_candidates": "sbsim.report.candidates",
    "plot_history": "sbsim.report.history",
    "plot_latencies": "sbsim.report.latencies",
    "plot_timeline": "sbsim.report.timeline",
    "save": "sbsim.report.figures",
    "with_half_width": "sbsim.report.tables",
}

if TYPE_CHECKING:
    from sbsim.report.batch_sizes import plot_batch_sizes
    from sbsim.report.candidates import plot_candidates
    from sbsim.report.figures import save
    from sbsim.report.history import plot_history
    from sbsim.report.latencies import plot_latencies
    from sbsim.report.tables import with_half_width
    from sbsim.report.timeline import plot_timeline

__all__ = ["plot_batch_sizes", "plot_candidates", "plot_history", "plot_latencies", "plot_timeline", "save", "with_half_width"]


def __getattr__(name: str) -> Any:
    if name not in _FACE:
        raise AttributeError(f"module 'sbsim.report' has no attribute {name!r}")
    value = getattr(import_module(_FACE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_FACE])
