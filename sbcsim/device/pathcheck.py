"""pathCheck: OPTIONS pings to ipPeers, the states they lead to, and which of them a jump of the clock may coalesce.

A ping is driven by its timer, by what becomes of its connection, by the answer, and by its time-out. A peer is
*settled* when its state and its last outcome agree and nothing has happened since that could change the next
outcome: up and answering on a standing connection, or down and failing. Only then may the pings between two events be
replaced by one that stands for all; every other ping goes out at its own instant.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sbcsim.clock import SECOND, Instant, Order
from sbcsim.config.listing import key_order
from sbcsim.config.tree import Tree
from sbcsim.events import PathPing, PathState, SipMessage
from sbcsim.sip.locating import Answer, Question
from sbcsim.sip.message import Response

from .alarms import AlarmName
from .boxpoints import BY_EVENT
from .chassis import Chassis
from .connectionplane import ConnectionPlane
from .connections import ConnectionRecord, PeerKey, PortKey
from .datagrams import DatagramPlane
from .effects import Endpoint, ListenerKey
from .listeners import Port
from .objects import IpPeer, differing_peers, read_path_check_profile, read_peer, zone_peers
from .peerdirectory import PeerDirectory
from .peerstate import PathCheck, Ping, PingState
from .pingsender import PingSender
from .pingspread import PingSpread
from .signallingpoints import DIALLED, IGNORED, PINGED, UNSENT

REPLY_SECONDS = 32
"""A ping fails when no final answer came within this time, or within sendInterval if that is shorter."""


_TOLD = (PathPing.kind, SipMessage.kind)
"""What the journal tells of each ping."""

PINGED_PEERS = 2000
"""At most this many peers are pinged; those enabled beyond stay `inActive`."""


class PathChecks:
    """All path checks of the node."""

    def __init__(
        self,
        chassis: Chassis,
        plane: ConnectionPlane,
        datagrams: DatagramPlane,
        ports: Mapping[PortKey, Port],
        directory: PeerDirectory,
    ) -> None:
        self._chassis = chassis
        self._plane = plane
        self._directory = directory
        self._sender = PingSender(chassis, plane, datagrams, ports, directory, self._unsent)
        self._checks: dict[PeerKey, PathCheck] = {}
        self._by_call_id: dict[str, PeerKey] = {}
        self._failing: set[PeerKey] = set()
        self._enabled: set[PeerKey] = set()
        """Those whose pathCheck has been enabled since the last `start`."""
        self._known = Tree(chassis.tree.schema)
        """The configuration that was read last, as far as no commit has told of changes."""
        self._pinged = 0
        self._spread = PingSpread(chassis.settings.seed)
        self.awaiting = self._sender.awaiting
        """Peers that owe an answer which somebody waits for."""

    def __iter__(self) -> Iterator[PathCheck]:
        return iter(tuple(self._checks.values()))

    def get(self, key: PeerKey) -> PathCheck | None:
        """Return the path check of a peer, None for an unknown one."""
        return self._checks.get(key)

    def in_zone(self, context: str, zone: str) -> list[PathCheck]:
        """Return the peers of a zone by name."""
        return [self._checks[key] for key in zone_peers(self._chassis.tree, context, zone) if key in self._checks]

    def configure(self, key: PeerKey, now: Instant) -> None:
        """Take over the configuration of one peer: begin, end or go on; a moved peer loses its old connection."""
        peer = read_peer(self._chassis.tree, key)
        check = self._checks.get(key)
        if peer is None:
            self._enabled.discard(key)
            if check is not None:
                self._stop(check, now)
                self._drop_connections(key, now)
                self._directory.drop(key)
                del self._checks[key]
            return
        self._directory.put(peer)
        if check is None:
            check = self._checks[key] = PathCheck(peer)
        before, check.peer = check.peer, peer
        if _where(before) != _where(peer):
            self._drop_connections(key, now)
        if not peer.path_check:
            self._stop(check, now)
            return
        self._enabled.add(key)
        if check.state is PingState.INACTIVE and self._pinged < PINGED_PEERS:
            self._pinged += 1
            check.profile = read_path_check_profile(self._chassis.tree, peer.profile)
            self._change_state(check, PingState.ACTIVE, now)
            self.send_ping(key, 1, now)
            self._schedule(check, now.uptime + self._spread.gap(key, check.interval, now))

    def interval(self, key: PeerKey) -> int:
        """Return the ping period of a peer in microseconds."""
        return self._checks[key].interval

    def send_ping(self, key: PeerKey, times: int, now: Instant) -> None:
        """Send the ping that is due, standing for `times`, and set the next one."""
        check = self._checks[key]
        self._schedule(check, now.uptime + check.interval)
        if check.ping is not None:
            return  # the second ping of many peers comes early: it is left out while the first one has its time
        if check.profile is not None and check.profile.protocol == "icmp":
            check.last_ping = now
            self._outcome(check, now, ok=True, reason="icmp", times=times)
            return
        way = self._sender.way(check)
        if way is None:
            # No port of the zone is in service: pings stop, nothing is judged, until a commit changes that.
            self._settle(check, settled=True, failing=True)
            return
        check.last_ping = now
        check.ping = Ping(self._chassis.token(), times, now.uptime + _patience(check), hoped=not check.silent)
        self._by_call_id[check.ping.call_id] = key
        self._chassis.timetable.own.set(("reply", key), check.ping.deadline, Order.TIMEOUT)
        self._requeue(check)
        check.ping.lost = self._chassis.faults.fires(UNSENT, key[2], now) is not None
        if not check.ping.lost:
            self._sender.send(check, *way, now)

    def reply_timed_out(self, key: PeerKey, now: Instant) -> None:
        """No final answer has come in time."""
        check = self._checks[key]
        if check.ping is not None:
            self._finish(check, now, ok=False, reason="no answer")

    def answered(self, record: ConnectionRecord, call_id: str, status: int, now: Instant) -> int:
        """Take a final answer; returns how many messages it stands for, 0 when it answers no ping of ours."""
        late = self._of(record)
        if late is not None:
            late.silent = False
        key = self._by_call_id.get(call_id)
        check = None if key is None else self._checks[key]
        if check is None or check.ping is None or check.ping.connection != record.id:
            return 0
        times = check.ping.times
        if self._ignores(check, now):
            return times
        failed = check.profile is not None and check.profile.is_failure(status)
        self._finish(check, now, ok=not failed, reason=str(status))
        return times

    def datagram_answered(self, listener: ListenerKey, remote: Endpoint, response: Response, now: Instant) -> int:
        """Take an answer that came by UDP; returns how many messages it stands for, 0 when it ends no ping of ours."""
        for heard in self._directory.at(listener.address_context, listener.zone, remote[0]):
            self._checks[heard].silent = False
        key = self._by_call_id.get(response.call_id)
        check = None if key is None else self._checks[key]
        if check is None or check.ping is None or check.ping.datagram is None:
            return 0
        sent, times = check.ping.datagram, check.ping.times
        if (listener, response.via.branch) != (sent.listener, sent.branch):
            return 0
        check.silent = False  # also where nobody knows the address, as that of a hostName
        if response.final:
            if self._ignores(check, now):
                return times
            failed = check.profile is not None and check.profile.is_failure(response.status)
            self._finish(check, now, ok=not failed, reason=str(response.status))
            return times
        sent.proceeding = True
        return 0

    def resend(self, key: PeerKey, now: Instant) -> None:
        """It is time to send a ping over UDP again."""
        self._sender.resend(self._checks[key], now)

    def looked_up(self, question: Question, answer: Answer, now: Instant) -> None:
        """The DNS has answered."""
        self._sender.looked_up(question, answer, self.get, now)

    @property
    def outstanding(self) -> int:
        """How many answers somebody waits for, of peers and of the DNS."""
        return len(self.awaiting) + len(self._sender.names)

    @property
    def looking_up(self) -> bool:
        """Whether the DNS owes an answer."""
        return bool(len(self._sender.names))

    def undeliverable(self, call_id: str, reason: str, now: Instant) -> None:
        """A ping over UDP could not be sent."""
        key = self._by_call_id.get(call_id)
        if key is not None:
            self._unsent(self._checks[key], reason, now)

    def give_up(self, now: Instant) -> None:
        """Nobody waits any longer for the peers that owe an answer: they count as silent until they speak."""
        for key in sorted(self.awaiting):
            check = self._checks[key]
            check.silent = True
            ping = check.ping
            if ping is not None and ping.times > 1:
                earlier, ping.times = ping.times - 1, 1
                if ping.datagram is not None:
                    self._sender.udp.make_up(ping.datagram, _patience(check), earlier, now)
                self._outcome(check, now, ok=False, reason="no answer", times=earlier)
        self._sender.missed |= self.awaiting
        self.awaiting.clear()

    def clock_moves(self) -> None:
        """The clock begins to move: who was silent so far may have come back."""
        self._sender.missed.clear()

    def silent(self, key: PeerKey | None) -> bool:
        """Whether a peer is known to be silent."""
        check = None if key is None else self._checks.get(key)
        return check is not None and check.silent

    def reconsider(self) -> None:
        """What failed so far may succeed now: the next ping of those who fail is not like the last one."""
        for key in sorted(self._failing):
            self._unsettle(self._checks[key])

    def beware(self) -> None:
        """A fault may meet pings: those that it can make unlike the last one are foreseen no longer."""
        self._chassis.timetable.abandon_plan()
        for check in self._checks.values():
            self._requeue(check)

    def queued(self, record: ConnectionRecord) -> int:
        """Return how many pings wait for a connection to come up."""
        check = self._of(record)
        return int(check is not None and check.ping is not None and not check.ping.connection)

    def connection_up(self, record: ConnectionRecord, now: Instant) -> None:
        """An outbound connection has come up: the ping that asked for it goes out."""
        check = self._of(record)
        if check is not None:
            self._unsettle(check)
            if check.ping is not None and not check.ping.connection and not check.ping.lost:
                self._sender.send_on(check, record, now)

    def connection_failed(self, record: ConnectionRecord, reason: str, now: Instant) -> None:
        """An outbound connection never came up: its ping has failed."""
        check = self._of(record)
        if check is not None:
            check.connection = 0
            if check.ping is not None and not check.ping.connection:
                self._finish(check, now, ok=False, reason=reason, lost=True)
            else:
                self._requeue(check)

    def connection_gone(self, record: ConnectionRecord, reason: str, now: Instant) -> None:
        """The box's connection to a peer is closed: the next ping dials anew."""
        check = self._of(record)
        if check is not None:
            check.connection = 0
            self._unsettle(check)
            if check.ping is not None and check.ping.connection == record.id:
                self._finish(check, now, ok=False, reason=reason, lost=True)

    def halt(self) -> None:
        """End every path check; who is still configured as he was at the next `start` is not read again."""
        for key in self._enabled:
            self._cancel_timers(key)
            self._checks[key] = PathCheck(self._checks[key].peer)
        self._known = self._chassis.tree
        self._directory.forget_addresses()
        self._by_call_id.clear()
        self._failing.clear()
        self._pinged = 0
        self._spread.clear()
        self._sender.names.clear()
        self._sender.missed.clear()
        self.awaiting.clear()

    def start(self, now: Instant) -> None:
        """Put the peers of the running configuration to work: for the first time, or again behind `halt`."""
        tree = self._chassis.tree
        keys = {*differing_peers(self._known, tree), *self._enabled}
        self._enabled = set()
        for key in sorted(keys, key=lambda each: tuple(map(key_order, zip(each)))):
            self.configure(key, now)

    def _of(self, record: ConnectionRecord) -> PathCheck | None:
        check = None if record.peer is None else self._checks.get(record.peer)
        return check if check is not None and check.connection == record.id else None

    def _ignores(self, check: PathCheck, now: Instant) -> bool:
        ignored = self._chassis.faults.fires(IGNORED, check.peer.key[2], now) is not None
        if ignored:
            self.awaiting.discard(check.peer.key)  # nobody need wait for another
        return ignored

    def _unsent(self, check: PathCheck, reason: str, now: Instant) -> None:
        self._finish(check, now, ok=False, reason=reason)

    def _finish(self, check: PathCheck, now: Instant, *, ok: bool, reason: str, lost: bool = False) -> None:
        """End the ping under way, for all it stood for.

        Only where a peer that was up turns out to have lost its connection did the pings before the last one succeed.
        """
        ping = check.ping
        assert ping is not None
        check.ping = None
        del self._by_call_id[ping.call_id]
        self.awaiting.discard(check.peer.key)
        self._chassis.timetable.own.cancel(("reply", check.peer.key))
        self._sender.udp.stop(check.peer.key)
        if ping.times > 1 and lost and check.state is PingState.UP:
            self._outcome(check, now, ok=True, reason="coalesced", times=ping.times - 1)
            ping.times = 1
        self._outcome(check, now, ok=ok, reason=reason, times=ping.times, connection=ping.connection)

    def _outcome(
        self, check: PathCheck, now: Instant, *, ok: bool, reason: str, times: int, connection: int = 0
    ) -> None:
        name, zone = check.peer.key[2], check.peer.key[1]
        self._chassis.emit(now, PathPing(name, zone, ok, reason, connection, times))
        self._change_state(check, check.count(ok=ok, times=times), now)
        self._settle(check, settled=check.confirmed_by(ok=ok), failing=not ok)

    def _change_state(self, check: PathCheck, state: PingState, now: Instant) -> None:
        if state is check.state:
            return
        old, check.state = check.state, state
        name, zone = check.peer.key[2], check.peer.key[1]
        self._chassis.emit(now, PathState(name, zone, old.value, state.value))
        subject = "/".join(check.peer.key)
        alarms = self._chassis.alarms
        if state is PingState.DOWN:
            text = f"Peer {name} in zone {zone} does not answer path check"
            alarms.raise_alarm(AlarmName.PATH_DOWN, subject, text, now)
        elif state is PingState.UP:
            alarms.clear(AlarmName.PATH_DOWN, subject, now)
            alarms.report(AlarmName.PATH_UP, subject, f"Peer {name} in zone {zone} answers path check", now)

    def _schedule(self, check: PathCheck, due: int) -> None:
        key = ("ping", check.peer.key)
        self._chassis.timetable.keepalives.cancel(key)
        self._chassis.timetable.own.set(key, due, Order.PING)
        self._requeue(check)

    def _foreseeable(self, check: PathCheck) -> bool:
        """Whether nothing of the peer's own is under way that could make its next ping unlike the last one."""
        record = self._plane.table.get(check.connection)
        if not check.settled or check.ping is not None or (record is not None and not record.established):
            return False
        faults = self._chassis.faults
        met = faults.may_fire(DIALLED if record is None else PINGED) or faults.may_fire(BY_EVENT, _TOLD)
        return not met

    def _requeue(self, check: PathCheck) -> None:
        """Have the next ping wait among those that may be coalesced, or among those that may not."""
        timetable = self._chassis.timetable
        key = ("ping", check.peer.key)
        first, second = timetable.own, timetable.keepalives
        queue, other = (second, first) if self._foreseeable(check) else (first, second)
        due = other.due(key)
        if due is not None:
            other.cancel(key)
            queue.set(key, due, Order.PING)

    def _settle(self, check: PathCheck, *, settled: bool, failing: bool = False) -> None:
        if settled and failing:
            self._failing.add(check.peer.key)
        else:
            self._failing.discard(check.peer.key)
        check.settled = settled
        self._requeue(check)

    def _unsettle(self, check: PathCheck) -> None:
        self._settle(check, settled=False)

    def _stop(self, check: PathCheck, now: Instant) -> None:
        key = check.peer.key
        if check.state is not PingState.INACTIVE:
            self._pinged -= 1
        if check.ping is not None:
            del self._by_call_id[check.ping.call_id]
            check.ping = None
        self.awaiting.discard(key)
        self._failing.discard(key)
        self._cancel_timers(key)
        check.successes = check.failures = 0
        check.settled = check.silent = False
        self._change_state(check, PingState.INACTIVE, now)
        self._chassis.alarms.clear(AlarmName.PATH_DOWN, "/".join(key), now)

    def _cancel_timers(self, key: PeerKey) -> None:
        timetable = self._chassis.timetable
        timetable.own.cancel(("reply", key))
        timetable.own.cancel(("ping", key))
        self._sender.udp.stop(key)
        timetable.cancel(("ping", key))

    def _drop_connections(self, key: PeerKey, now: Instant) -> None:
        for record in self._plane.table.of_peer(key):
            self._plane.close(record, "ipPeer moved or deleted", now)


def _patience(check: PathCheck) -> int:
    return min(check.interval, REPLY_SECONDS * SECOND)


def _where(peer: IpPeer) -> tuple[str, int, str, int]:
    return (peer.address, peer.port, peer.host_name, peer.host_port)
