"""Prompts as APIs take them, a text or nested lists of messages and parts, as one text with the media that go in set apart.

Knows the shapes that OpenAI's API and those like it share; no file and no row.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

_MEDIA = ("image_url", "input_image", "input_audio", "file", "input_file", "video_url", "image")
"""Types of a part of a message that is no text."""
_LONGEST_STYLE = 120


class Prompt(NamedTuple):
    """What is asked for in words: `text`, equal for equal prompts; the number of characters in it that a model reads; media by digest or address."""

    text: str
    n_characters: int
    inputs: tuple[str, ...]


def prompt_of(given: Any) -> Prompt:
    """A prompt that is a text, a list of texts, or messages with texts or parts."""
    inputs: list[str] = []
    bare = _without_media(given, inputs)
    text = _alone(bare)
    if text is None:
        text = canonical(bare)
    return Prompt(text, _n_characters(bare), tuple(inputs))


def canonical(value: Any) -> str:
    """A JSON value as the one text that equal values have."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def style_word(value: Any) -> str | int | float | bool:
    """A parameter of a request as a style parameter: itself, or a text that stands for what is nested or long."""
    if isinstance(value, (bool, int, float)):
        return value
    text = value if isinstance(value, str) else canonical(value)
    return text if len(text) <= _LONGEST_STYLE else digest(text)


def digest(text: str) -> str:
    """A short name of a long text."""
    return f"blake2b:{hashlib.blake2b(text.encode(), digest_size=16).hexdigest()}"


def _without_media(given: Any, inputs: list[str]) -> Any:
    """The same with each medium replaced by its digest or address, which `inputs` collects."""
    if isinstance(given, (list, tuple)):
        return [_without_media(each, inputs) for each in given]
    if not isinstance(given, Mapping):
        return given
    if given.get("type") in _MEDIA:
        address = _address(given)
        if address is not None:
            inputs.append(digest(address) if address.startswith("data:") or "://" not in address else address)
            return {"type": given["type"], "input": inputs[-1]}
    return {key: _without_media(value, inputs) for key, value in given.items()}


def _address(part: Mapping[str, Any]) -> str | None:
    """Where a part's medium is, or the medium itself."""
    value: Any = part.get(str(part["type"]), part.get("image_url"))
    if isinstance(value, Mapping):
        value = next((value[name] for name in ("url", "data", "file_data", "file_id") if name in value), None)
    return value if isinstance(value, str) and value else None


def _alone(given: Any) -> str | None:
    """The text of a prompt that is nothing but one text of the user."""
    if isinstance(given, str):
        return given
    if isinstance(given, list) and len(given) == 1 and isinstance(given[0], Mapping):
        message = given[0]
        if set(message) == {"role", "content"} and message["role"] == "user" and isinstance(message["content"], str):
            return message["content"]
    return None


def _n_characters(given: Any) -> int:
    """Characters of all texts that a model reads: not those of roles, types and names."""
    if isinstance(given, str):
        return len(given)
    if isinstance(given, list):
        return sum(map(_n_characters, given))
    if isinstance(given, Mapping):
        return sum(_n_characters(value) for key, value in given.items() if key in ("content", "text", "input_text", "arguments", "output"))
    return 0
