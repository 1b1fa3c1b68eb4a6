"""The cheap benchmarks run, with small numbers, so that they do not rot; how fast they are is not judged here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "names",
    [
        ("commit", "reset", "start"),
        ("ssh", "handshakes", "options"),
        ("memory", "days", "crowd"),
        ("lines", "load", "completion", "durable"),
        ("show", "shells"),
        ("snapshot", "boxes"),
        ("scenarios", "calls"),
    ],
)
def test_they_run_with_small_numbers(names: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "benchmarks", *names, "--quick"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    assert "small numbers" in done.stdout


def test_thirty_rotations_under_handshakes_without_a_break_and_none_fails() -> None:
    told = "import json, benchmarks.soak; print(json.dumps([each.ours for each in benchmarks.soak.soak.run(True)]))"
    done = subprocess.run(
        [sys.executable, "-c", told], cwd=ROOT, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    failed, _growth = json.loads(done.stdout)
    assert failed == 0


def test_an_unknown_name_is_refused_with_those_that_there_are() -> None:
    command = [sys.executable, "-m", "benchmarks", "speed"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "process-start" in done.stderr
