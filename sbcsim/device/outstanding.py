"""What far ends owe the box, all kinds of answers together, and when nobody need wait for them any longer."""

from __future__ import annotations

from sbcsim.clock import Instant

from .connectionplane import ConnectionPlane
from .pathcheck import PathChecks
from .telephony import Telephony

VAIN_WAITS = 5
"""So often a move of the clock waits in vain for nobody but the known silent; then they are given up at once."""


class Outstanding:
    """Handshakes, pings, OCSP, transactions and ACKs that wait for somebody outside."""

    def __init__(self, plane: ConnectionPlane, paths: PathChecks, telephony: Telephony) -> None:
        self._plane = plane
        self._paths = paths
        self._telephony = telephony
        self._vain_waits = 0

    def __len__(self) -> int:
        """Return how many answers are awaited; those known to be silent are asked once in a while."""
        return len(self._plane.opening) + self._paths.outstanding + self._plane.ocsp.awaited + self._telephony.awaited

    @property
    def hopeful(self) -> bool:
        """Whether one of those answers is owed by a far end that is not known to be silent."""
        dialled = (self._plane.table.get(number) for number in self._plane.opening)
        owing = {*self._paths.awaiting, *(record.peer for record in dialled if record is not None)}
        if self._plane.ocsp.hopeful or self._paths.looking_up or self._telephony.awaited:
            return True
        return not all(self._paths.silent(key) for key in owing)

    @property
    def resigned(self) -> bool:
        """Whether all that is awaited may be given up at once.

        It is owed by the known silent alone, and this move of the clock has waited for such often enough. Their pings
        are due at many instants: a wait at each of them would cost the move seconds.
        """
        return self._vain_waits >= VAIN_WAITS and len(self) > 0 and not self.hopeful

    def clock_moves(self) -> None:
        """The clock sets out for somewhere else: wait for everybody again."""
        self._vain_waits = 0

    def give_up(self, now: Instant) -> None:
        """Those who owe an answer count as silent until they speak."""
        if len(self) and not self.hopeful:
            self._vain_waits += 1
        self._plane.give_up(now)
        self._plane.ocsp.give_up()
        self._telephony.give_up()
        self._paths.give_up(now)
