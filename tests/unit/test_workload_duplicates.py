"""What near-duplicates would reuse of recorded prompts: by hand on small files, and on real prompts."""

from __future__ import annotations

from pathlib import Path

import pytest

from sbsim.errors import TraceError
from sbsim.workload.reuse.differences import differences
from sbsim.workload.reuse.duplicates import Duplicates, reuse_by_threshold
from sbsim.workload.reuse.prompts import read_prompts

FOX = "a red fox in deep snow at golden hour"
SWAPPED = "At golden hour, a red fox in deep snow"
CAR = "an old blue car on a country road"


def found(tmp_path: Path, text: str, name: str = "prompts.txt", **options) -> Duplicates:
    (tmp_path / name).write_text(text)
    return Duplicates(read_prompts(str(tmp_path / name), **options))


def test_by_hand(tmp_path: Path) -> None:
    """The same words in another order are given the first content, and so is their own repeat; a repeat of what was made is exact."""
    duplicates = found(tmp_path, "\n".join([FOX, CAR, SWAPPED, FOX.upper(), SWAPPED, "something else"]))
    (reuse,) = reuse_by_threshold(duplicates, [0.9, 0.9])
    assert (reuse.n_exact, reuse.n_near, reuse.n_matches, reuse.n_differing) == (1, 2, 1, 0)
    assert (reuse.exact, reuse.near, reuse.reused) == pytest.approx((1 / 6, 2 / 6, 3 / 6))
    (match,) = duplicates.riskiest(0.9, 10)
    assert (match.score, match.prompt, match.given, match.n_requests, match.differs_in) == (1.0, SWAPPED, FOX, 2, ())


def test_what_was_not_made_cannot_be_given(tmp_path: Path) -> None:
    """B is like A and C is like B, but not like A: with B answered by A, nothing was made that C could be given."""
    a, b, c = "one two three four five six", "two three four five six seven", "three four five six seven eight"
    duplicates = found(tmp_path, "\n".join([a, b, c]))
    scores = {match.prompt: match.score for match in duplicates.riskiest(0.5, 9)}
    assert scores.keys() == {b, c}
    assert scores[c] < scores[b]  # C is given A's, the likest that was made, though B is liker
    assert [match.given for match in duplicates.riskiest(0.5, 9)] == [a, a]
    strict = (scores[b] + scores[c]) / 2
    assert [(match.prompt, match.given) for match in duplicates.riskiest(strict, 9)] == [(b, a)]
    assert duplicates.reuse(strict).n_near == 1


CSV = f"""arrived_at,prompt,content_type,tenant,duration,allow_reuse
0,{FOX},video,x,4,true
1,"{SWAPPED}",video,x,4,true
2,"{SWAPPED}",video,y,4,true
3,"{SWAPPED}",video,x,6,true
4,"{SWAPPED}",video,x,4,false
5,,video,x,4,true
6,{FOX},video,x,4,true
"""


def test_everything_but_the_prompt_must_be_equal(tmp_path: Path) -> None:
    """Another tenant, another length, a request that may not be reused and a row without a prompt are each made anew."""
    duplicates = found(tmp_path, CSV, "rows.csv")
    reuse = duplicates.reuse(0.8)
    assert (reuse.n_exact, reuse.n_near) == (1, 1)
    assert reuse.reused == pytest.approx(2 / 7)
    prompts = read_prompts(str(tmp_path / "rows.csv"))
    assert (prompts.n, len(prompts.prompts)) == (7, 4)
    assert any("1 rows do not say what they ask for" in warning for warning in prompts.warnings)


def test_a_file_without_prompts_is_refused(tmp_path: Path) -> None:
    """Fingerprints alone have no words to compare."""
    with pytest.raises(TraceError, match="no row has a prompt"):
        found(tmp_path, "arrived_at,fingerprint,content_type\n0,a,image\n", "rows.csv")
    with pytest.raises(TraceError, match="no row has a prompt"):
        found(tmp_path, "arrived_at,content_type\n0,image\n", "rows.csv")


@pytest.mark.parametrize(("one", "other", "differ"), [
    ("two cats", "three cats", ("numbers",)),
    ("a 4k video of 2 cats", "2 cats, a video in 4k", ()),
    ("a city with cars", "a city without cars", ("negations",)),
    ("I don't like it", "I do not like it", ()),
    ("no people, no cars", "people and no cars", ("negations",)),
    ("a photo of Ada Lovelace", "a photo of Alan Turing", ("names",)),
    ("A photo of Ada", "photo of ada", ()),
    ("A cat. The dog sleeps", "a cat: The dog sleeps", ()),
    ("portrait by Émile Zola", "portrait by Zola", ("names",)),
    ("two cats of Rome, not Paris", "three cats of Rome", ("numbers", "negations", "names")),
    ("", "", ()),
])  # fmt: skip
def test_differences(one: str, other: str, differ: tuple[str, ...]) -> None:
    """Numbers by digits and words, negations by how many there are, names by a capital within a sentence; whichever stands first."""
    assert differences(one, other) == differences(other, one) == differ


def test_risky_matches_come_first(tmp_path: Path) -> None:
    """What differs in a number comes before what is less alike, and no more are shown than wanted."""
    numbered = "a red fox with 2 cubs in deep snow", "a red fox with 3 cubs in deep snow"
    duplicates = found(tmp_path, "\n".join([*numbered, CAR, "an old blue car on a narrow country lane"]))
    riskiest = duplicates.riskiest(0.6, 10)
    assert riskiest[0].differs_in == ("numbers",)
    assert {riskiest[0].prompt, riskiest[0].given} == set(numbered)
    rest = [match.score for match in riskiest[1:]]
    assert rest == sorted(rest)
    assert duplicates.riskiest(0.6, 1) == riskiest[:1]
    assert duplicates.reuse(0.6).n_differing == 1


def test_less_is_reused_at_a_higher_threshold_of_real_prompts(data: Path) -> None:
    """Prompts for images of real users, in order: more than half could be reused at 0.8, a tenth more than exact repeats even at 1."""
    path = data / "diffusiondb_5k" / "diffusiondb_5k_filtered.txt"
    if not path.is_file():
        pytest.skip(f"no prompts at {path}")
    prompts = read_prompts(str(path))
    assert (prompts.n, prompts.format) == (4677, "lines")
    *reuse, at_07 = sorted(reuse_by_threshold(Duplicates(prompts), [1.0, 0.5, 0.7, 0.8]), key=lambda each: (each.threshold == 0.7, each.threshold))
    assert [each.threshold for each in reuse] == [0.5, 0.8, 1.0]
    assert 0 < reuse[0].near - at_07.near < 0.005  # below 0.7 the share of common words decides
    assert reuse[0].reused > reuse[1].reused > 0.55 > reuse[2].reused > 0.135 + 0.1
    assert all(each.reused == pytest.approx(each.exact + each.near) for each in reuse)
