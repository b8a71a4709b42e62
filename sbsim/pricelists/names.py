"""Names of a price file, `azure/hd/1024-x-1024/dall-e-3`: the model, and the quality, size and steps that a price is for."""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import NamedTuple

_SIZE = re.compile(r"(\d+)-?x-?(\d+)\Z")
_STEPS = re.compile(r"(\d+|max)-steps\Z")
_QUALITIES = ("low", "medium", "high", "xhigh", "max", "standard", "hd", "auto")
_NAMED_SIZES = {
    "480p": ("854x480", "480x854"),
    "720p": ("1280x720", "720x1280"),
    "1080p": ("1920x1080", "1080x1920"),
    "1440p": ("2560x1440", "1440x2560"),
    "2k": ("2K", "1440p", "2560x1440", "1440x2560"),
    "4k": ("4K", "2160p", "3840x2160", "2160x3840"),
}
"""What else a video's resolution may be called, both ways round."""
_NAMED_SQUARES = {"0.5k": 512, "512": 512, "1k": 1024, "1024": 1024, "1536": 1536, "2k": 2048, "4k": 4096}
"""The edge of a square picture, pixels."""


class Name(NamedTuple):
    """A name in parts. `quality`, `size` ("1024x1024") and `steps` are None where it does not say them."""

    model: str
    quality: str | None = None
    size: str | None = None
    steps: int | str | None = None

    @classmethod
    def of(cls, name: str) -> Name:
        """A name taken apart; one without a size or steps is the model's own, whatever its words."""
        parts = name.split("/")
        sizes = [match for part in parts if (match := _SIZE.match(part))]
        steps = [match[1] for part in parts if (match := _STEPS.match(part))]
        if not sizes and not steps:
            return cls(name)
        qualities = [part for part in parts[:-1] if part in _QUALITIES]
        model = "/".join(part for part in parts if not (_SIZE.match(part) or _STEPS.match(part) or part in qualities))
        return cls(
            model or name,
            qualities[0] if qualities else None,
            f"{sizes[0][1]}x{sizes[0][2]}" if sizes else None,
            (int(steps[0]) if steps[0].isdecimal() else steps[0]) if steps else None,
        )

    @property
    def is_sized(self) -> bool:
        """Whether the price is for a size or a number of steps only."""
        return self.size is not None or self.steps is not None

    @property
    def when(self) -> dict[str, Hashable]:
        """The conditions of a rate for it."""
        said = {"quality": self.quality, "resolution": self.size, "steps": self.steps}
        return {name: value for name, value in said.items() if value is not None}


def resolutions(word: str, is_square: bool) -> tuple[str, ...]:
    """What a field's `1080p`, `4k` or `1024` may be called in a scenario, the word itself first; `is_square`: of pictures, not of videos."""
    known = word.lower()
    if is_square:
        edge = _NAMED_SQUARES.get(known)
        return (word,) if edge is None else (word, f"{edge}x{edge}")
    return (word, *(other for other in _NAMED_SIZES.get(known, ()) if other != word))
