"""Where simulated addresses lie on the host: `AddressMap` decides, `Wiring` owns the bound sockets.

A simulated SBC has addresses like 10.1.2.3 that the host does not have. They are mapped to the bind address, or to
what `--map SIM=HOST` says. Nothing is opened to the world by accident: the simulator listens on loopback and on the
bind address it was given, and outside loopback it dials only networks that were allowed, whatever a configuration
says.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from sbcsim.addresses import format_endpoint
from sbcsim.clock import Instant
from sbcsim.config.proposal import Kept
from sbcsim.config.transaction import Author, CommitRecord, Pending, Proposal
from sbcsim.config.tree import Tree
from sbcsim.device.effects import Endpoint, ListenerKey, Transport
from sbcsim.errors import UserError
from sbcsim.grammar import message

from .reasons import reason_of

IpAddress: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
IpNetwork: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

Ports = Literal["default", "ephemeral"]
"""Simulated port numbers as they are, or free ones of the host."""

BACKLOG = 1024
"""Connections that the kernel holds while we are busy."""

MAX_RESERVED = 256
"""Sockets of closed listeners kept bound, so that a port that comes back has the host port its peers know."""


@dataclass(frozen=True, slots=True)
class AddressPair:
    """One `--map`: a simulated address lies at a host address. With ports it is about that one endpoint only."""

    simulated: str
    host: str
    simulated_port: int = 0
    host_port: int = 0


class RefusedDialError(UserError):
    """The simulator may not open a connection to that place."""


def parse_pair(text: str) -> AddressPair:
    """Read `SIM=HOST`, each an address with or without a port (`10.1.2.3:5061`, `[2001:db8::1]:5061`)."""
    simulated, equals, host = text.partition("=")
    if not equals:
        raise UserError(f'"{text}" is not a mapping such as 10.1.2.3=127.0.0.2 or 10.1.2.3:5061=127.0.0.1:15061')
    simulated_address, simulated_port = _parse_endpoint(simulated)
    host_address, host_port = _parse_endpoint(host)
    if host_port and not simulated_port:
        raise UserError(f'"{text}": a host port needs a simulated port')
    return AddressPair(simulated_address, host_address, simulated_port, host_port or simulated_port)


def parse_network(text: str) -> IpNetwork:
    """Read a network such as `10.0.0.0/8`, or one address."""
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise UserError(f'"{text}" is not a network such as 10.0.0.0/8') from None


class AddressMap:
    """Which host address a simulated one lies at, for listening and for dialling."""

    def __init__(
        self,
        bind: str = "127.0.0.1",
        ports: Ports = "default",
        maps: Iterable[AddressPair] = (),
        allow_dial: Iterable[IpNetwork] = (),
    ) -> None:
        self.bind = str(_parse_address(bind))
        self.ports = ports
        self._allowed = tuple(allow_dial)
        self._endpoints: dict[Endpoint, Endpoint] = {}
        self._addresses: dict[str, str] = {}
        self._simulated: dict[str, str] = {}
        for pair in maps:
            if pair.simulated_port:
                self._endpoints[pair.simulated, pair.simulated_port] = (pair.host, pair.host_port)
            else:
                self._addresses[pair.simulated] = pair.host
        hosts = list(self._addresses.values())
        self._simulated = {host: address for address, host in self._addresses.items() if hosts.count(host) == 1}

    def to_listen(self, simulated: Endpoint) -> tuple[Endpoint, ...]:
        """Return the host endpoints to try for a listener, the best first; port 0 is any free one."""
        address, port = str(_parse_address(simulated[0])), simulated[1]
        if (address, port) in self._endpoints:
            return (self._endpoints[address, port],)
        if self.ports == "ephemeral":
            port = 0
        if address in self._addresses:
            return ((self._addresses[address], port),)
        if address == self.bind or not self._may_listen(address):
            return ((self.bind, port),)
        return ((address, port), (self.bind, port))

    def to_answer(self, simulated: Endpoint) -> Endpoint:
        """Return the host endpoint of somebody who has asked, and so may be answered wherever that is."""
        address, port = str(_parse_address(simulated[0])), simulated[1]
        return self._endpoints.get((address, port)) or (self._addresses.get(address, address), port)

    def to_dial(self, simulated: Endpoint) -> Endpoint:
        """Return the host endpoint that a simulated one is dialled at; raises RefusedDialError."""
        host = self.to_answer(simulated)
        target = ipaddress.ip_address(host[0])
        if not target.is_loopback and not any(target in network for network in self._allowed):
            raise RefusedDialError(f"dialling {host[0]} is not allowed: it is outside loopback")
        return host

    def to_dial_from(self, simulated: str, target: Endpoint) -> Endpoint | None:
        """Return the host address to dial from, port 0; None leaves the choice to the host.

        Only loopback addresses are chosen: there a peer tells two sipSigPorts apart by where they come from.
        """
        if not simulated:
            return None
        address = str(_parse_address(simulated))
        source = ipaddress.ip_address(self._addresses.get(address, address))
        destination = ipaddress.ip_address(target[0])
        if source.is_loopback and destination.is_loopback and source.version == destination.version:
            return (str(source), 0)
        return None

    def from_host(self, host: Endpoint) -> Endpoint:
        """Return the simulated endpoint of a peer that dialled in; an address that is not mapped is its own."""
        return (self._simulated.get(host[0], host[0]), host[1])

    def _may_listen(self, address: str) -> bool:
        # An address of the host outside loopback is only used where the bind address opens the simulator to all.
        return ipaddress.ip_address(address).is_loopback or ipaddress.ip_address(self.bind).is_unspecified


class Wiring:
    """The listening sockets of the box, opened before a commit is accepted so that a port in use refuses it.

    `opening` tells which listeners a proposal opens in addition, `wanted` which ones a configuration has at all.
    With ephemeral ports the socket of a closed listener stays bound (but does not listen: connections are refused),
    so that the listener is found in the same place when it comes back.
    """

    def __init__(
        self,
        addresses: AddressMap,
        opening: Callable[[Proposal], frozenset[ListenerKey]],
        wanted: Callable[[Tree], frozenset[ListenerKey]],
    ) -> None:
        self.addresses = addresses
        self._opening = opening
        self._wanted = wanted
        self._open: dict[ListenerKey, socket.socket] = {}
        self._reserved: OrderedDict[_Slot, socket.socket] = OrderedDict()
        self._prepared: list[_Slot] = []

    def open(self, key: ListenerKey) -> socket.socket:
        """Hand out the listening socket of a listener; raises UserError where there can be none."""
        sock = self._reserved.pop(_slot(key), None)
        if sock is not None:
            try:
                sock = _wake(sock)
            except OSError:  # a reservation keeps others away only as long as they do not insist
                sock = None
        self._open[key] = sock = sock or self._listen(key)
        return sock

    def close_listener(self, key: ListenerKey) -> None:
        """Close a listener's socket."""
        sock = self._open.pop(key)
        where = endpoint_of(sock)
        sock.close()
        if self.addresses.ports == "ephemeral":
            try:
                self._reserve(_slot(key), _muted(where, key.transport))
            except OSError:
                return  # somebody was quicker: the listener gets another port when it comes back

    def close(self) -> None:
        """Close every socket."""
        for sock in (*self._open.values(), *self._reserved.values()):
            sock.close()
        self._open.clear()
        self._reserved.clear()

    def listeners(self) -> Mapping[ListenerKey, Endpoint]:
        """Return where on the host each open listener is."""
        return {key: endpoint_of(sock) for key, sock in self._open.items()}

    # As a subscriber of the configuration.

    def prework(self, proposal: Proposal) -> Callable[[], None] | None:  # noqa: ARG002 - the subscriber's signature
        """Return nothing: binding is quick."""
        return None

    def validate(self, proposal: Proposal) -> None:
        """Bind nothing for a mere check: whether a port is free can change until the commit."""

    def prepare(self, proposal: Proposal) -> None:
        """Bind what the commit adds; raises UserError where a port of the host is taken."""
        self._prepared.clear()
        for key in sorted(self._opening(proposal) - self._open.keys(), key=lambda each: each.address):
            if _slot(key) in self._reserved:
                continue
            try:
                self._reserve(_slot(key), self._listen(key))
            except UserError:
                if self._leaves(key, proposal.new):
                    continue
                self.abandon(proposal)
                raise
            self._prepared.append(_slot(key))

    def abandon(self, proposal: Proposal) -> None:  # noqa: ARG002 - the subscriber's signature
        """Give back what was bound."""
        for slot in self._prepared:
            self._reserved.pop(slot).close()
        self._prepared.clear()

    def kept(self, proposal: Proposal) -> Kept:  # noqa: ARG002 - the subscriber's signature
        """Keep nothing: sockets do not survive."""
        return {}

    def awaits(self, pending: Pending | None, now: Instant) -> None:
        """Take no note: a commit that waits to be confirmed has its sockets like any other."""

    def apply(self, proposal: Proposal, record: CommitRecord) -> None:  # noqa: ARG002 - the subscriber's signature
        """Keep what was bound until the device opens its listeners."""
        self._prepared.clear()

    def refused(self, author: Author, now: Instant, reason: str) -> None:
        """Take no note: what was bound has been given back by `abandon`."""

    def _leaves(self, key: ListenerKey, tree: Tree) -> bool:
        """Whether the place that `key` wants is held by a listener of ours that the same commit closes."""
        places = self.addresses.to_listen(key.address)
        holders = {
            holder
            for holder, sock in self._open.items()
            if _kind(holder.transport) is _kind(key.transport) and endpoint_of(sock) in places
        }
        return bool(holders) and not holders & self._wanted(tree)

    def _reserve(self, slot: _Slot, sock: socket.socket) -> None:
        self._reserved[slot] = sock
        if len(self._reserved) > MAX_RESERVED:
            self._reserved.popitem(last=False)[1].close()

    def _listen(self, key: ListenerKey) -> socket.socket:
        *better, last = self.addresses.to_listen(key.address)
        for place in better:
            try:
                return _bound(place, key.transport, listens=True)
            except OSError as error:
                if error.errno not in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}:
                    raise _cannot_bind(key, place, error) from None
        try:
            return _bound(last, key.transport, listens=True)
        except OSError as error:
            raise _cannot_bind(key, last, error) from None


def endpoint_of(sock: socket.socket) -> Endpoint:
    """Return the host endpoint that a socket is bound to."""
    name = sock.getsockname()
    return (str(name[0]), int(name[1]))


_Slot = tuple[socket.SocketKind, Endpoint]
"""A simulated endpoint for connections or for datagrams: both may have the same one."""


def _kind(transport: Transport) -> socket.SocketKind:
    return socket.SOCK_DGRAM if transport is Transport.UDP else socket.SOCK_STREAM


def _slot(key: ListenerKey) -> _Slot:
    return _kind(key.transport), key.address


def _bound(place: Endpoint, transport: Transport, *, listens: bool = False) -> socket.socket:
    version6 = ":" in place[0]
    kind = _kind(transport)
    # asyncio sends without delay only where TCP is named; else a second answer waits for the ACK to the first, 40 ms.
    protocol = socket.IPPROTO_TCP if kind is socket.SOCK_STREAM else socket.IPPROTO_UDP
    sock = socket.socket(socket.AF_INET6 if version6 else socket.AF_INET, kind, protocol)
    try:
        if kind is socket.SOCK_STREAM:
            # Connections of a listener that was closed may still be there. Datagrams have none, and with this option
            # two sockets would share one place.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if version6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(place)
        if listens and kind is socket.SOCK_STREAM:  # only that makes the place ours alone
            sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


def _muted(place: Endpoint, transport: Transport) -> socket.socket:
    """Return a socket that keeps a place and takes nothing: others are refused there."""
    sock = _bound(place, transport)
    if sock.type is socket.SOCK_DGRAM:
        sock.connect(sock.getsockname())  # to itself: nobody else's datagrams come in
    return sock


def _wake(sock: socket.socket) -> socket.socket:
    """Return a socket that takes what comes, in the place that `sock` keeps."""
    if sock.type is socket.SOCK_STREAM:
        try:
            sock.listen(BACKLOG)
        except OSError:
            sock.close()
            raise
        return sock
    where = endpoint_of(sock)
    sock.close()
    return _bound(where, Transport.UDP)


def _cannot_bind(key: ListenerKey, place: Endpoint, error: OSError) -> UserError:
    why = reason_of(error)
    path = ("addressContext", key.address_context, "zone", key.zone, "sipSigPort", str(key.sip_sig_port))
    simulated, host = format_endpoint(key.address), format_endpoint(place)
    return UserError(
        message("refusal.host_port", path=" ".join(path), simulated=simulated, host=host, reason=why), path=path
    )


def _parse_address(text: str) -> IpAddress:
    try:
        return ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        raise UserError(f'"{text}" is not an IP address') from None


def _parse_endpoint(text: str) -> Endpoint:
    address, port = text, ""
    if text.startswith("["):
        address, _, rest = text[1:].partition("]")
        if rest and not rest.startswith(":"):
            raise UserError(f'"{text}" is not an address with a port')
        port = rest[1:]
    elif text.count(":") == 1:
        address, _, port = text.partition(":")
    if port and not (port.isdecimal() and 0 < int(port) < 65536):
        raise UserError(f'"{text}" has no valid port')
    return str(_parse_address(address)), int(port or 0)
