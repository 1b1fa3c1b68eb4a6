"""Agents that call each other through the box, over a bad network: datagrams, or connections that break.

Whatever an agent and the box say to each other goes through `BoxNetwork`. By UDP it loses, doubles and delays; over TCP
it delays in order, and breaks the connection of what it would lose.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heappop, heappush

from callagent import Agent, Network, Weather
from inmemory import Box
from mangling import mangle

from sbcsim.clock import SECOND
from sbcsim.device.effects import Close, Dial, Effect, Send, SendDatagram
from sbcsim.device.redundancy import HaMode
from sbcsim.device.settings import Settings
from sbcsim.errors import BugError
from sbcsim.sip import datagram
from sbcsim.sip.errors import SipError
from sbcsim.sip.message import Message, Request, Response
from sbcsim.sip.session import Policy
from sbcsim.sip.stream import Stream
from sbcsim.sip.transactionstate import Flow

HOST = "10.0.0.5"
IN, OUT = 5060, 5070
CALLED = f"sip:200@{HOST}:{IN}"
CALLED_BACK = f"sip:100@{HOST}:{OUT}"
"""Whom the first agent calls, and whom the others do."""

SHORT = Policy(interval=90)

NOWHERE = -1
"""The connection of who is not let in."""

_ANY_NUMBER = "SBC1 standard Sonus_NULL 1 all all ALL none Sonus_NULL"

CONFIGURATION = (
    "set addressContext default ipInterfaceGroup G ipInterface I ipAddress 10.0.0.5 prefix 24 portName pkt0",
    "set addressContext default ipInterfaceGroup G ipInterface I mode inService state enabled",
    "set addressContext default zone IN id 2",
    "set addressContext default zone IN sipSigPort 1 ipInterfaceGroupName G portNumber 5060",
    "set addressContext default zone IN sipSigPort 1 transportProtocolsAllowed {} state enabled",
    "set addressContext default zone IN ipPeer A ipAddress 192.0.2.1 ipPort 5060",
    "set addressContext default zone IN sipTrunkGroup TG-IN mode inService state enabled",
    "set addressContext default zone OUT id 3",
    "set addressContext default zone OUT sipSigPort 2 ipInterfaceGroupName G portNumber 5070",
    "set addressContext default zone OUT sipSigPort 2 transportProtocolsAllowed {} state enabled",
    "set addressContext default zone OUT ipPeer B ipAddress 192.0.2.2 ipPort 5060",
    "set addressContext default zone OUT ipPeer C ipAddress 192.0.2.3 ipPort 5060",
    "set addressContext default zone OUT sipTrunkGroup TG-OUT mode inService state enabled",
    "set global callRouting routingLabel OUT routingLabelRoute 1 trunkGroup TG-OUT ipPeer B",
    "set global callRouting routingLabel OUT routingLabelRoute 2 trunkGroup TG-OUT ipPeer C",
    "set global callRouting routingLabel IN routingLabelRoute 1 trunkGroup TG-IN ipPeer A",
    f"set global callRouting route trunkGroup TG-IN {_ANY_NUMBER} routingLabel OUT",
    f"set global callRouting route trunkGroup TG-OUT {_ANY_NUMBER} routingLabel IN",
)

_PLACES = {
    "IN port": ("zone IN sipSigPort 1", "action dryup mode outOfService"),
    "OUT port": ("zone OUT sipSigPort 2", "action dryup mode outOfService"),
    "IN group": ("zone IN sipTrunkGroup TG-IN", "action dryUp mode outOfService"),
    "OUT group": ("zone OUT sipTrunkGroup TG-OUT", "action dryUp mode outOfService"),
    "interface": ("ipInterfaceGroup G ipInterface I", "action dryUp mode outOfService"),
}
"""What an operator takes out of service, and how he has it drain."""
THINGS = tuple(_PLACES)


@dataclass(frozen=True)
class Parcel:
    """Octets between an agent and the box; none stand for the end of the connection."""

    agent: Agent
    to_box: bool
    data: bytes
    connection: int = 0


class _Device(Box):
    """The box, a pair of servers, whose far ends are the agents of a network."""

    def __init__(self, network: BoxNetwork) -> None:
        self.network = network
        super().__init__(settings=Settings(ha=HaMode.PAIR))

    def _do(self, effect: Effect) -> None:
        match effect:
            case SendDatagram():
                self.network.from_box(effect.remote, effect.data, 0)
            case Dial():
                self.network.ends[effect.connection] = self.network.at_address(effect.remote)
                self.sbc.dialed(effect.connection, (HOST, 50000), self.now)
            case Send():
                end = self.network.ends.get(effect.connection)
                if end is not None:
                    self.network.from_box(end.address, effect.data, effect.connection)
            case Close():
                self.network.broken(effect.connection)
            case _:
                super()._do(effect)


class BoxNetwork(Network):
    """Three agents with the box between the first one and the others, over `transport`."""

    def __init__(self, weather: Weather, seed: int, transport: str = "UDP", *, mangled: int = 0) -> None:
        super().__init__(weather, seed, 3, SHORT)
        self.mangled = mangled
        """Parts of a hundred of what agents say that are spoiled."""
        self.rough = mangled > 0
        """Whether agents may be told what makes no sense."""
        self.transport = transport
        self.ends: dict[int, Agent] = {}
        """The connections between box and agents, whoever has opened them."""
        self._own: dict[Agent, int] = {}
        self._streams: dict[int, Stream] = {}
        self._busy: dict[tuple[int, bool], int] = {}
        self._under_way: list[tuple[int, int, Parcel]] = []
        self.box = _Device(self)
        self.box.commit(*(line.format(f"sip-{transport.lower()}") for line in CONFIGURATION))

    @property
    def footprint(self) -> int:
        """How many things the box remembers of calls."""
        return self.box.sbc._telephony.calls.footprint

    def call(self, agent: Agent, now: int) -> None:
        """Have an agent call through the box."""
        agent.call(now, CALLED if agent is self.agents[0] else CALLED_BACK)

    # What agents say.

    def flow(self, agent: Agent) -> Flow:
        """Return the way of an agent to the box: a connection of its own over TCP."""
        place = (HOST, self._port(agent))
        if self.transport == "UDP":
            return Flow("UDP", place)
        number = self._own.get(agent)
        if number is None and not any(each.address == place for each in self.box.sbc.listeners()):
            return Flow(self.transport, place, NOWHERE)
        if number is None:
            number = self._own[agent] = self.box.connect(place, remote=agent.address)
            self.ends[number] = agent
        return Flow(self.transport, place, number)

    def carry(self, sender: Agent, message: Message, now: int, flow: Flow) -> None:
        """Take a message from an agent."""
        self.told.append(f"{now / SECOND:.1f} {sender.address[0]} {message.summary}")
        if self._random.randrange(100) < self.mangled:
            message = mangle(message, self._random)
            self.told.append(f"    mangled to {message.summary}")
        self._send(Parcel(sender, True, message.to_bytes(), flow.connection))

    # What the box says.

    def from_box(self, remote: tuple[str, int], data: bytes, connection: int) -> None:
        """Take octets from the box: one message."""
        self.told.append(f"{self.now / SECOND:.1f} box to {remote[0]} {data.splitlines()[0].decode()}")
        for agent in self.agents:  # or it goes nowhere
            if agent.address == remote:
                self._send(Parcel(agent, False, data, connection))

    def broken(self, connection: int) -> None:
        """A connection is no more: what is under way on it is lost."""
        agent = self.ends.pop(connection, None)
        if agent is None:
            return
        if self._own.get(agent) == connection:
            del self._own[agent]
        agent.lost(Flow(self.transport, (HOST, self._port(agent)), connection), self.now)

    def break_all(self, agent: Agent) -> None:
        """Have an agent close all its connections."""
        for connection, end in list(self.ends.items()):
            if end is agent:
                self._break(connection)

    def at_address(self, address: tuple[str, int]) -> Agent:
        """Return the agent at an address."""
        return next(agent for agent in self.agents if agent.address == address)

    def operate(self, what: str) -> None:
        """Have an operator do something: `switchover`, or `up`, `force` or `dry` with one of `THINGS` before it."""
        self.told.append(f"{self.now / SECOND:.1f} operator: {what}")
        if what == "switchover":
            self.box.sbc.switch_over("test", self.box.now)
            self.box.pump()
            return
        *thing, how = what.split()
        path, drains = _PLACES[" ".join(thing)]
        done = {"up": "mode inService", "force": "action force mode outOfService"}.get(how, drains)
        self.box.commit(f"set addressContext default {path} {done}")

    # Time.

    def run(self, until: int) -> None:
        """Let time go on; whatever arrives, arrives."""
        while True:
            times = [agent.next_due for agent in self.agents]
            times += [self.box.sbc.next_due(), self._under_way[0][0] if self._under_way else None]
            due = min((each for each in times if each is not None), default=None)
            if due is None or due > until:
                self.now = max(self.now, until)
                self._move()
                return
            assert due >= self.now
            self.now = due
            self._move()
            while self._under_way and self._under_way[0][0] <= due:
                self._arrive(heappop(self._under_way)[2])
                self.box.pump()
            for agent in self.agents:
                agent.fire(due)

    def _move(self) -> None:
        if self.now > self.box.now.uptime:
            self.box.clock.move_to(self.now)
        self.box.sbc.fire(self.box.now)
        self.box.pump()

    def _send(self, parcel: Parcel) -> None:
        connection, copies = parcel.connection, 1
        if connection and connection not in self.ends:
            return
        if self._random.randrange(100) < self.weather.lost:
            if not connection:
                return
            if not self._random.randrange(4):  # a connection breaks less often than a datagram is lost
                parcel = Parcel(parcel.agent, parcel.to_box, b"", connection)
        elif not connection and self._random.randrange(100) < self.weather.doubled:
            copies = 2
        for _ in range(copies):
            due = self.now + self._random.randrange(self.weather.delay + 1)
            if connection:
                way = (connection, parcel.to_box)
                due = self._busy[way] = max(due, self._busy.get(way, 0))
            self._count += 1
            heappush(self._under_way, (due, self._count, parcel))

    def _arrive(self, parcel: Parcel) -> None:
        connection, agent = parcel.connection, parcel.agent
        if connection and connection not in self.ends:
            return
        if not parcel.data:
            self._break(connection)
        elif not parcel.to_box:
            flow = Flow(self.transport, (HOST, self._port(agent)), connection)
            stream = self._streams.setdefault(connection, Stream())
            for item in stream.feed(parcel.data) if connection else [datagram.read(parcel.data)]:
                if self.rough and isinstance(item, SipError):
                    if item.fatal:
                        self._break(connection)
                    continue
                assert isinstance(item, Request | Response)
                self._hear(agent, item, flow)
        elif connection:
            self.box.sbc.received(connection, parcel.data, self.box.now)
        else:
            for listener in [each for each in self.box.listening if each.address[1] == self._port(agent)]:
                self.box.sbc.datagram(listener, agent.address, parcel.data, self.box.now)

    def _hear(self, agent: Agent, message: Message, flow: Flow) -> None:
        try:
            agent.receive(message, flow, self.now)
        except (SipError, BugError) as error:
            if not self.rough:
                raise
            self.told.append(f"    not understood: {error}")  # what was spoiled on its way may come back

    def _break(self, connection: int) -> None:
        self.box.sbc.closed(connection, "closed by peer", self.box.now)
        self.broken(connection)
        self.box.pump()

    def _port(self, agent: Agent) -> int:
        return IN if agent is self.agents[0] else OUT
