"""Notebooks as they are committed: run from top to bottom, without an error, by the public face alone, small, and the same wherever they were run."""

from __future__ import annotations

import ast
import json
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.cli.readme import agrees

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
MOST_BYTES = 1_000_000
TIME_LIMIT_S = 300


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    """Each notebook."""
    found: Path = request.param
    return found


def _read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def _code(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def _source(cell: dict[str, Any]) -> str:
    """A cell as Python: without IPython's own commands."""
    return "\n".join(line for line in "".join(cell["source"]).splitlines() if not line.startswith("%"))


def _said(cell: dict[str, Any]) -> str:
    """The text that a cell printed and its result as text; pictures are left to the eye."""
    texts = []
    for output in cell["outputs"]:
        text = output["text"] if output["output_type"] == "stream" else output["data"]["text/plain"]
        texts.append("".join(text))
    return "\n".join(texts)


def test_there_are_notebooks() -> None:
    """They are named by number and question."""
    assert [path.name for path in NOTEBOOKS if re.fullmatch(r"\d\d_[a-z_]+\.ipynb", path.name)] == [path.name for path in NOTEBOOKS] != []


def test_a_notebook_was_run_from_top_to_bottom(path: Path) -> None:
    """Every code cell was executed once, in order, and none ended in an error or complained."""
    cells = _code(_read(path))
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert not [output for output in outputs if output["output_type"] == "error" or output.get("name") == "stderr"]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert cells[-1]["outputs"]


def test_a_notebook_says_nothing_of_where_it_was_run(path: Path) -> None:
    """Metadata hold the kernel's kind alone, cells nothing, and no output a path of a machine."""
    notebook = _read(path)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    assert notebook["metadata"] == {"kernelspec": kernel, "language_info": {"name": "python"}}
    assert not any(cell["metadata"] for cell in notebook["cells"])
    assert not any(output.get("metadata") for cell in _code(notebook) for output in cell["outputs"])
    assert not [said for cell in _code(notebook) if re.search(r"/(home|tmp|root|Users)/", said := _said(cell))]
    assert path.stat().st_size < MOST_BYTES


def test_a_notebook_uses_the_public_face_alone(path: Path) -> None:
    """What it imports of sbsim are names of `sbsim` and of the rooms that list what they offer."""
    used = set()
    for cell in _code(_read(path)):
        for node in ast.walk(ast.parse(_source(cell))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sbsim"):
                assert node.module in ("sbsim", "sbsim.report", "sbsim.export")
                used |= {(node.module, alias.name) for alias in node.names}
            elif isinstance(node, ast.Import):
                assert not any(alias.name.startswith("sbsim") for alias in node.names)
    assert ("sbsim", "simulate") in used
    assert all(name in import_module(module).__all__ for module, name in used)


@pytest.mark.slow
def test_a_notebook_says_today_what_it_said_when_it_was_committed(path: Path, tmp_path: Path) -> None:
    """From a clean kernel every cell prints the same words, and numbers within 2 %."""
    nbformat = pytest.importorskip("nbformat", reason="needs Jupyter: pip install '.[notebooks]'")
    nbclient = pytest.importorskip("nbclient", reason="needs Jupyter: pip install '.[notebooks]'")
    again = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(again, timeout=TIME_LIMIT_S, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    for committed, fresh in zip(_code(_read(path)), _code(again), strict=True):
        assert agrees(_said(committed), _said(fresh)), _said(fresh)
