"""The comment above a recommendation: of what, by what, with which verdict, what it changes, and whether its numbers are those of one instance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

from sbsim.documents.origin import path_text
from sbsim.recommendation import Recommendation
from sbsim.units import format_duration


def head_of(recommendation: Recommendation) -> str:
    """The comment of a recommendation that is being written."""
    from sbsim import __version__

    scenario = recommendation.scenario
    return comment(
        [
            f"sbsim {__version__}, scenario {scenario.name} ({scenario.digest}), seed {recommendation.seed}",
            recommendation.notes[0],
            *_changes(recommendation),
            *_share(recommendation),
        ]
    )


def head_in(file: Path) -> str:
    """The comment of a recommendation that was written: the first lines of its file, as far as they are comments."""
    return "".join(takewhile(lambda line: line.startswith("#"), file.read_text(encoding="utf-8-sig").splitlines(keepends=True)))


def comment(lines: Iterable[str]) -> str:
    """Comment lines; whatever a scenario's name holds stays within its line."""
    return "".join(f"# {' '.join(line.split())}\n" for line in lines)


def _changes(recommendation: Recommendation) -> Iterator[str]:
    for path, (old, new) in recommendation.changes.items():
        yield f"{path_text(tuple(path.split('.')))}: {_word(old)} -> {_word(new)}"


def _share(recommendation: Recommendation) -> Iterator[str]:
    deployed = recommendation.deployment()
    if "whole" in deployed:
        n, whole = deployed["instances"], deployed["whole"]
        divided = ", ".join(f"{path} {_word(value)}" for path, value in whole.items())
        yield f"limits and budget below are those of one of {n} instances, which share no tier; the whole: {divided or 'as the providers declare'}"


def _word(value: Any) -> str:
    if isinstance(value, list):  # of budgets
        return " and ".join(f"${each['limit']:g} per {format_duration(each['window'])}" for each in value) or "none"
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
