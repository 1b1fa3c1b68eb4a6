"""One simulated SBC, put together: the only place that wires the parts, starts, resets and stops them."""

from __future__ import annotations

import asyncio
import secrets  # noqa: TID251 - an access token must not follow from the seed
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

from . import awaiting, expectation, places
from .addresses import format_endpoint
from .advances import Move, told
from .cli.redaction import redact
from .clock import Clock, Instant, Mode
from .config.render import set_lines
from .config.secret import Cipher
from .config.transaction import Database
from .console import Console
from .control import views
from .control.access import is_loopback
from .control.models import (
    Address,
    Advanced,
    Alarms,
    Bounced,
    Call,
    Certificate,
    Connection,
    Counts,
    Peer,
    PortCounts,
    Ports,
    Ready,
    Snapshot,
    Status,
    SwitchedOver,
)
from .device.faults import Faults
from .device.files import CERTIFICATE_DIRECTORY
from .device.nodestate import NodeMoment
from .device.redundancy import HaMode
from .device.sbc import Sbc
from .device.settings import Settings
from .device.settings import told as settings_told
from .device.users import DEFAULT_PASSWORD, DEFAULT_USER, Users
from .errors import BugError, UserError
from .eventkinds import kinds
from .events import Controlled, LogEvent
from .journal import Entry, Journal
from .net.control import ControlPort
from .net.driver import Driver
from .net.hostclock import host_calendar, host_uptime, make_clock
from .net.login import HOST_KEYS, HostKeys
from .net.management import Management
from .net.startfiles import StartFiles, factory
from .net.wiring import AddressMap, Wiring, parse_network, parse_pair
from .recorder import complete, record
from .recording.file import Header
from .schema.load import load as load_schema
from .schema.node import Node
from .snapshots import Kept, Snapshots
from .version import __version__

if TYPE_CHECKING:
    from .device.state import State

CONTROL_PORT = 10080
Files = str | Path | Iterable[str | Path]


class Simulator:
    """One simulated SBC on the running event loop, between `start` and `stop` or as an async context manager.

    `config` names files of CLI lines. `clock` is "virtual" (stands still until moved), "virtual@2026-01-01T00:00:00Z",
    "real" (flows with the host) or a clock. `users` are names with passwords, instead of admin with password admin.
    `maps` (`10.1.2.3=127.0.0.2`) say where simulated addresses lie on the host, `allow_dial` which networks outside
    loopback may be dialled. `files` are put into the certificate directory before the configuration is loaded;
    a certificate file that lies beside a configuration file which names it is put there as well.
    `ha` is "none", "1to1" or "cloud": a pair of servers, in a cloud with files of their own.
    `state` names a directory where everything is kept: a node that finds one goes on where the last one ended, and
    of `config` takes only what that has not taken before. `seed` stays that of its first start; 0 if none is given.
    A `rude` box is mildly unkind everywhere, as `docs/faults.md` says, in a way that the seed repeats.
    `control` is "on demand" (the control API costs nothing until somebody connects), "serve" or "off".
    """

    def __init__(
        self,
        config: Files = (),
        *,
        clock: str | Clock = "virtual",
        state: str | Path | None = None,
        seed: int | None = None,
        ha: Literal["none", "1to1", "cloud"] | None = None,
        bind: str = "127.0.0.1",
        ports: Literal["default", "ephemeral"] = "ephemeral",
        users: Mapping[str, str] | None = None,
        maps: Iterable[str] = (),
        allow_dial: Iterable[str] = (),
        files: Mapping[str, bytes] | None = None,
        settings: Settings | None = None,
        rude: bool = False,
        control: Literal["on demand", "serve", "off"] = "on demand",
        control_token: str = "",
    ) -> None:
        configurations = [config] if isinstance(config, str | Path) else config
        self._addresses = AddressMap(bind, ports, map(parse_pair, maps := tuple(maps)), map(parse_network, allow_dial))
        self._bind = self._addresses.bind
        self._ephemeral = ports == "ephemeral"
        self._maps = tuple(maps)
        self._files = StartFiles([Path(each) for each in configurations], dict(files or {}))
        self._control = control
        self._clock = clock if isinstance(clock, Clock) else make_clock(clock)
        self._clock.follow(host_uptime)
        self._first = self._clock.reading().calendar
        self._first_rate = self._clock.rate
        self._users = Users()
        schema = load_schema()
        self._state = None if state is None else _open_state(Path(state), seed, schema, self._clock.reading())
        try:
            self._build(schema, seed or 0, users, _settings(settings, rude=rude), ha, control_token)
        except BaseException:
            self._close_state()
            raise

    def _build(
        self,
        schema: Node,
        seed: int,
        users: Mapping[str, str] | None,
        settings: Settings,
        ha: str | None,
        control_token: str,
    ) -> None:
        saved = None
        host_keys = HOST_KEYS
        if self._state is not None:
            saved, seed = self._state.saved, self._state.seed
            self._users.restore(self._state.users)
            host_keys = HostKeys(self._state.host_keys, self._state.keep_host_keys)
        self._host_keys = host_keys
        self._settings = replace(settings, seed=seed, ha=settings.ha if ha is None else _ha_mode(ha))
        self._users.password_change = settings.password_change
        for name, password in (users or ({} if saved else {DEFAULT_USER: DEFAULT_PASSWORD})).items():
            if self._users.get(name) is None:  # who is known may have changed the password
                self._users.begin(name, password)
        self._first_users = tuple(sorted(each.name for each in self._users))
        if not is_loopback(self._bind):
            if self._users.has_default_credentials:
                raise UserError(
                    f"{self._bind} is not loopback: user {DEFAULT_USER} with the default password would be open to "
                    "others; give users of your own"
                )
            control_token = control_token or secrets.token_urlsafe(24)
        self.control_token = control_token
        """What the control API wants to see, "" for nothing."""
        cipher = Cipher(seed)
        if saved is None:
            self._database = Database(schema, factory(), cipher=cipher)
        else:
            self._database = Database(schema, saved.tree, cipher=cipher, revision=saved.revision, history=saved.history)
        self._sbc = Sbc(self._database, self._clock, settings=self._settings, users=self._users)
        self._sbc.faults.noted = self._note
        self._sbc.faults.cleaned = self._cleaned
        self._wiring = Wiring(self._addresses, self._sbc.new_listeners, self._sbc.wanted_listeners)
        self._database.subscribe(self._wiring)
        self._driver = Driver(self._sbc, self._clock, self._wiring, self.events, resolver=self._settings.resolver)
        self._changing = asyncio.Lock()
        self._management: Management | None = None
        self._control_port: ControlPort | None = None
        self._control_address: Address | None = None
        self._snapshots = Snapshots()
        self._console = Console(self._sbc, self._driver, self._bind)
        self._pump: asyncio.Handle | None = None
        self._serving = False

    # life

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Load the configuration and open every port; raises ScenarioError for a mistake in a file, else UserError."""
        if self._management is not None:
            raise BugError("a simulator starts only once")
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def _start(self) -> None:
        sbc, now, state = self._sbc, self._clock.reading(), self._state
        new = state is None or state.saved is None
        if state is not None and not new:
            state.restore(sbc)
        if new:
            self._files.put_certificates(sbc, now)
        sbc.start(now)
        sbc.wake = self._wake
        for text in self._files.load(sbc, now, None if state is None else state.has_taken):
            if state is not None:
                state.take(text)
        sbc.adopt_start(new=new)
        if state is not None and new:
            state.create(sbc)
        self._management = Management(sbc, self._driver.now, self._host_keys)
        sbc.hang_up = self._management.hang_up
        await self._management.listen(self._bind, self._port)
        await self._driver.start()
        if self._control != "off":
            await self._start_control()
        self._serving = True

    async def _start_control(self) -> None:
        control = self._control_port = ControlPort(self, self.control_token, self._control_overloaded)
        wanted = self._port(CONTROL_PORT)
        try:
            self._control_address = Address(*control.bind(self._bind, wanted))
        except OSError as error:
            raise UserError(f"cannot listen on {self._bind} port {wanted}: {error.strerror or error}") from None
        if self._control == "serve":
            await control.serve()
        else:
            control.serve_on_demand()

    async def stop(self) -> None:
        """Close everything; no task, thread or socket is left."""
        self._serving = False
        self._sbc.wake = None
        if self._pump is not None:
            self._pump.cancel()
        if self._control_port is not None:
            await self._control_port.close()
        if self._management is not None:
            await self._management.close()
        await self._driver.stop()
        self._close_state()

    # reading

    @property
    def clock(self) -> Clock:
        """The node's clock."""
        return self._clock

    @property
    def events(self) -> Journal:
        """The journal itself."""
        return self._sbc.journal

    @property
    def ports(self) -> Ports:
        """Where everything listens."""
        if self._management is None:
            raise BugError("the simulator has not been started")
        return places.ports(self._management, self._driver.listeners, self._control_address)

    def missing(self) -> Sequence[str]:
        """Return what does not serve yet, in words; empty once the node is ready."""
        if not self._serving:
            return ["the simulator is starting or stopping"]
        return [
            f"sipSigPort {key.sip_sig_port} {key.transport.value} on {format_endpoint(key.address)}"
            for key, bound in self._sbc.listeners().items()
            if not bound
        ]

    def ready(self) -> Ready:
        """Return the content of the ready line."""
        return places.ready(self.ports, self._clock)

    def status(self) -> Status:
        """Return the simulator at a glance."""
        sbc = self._sbc
        counts = Counts(
            connections=len(sbc.connections()),
            peers=len(sbc.peers()),
            certificates=len(sbc.certificates(self._clock.reading())),
            alarms=len(sbc.alarms().current),
            sessions=len(sbc.sessions),
            journal=self.events.last,
            revision=self._database.revision,
            calls=len(sbc.calls()),
        )
        return Status(
            __version__,
            self._settings.seed,
            views.clock_reading(self._clock),
            counts,
            self.ready(),
            self._settings.rude,
        )

    def connections(self) -> list[Connection]:
        """Return the live connections by id."""
        return [views.connection(record) for record in self._sbc.connections()]

    def peers(self) -> list[Peer]:
        """Return the ipPeers with the state of their path check."""
        return [views.peer(view) for view in self._sbc.peers()]

    def certificates(self) -> list[Certificate]:
        """Return the certificate objects by name."""
        return [views.certificate(view) for view in self._sbc.certificates(self._clock.reading())]

    def configuration(self) -> list[str]:
        """Return the running configuration as `show configuration | display set` prints it, secrets encrypted."""
        return [*set_lines(self._database.running)]

    def candidates(self) -> list[list[str]]:
        """Return the configuration that each session in configure mode would bring by a commit, oldest session first.

        One candidate is written as `configuration` writes what runs.
        """
        return [[*set_lines(each.tree)] for each in self._database.candidates]

    def files(self) -> list[str]:
        """Return the names of the files in the certificate directory of the active server."""
        return [name for name, _ in self._sbc.files.entries(CERTIFICATE_DIRECTORY)]

    def calls(self) -> list[Call]:
        """Return the calls that stand, oldest first."""
        return [views.call(each) for each in self._sbc.calls()]

    def alarms(self) -> Alarms:
        """Return the alarms that stand, and their history."""
        return views.alarms(self._sbc.alarms())

    def port_counters(self) -> list[PortCounts]:
        """Return what every sipSigPort has counted, by the names of the status tables."""
        return [PortCounts(*key, dict(counters)) for key, counters in sorted(self._sbc.port_counters().items())]

    def journal(self, kind: str | Iterable[str] = (), *, after: int = 0) -> list[Entry]:
        """Return journal entries, oldest first: of one or several kinds, with numbers greater than `after`."""
        wanted = frozenset([kind] if isinstance(kind, str) else kind)
        unknown = wanted - kinds().keys()
        if unknown:
            raise UserError(f"no journal kind {', '.join(sorted(unknown))}; there are {', '.join(kinds())}")
        return self.events.after(after, wanted)

    def expect(self, kind: str, *, after: int = 0, **fields: object) -> Entry:
        """Return the first entry of a kind with these fields; raises ExpectationError, which names the nearest.

        `expect("handshake", ok=True, local_certificate__name="NEW")`: see `sbcsim.expectation`.
        """
        return expectation.expect(self.events, kind, after, fields)

    async def wait_for(self, kind: str, *, after: int = 0, patience: float = 10.0, **fields: object) -> Entry:
        """Return such an entry as soon as there is one; raises ExpectationError after `patience` host seconds."""
        return await awaiting.wait_for(self.events, kind, after, patience, fields)

    def header(self) -> Header:
        """Return what the first line of a recording says of this box."""
        header = Header(
            sbcsim=__version__,
            seed=self._settings.seed,
            mode=self._clock.mode.value,
            rate=self._first_rate,
            start=self._first,
            ha=self._settings.ha.value,
            rude=self._settings.rude,
            settings=settings_told(self._settings),
            maps=self._maps,
            users=self._first_users,
            configurations=self._files.seen(),
            went_on=self._state is not None and self._state.saved is not None,
        )
        return complete(header, self.events)

    @contextmanager
    def record(self, file: str | Path) -> Iterator[None]:
        """Write a recording to a file for as long as the context lasts, with what the journal has already.

        The format is that of `sbcsim.recording.file`; no secret is in it. Raises OSError, for a disk that fills up at
        the end of the context.
        """
        with record(file, self.events, self.header()):
            yield

    def save_journal(self, file: str | Path) -> None:
        """Write what the journal has now to a file, as a recording; raises OSError."""
        with self.record(file):
            pass

    # doing

    async def advance(
        self, by: str | timedelta | None = None, *, to: str | datetime | None = None, **units: float
    ) -> Advanced:
        """Move the clock: `advance(days=31)`, `advance("1h30m")`, `advance(to="2026-03-01T00:00:00Z")`.

        Returns, with what happened, once everything due has settled. `units` are those of `timedelta`.
        """
        move = Move.asked_for(by, to, units)
        return await self.move_clock(by=move.by, to=move.to)

    async def move_clock(self, *, by: int | None = None, to: int | None = None) -> Advanced:
        """Move the clock by, or to, microseconds; return once everything due has settled."""
        async with self._changing:
            Move(by, to).check(self._clock.reading())
            before = self.events.last
            moved = await (self._driver.advance(by) if by is not None else self._driver.advance_to(to or 0))
            entries = self.events.after(before)
        return await told(moved, entries)

    async def settle(self) -> None:
        """Wait until everything under way has settled, as a move of the clock does between instants."""
        async with self._changing:
            await self._driver.settle()

    def set_rate(self, rate: float) -> None:
        """Let time flow at `rate` from now on: simulated seconds for each host second."""
        self._clock.check_rate(rate)
        self._note("rate", {"rate": str(rate)})
        self._driver.set_rate(rate)

    async def reset(self) -> None:
        """Go back to the state just after start: configuration, files, clock; ports stay, sessions end."""
        await self._return_to(self._first, None, "reset")

    @property
    def faults(self) -> Faults:
        """What goes wrong on purpose: `add` a fault, `remove` or `clear`; a reset leaves those of a rude box."""
        return self._sbc.faults

    def snapshot(self, name: str = "snapshot") -> Snapshot:
        """Keep what the node is now under a name, in place of an earlier one.

        That is configuration, history, files, users, keys, alarms and clock; what lives on sockets is not kept.
        """
        now = self._driver.now()
        kept = Kept(name, now, self._database.revision, self._sbc.moment())
        self._snapshots.keep(kept)
        self._note("snapshot", {"name": name})
        return _shown(kept)

    def snapshots(self) -> list[Snapshot]:
        """Return the snapshots, oldest first."""
        return [_shown(kept) for kept in self._snapshots]

    async def restore(self, name: str = "snapshot") -> Snapshot:
        """Go back to a snapshot: connections and sessions end, and time goes on from where it was taken.

        A box in real time goes on from the host's time, unless it was ahead of that. What is due again and again
        (pings, certReCheckRate) begins a period anew.
        Raises UserError where there is none of that name.
        """
        kept = self._snapshots.find(name)
        await self._return_to(kept.taken.calendar, kept.node, "restore", name)
        return _shown(kept)

    def drop_snapshot(self, name: str | None = None) -> None:
        """Forget a snapshot, or all of them; raises UserError where there is none of that name."""
        self._snapshots.drop(name)
        self._note("dropSnapshot", {} if name is None else {"name": name})

    async def _return_to(self, calendar: int, node: NodeMoment | None, action: str, snapshot: str = "") -> None:
        async with self._changing:
            self._note(action, {"name": snapshot} if snapshot else {})
            self._console.leave()
            if self._management is not None:
                await self._management.end_sessions()
            self._clock.set_rate(self._first_rate)  # before: at another rate the restarted clock would have moved
            if self._clock.mode is Mode.REAL:
                calendar = host_calendar() if node is None else max(host_calendar(), calendar)
            self._clock.restart(calendar)
            self._sbc.reset(self._clock.reading(), node, snapshot)
            self._driver.set_rate(self._first_rate)
            if self._state is not None:
                self._state.reset()

    async def switch_over(self, reason: str = "asked for by the control API") -> SwitchedOver:
        """Have the standby server take over; raises UserError where there is none that could."""
        async with self._changing:
            now = self._driver.now()
            self._note("switchover", {"reason": reason})
            problem = self._sbc.switch_over(reason, now)
            if problem:
                raise UserError(problem, tag="resource-denied")
            await self._driver.settle()
            standby = self._sbc.servers.standby
            assert standby is not None
            return SwitchedOver(now.datetime(), self._sbc.servers.active.name, standby.name)

    async def bounce_port(self, address_context: str, zone: str, sip_sig_port: int) -> Bounced:
        """Take a sipSigPort out of service and back, in two commits as an operator would.

        Nobody else has a word in between. Raises UserError where it is not in service or a commit is refused.
        """
        async with self._changing:
            self._note("bounce", {"addressContext": address_context, "zone": zone, "sipSigPort": sip_sig_port})
            closed = await self._console.bounce(address_context, zone, sip_sig_port)
        return Bounced(self._clock.now(), closed)

    async def close_connection(self, connection: int) -> bool:
        """Close a live connection from the box's side; False if there is none of that id."""
        if any(record.id == connection for record in self._sbc.connections()):
            self._note("closeConnection", {"connection": connection})
        found = self._sbc.close_connection(connection, "closed by the control API", self._driver.now())
        await self._driver.settle()
        return found

    def cli(self, line: str) -> str:
        """Type one line into a CLI session of its own, which lasts; return what the box prints."""
        return self._console.type(line)

    # inside

    def _note(self, action: str, arguments: Mapping[str, str | int]) -> None:
        """Have the journal take note of what is done from outside, before it is done."""
        told = tuple((name, self._cleaned(each) if isinstance(each, str) else each) for name, each in arguments.items())
        self.events.add(self._clock.reading(), Controlled(action, told))

    def _cleaned(self, text: str) -> str:
        return redact(text, self._database.schema)

    def _close_state(self) -> None:
        if self._state is not None:
            self._state.close()

    def _port(self, usual: int) -> int:
        return 0 if self._ephemeral else usual

    def _control_overloaded(self, reason: str) -> None:
        where = "" if self._control_address is None else format_endpoint(self._control_address)
        self.events.add(self._clock.reading(), LogEvent("SYS", "major", f"connections to {where} wait: {reason}"))

    def _wake(self) -> None:
        # The device is in the middle of something: its effects are carried out in the next turn of the loop.
        if self._pump is None:
            self._pump = asyncio.get_running_loop().call_soon(self._pump_now)

    def _pump_now(self) -> None:
        self._pump = None
        self._driver.pump()


def _shown(kept: Kept) -> Snapshot:
    return Snapshot(kept.name, kept.taken.datetime(), kept.revision)


def _open_state(directory: Path, seed: int | None, schema: Node, now: Instant) -> State:
    from .device.state import State  # noqa: PLC0415 - SQLite is for those who ask for it

    return State(directory, seed, schema, now)


def _settings(given: Settings | None, *, rude: bool) -> Settings:
    settings = given or Settings()
    return replace(settings, rude=settings.rude or rude)


def _ha_mode(text: str) -> HaMode:
    try:
        return HaMode(text)
    except ValueError:
        raise UserError(f'"{text}" is no redundancy: {", ".join(mode.value for mode in HaMode)}') from None
