"""The simulator for programs without an event loop: it runs in a thread of its own.

with sbcsim.SyncSimulator("box.cli") as box:
rotate(box.ports.cli)
box.advance(days=31)
box.expect("handshake", ok=True, local_certificate__name="NEW")
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from .clock import Clock
from .control.models import (
    Advanced,
    Alarms,
    Bounced,
    Call,
    Certificate,
    Connection,
    Peer,
    PortCounts,
    Ports,
    Ready,
    Snapshot,
    Status,
    SwitchedOver,
)
from .device.faults import Fault, Faults
from .farends import SyncSipPeer
from .journal import Entry
from .loopthread import LoopThread, Threaded
from .simulator import Simulator

__all__ = ["SyncFaults", "SyncSimulator", "SyncSipPeer"]

_Result = TypeVar("_Result")


class SyncFaults:
    """The faults of a box in another thread; see `sbcsim.device.faults`."""

    def __init__(self, thread: LoopThread, faults: Faults) -> None:
        self._thread = thread
        self._faults = faults

    def add(self, point: str, **options: Any) -> Fault:  # noqa: ANN401 - those of Faults.add
        """Set a fault, as `Faults.add`; raises UserError where there is no such point, or a number makes no sense."""
        return self._thread.call(lambda: self._faults.add(point, **options))

    def remove(self, number: int) -> bool:
        """Take a fault away; False where there is none of that number."""
        return self._thread.call(lambda: self._faults.remove(number))

    def clear(self) -> None:
        """Take all faults away."""
        self._thread.call(self._faults.clear)

    def fired(self, number: int) -> int:
        """Return how often a fault has fired, 0 for one that is not there."""
        return self._thread.call(lambda: next((each.fired for each in self._faults if each.fault.id == number), 0))


class SyncSimulator(Threaded):
    """One simulated SBC in a thread of its own, between `start` and `stop` or as a context manager.

    Takes what `Simulator` takes, and does what that does.
    """

    def __init__(self, *config: Any, **options: Any) -> None:  # noqa: ANN401 - those of Simulator
        super().__init__("simulator")
        self._arguments = config, options
        self._box: Simulator | None = None

    def start(self) -> None:
        """Load the configuration and open every port; raises ScenarioError for a mistake in a file, else UserError."""
        super().start()

    async def _open(self) -> None:
        config, options = self._arguments
        self._box = Simulator(*config, **options)
        await self._box.start()

    async def _close(self) -> None:
        await self.box.stop()

    @property
    def box(self) -> Simulator:
        """The simulator itself, whose event loop is in another thread: use `look` while it runs."""
        assert self._box is not None, "the simulator has not been started"
        return self._box

    def look(self, function: Callable[[Simulator], _Result]) -> _Result:
        """Call a function with the simulator, in its own thread as long as that runs, and return what it returns."""
        return self._thread.call(lambda: function(self.box)) if self._thread.running else function(self.box)

    @property
    def clock(self) -> Clock:
        """The node's clock; move it with `advance`."""
        return self.box.clock

    @property
    def ports(self) -> Ports:
        """Where everything listens."""
        return self._thread.call(lambda: self.box.ports)

    def ready(self) -> Ready:
        """Return the content of the ready line."""
        return self._thread.call(self.box.ready)

    def missing(self) -> Sequence[str]:
        """Return what does not serve yet, in words; empty once the node is ready."""
        return self._thread.call(self.box.missing)

    def status(self) -> Status:
        """Return the simulator at a glance."""
        return self._thread.call(self.box.status)

    def connections(self) -> list[Connection]:
        """Return the live connections by id."""
        return self._thread.call(self.box.connections)

    def peers(self) -> list[Peer]:
        """Return the ipPeers with the state of their path check."""
        return self._thread.call(self.box.peers)

    def certificates(self) -> list[Certificate]:
        """Return the certificate objects by name."""
        return self._thread.call(self.box.certificates)

    def configuration(self) -> list[str]:
        """Return the running configuration as `show configuration | display set` prints it, secrets encrypted."""
        return self._thread.call(self.box.configuration)

    def files(self) -> list[str]:
        """Return the names of the files in the certificate directory of the active server."""
        return self._thread.call(self.box.files)

    def calls(self) -> list[Call]:
        """Return the calls that stand, oldest first."""
        return self._thread.call(self.box.calls)

    def alarms(self) -> Alarms:
        """Return the alarms that stand, and their history."""
        return self._thread.call(self.box.alarms)

    def journal(self, kind: str | Iterable[str] = (), *, after: int = 0) -> list[Entry]:
        """Return journal entries, oldest first: of one or several kinds, with numbers greater than `after`."""
        return self._thread.call(lambda: self.box.journal(kind, after=after))

    def expect(self, kind: str, *, after: int = 0, **fields: object) -> Entry:
        """Return the first entry of a kind with these fields; raises ExpectationError, which names the nearest."""
        return self._thread.call(lambda: self.box.expect(kind, after=after, **fields))

    def wait_for(self, kind: str, *, after: int = 0, patience: float = 10.0, **fields: object) -> Entry:
        """Return such an entry as soon as there is one; raises ExpectationError after `patience` host seconds."""
        return self._thread.wait(lambda: self.box.wait_for(kind, after=after, patience=patience, **fields))

    @contextmanager
    def record(self, file: str | Path) -> Iterator[None]:
        """Write a recording to a file for as long as the context lasts, with what the journal has already."""
        recording = self.look(lambda box: box.record(file))
        self.look(lambda _: recording.__enter__())
        try:
            yield
        finally:
            self.look(lambda _: recording.__exit__(None, None, None))

    def save_journal(self, file: str | Path) -> None:
        """Write what the journal has now to a file, as a recording; raises OSError."""
        self.look(lambda box: box.save_journal(file))

    def advance(
        self, by: str | timedelta | None = None, *, to: str | datetime | None = None, **units: float
    ) -> Advanced:
        """Move the clock: `advance(days=31)`, `advance("1h30m")`, `advance(to="2026-03-01T00:00:00Z")`."""
        return self._thread.wait(lambda: self.box.advance(by, to=to, **units))

    def settle(self) -> None:
        """Wait until everything under way has settled, as a move of the clock does between instants."""
        self._thread.wait(self.box.settle)

    def set_rate(self, rate: float) -> None:
        """Let time flow at `rate` from now on: simulated seconds for each host second."""
        self._thread.call(lambda: self.box.set_rate(rate))

    def reset(self) -> None:
        """Go back to the state just after start: configuration, files, clock; ports stay, sessions end."""
        self._thread.wait(self.box.reset)

    def switch_over(self) -> SwitchedOver:
        """Have the standby server take over; raises UserError where there is none that could."""
        return self._thread.wait(self.box.switch_over)

    @property
    def faults(self) -> SyncFaults:
        """What goes wrong on purpose: `add` a fault, `remove` or `clear`; a reset leaves those of a rude box."""
        return SyncFaults(self._thread, self.box.faults)

    def snapshot(self, name: str = "snapshot") -> Snapshot:
        """Keep what the node is now under a name, in place of an earlier one."""
        return self._thread.call(lambda: self.box.snapshot(name))

    def snapshots(self) -> list[Snapshot]:
        """Return the snapshots, oldest first."""
        return self._thread.call(self.box.snapshots)

    def restore(self, name: str = "snapshot") -> Snapshot:
        """Go back to a snapshot; connections and sessions end. Raises UserError where there is none of that name."""
        return self._thread.wait(lambda: self.box.restore(name))

    def drop_snapshot(self, name: str | None = None) -> None:
        """Forget a snapshot, or all of them; raises UserError where there is none of that name."""
        self._thread.call(lambda: self.box.drop_snapshot(name))

    def bounce_port(self, address_context: str, zone: str, sip_sig_port: int) -> Bounced:
        """Take a sipSigPort out of service and back; raises UserError where it is not in service."""
        return self._thread.wait(lambda: self.box.bounce_port(address_context, zone, sip_sig_port))

    def port_counters(self) -> list[PortCounts]:
        """Return what every sipSigPort has counted, by the names of the status tables."""
        return self._thread.call(self.box.port_counters)

    def close_connection(self, connection: int) -> bool:
        """Close a live connection from the box's side; False if there is none of that id."""
        return self._thread.wait(lambda: self.box.close_connection(connection))

    def cli(self, line: str) -> str:
        """Type one line into a CLI session of its own, which lasts; return what the box prints."""
        return self._thread.call(lambda: self.box.cli(line))
