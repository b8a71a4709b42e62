"""Settings as people write them: `30s`, `256MiB`, `none`."""

from __future__ import annotations

_SIZES = (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10))


def written(value: object, unit: str) -> str:
    """A value in base units as a scenario would say it."""
    from sbsim.units import format_duration

    if value is None or value == ():
        return "none"
    if isinstance(value, tuple):
        return "; ".join(f"${each.limit:g} per {format_duration(each.window)}, {each.resets}, {each.kind}" for each in value)
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, float | int):
        return str(value)
    if unit == "s":
        return format_duration(value)
    if unit == "bytes":
        return next((f"{value / size:g}{name}" for name, size in _SIZES if value >= size), f"{value:g}")
    return f"{value:g}" if isinstance(value, float) else str(value)
