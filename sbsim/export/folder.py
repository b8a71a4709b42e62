"""A recommendation as a folder: what runs in production, its settings as an environment, and the evidence; all of it or nothing."""

from __future__ import annotations

import json
from os import PathLike
from pathlib import Path

from sbsim.export.formats import RECOMMENDED, as_document, render
from sbsim.export.head import comment
from sbsim.export.yaml_text import yaml_text
from sbsim.parallel import Progress
from sbsim.recommendation import EVALUATIONS, INFEASIBLE, Recommendation
from sbsim.recommendation import recommend as _recommend
from sbsim.scenario import Scenario
from sbsim.search.files import make_folder, remove, write_files

ENVIRONMENT, EVIDENCE, ALTERNATIVE = "recommended.env", "evidence.json", "not-recommended.yaml"
FILES = (RECOMMENDED, ENVIRONMENT, EVIDENCE, ALTERNATIVE)
"""Files of a recommendation. Without a feasible candidate the evidence is all there is; `not-recommended.yaml` is there when the verdict is keep and
another candidate than today's settings came closest."""


def recommend(
    scenario: Scenario | str | PathLike[str],
    *,
    out: str | PathLike[str] | None = None,
    seed: int | None = None,
    evaluations: int = EVALUATIONS,
    replications: int | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Recommendation:
    """`recommendation.recommend`, and what it recommends written into the folder `out`, if one is named; see there for the parameters."""
    answer = _recommend(scenario, seed=seed, evaluations=evaluations, replications=replications, jobs=jobs, keep_in=out, progress=progress)
    if out is not None:
        write_recommendation(answer, out)
    return answer


def write_recommendation(recommendation: Recommendation, out: str | PathLike[str]) -> list[Path]:
    """Write the files of a recommendation into `out`, whole or not at all, and return them; what an earlier one left there goes.

    Raises
    ------
    OutputError
        When the folder cannot be written.
    """
    folder = make_folder(out)
    files = {folder / name: text.encode() for name, text in _texts(recommendation).items()}
    write_files(files)
    remove(*(folder / name for name in FILES if folder / name not in files))
    return list(files)


def _texts(recommendation: Recommendation) -> dict[str, str]:
    evidence = {**recommendation.evidence, "result": recommendation.to_plain()}
    texts = {EVIDENCE: json.dumps(evidence, indent=1, ensure_ascii=False, allow_nan=False) + "\n"}
    if recommendation.verdict == INFEASIBLE:
        return texts
    texts[RECOMMENDED] = render(recommendation, "yaml")
    texts[ENVIRONMENT] = render(recommendation, "env")
    other = recommendation.alternative_deployment()
    if other is not None:
        texts[ALTERNATIVE] = comment(["Not recommended:", recommendation.notes[0]]) + yaml_text(as_document(other))
    return texts
