"""The simulated SBC without I/O: calls, bytes and due times go in; effects, events and tables come out.

Three things drive it. `net` reports what sockets did (`accepted`, `received`, `closed` ...), always with the instant
at which it happened. The configuration calls it as a subscriber of commits. The driver fires what is due (`fire`), or
on a jump of the clock asks for the next instant (`plan`) and fires that (`fire_planned`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from sbcsim.clock import Clock, Instant
from sbcsim.config.transaction import Author, Database, Proposal
from sbcsim.config.tree import Tree
from sbcsim.events import LogEvent, Reset
from sbcsim.journal import Journal
from sbcsim.schema.node import Node, Path
from sbcsim.schema.types import Value
from sbcsim.schema.walk import node_for
from sbcsim.sip.locating import Answer, Question

from . import logadmin, timers
from .actions import Actions, Request
from .administration import Administration
from .authorizedkeys import authorized_keys, forget_keys
from .boxfaults import BoxFaults
from .calls import Call
from .certcheck import CertificateChecks
from .certificates import CertificateStore
from .chassis import Chassis
from .commits import Commits
from .connectionplane import ConnectionPlane
from .connections import ConnectionRecord, ConnectionTable, PortKey
from .datagrams import DatagramPlane
from .datagramsignalling import DatagramSignalling
from .effects import (
    Closing,
    ConnectionId,
    Effect,
    Ending,
    Endpoint,
    HandshakeDone,
    HandshakeFailed,
    ListenerKey,
    Notice,
    SessionId,
    StopListening,
)
from .eventlog import DIRECTORY, EventLog
from .faultyanswers import LateAnswers
from .faultycommits import holder_of_the_lock
from .filenodes import FileError
from .files import VirtualFiles
from .firing import Firing
from .keptfiles import KeptFiles
from .listeners import Port
from .nodestate import NodeMoment, NodeState
from .objects import port_keys, read_port
from .outages import Outages
from .outstanding import Outstanding
from .pathcheck import PathChecks
from .peerdirectory import PeerDirectory
from .ports import Ports
from .redundancy import HaMode, RestartCause, Server, Servers
from .reporting import Reporting
from .sessions import Sessions
from .settings import LOCK_PATIENCE, Settings
from .signalling import Signalling
from .status import Row, Status
from .takeover import Takeover
from .telephony import Telephony
from .trunkgroup import TrunkGroupKey
from .trunkgroups import TrunkGroups
from .users import Account, Users
from .validity import Validity
from .views import AlarmsView, CertificateView, PeerView, certificate_views, peer_views


class Sbc:
    """One simulated node."""

    def __init__(
        self, database: Database, clock: Clock, *, settings: Settings | None = None, users: Users | None = None
    ) -> None:
        self.settings = settings or Settings()
        self.database = database
        database.lock_patience = LOCK_PATIENCE if self.settings.lock_wait else 0
        self.schema: Node = database.schema
        self.clock = clock
        self.journal = Journal(self.settings.journal_limit)
        now = clock.reading()
        kept = KeptFiles()
        disks = 2 if self.settings.ha is HaMode.CLOUD else 1
        self._disks = tuple(VirtualFiles(now, kept=kept, number=-index) for index in range(disks))
        self.users = users or Users()
        self.users.gone = self._user_gone
        self.users.installed_keys = lambda account: authorized_keys(self.files, account)
        self.users.password_change = self.settings.password_change
        self.users.lockouts.rules = lambda: self.administration.lockout
        self.sessions = Sessions(lambda _user: self.administration.most_sessions, remembers=self.settings.last_login)
        certificates = CertificateStore(lambda: self.files, database.cipher)
        self.event_log = EventLog(now, self.settings.system_name)
        self.hang_up: Callable[[str | None], None] | None = None
        """Called when the sessions of the northbound interfaces have to end, all or only a user's."""
        self._chassis = Chassis(self.settings, self.journal, database.running, certificates, self.event_log)
        self.faults = self._chassis.faults
        """What goes wrong on purpose."""
        database.claimed = lambda author: holder_of_the_lock(self.faults, author, self.clock.reading())
        self._port_map: dict[PortKey, Port] = {}
        directory = PeerDirectory(self.settings.hosts)
        self._plane = ConnectionPlane(self._chassis, ConnectionTable(), self._port_map, directory)
        self._ports = Ports(self._chassis, self._plane, self._port_map)
        self._trunk_groups = TrunkGroups(self._chassis, self._end_calls)
        datagrams = DatagramPlane(self._chassis, self._port_map)
        self._paths = PathChecks(self._chassis, self._plane, datagrams, self._port_map, directory)
        self._checks = CertificateChecks(self._chassis, self._plane)
        self._late = LateAnswers(self._chassis)
        self._telephony = Telephony(
            self._chassis,
            self._plane,
            datagrams,
            self._port_map,
            directory,
            self._paths,
            self._trunk_groups.serves,
            self._ports.takes_calls,
        )
        self._ports.closing = self._telephony.calls.clear_port
        self._telephony.calls.ended = self._calls_ended
        self._signalling = Signalling(
            self._chassis, self._plane, self._paths, self._port_map, directory, self._late, self._telephony
        )
        self._datagrams = DatagramSignalling(self._chassis, datagrams, self._paths, self._late, self._telephony)
        self._status = Status(
            self._chassis, self._ports, self._plane, self._paths, self._trunk_groups, self._telephony.calls
        )
        self._actions = Actions(self._chassis, self._ports, self._paths, self)
        self._takeover = Takeover(self._chassis, self)
        self._validity = Validity(self._chassis)
        self._outages = Outages(self._chassis, self._ports, self._paths)
        self._box_faults = BoxFaults(self._chassis, self, self._outages, self._takeover, self._checks, self._validity)
        self.faults.changed = self._box_faults.changed
        self._plane.watchers += [self._paths, self._checks, self._validity]
        self._reporting = Reporting(self._chassis, clock, database.cipher)
        for disk in self._disks:
            disk.mount(DIRECTORY, self._reporting.files)
        self._outstanding = Outstanding(self._plane, self._paths, self._telephony)
        self._firing = Firing(
            self._chassis,
            clock,
            self._checks,
            self._paths,
            self._outstanding,
            timers.handlers(
                database,
                self._plane,
                self._ports,
                self._trunk_groups,
                self._paths,
                self._checks,
                self._validity,
                self._late,
                self._telephony,
                self._box_faults,
            ),
        )
        self.state = NodeState(self._chassis, database, self._disks, self.users)
        """What the node is apart from what lives on sockets."""
        database.subscribe(
            Commits(
                self._chassis,
                self._ports,
                self._trunk_groups,
                self._paths,
                self._checks,
                self._validity,
                self.users,
                self._plane.replacements,
                self._plane.originals,
            )
        )

    @property
    def system_name(self) -> str:
        """The name in the prompt and in `system admin`."""
        return self.settings.system_name

    @property
    def servers(self) -> Servers:
        """The server of this node, or its pair."""
        return self._chassis.servers

    @property
    def files(self) -> VirtualFiles:
        """The files of the active server."""
        return self.files_of(self.servers.active)

    def files_of(self, server: Server) -> VirtualFiles:
        """Return the files of a server; a pair that is not in a cloud mirrors them."""
        return self._disks[min(server.index, len(self._disks) - 1)]

    def start(self, now: Instant) -> None:
        """Put the running configuration to work, as if all of it had just been committed."""
        self._chassis.tree = self.database.running
        self._chassis.revision = self.database.revision
        logadmin.apply_all(self.event_log, self._chassis.tree, now)
        self._checks.start(now)
        for loaded in self._chassis.certificates.in_name_order():
            self._validity.watch(loaded.certificate, now)
        self._ports.start(now)
        self._trunk_groups.start(now)
        self._paths.start(now)

    # what sockets did

    def accepted(self, listener: ListenerKey, local: Endpoint, remote: Endpoint, now: Instant) -> ConnectionId:
        """Somebody has connected to a listening socket; returns the number under which to speak of it."""
        return self._plane.accepted(listener, local, remote, now)

    def dialed(self, connection: ConnectionId, local: Endpoint, now: Instant) -> None:
        """A `Dial` has succeeded."""
        self._plane.dialed(connection, local, now)

    def dial_failed(self, connection: ConnectionId, reason: str, now: Instant) -> None:
        """A `Dial` has failed."""
        self._plane.dial_failed(connection, reason, now)

    def session_offered(self, connection: ConnectionId, offers: tuple[SessionId, ...], now: Instant) -> object:
        """A client offers sessions to take up; returns the `home` of the one that it may, None for none."""
        return self._plane.session_offered(connection, offers, now)

    def certificates_shown(self, connection: ConnectionId, chain: Sequence[bytes], now: Instant) -> None:
        """A handshake shows the far end's certificates, and waits for an `OcspVerdict`."""
        self._plane.certificates_shown(connection, chain, now)

    def ocsp_answered(self, number: int, data: bytes | None, reason: str, now: Instant) -> None:
        """An `AskOcsp` has an answer, None where the responder cannot be reached."""
        self._plane.ocsp.answered(number, data, reason, now)

    def handshake_done(self, connection: ConnectionId, result: HandshakeDone, now: Instant) -> None:
        """A `StartTls` has succeeded."""
        self._plane.handshake_done(connection, result, now)

    def handshake_failed(self, connection: ConnectionId, result: HandshakeFailed, now: Instant) -> None:
        """A `StartTls` has failed."""
        self._plane.handshake_failed(connection, result, now)

    def received(self, connection: ConnectionId, data: bytes, now: Instant) -> None:
        """Application bytes have come in; those of a connection that is closed already are dropped."""
        record = self._plane.table.get(connection)
        if record is not None and record.established:
            self._signalling.received(record, data, now)

    def datagram(self, listener: ListenerKey, remote: Endpoint, data: bytes, now: Instant) -> None:
        """A datagram has come in; those to a socket that is closed already are dropped."""
        self._datagrams.received(listener, remote, data, now)

    def undeliverable(self, call_id: str, reason: str, now: Instant) -> None:
        """A `SendDatagram` has failed."""
        self._paths.undeliverable(call_id, reason, now)
        self._telephony.stack.undeliverable(call_id, now)

    def looked_up(self, question: Question, answer: Answer, now: Instant) -> None:
        """A `Lookup` has ended."""
        self._paths.looked_up(question, answer, now)

    def noticed(self, connection: ConnectionId, notice: Notice, alert: int, now: Instant) -> None:
        """The far end has done something inside TLS that ends nothing."""
        self._plane.noticed(connection, notice, alert, now)

    def closed(
        self, connection: ConnectionId, reason: str, now: Instant, alert: int = 0, ending: Ending = Ending.CLOSED
    ) -> None:
        """A connection has ended and not by our doing, with a fatal alert where `alert` is not 0."""
        self._plane.closed(connection, reason, now, alert, ending)

    def listening(self, listener: ListenerKey, bound: str, now: Instant) -> None:
        """A `Listen` has succeeded; `bound` is where on the host."""
        self._ports.listening(listener, bound, now)

    def take_effects(self) -> list[Effect]:
        """Hand over what is to be done outside, in order; before, faults are met by what the journal has told."""
        self._box_faults.happen()
        return self._chassis.take_effects()

    @property
    def stirred(self) -> bool:
        """Whether something has been told that may still meet a fault of the box."""
        return self._box_faults.waiting

    @property
    def wake(self) -> Callable[[], None] | None:
        """What is called when the first effect is waiting to be taken, or a timer was set by a commit."""
        return self._chassis.wake

    @wake.setter
    def wake(self, wake: Callable[[], None] | None) -> None:
        self._chassis.wake = wake

    # time

    def next_due(self) -> int | None:
        """Return the uptime of the next timer, None when nothing is due ever."""
        return self._firing.next_due()

    def fire(self, now: Instant) -> int:
        """Fire everything due at or before `now`, in order; returns how much that was."""
        return self._firing.fire(now)

    def plan(self, target: int) -> int | None:
        """On a jump to uptime `target`: return the instant to move to next, None when nothing more is due by then."""
        return self._firing.plan(target)

    def fire_planned(self, now: Instant) -> tuple[int, int]:
        """Fire what `plan` chose; returns how much that was and how many pings were spared."""
        return self._firing.fire_planned(now)

    @property
    def closing(self) -> bool:
        """Whether a re-check has more to close than it has yet, at this very instant."""
        return self._checks.unfinished

    def unfinished(self, now: Instant) -> bool:
        """Whether more is left to fire at this instant than one turn of somebody's loop should take."""
        return self._firing.unfinished(now)

    def outstanding(self) -> int:
        """Return how many answers are awaited; those known to be silent are asked once in a while."""
        return len(self._outstanding)

    def hopeful(self) -> bool:
        """Whether one of those answers is owed by a far end that is not known to be silent."""
        return self._outstanding.hopeful

    def resigned(self) -> bool:
        """Whether all that is awaited may be given up at once."""
        return self._outstanding.resigned

    def give_up(self, now: Instant) -> None:
        """Those who owe an answer count as silent until they speak."""
        self._outstanding.give_up(now)

    # listeners, for who binds them

    def wanted_listeners(self, tree: Tree) -> frozenset[ListenerKey]:
        """Return every socket that a configuration listens on."""
        configs = (read_port(tree, key) for key in port_keys(tree))
        return frozenset(
            listener for config in configs if config is not None and config.serves for listener in config.listeners()
        )

    def new_listeners(self, proposal: Proposal) -> frozenset[ListenerKey]:
        """Return the sockets that a proposal would open in addition to those that are open."""
        return self._ports.new_listeners(proposal.new, proposal.changes)

    # reads

    def rows(self, path: Path) -> Sequence[Row]:
        """Return the rows of an operational table by instance path, the table's own key left out."""
        return self._status.rows(node_for(self.schema, path).path, path, self.clock.reading())

    def request_work(self, path: Path, action: str, inputs: Mapping[str, Value]) -> Callable[[], None] | None:
        """Return slow, pure work worth doing before an action is run, None if there is none."""
        return self._actions.work((*node_for(self.schema, path).path, action), inputs)

    def request(
        self, path: Path, action: str, inputs: Mapping[str, Value], author: Author, now: Instant
    ) -> Sequence[tuple[str, Value]]:
        """Run an action on an object; returns its output leaves, raises UserError where it cannot be run."""
        schema_path = (*node_for(self.schema, path).path, action)
        return self._actions.run(schema_path, Request(path, inputs, author, now))

    def connections(self) -> Sequence[ConnectionRecord]:
        """Return the live connections by connectionId."""
        return sorted(self._plane.table, key=lambda record: record.id)

    def connection(self, number: ConnectionId) -> ConnectionRecord | None:
        """Return one live connection."""
        return self._plane.table.get(number)

    def close_connection(self, number: ConnectionId, reason: str, now: Instant) -> bool:
        """Close a connection from our side; False if there is none of that number."""
        record = self._plane.table.get(number)
        if record is None:
            return False
        self._plane.close(record, reason, now)
        return True

    def peers(self) -> Sequence[PeerView]:
        """Return the ipPeers in path order."""
        return peer_views(self._paths)

    def certificates(self, now: Instant) -> Sequence[CertificateView]:
        """Return the certificate objects by name."""
        return certificate_views(self._chassis.tree, self._chassis.certificates, self._plane.table, now)

    def alarms(self) -> AlarmsView:
        """Return the alarm tables."""
        return AlarmsView(self._chassis.alarms.current, self._chassis.alarms.history)

    def calls(self) -> Sequence[Call]:
        """Return the calls that stand, oldest first."""
        return tuple(
            call.carried_by(lambda number: self._plane.table.get(number) is not None) for call in self._chassis.calls
        )

    def port_counters(self) -> Mapping[PortKey, Mapping[str, int]]:
        """Return what every sipSigPort has counted, by leaf."""
        uptime = self.clock.reading().uptime
        for port in self._ports:
            port.counters.look(uptime)
        return {port.config.key: port.counters.as_row() for port in self._ports}

    def listeners(self) -> Mapping[ListenerKey, str]:
        """Return the listening sockets with where they are on the host ("" until they stand)."""
        return {listener: bound for port in self._ports for listener, bound in port.listeners.items()}

    # start and reset

    def adopt_start(self, *, new: bool = True) -> None:
        """Make the present configuration, files and certificates what `reset` returns to; a `new` box has no past."""
        self.state.adopt_start(new=new)

    def moment(self) -> NodeMoment:
        """Return what the node is at this moment, for a later `reset`: everything but what lives on sockets."""
        return self.state.moment()

    def reset(self, now: Instant, to: NodeMoment | None = None, snapshot: str = "") -> None:
        """Go back to the moment of a snapshot, or to the state just after start; `now` is the clock's first instant.

        A socket that the start configuration wants as well is asked for again and goes on listening.
        """
        before = self.listeners()
        self.halt("reset", now)
        self._plane.table.restart()
        self.state.go_back(to)
        self._box_faults.clear()
        self._validity.clear()
        self.sessions.forget()
        self.journal.clear()
        self._reporting.restart(now)
        self._chassis.emit(now, Reset(snapshot))
        self.go_on(before, now)

    def restart(self, cause: RestartCause, now: Instant) -> None:
        """Restart the application: connections and sessions end, counters begin anew, what is configured stays."""
        before = self.listeners()
        self._chassis.emit(now, LogEvent("SYS", "major", f"*Application restarted: {cause.value}"))
        self.halt(cause.value, now)
        self.servers.active.started(cause, now)
        self.go_on(before, now)
        self.end_sessions()

    def switch_over(self, reason: str, now: Instant) -> str:
        """Have the standby server take over; returns why it cannot, "" where it has."""
        return self._takeover.switch_over(reason, now)

    def restart_server(self, server: Server, cause: RestartCause, now: Instant) -> None:
        """Restart one server; the standby takes over from the active one if it can."""
        self._takeover.restart_server(server, cause, now)

    def halt(self, reason: str, now: Instant, *, keep_sessions: bool = False, keep_calls: bool = False) -> None:
        """End every connection and forget what ran; TLS sessions and stable calls may be kept. `go_on` is to follow."""
        self._paths.halt()  # first: no ping and no call fails by what follows
        if keep_calls:
            self._telephony.calls.hand_over(reason, now)
        else:
            self._telephony.calls.restart(reason, now)
        for counted in (self._chassis.call_counts, self._chassis.message_counts):
            counted.clear()
        for record in self.connections():
            self._plane.close(record, reason, now, Closing.RESET)
        if not keep_sessions:
            self._plane.sessions.clear()
        self._ports.clear()
        if not keep_calls:  # what waits for its calls to end goes on with that
            self._trunk_groups.clear()
        self._checks.clear()
        self._plane.opening.clear()
        self._plane.ocsp.clear()
        self._plane.replacements.clear()
        self._plane.originals.clear()
        self._late.clear()

    def go_on(self, before: Iterable[ListenerKey], now: Instant) -> None:
        """Put the configuration to work; sockets that it does not want any more are closed."""
        self.start(now)
        self._telephony.calls.sweep(now)
        kept = self.listeners()
        for listener in before:
            if listener not in kept:
                self._chassis.effect(StopListening(listener))

    def end_sessions(self, user: str | None = None) -> None:
        """End the sessions of the northbound interfaces, all or those of one user."""
        self.sessions.end(user)
        if self.hang_up is not None:
            self.hang_up(user)

    def _end_calls(self, key: TrunkGroupKey, reason: str, now: Instant) -> None:
        self._telephony.calls.clear_trunk_group(key, reason, now)

    def _calls_ended(self, now: Instant) -> None:
        self._trunk_groups.calls_ended(now)
        self._ports.interfaces.calls_ended(now)

    def _user_gone(self, account: Account) -> None:
        now = self.clock.reading()
        for disk in self._disks:
            try:
                forget_keys(disk, account, now)
            except FileError as error:
                text = f"*Keys of {account.name} not removed: {error.text}"
                self._chassis.emit(now, LogEvent("SYS", "major", text))
        self.end_sessions(account.name)

    @property
    def administration(self) -> Administration:
        """What the running configuration says of logins and sessions."""
        return Administration(self.database.running, self.system_name)
