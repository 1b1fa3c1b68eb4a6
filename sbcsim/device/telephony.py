"""Everything that carries calls, put together: ways, transactions, admission, and call control on top of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .admission import Admission
from .answers import Answers
from .callbook import CallBook
from .callcontrol import CallControl
from .chassis import Chassis
from .connectionplane import ConnectionPlane
from .connections import PortKey
from .datagrams import DatagramPlane
from .listeners import Port
from .pathcheck import PathChecks
from .peerdirectory import PeerDirectory
from .sipflows import SipFlows
from .sipstack import SipStack
from .trunkgroup import TrunkGroupKey


class Telephony:
    """The parts that carry calls. `serves` says which trunk groups work, `takes_calls` which sipSigPorts."""

    def __init__(
        self,
        chassis: Chassis,
        plane: ConnectionPlane,
        datagrams: DatagramPlane,
        ports: Mapping[PortKey, Port],
        directory: PeerDirectory,
        paths: PathChecks,
        serves: Callable[[TrunkGroupKey], bool],
        takes_calls: Callable[[PortKey], bool],
    ) -> None:
        self.answers = Answers(chassis, plane, datagrams, ports)
        self.flows = SipFlows(chassis, plane, datagrams, ports, directory, self.answers)
        self.stack = SipStack(chassis, self.flows)
        self.book = CallBook(chassis, ports)
        admission = Admission(chassis, directory, paths, serves, takes_calls)
        self.calls = CallControl(chassis, self.stack, admission, self.book, ports)
        plane.watchers.append(self.stack)

    @property
    def awaited(self) -> int:
        """How many answers and ACKs far ends owe, who are not known to be silent."""
        return len(self.stack.awaiting) + self.calls.awaiting

    def give_up(self) -> None:
        """Nobody waits for these any more but their timers."""
        self.stack.awaiting.clear()
        self.calls.give_up()
