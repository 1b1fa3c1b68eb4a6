"""What the control API needs of the simulator that it controls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sbcsim.clock import Clock
from sbcsim.device.faults import Faults
from sbcsim.journal import Journal
from sbcsim.recording.file import Header

from .models import (
    Advanced,
    Alarms,
    Bounced,
    Call,
    Certificate,
    Connection,
    Peer,
    PortCounts,
    Ready,
    Snapshot,
    Status,
    SwitchedOver,
)


class Simulated(Protocol):
    """One running simulated node; `sbcsim.simulator.Simulator` fulfils it."""

    @property
    def clock(self) -> Clock:
        """The node's clock."""

    @property
    def events(self) -> Journal:
        """The journal."""

    def header(self) -> Header:
        """Return what the first line of a recording says."""

    def missing(self) -> Sequence[str]:
        """Return what does not serve yet, in words; empty once the node is ready."""

    def ready(self) -> Ready:
        """Return the content of the ready line."""

    def status(self) -> Status:
        """Return the simulator at a glance."""

    def connections(self) -> Sequence[Connection]:
        """Return the live connections by id."""

    def peers(self) -> Sequence[Peer]:
        """Return the ipPeers in configuration order."""

    def certificates(self) -> Sequence[Certificate]:
        """Return the certificate objects by name."""

    def calls(self) -> Sequence[Call]:
        """Return the calls that stand, oldest first."""

    def alarms(self) -> Alarms:
        """Return the alarms."""

    def port_counters(self) -> Sequence[PortCounts]:
        """Return what every sipSigPort has counted."""

    def set_rate(self, rate: float) -> None:
        """Let time flow at `rate` from now on."""

    async def move_clock(self, *, by: int | None = None, to: int | None = None) -> Advanced:
        """Move the clock by, or to, microseconds; return once everything due has settled."""

    async def reset(self) -> None:
        """Go back to the state just after start; listeners and ports stay."""

    async def switch_over(self) -> SwitchedOver:
        """Have the standby server take over; raises UserError where there is none that could."""

    @property
    def faults(self) -> Faults:
        """What goes wrong on purpose."""

    def snapshot(self, name: str = "snapshot") -> Snapshot:
        """Keep what the node is now under a name; raises UserError."""

    def snapshots(self) -> Sequence[Snapshot]:
        """Return the snapshots, oldest first."""

    async def restore(self, name: str = "snapshot") -> Snapshot:
        """Go back to a snapshot; raises UserError where there is none of that name."""

    def drop_snapshot(self, name: str | None = None) -> None:
        """Forget a snapshot, or all of them; raises UserError where there is none of that name."""

    async def bounce_port(self, address_context: str, zone: str, sip_sig_port: int) -> Bounced:
        """Take a sipSigPort out of service and back; raises UserError where it is not there or not in service."""

    async def close_connection(self, connection: int) -> bool:
        """Close a live connection from the box's side; False if there is none of that id."""
