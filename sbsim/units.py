"""Readable quantities to base units and back: seconds, bytes, dollars, per second. Strings live in files and flags only.

`m` means minutes. A bare number is in base units already. NaN, infinities and booleans are refused.
"""

from __future__ import annotations

import math
import re

NANO = 1_000_000_000
"""Nano-dollars in a dollar: ledgers and budgets count whole nano-dollars."""

_SECONDS = {"s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_PARTS = {"ms": 1e3, "us": 1e6}
"""How many make a second: dividing by whole numbers rounds once, multiplying by 0.001 twice."""
_BYTES = {"B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
          "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}  # fmt: skip
_DIGITS = r"(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
"""No leading zeros: 010 is eight to some and ten to others."""
_QUANTITY = re.compile(rf"\s*([-+]?{_DIGITS})\s*([A-Za-z]*)\s*\Z")
_MONEY = re.compile(rf"\s*([-+]?)\s*\$\s*({_DIGITS})\s*\Z|\s*([-+]?)({_DIGITS})\s*(?:USD)?\s*\Z")
_RATE = re.compile(rf"\s*([-+]?{_DIGITS})\s*/\s*([A-Za-z]+)\s*\Z")


def _finite(value: float, given: object) -> float:
    if not math.isfinite(value):
        raise ValueError(f"{given!r} is not a finite number")
    return value


def _bare(given: object, what: str, example: str) -> float | None:
    """The number that `given` is already, or None for a text that has to be read."""
    if isinstance(given, bool) or not isinstance(given, (int, float, str)):
        raise ValueError(f"{given!r} is not a {what}; try {example}")
    if isinstance(given, str):
        return None
    try:
        return _finite(float(given), given)
    except OverflowError:
        raise ValueError(f"{str(given)[:20]}… is too large for a {what}; try {example}") from None


def parse_duration(given: object) -> float:
    """Seconds of `given`: a number (seconds) or text such as "20ms", "30s", "10min", "24h", "7d".

    Raises
    ------
    ValueError
        When it is neither, or not finite.
    """
    bare = _bare(given, "duration", '"30s" or "10min"')
    if bare is not None:
        return bare
    match = _QUANTITY.match(str(given))
    unit = match[2] or "s" if match else ""
    if match is None or (unit not in _SECONDS and unit not in _PARTS):
        raise ValueError(f'{given!r} is not a duration; allowed units: ms, s, min (or m), h, d; try "30s" or "10min"')
    n = float(match[1])
    return _finite(n / _PARTS[unit] if unit in _PARTS else n * _SECONDS[unit], given)


def parse_rate(given: object) -> float:
    """Per second of `given`: a number (per second) or text such as "30/min", "2/s", "0.5/h". Raises ValueError."""
    bare = _bare(given, "rate", '"30/min" or "2/s"')
    if bare is not None:
        return bare
    match = _RATE.match(str(given))
    if match is not None and match[2] in _SECONDS:
        return _finite(float(match[1]) / _SECONDS[match[2]], given)
    match = _QUANTITY.match(str(given))
    if match is None or match[2]:
        raise ValueError(f'{given!r} is not a rate; try "30/min" or "2/s"')
    return _finite(float(match[1]), given)


def parse_money(given: object) -> float:
    """Dollars of `given`: a number or text such as "$0.10". Raises ValueError."""
    bare = _bare(given, "price in dollars", '"$0.10" or 0.10')
    if bare is not None:
        return bare
    match = _MONEY.match(str(given))
    if match is None:
        raise ValueError(f'{given!r} is not a price in dollars; try "$0.10" or 0.10')
    sign, digits = match.group(1, 2) if match[2] else match.group(3, 4)
    return _finite(float(sign + digits), given)


def parse_size(given: object) -> float:
    """Bytes of `given`: a number or text such as "20MB", "1GiB". Raises ValueError."""
    bare = _bare(given, "size", '"20MB" or "1GiB"')
    if bare is not None:
        return bare
    match = _QUANTITY.match(str(given))
    if match is None or (match[2] and match[2] not in _BYTES):
        raise ValueError(f'{given!r} is not a size; allowed units: {", ".join(_BYTES)}; try "20MB" or "1GiB"')
    return _finite(float(match[1]) * (_BYTES[match[2]] if match[2] else 1), given)


def to_nano(usd: float) -> int:
    """Whole nano-dollars nearest to `usd` dollars (ties to even)."""
    return round(usd * NANO)


def to_usd(nano: float) -> float:
    """Dollars of `nano` nano-dollars."""
    return nano / NANO


def format_duration(seconds: float) -> str:
    """Short text for `seconds`, exact when read back: 90 -> "90s", 600 -> "10min", 86400 -> "24h"; without end "none"."""
    if seconds == 0 or math.isinf(seconds):
        return "none" if seconds else "0s"
    for unit, size in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        n = seconds / size
        if n >= (1 if unit == "h" else 2) and n == int(n) and int(n) * size == seconds:
            return f"{int(n)}{unit}"
    thousandths = round(seconds * 1000) if abs(seconds) < 1 else 0
    if thousandths and abs(thousandths) < 1000 and thousandths / 1000 == seconds:
        return f"{thousandths}ms"
    return f"{seconds:.12g}s" if float(f"{seconds:.12g}") == seconds else f"{seconds!r}s"


def format_span(seconds: float) -> str:
    """Short text for `seconds`, rounded for reading: 7199 -> "2h", 5430 -> "1.51h"; below two minutes in seconds."""
    for unit, size, least in (("d", 86400.0, 1.995), ("h", 3600.0, 0.9995), ("min", 60.0, 1.995)):
        if seconds >= least * size:
            return f"{seconds / size:.3g}{unit}"
    return f"{seconds:.3g}s"


def format_money(usd: float) -> str:
    """Dollars for reading: cents for everyday amounts, more digits for small ones."""
    if usd == 0 or abs(usd) >= 0.1:
        return f"${usd:,.2f}" if usd >= 0 else f"-${-usd:,.2f}"
    return f"${usd:.4g}" if usd >= 0 else f"-${-usd:.4g}"
