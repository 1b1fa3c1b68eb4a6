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
    r"```\w+\n(?://|#) (?P<file>[\w./]+), (?:behind: (?P<anchor>[^\n]+)|at the end)\n(?P<text>.*?)```", re.DOTALL
)

TRIAL = {
    "Add a configuration node": """
from drafts import database
made = database("set system admin SBC1 rack R7")
assert made.running.value(("system", "admin", "SBC1", "rack")) == "R7"
""",
    "Add a rule": """
import sys
import pytest
options = ["-q", "-p", "no:cacheprovider", "-k", "a_system_has_a_contact"]
sys.exit(pytest.main([*options, "tests/unit/test_config_rule_cases.py"]))
""",
    "Add a CLI text": """
from sbcsim.cli.commands.helping import closed
assert closed("noon") == "the office is closed since noon"
""",
}


def recipe(title: str) -> str:
    return GUIDE.partition(f"## {title}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize("title", TRIAL)
def test_a_recipe_works(title: str, tmp_path: Path) -> None:
    for folder in ("sbcsim", "grammar", "tests/support"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "tests" / "unit").mkdir()
    for file in ("pyproject.toml", "tests/conftest.py", "tests/unit/test_config_rule_cases.py"):
        shutil.copy(ROOT / file, tmp_path / file)
    steps = list(STEP.finditer(recipe(title)))
    assert steps
    for step in steps:
        file = tmp_path / step["file"]
        lines = file.read_text().splitlines(keepends=True)
        if step["anchor"]:
            (at,) = [number for number, line in enumerate(lines, 1) if line.lstrip().startswith(step["anchor"])]
            lines.insert(at, step["text"])
        else:
            lines.append(f"\n\n{step['text']}")
        file.write_text("".join(lines))
    where = os.pathsep.join([str(tmp_path), str(tmp_path / "tests" / "support")])
    done = subprocess.run(
        [sys.executable, "-c", TRIAL[title]],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": where},
    )
    assert done.returncode == 0, done.stderr


def test_every_place_that_is_named_is_there() -> None:
    for name in re.findall(r"`((?:sbcsim|grammar|tests|docs|config|net)/[\w./-]*\w)`", GUIDE):
        assert (ROOT / name).exists() or (ROOT / "sbcsim" / name).exists(), name
