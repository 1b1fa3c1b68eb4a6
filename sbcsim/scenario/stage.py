"""What a scenario plays on: the box, its peers, their certificates, and the CLI sessions at it."""

from __future__ import annotations

import tempfile
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

import asyncssh

from sbcsim.addresses import format_endpoint, usual_address
from sbcsim.clock import VirtualClock
from sbcsim.device.settings import chosen
from sbcsim.errors import ScenarioError, UserError
from sbcsim.net.peer import PeerCall, SipPeer, TlsTerms
from sbcsim.net.terminal import Terminal
from sbcsim.simulator import Simulator

from .given import PeerSpec
from .loader import Loaded
from .minting import Mint
from .moments import moment

if TYPE_CHECKING:
    from .tool import ToolRun

_USUAL = {"admin": "admin"}

_Connected = TypeVar("_Connected")

STRANGER = "stranger"
"""Who dials to see what a new connection is shown."""


class Stage:
    """One scenario set up once, as an async context manager; raises ScenarioError where it cannot be."""

    def __init__(
        self, loaded: Loaded, *, seed: int | None = None, rude: bool = False, control: bool = False, tool: str = ""
    ) -> None:
        given = loaded.scenario.given
        self.loaded = loaded
        self.seed = loaded.seed(seed)
        self.users: Mapping[str, str] = given.users or _USUAL
        self.clock = VirtualClock(moment(given.clock, None))
        self.start = self.clock.reading().calendar
        try:
            self.mint = Mint(given, self.start)
        except UserError as error:
            raise loaded.error(error.text, "given") from None
        self.peers: dict[str, SipPeer] = {}
        self.names: dict[str, str] = {}
        """The names of the peers, by address and by the serial number of their certificate."""
        self.calls: dict[str, list[PeerCall]] = {}
        """The calls that steps have placed, by the name that they gave."""
        self.tool = tool
        """The command of the tool that the scenario is run for, "" for none."""
        self.tool_runs: list[ToolRun] = []
        self._rude = rude
        self._control = control
        self._sbc: Simulator | None = None
        self._known_ports: dict[str, tuple[str, int]] = {}
        self._tool_directory: Path | None = None
        self._terminals: dict[tuple[str, str], Terminal] = {}
        self._exits = AsyncExitStack()

    @property
    def sbc(self) -> Simulator:
        """The box."""
        assert self._sbc is not None, "the stage is set up by entering it"
        return self._sbc

    async def __aenter__(self) -> Self:
        try:
            maps = [await self._enter_peer(name, spec) for name, spec in self.loaded.scenario.given.peers.items()]
            await self._enter_box([each for each in maps if each])
        except BaseException:
            await self._exits.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exits.aclose()

    async def terminal(self, session: str, user: str | None = None) -> Terminal:
        """Return the CLI session of a name, logged in by SSH when it is first asked for."""
        name = user or next(iter(self.users))
        key = session, name
        if key not in self._terminals or not self._terminals[key].live:
            cli = self.sbc.ports.cli
            self._terminals[key] = await self.patiently(
                lambda: self._exits.enter_async_context(Terminal(cli.host, cli.port, name, self.users.get(name, "")))
            )
        return self._terminals[key]

    async def patiently(self, connect: Callable[[], Awaitable[_Connected]]) -> _Connected:
        """Return what comes of connecting to the box, at the second try where a rude box has turned away the first."""
        try:
            return await connect()
        except (ConnectionError, asyncssh.ConnectionLost):
            if not self._rude:
                raise
        return await connect()

    def forget(self, session: str, user: str | None = None) -> None:
        """Have a session that was lost log in anew when it is next asked for."""
        self._terminals.pop((session, user or next(iter(self.users))), None)

    def tool_directory(self) -> Path:
        """Return the directory of the tool's files, the same for each of its runs: it may keep notes beside them."""
        if self._tool_directory is None:
            self._tool_directory = Path(self._exits.enter_context(tempfile.TemporaryDirectory(prefix="sbcsim-")))
        return self._tool_directory

    async def leave(self) -> None:
        """End every CLI session that the play has opened."""
        terminals = [*self._terminals.values()]
        self._terminals.clear()
        for terminal in terminals:
            live, before = terminal.live, self.sbc.events.last
            await terminal.close()
            if live:  # whoever looks next is not to find it in configure mode still
                await self.sbc.wait_for("logout", after=before, service="cli")

    async def begin_anew(self) -> None:
        """Go back to the start: the box is reset, and no peer knows of what was before."""
        await self.leave()
        before = {name: [*peer.attempts] for name, peer in self.peers.items()}
        await self.sbc.reset()
        self.calls.clear()
        for name, peer in self.peers.items():
            peer.behave()
            await peer.forget(before[name])
        await self.sbc.settle()

    def stranger(self) -> SipPeer:
        """Return a new peer with a certificate that the first authority signs, who trusts them all."""
        authorities = [each.certificate for each in self.mint.authorities.values()]
        issued = self.mint.peer(STRANGER, PeerSpec())
        self.names[issued.certificate.serial] = STRANGER
        return SipPeer(issued, authorities, self.clock.reading)

    def port(self, text: str | None) -> tuple[str, int]:
        """Return where a sipSigPort (`ZONE1/1`) listens on the host, or has listened; the first where none is named."""
        listeners = [each for each in self.sbc.ports.sip if each.transport != "udp"]
        self._known_ports |= {f"{each.zone}/{each.sip_sig_port}": each.address for each in listeners}
        name = text or next(iter(self._known_ports), "")
        if name not in self._known_ports:
            raise UserError(f'no sipSigPort "{name}" listens; those that do: {", ".join(self._known_ports) or "none"}')
        return self._known_ports[name]

    async def _enter_peer(self, name: str, spec: PeerSpec) -> str:
        trusted = [*(spec.trusts if spec.trusts is not None else self.mint.authorities)]
        anchors = [self.mint.authority(each).certificate for each in trusted]
        try:
            issued = self.mint.peer(name, spec)
        except UserError as error:
            raise self.loaded.error(error.text, "given", "peers", name) from None
        place = format_endpoint((usual_address(spec.address), spec.port))
        self.names |= {issued.certificate.serial: name, place: name}
        peer = SipPeer(issued, anchors, self.clock.reading, terms=TlsTerms(names=spec.names, resumes=spec.resumes))
        self._exits.push_async_callback(peer.close)
        self.peers[name] = peer
        if not spec.listens:
            return ""
        port = await peer.listen()
        return f"{place}=127.0.0.1:{port}"

    async def _enter_box(self, maps: list[str]) -> None:
        given = self.loaded.scenario.given
        with tempfile.TemporaryDirectory(prefix="sbcsim-") as directory:
            file = Path(directory) / "configuration.cli"
            file.write_text("".join(f"{line.text}\n" for line in self.loaded.configuration), encoding="utf-8")
            self._sbc = Simulator(
                file,
                clock=self.clock,
                seed=self.seed,
                ha=given.ha,
                maps=maps,
                users=given.users or None,
                files=self.mint.placed,
                settings=chosen(f"{name}={value}" for name, value in given.settings.items()),
                control="serve" if self._control else "off",
                rude=self._rude,
            )
            try:
                await self._exits.enter_async_context(self._sbc)
            except ScenarioError as error:
                raise self._placed(error) from None

    def _placed(self, error: ScenarioError) -> ScenarioError:
        """Return a mistake in the configuration with its place in the scenario."""
        if not 0 < error.line <= len(self.loaded.configuration):
            return self.loaded.error(error.reason, "given", "configuration")
        line = self.loaded.configuration[error.line - 1]
        return ScenarioError(f"{error.reason} ({line.text})", file=line.file, line=line.line)
