"""Settings as a .env file: every one that is a single value; what an environment cannot say is named in a comment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sbsim.config import SETTINGS, Config, find_setting, share_to_environment, to_environment


def environment_text(document: Mapping[str, Any]) -> str:
    """The settings of a deployable file as NAME=value lines, a comment with meaning and base unit before each section's.

    Its other parts (providers, promises) can only be named here. Where its settings are those of one of several instances, further variables say so:
    see `config.environment`.
    """
    config = Config.model_validate(document["config"])
    return "\n".join([*_unsaid(config, document), *_share(document), *_lines(config)]) + "\n"


def _share(document: Mapping[str, Any]) -> Iterator[str]:
    if "whole" in document:
        yield from ("", "# instances: a batcher passes over these; a scenario that reads this file divides the whole by itself")
        yield from (f"{name}={text}" for name, text in share_to_environment(document["instances"], document["whole"]).items())


def _lines(config: Config) -> Iterator[str]:
    for section, settings in config.to_plain().items():
        yield from ("", f"# {section}")
        for name in settings:
            known = find_setting(f"{section}.{name}")
            text = to_environment(known.path, config.get(known.path))
            if text is not None:
                yield f"{known.environment}={quoted(text)}"


def _unsaid(config: Config, document: Mapping[str, Any]) -> Iterator[str]:
    lists = [path for path, known in SETTINGS.items() if known.environment is None and config.get(path)]
    providers = [str(provider["name"]) for provider in document.get("providers", ())]
    parts = [
        *lists,
        *([f"providers ({', '.join(providers)}: prices, limits, api)"] if providers else []),
        *(["sla (deadlines and penalties)"] if document.get("sla") else []),
    ]
    yield "# Settings of the batching layer, durations in seconds, sizes in bytes, money in dollars; none: no such limit."
    if parts:
        yield f"# An environment cannot say: {'; '.join(parts)}. They are in recommended.yaml."


def quoted(text: str) -> str:
    """In quotes where a reader would lose some of it; outer quotes are all that is taken off again."""
    is_safe = text == text.strip() and " #" not in text and text[:1] not in ("'", '"', "#")
    return text if is_safe else f'"{text}"'
