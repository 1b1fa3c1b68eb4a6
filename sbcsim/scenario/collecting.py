"""Scenario files as tests of pytest: one item each, which fails with what was expected and what was true instead."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .report import transcript, write
from .runner import Options, Result, run_one


class ScenarioFailedError(Exception):
    """A scenario went another way than it was to."""

    def __init__(self, result: Result) -> None:
        super().__init__("\n".join(result.failures()))


class ScenarioFile(pytest.File):
    """A scenario file."""

    def collect(self) -> Iterator[ScenarioItem]:
        """Return its one test."""
        yield ScenarioItem.from_parent(self, name=self.path.name.partition(".")[0])


class ScenarioItem(pytest.Item):
    """One scenario, played in a box of its own."""

    def runtest(self) -> None:
        """Play the scenario; raises ScenarioFailedError."""
        options = Options(seed=self.config.getoption("sbc_seed"), rude=self.config.getoption("sbc_rude"))
        result = run_one(self.path, options)
        keep = self.config.getoption("sbc_keep")
        if result.skipped:
            pytest.skip(result.skipped)
        if not result.ok:
            self.add_report_section("call", "scenario", transcript(result))
            if keep is not None:
                name = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in self.nodeid)
                write(result, keep / name)
            raise ScenarioFailedError(result)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:  # noqa: ANN401
        """Return what went otherwise, without a traceback."""
        if isinstance(excinfo.value, ScenarioFailedError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[object, int, str]:  # type: ignore[override]
        """Return where the scenario stands."""
        return self.path, 0, f"scenario {self.name}"
