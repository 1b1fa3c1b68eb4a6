"""Scenarios as they travel: what is packed is what comes out, and mistakes are told with the places of the sender."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sbcsim.errors import ScenarioError
from sbcsim.scenario.loader import find, load
from sbcsim.scenario.parcel import packed

SCENARIOS = Path(__file__).parents[2] / "scenarios"


@pytest.mark.parametrize("file", find([SCENARIOS]), ids=lambda file: f"{file.parent.name}-{file.name}")
def test_what_is_packed_comes_out(file: Path, tmp_path: Path) -> None:
    copy = tmp_path / "scenarios"
    shutil.copytree(SCENARIOS, copy)
    there = copy / file.relative_to(SCENARIOS)
    here, parcel = load(there), packed(there)
    shutil.rmtree(copy)
    loaded = load(parcel.file, parcel.read)
    assert (loaded.scenario, loaded.configuration, loaded.name) == (here.scenario, here.configuration, here.name)


def test_a_mistake_is_told_while_it_is_packed(tmp_path: Path) -> None:
    file = tmp_path / "a.scenario.yaml"
    file.write_text("title: t\nsource: s\ninclude: b.yaml\nsteps: [{advance: 1d}]\n")
    with pytest.raises(ScenarioError, match=r"a\.scenario\.yaml:3:10: b\.yaml: No such file"):
        packed(file)


def test_nothing_is_read_that_was_not_packed(tmp_path: Path) -> None:
    file = tmp_path / "a.scenario.yaml"
    file.write_text("title: t\nsource: s\nsteps: [{advance: 1d}]\n")
    with pytest.raises(ScenarioError, match=r"other\.yaml: no such file"):
        packed(file).read(tmp_path / "other.yaml")
