"""Every error that sbsim raises on purpose. A message says where, what was given, what is allowed and what to try."""

from __future__ import annotations

from math import inf
from typing import Any


class SbsimError(Exception):
    """Root of all errors raised on purpose; anything else that escapes is a bug of ours."""


class ScenarioError(SbsimError, ValueError):
    """A scenario, a setting or a flag that means nothing (exit code 2)."""


class TraceError(SbsimError, ValueError):
    """A traffic file that cannot be read as what it claims to be (exit code 2)."""


class InfeasibleError(SbsimError):
    """No candidate meets the constraints (exit code 1); `nearest` is the least bad one, if there is any."""

    def __init__(self, message: str, nearest: Any = None) -> None:
        super().__init__(message)
        self.nearest = nearest


class StateError(SbsimError, RuntimeError):
    """A call that the object's present state does not allow."""


class OutputError(SbsimError, OSError):
    """A file that cannot be written or a server that cannot be reached (exit code 3)."""


_UNSURE = '; try raising TimeoutError, or "transient" where it surely was not done'
_TRY = {
    "timed_out": _UNSURE,
    "timeout": _UNSURE,
    "in_doubt": _UNSURE,
    "partial": "; try returning a list with an exception or None in the place of each item that failed",
}


class ProviderError(SbsimError):
    """What a provider function raises to say what happened to its call.

    Parameters
    ----------
    kind : "rate_limited" or "transient" (worth another try), "permanent" or "moderated" (not). That nobody knows whether it was done is not for a
    function to say: a call that has no answer after `retry.call_timeout` is in doubt, and `retry.in_doubt` decides what becomes of it.
    retry_after_s : seconds that the provider asked us to wait.

    Raises
    ------
    ValueError
        When kind or retry_after_s is anything else.
    """

    def __init__(self, kind: str, message: str = "", *, retry_after_s: float = 0.0) -> None:
        if kind not in ("rate_limited", "transient", "permanent", "moderated"):
            attempt = _TRY.get(kind, "") if isinstance(kind, str) else ""
            raise ValueError(f"ProviderError: kind: {kind!r} is not one of rate_limited, transient, permanent, moderated{attempt}")
        if isinstance(retry_after_s, bool) or not isinstance(retry_after_s, (int, float)) or not 0 <= retry_after_s < inf:
            raise ValueError(f"ProviderError: retry_after_s: {retry_after_s!r} is not a finite number of seconds, 0 or more; try 30.0")
        super().__init__(message or kind)
        self.kind = kind
        self.retry_after_s = retry_after_s
