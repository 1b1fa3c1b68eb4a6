"""Faults on purpose: what goes wrong where, when, and how often; off unless somebody asks.

A point asks `fires` with its subject, and does what it says if a fault answers. Each fault has its chance from a stream
of its own under the seed, so that a run can be repeated, and what happens at one point changes nothing at another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from random import Random  # noqa: TID251 - only the type: the stream is seeded by sbcsim.rng

from sbcsim import rng
from sbcsim.clock import Instant
from sbcsim.errors import UserError
from sbcsim.events import FaultFired
from sbcsim.journal import Journal

from .faultpoint import Point
from .faultpoints import POINTS
from .redundancy import HaMode
from .signallingpoints import STATUS

MOST = 256
"""Faults that may be set at the same time."""

LONGEST = 1_000
"""Characters of what is matched, and of a value."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong: where, and when.

    The fault is met at its `point` by subjects that fit `match` (`*` and `?` stand for any). It fires from the `nth`
    such meeting on, each time with `probability`, `times` times (None: without end), and at most once in each
    `period` of simulated microseconds; behind each firing it lets a `gap` of so many meetings pass. `value` says what
    the point leaves open.
    """

    id: int
    point: str
    match: str = "*"
    nth: int = 1
    times: int | None = None
    probability: float = 1.0
    period: int = 0
    value: str = ""
    gap: int = 0


@dataclass(slots=True)
class Active:
    """A fault that is set, with how often it was met and has fired; `chance` is its own."""

    fault: Fault
    chance: Random | None = None
    met: int = 0
    fired: int = 0
    last: int | None = None
    passing: int = 0
    """How many more meetings it lets pass."""

    @property
    def spent(self) -> bool:
        """Whether it will never fire again."""
        fault = self.fault
        return fault.probability == 0 or (fault.times is not None and self.fired >= fault.times)


class Faults:
    """Every fault of one box. Where none is set, a point costs one look into an empty dictionary."""

    def __init__(self, journal: Journal, seed: int, mode: HaMode = HaMode.NONE) -> None:
        self._journal = journal
        self._seed = seed
        self._mode = mode
        self.changed: Callable[[], None] | None = None
        """Called when faults have been set or taken away."""
        self._ever: Counter[str] = Counter()
        self._by_point: dict[str, list[Active]] = {}
        self._last_id = 0
        self.cleaned: Callable[[str], str] = str
        """Returns a text as the journal may have it: without what may be a secret."""
        self.noted: Callable[[str, Mapping[str, str | int]], None] | None = None
        """Called when somebody sets a fault or takes one away, with action and arguments of an event `control`."""

    def __iter__(self) -> Iterator[Active]:
        """Go through the faults, oldest first."""
        return iter(sorted((each for here in self._by_point.values() for each in here), key=lambda each: each.fault.id))

    def add(
        self,
        point: str,
        *,
        match: str = "*",
        nth: int = 1,
        times: int | None = None,
        probability: float = 1.0,
        period: int = 0,
        value: str = "",
        gap: int = 0,
    ) -> Fault:
        """Set a fault; raises UserError where there is no such point, or a number makes no sense."""
        known = POINTS.get(point)
        if known is None:
            raise UserError(f'no fault point "{point}"; there are: {", ".join(POINTS)}', tag="data-missing")
        if self._mode not in known.on:
            systems = " or ".join(mode.value for mode in HaMode if mode in known.on)
            raise UserError(f"{point} needs a pair of servers: --ha {systems}")
        if nth < 1 or (times is not None and times < 1):
            raise UserError("nth and times count from 1")
        if not 0 <= probability <= 1:  # so NaN is refused as well
            raise UserError("probability is a number from 0 to 1")
        if any(len(text) > LONGEST or not text.isprintable() for text in (match, value)):
            raise UserError(f"match and value are printable and of at most {LONGEST} characters")
        if period < 0 or gap < 0:
            raise UserError("period and gap are not less than 0")
        if sum(map(len, self._by_point.values())) == MOST:
            raise UserError(f"there are {MOST} faults already: remove one first", tag="resource-denied")
        fault = Fault(
            self._last_id + 1,
            point,
            match,
            nth,
            times,
            probability,
            period,
            _fitting(known, value) or known.default,
            gap,
        )
        self._last_id = fault.id
        self._ever[point] += 1
        chance = rng.stream(self._seed, f"fault {self._ever[point]} at {point}")
        self._by_point.setdefault(point, []).append(Active(fault, chance))
        self._tell()
        self._note("fault", facts(fault))
        return fault

    def remove(self, number: int) -> bool:
        """Take a fault away; False where there is none of that number."""
        for point, here in self._by_point.items():
            rest = [each for each in here if each.fault.id != number]
            if len(rest) < len(here):
                if rest:
                    self._by_point[point] = rest
                else:
                    del self._by_point[point]
                self._tell()
                self._note("noFault", {"id": number})
                return True
        return False

    def clear(self) -> None:
        """Take all faults away; chance begins anew."""
        if self._by_point:
            self._note("noFault", {})
        self._forget()

    def restart(self) -> None:
        """Forget all faults, and how many there were, as a node does that begins anew."""
        self._last_id = 0
        self._forget()

    def _forget(self) -> None:
        self._by_point.clear()
        self._ever.clear()
        self._tell()

    @property
    def any(self) -> bool:
        """Whether a fault is set anywhere."""
        return bool(self._by_point)

    def _note(self, action: str, facts: Mapping[str, str | int]) -> None:
        if self.noted is not None:
            self.noted(action, facts)

    def at(self, point: str) -> bool:
        """Whether a fault is set at a point at all."""
        return point in self._by_point

    def may_fire(self, points: Iterable[str], subjects: Iterable[str] = ()) -> bool:
        """Whether a fault at one of these points may fire some day, for one of the subjects if there are any."""
        if not self._by_point:
            return False
        likely = (each.fault for point in points for each in self._by_point.get(point, ()) if not each.spent)
        return any(not subjects or any(fits(subject, fault.match) for subject in subjects) for fault in likely)

    def fires(self, point: str, subject: str, now: Instant, *, shown: str | None = None) -> str | None:
        """Return the value of the fault that fires at a point for a subject, None where all is well.

        The journal shows the subject as `shown`, for one that may hold a secret.
        """
        if point not in self._by_point:
            return None
        fired = None
        for active in self._by_point[point]:
            if fits(subject, active.fault.match) and self._due(active, now) and fired is None:
                active.fired += 1
                active.last = now.uptime
                active.passing = active.fault.gap
                fired = active.fault
        if fired is None:
            return None
        self._journal.add(
            now, FaultFired(fired.id, point, subject if shown is None else shown, self.cleaned(fired.value))
        )
        return fired.value

    def _tell(self) -> None:
        if self.changed is not None:
            self.changed()

    def _due(self, active: Active, now: Instant) -> bool:
        fault = active.fault
        active.met += 1
        if active.met < fault.nth or (fault.times is not None and active.fired >= fault.times):
            return False
        if active.passing:
            active.passing -= 1
            return False
        if active.last is not None and now.uptime - active.last < fault.period:
            return False
        return fault.probability == 1 or (active.chance is not None and active.chance.random() < fault.probability)


def facts(fault: Fault) -> dict[str, str | int]:
    """Return what an event says of a fault: its number and point, and what is not usual."""
    usual = Fault(fault.id, fault.point)
    values = {field.name: getattr(fault, field.name) for field in fields(fault)}
    said = {name: value for name, value in values.items() if value != getattr(usual, name)}
    told = {"id": fault.id, "point": fault.point, **said}
    return {name: str(value) if isinstance(value, float) else value for name, value in told.items()}


def fits(subject: str, match: str) -> bool:
    """Whether a subject is one that a fault with this `match` is met by."""
    # A `[` is no class of letters here: command lines have it, around a list.
    return fnmatchcase(subject, match.replace("[", "[[]"))


def _fitting(point: Point, value: str) -> str:
    """Return the value of a fault if its point can do something with it; raises UserError."""
    if value and not point.value:
        raise UserError(f"{point.name} takes no value")
    if not value and point.value and not point.default:
        raise UserError(f"{point.name} needs a value: {point.value}")
    if value and point.form is not None:
        wrong = point.form(value)
        if wrong:
            raise UserError(f"{point.name}: {wrong}")
    elif value and point.default.isdigit() and not (value.isascii() and value.isdigit() and len(value) < 10):
        raise UserError(f'"{value}" is no number ({point.name}: {point.value})')
    if value and point.name == STATUS and not 300 <= int(value) <= 699:
        raise UserError(f'"{value}" is no status of a failure: 300 to 699')
    return value
