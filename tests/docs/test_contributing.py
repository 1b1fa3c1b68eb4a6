"""The recipes of CONTRIBUTING.md, done to the letter in a copy of the project."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "CONTRIBUTING.md").read_text()
STEP = re.compile(
    r"```\w+\n(?://|#) (?P<file>[\w./-]+)"
    r"(?:, (?:behind: (?P<behind>[^\n]+)|in front of: (?P<before>[^\n]+)|at the end))?\n(?P<text>.*?)```",
    re.DOTALL,
)

TRIAL = {
    "Add a configuration node": ("tests/unit/test_schema_model.py",),
    "Add a rule": ("tests/unit/test_config_rule_cases.py", "-k", "a_system_has_a_contact or every"),
    "Add a CLI text": (
        "tests/transcripts",
        "tests/wire/test_transcripts_ssh.py",
        "tests/unit/test_cli_completion.py",
        "tests/unit/test_cli_parser.py",
        "-k",
        "show-clock or keyword or rule_of_the_grammar",
    ),
}
"""What shows that a recipe has come out well."""

SHOWN = {
    "Add a configuration node": ("reference/system.md", "Rack that the system stands in"),
    "Add a rule": ("reference/system.md", "Where its location is known, somebody looks after the system."),
    "Add a CLI text": ("fidelity.md", "`The node has {time}` | our decision | `transcripts/show-clock.toml`"),
}
"""What `make docs` then says, and on which page."""


def recipe(title: str) -> str:
    return GUIDE.partition(f"## {title}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize("title", TRIAL)
def test_a_recipe_works(title: str, tmp_path: Path) -> None:
    for folder in ("sbcsim", "grammar", "tests", "docs"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    steps = list(STEP.finditer(recipe(title)))
    assert steps
    for step in steps:
        take(step, tmp_path)
    run(tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", *TRIAL[title])
    run(tmp_path, "-m", "handbook")
    page, words = SHOWN[title]
    assert words in (tmp_path / "docs" / page).read_text()


def take(step: re.Match[str], folder: Path) -> None:
    """Put the text of a step where it says."""
    file = folder / step["file"]
    lines = file.read_text().splitlines(keepends=True) if file.exists() else []
    anchor = step["behind"] or step["before"]
    if anchor:
        (at,) = [number for number, line in enumerate(lines) if line.lstrip().startswith(anchor)]
        lines.insert(at + bool(step["behind"]), step["text"] + ("\n\n" if step["before"] else ""))
    else:
        lines.append(f"\n\n{step['text']}" if lines else step["text"])
    file.write_text("".join(lines))


def run(folder: Path, *words: str) -> None:
    """Run Python in a copy of the project."""
    where = os.pathsep.join(str(folder / each) for each in (".", "tests/support", "docs"))
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, env={**os.environ, "PYTHONPATH": where},
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_place_that_is_named_is_there() -> None:
    for name in re.findall(r"`((?:sbcsim|grammar|tests|docs|config|net)/[\w./-]*\w)`", GUIDE):
        assert (ROOT / name).exists() or (ROOT / "sbcsim" / name).exists(), name
