"""Every error that sbsim raises on purpose. A message says where, what was given, what is allowed and what to try."""

from __future__ import annotations

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


class ProviderError(SbsimError):
    """What a provider function raises to say what happened to its call.

    Parameters
    ----------
    kind : "rate_limited" or "transient" (worth another try), "permanent" or "moderated" (not).
    retry_after_s : seconds that the provider asked us to wait.
    """

    def __init__(self, kind: str, message: str = "", *, retry_after_s: float = 0.0) -> None:
        if kind not in ("rate_limited", "transient", "permanent", "moderated"):
            raise ValueError(f"ProviderError: kind: {kind!r} is not one of rate_limited, transient, permanent, moderated")
        super().__init__(message or kind)
        self.kind = kind
        self.retry_after_s = retry_after_s
