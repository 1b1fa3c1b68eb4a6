"""What a benchmark is: a function that yields figures, known by its name; a figure stands beside its bare baseline."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AtMost:
    """The aim is that our figure stays at or below `limit`, in the figure's own unit."""

    limit: float

    def met_by(self, figure: Figure) -> bool:
        """Whether the figure reaches the aim."""
        return figure.ours <= self.limit

    def text(self, unit: str) -> str:
        """Return the aim in words."""
        return f"<= {quantity(self.limit, unit)}"


@dataclass(frozen=True, slots=True)
class AtLeast:
    """The aim is that our rate reaches `limit` a second."""

    limit: float

    def met_by(self, figure: Figure) -> bool:
        """Whether the figure reaches the aim."""
        return figure.ours >= self.limit

    def text(self, unit: str) -> str:
        """Return the aim in words."""
        return f">= {quantity(self.limit, unit)}"


@dataclass(frozen=True, slots=True)
class ShareOfBare:
    """The aim is that our rate is at least `share` of the bare one."""

    share: float

    def met_by(self, figure: Figure) -> bool:
        """Whether the figure reaches the aim."""
        return figure.ours >= self.share * figure.bare

    def text(self, _unit: str) -> str:
        """Return the aim in words."""
        return f">= {self.share:.0%} of bare"


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. `unit` is `/s` for a rate, where more is better; everywhere else less is."""

    name: str
    ours: float
    bare: float
    unit: str
    baseline: str
    aim: AtMost | AtLeast | ShareOfBare | None = None

    @property
    def ratio(self) -> str:
        """Return our figure as a share of the bare rate, or as a multiple of the bare cost."""
        if not self.bare:
            return "-"
        ratio = self.ours / self.bare
        if self.unit == "/s":
            return f"{ratio:.0%}"
        return f"{ratio:.2f} x" if ratio < 10 else f"{ratio:,.0f} x"

    @property
    def verdict(self) -> str:
        """Return what became of the aim, "" where there is none."""
        if self.aim is None:
            return ""
        return "met" if self.aim.met_by(self) else "falls short"


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A named benchmark; `run(quick)` takes seconds when quick, else up to a minute."""

    name: str
    run: Callable[[bool], Iterator[Figure]]
    about: str


def benchmark(name: str) -> Callable[[Callable[[bool], Iterator[Figure]]], Benchmark]:
    """Give a function its name as a benchmark; the first line of its docstring says what it measures."""
    return lambda run: Benchmark(name, run, (run.__doc__ or "").partition("\n")[0])


def quantity(value: float, unit: str) -> str:
    """Return a value with three significant digits and its unit."""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f} {unit}".replace(" /s", "/s")
