"""When things are due: heaps for what acts, what only looks, what is one peer's own, and what may be coalesced.

While time flows all of them fire alike. Over a jump they differ. What acts (a port that ends its dry-up) can change
the outcome of any path check. What looks (the daily expiry job, a re-check that finds nothing) cannot. A peer's own (a
time-out of its ping or its connection, a ping while its state is not settled) can change that of this peer only, whose
pings are no keep-alives for so long. The pings of a peer whose state is settled need not be sent one by one between
two events that act: `plan` finds for each such peer the last ping before the next of them and how many it stands for.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass

from sbcsim.clock import Order, Timer, TimerQueue


@dataclass(frozen=True, slots=True)
class Coalesced:
    """A ping to be sent at uptime `at`, standing for `times` that were due from `first` up to then."""

    at: int
    serial: int
    key: Hashable
    times: int
    first: int


class Timetable:
    """All that is due on one node."""

    def __init__(self) -> None:
        self.acting = TimerQueue()
        self.looking = TimerQueue()
        self.own = TimerQueue()
        self.keepalives = TimerQueue()
        self._planned: list[Coalesced] = []
        self._target = -1
        self._serial = 0

    def next_due(self) -> int | None:
        """Return the uptime of the next timer of any kind, planned keep-alives at their first."""
        heads = [queue.peek() for queue in (self.acting, self.looking, self.own, self.keepalives)]
        dues = [head.due for head in heads if head is not None]
        dues += [each.first for each in self._planned]
        return min(dues, default=None)

    def pop(self, until: int, *, keepalives: bool) -> Timer | None:
        """Take the next timer due at or before `until`, keep-alives only if asked for; `Order` decides ties.

        Keep-alives are asked for while time flows: no plan holds then.
        """
        queues = [self.acting, self.looking, self.own]
        if keepalives:
            self.abandon_plan()
            queues.append(self.keepalives)
        best: TimerQueue | None = None
        rank: tuple[int, int] | None = None
        for queue in queues:
            head = queue.peek()
            if head is not None and head.due <= until and (rank is None or (head.due, head.order.value) < rank):
                best, rank = queue, (head.due, head.order.value)
        return None if best is None else best.pop(until)

    def head_for(self, target: int) -> bool:
        """Set out for uptime `target`; returns whether that is another move than before, which was broken off then."""
        if target == self._target:
            return False
        self.abandon_plan()
        self._target = target
        return True

    def plan(self, target: int, acting_look: int | None, interval: Callable[[Hashable], int]) -> int | None:
        """Return the uptime to move to next on the way to `target`, None when nothing more is due by then.

        `acting_look` is when a timer that looks will act after all (a re-check that will close something);
        `interval` gives the period of a keep-alive in microseconds. A plan holds until its target is reached: another
        target means that the jump was broken off.
        """
        self.head_for(target)
        self._coalesce(self._stretch_end(target, acting_look), interval)
        dues = [
            head.due
            for queue in (self.acting, self.looking, self.own)
            if (head := queue.peek()) is not None and head.due <= target
        ]
        if self._planned:
            dues.append(self._planned[0].at)
        return min(dues, default=None)

    def next_look(self, acting_look: int | None) -> int | None:
        """Return when a timer that looks is due next, where each of them may act; `acting_look` is one that will."""
        head = self.looking.peek()
        return acting_look if head is None else min(head.due, head.due if acting_look is None else acting_look)

    def take_planned(self, until: int) -> Iterator[Coalesced]:
        """Yield the coalesced keep-alives whose moment has come."""
        while self._planned and self._planned[0].at <= until:
            yield self._planned.pop(0)

    def due(self, until: int) -> bool:
        """Whether a timer is due that is no keep-alive."""
        heads = (self.acting.peek(), self.looking.peek(), self.own.peek())
        return any(head is not None and head.due <= until for head in heads)

    def planned(self, until: int) -> bool:
        """Whether the moment of a coalesced keep-alive has come."""
        return bool(self._planned) and self._planned[0].at <= until

    def abandon_plan(self) -> None:
        """Let every coalesced keep-alive stand for itself again; a plan that still holds is made anew."""
        for each in self._planned:
            self.keepalives.set(each.key, each.first, Order.PING)
        self._planned.clear()

    def cancel(self, key: Hashable) -> None:
        """Forget a keep-alive, also one that is planned."""
        self.keepalives.cancel(key)
        self._planned = [each for each in self._planned if each.key != key]

    def clear(self) -> None:
        """Forget everything."""
        for queue in (self.acting, self.looking, self.own, self.keepalives):
            queue.clear()
        self._planned.clear()
        self._target = -1

    def _stretch_end(self, target: int, acting_look: int | None) -> int:
        # Exclusive: at one instant certificate checks and time-outs come before pings.
        head = self.acting.peek()
        ends = [target + 1]
        if head is not None:
            ends.append(head.due)
        if acting_look is not None:
            ends.append(acting_look)
        return min(ends)

    def _coalesce(self, end: int, interval: Callable[[Hashable], int]) -> None:
        before = len(self._planned)
        while (timer := self.keepalives.pop(end - 1)) is not None:
            more = (end - 1 - timer.due) // interval(timer.key)
            self._serial += 1
            at = timer.due + more * interval(timer.key)
            self._planned.append(Coalesced(at, self._serial, timer.key, more + 1, timer.due))
        if len(self._planned) > before:
            self._planned.sort(key=lambda each: (each.at, each.serial))
