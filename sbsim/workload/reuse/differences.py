"""In what two prompts differ that words in common do not outweigh: numbers, negations, names."""

from __future__ import annotations

import re

from sbsim.components.near_duplicates.text import words_of

NUMBERS, NEGATIONS, NAMES = "numbers", "negations", "names"

_NUMBER_WORDS = frozenset([
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen",
    "sixteen", "seventeen", "eighteen", "nineteen", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety", "hundred",
    "thousand", "million", "first", "second", "third", "fourth", "fifth", "single", "double", "triple", "half",
])  # fmt: skip
_NEGATIONS = frozenset(["no", "not", "never", "none", "nothing", "nobody", "without", "cannot", "neither", "nor", "except", "minus", "non"])
_CONTRACTED = re.compile(r"n['’]t\b", re.IGNORECASE)
_SENTENCE_START = re.compile(r"(?:^|[.!?:;\n])[\W_]*(\w+)")
_CAPITALISED = re.compile(r"\b[^\W\d_a-z]\w*")


def differences(one: str, other: str) -> tuple[str, ...]:
    """Which of "numbers", "negations" and "names" the two prompts do not have in common."""
    found = []
    words = words_of(one).split(), words_of(other).split()
    if _numbers(words[0]) != _numbers(words[1]):
        found.append(NUMBERS)
    if _negations(one, words[0]) != _negations(other, words[1]):
        found.append(NEGATIONS)
    if (_names(one) - set(words[1])) | (_names(other) - set(words[0])):
        found.append(NAMES)
    return tuple(found)


def _numbers(words: list[str]) -> list[str]:
    return sorted(word for word in words if word in _NUMBER_WORDS or any(character.isdigit() for character in word))


def _negations(prompt: str, words: list[str]) -> int:
    """How many there are: "without" for "no" is the same in other words."""
    return sum(word in _NEGATIONS for word in words) + len(_CONTRACTED.findall(prompt))


def _names(prompt: str) -> set[str]:
    """Words that begin with a capital where no sentence begins, as lower-case words."""
    starts = {match.start(1) for match in _SENTENCE_START.finditer(prompt)}
    capitalised = [match.group() for match in _CAPITALISED.finditer(prompt) if match.start() not in starts]
    return {word for name in capitalised for word in words_of(name).split()}
