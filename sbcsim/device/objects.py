"""The configured objects that the device acts on, read from the tree into typed values, one object at a time."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass

from sbcsim.config.listing import Listing
from sbcsim.config.ports import signaling_addresses
from sbcsim.config.tree import Tree
from sbcsim.schema.node import Path

from .connections import PeerKey, PortKey
from .effects import Endpoint, ListenerKey, Transport

InterfaceKey = tuple[str, str, str]
"""addressContext, ipInterfaceGroup, ipInterface."""

GroupKey = tuple[str, str]
"""addressContext, ipInterfaceGroup."""

DEFAULT_TLS_PROFILE = "defaultTlsProfile"

_TRANSPORTS = (("sip-udp", Transport.UDP, 0), ("sip-tcp", Transport.TCP, 0), ("sip-tls-tcp", Transport.TLS, 1))


def port_path(key: PortKey) -> Path:
    """Return the instance path of a sipSigPort."""
    return ("addressContext", key[0], "zone", key[1], "sipSigPort", str(key[2]))


def peer_path(key: PeerKey) -> Path:
    """Return the instance path of an ipPeer."""
    return ("addressContext", key[0], "zone", key[1], "ipPeer", key[2])


def interface_path(key: InterfaceKey) -> Path:
    """Return the instance path of an ipInterface."""
    return ("addressContext", key[0], "ipInterfaceGroup", key[1], "ipInterface", key[2])


def certificate_path(name: str) -> Path:
    """Return the instance path of a pki certificate."""
    return ("system", "security", "pki", "certificate", name)


def _text(tree: Tree, path: Path) -> str:
    value = tree.value(path)
    return "" if value is None else str(value)


def _number(tree: Tree, path: Path) -> int:
    value = tree.value(path)
    return value if isinstance(value, int) else 0


def _set(tree: Tree, path: Path) -> tuple[str, ...]:
    value = tree.value(path)
    return tuple(str(item) for item in value) if isinstance(value, tuple) else ()


@dataclass(frozen=True, slots=True)
class IpInterface:
    """One ipInterface."""

    key: InterfaceKey
    address: str
    prefix: str
    alternative: str
    alternative_prefix: str
    enabled: bool
    in_service: bool
    action: str
    dryup_minutes: int

    @property
    def up(self) -> bool:
        """Enabled and in service: sipSigPorts of the group can be bound to it."""
        return self.enabled and self.in_service


def read_interface(tree: Tree, key: InterfaceKey) -> IpInterface | None:
    """Return an ipInterface as configured, None where there is none."""
    path = interface_path(key)
    if not tree.exists(path):
        return None
    return IpInterface(
        key=key,
        address=_text(tree, (*path, "ipAddress")),
        prefix=_text(tree, (*path, "prefix")),
        alternative=_text(tree, (*path, "altIpAddress")),
        alternative_prefix=_text(tree, (*path, "altPrefix")),
        enabled=tree.value((*path, "state")) == "enabled",
        in_service=tree.value((*path, "mode")) == "inService",
        action=_text(tree, (*path, "action")).lower(),
        dryup_minutes=_number(tree, (*path, "dryupTimeout")),
    )


def interfaces_of(tree: Tree, group: GroupKey) -> Iterator[IpInterface]:
    """Yield the ipInterfaces of a group in key order."""
    for (name,) in tree.keys(("addressContext", group[0], "ipInterfaceGroup", group[1], "ipInterface")):
        interface = read_interface(tree, (*group, name))
        if interface is not None:
            yield interface


@dataclass(frozen=True, slots=True)
class SipSigPort:
    """One sipSigPort. `interface` is the ipInterface it is bound to, None while the group has none in service."""

    key: PortKey
    group: GroupKey
    interface: InterfaceKey | None
    addresses: tuple[str, ...]
    number: int
    enabled: bool
    in_service: bool
    action: str
    dryup_minutes: int
    transports: tuple[str, ...]
    tls_profile: str
    connect_seconds: int

    @property
    def serves(self) -> bool:
        """Configured to be in service, on an interface that is."""
        return self.enabled and self.in_service and self.interface is not None

    def listeners(self) -> tuple[ListenerKey, ...]:
        """Return the sockets of this port: TLS one above portNumber."""
        return tuple(
            ListenerKey(*self.key, transport, (address, self.number + offset))
            for address in self.addresses
            for name, transport, offset in _TRANSPORTS
            if name in self.transports
        )

    def listener_towards(self, remote: Endpoint, transport: Transport) -> ListenerKey:
        """Return the socket whose address stands for the port towards `remote`: of the same family if there is one."""
        listeners = [each for each in self.listeners() if each.transport is transport]
        family = ":" in remote[0]
        return next((each for each in listeners if (":" in each.address[0]) is family), listeners[0])

    def allows(self, transport: Transport) -> bool:
        """Whether SIP may leave this port over a transport."""
        return any(name in self.transports for name, each, _ in _TRANSPORTS if each is transport)


def read_port(tree: Tree, key: PortKey, *, held: Container[InterfaceKey] = ()) -> SipSigPort | None:
    """Return a sipSigPort as configured, None where there is none.

    Without ipAddressV4 and ipAddressV6 it is bound to the first enabled ipInterface of its group; with one, to the
    ipInterface that has this address, else to that first one. One that is `held` counts as in service.
    """
    path = port_path(key)
    if not tree.exists(path):
        return None
    group = (key[0], _text(tree, (*path, "ipInterfaceGroupName")))
    addresses = signaling_addresses(tree, path)
    chosen = _bound_interface(tree, group, addresses)
    usable = chosen is not None and (chosen.up or chosen.key in held)
    return SipSigPort(
        key=key,
        group=group,
        interface=chosen.key if chosen is not None and usable else None,
        addresses=addresses,
        number=_number(tree, (*path, "portNumber")),
        enabled=tree.value((*path, "state")) == "enabled",
        in_service=tree.value((*path, "mode")) == "inService",
        action=_text(tree, (*path, "action")).lower(),
        dryup_minutes=_number(tree, (*path, "dryUpTimeout")),
        transports=_set(tree, (*path, "transportProtocolsAllowed")),
        tls_profile=_text(tree, (*path, "tlsProfileName")) or DEFAULT_TLS_PROFILE,
        connect_seconds=_number(tree, (*path, "tcpConnectTimeout")),
    )


def _bound_interface(tree: Tree, group: GroupKey, addresses: tuple[str, ...]) -> IpInterface | None:
    interfaces = list(interfaces_of(tree, group))
    for interface in interfaces:
        if interface.address in addresses or interface.alternative in addresses:
            return interface
    return next((interface for interface in interfaces if interface.enabled), None)


def zone_keys(tree: Tree) -> Iterator[tuple[str, str]]:
    """Yield every addressContext and zone of the configuration in path order."""
    for (context,) in tree.keys(("addressContext",)):
        for (zone,) in tree.keys(("addressContext", context, "zone")):
            yield context, zone


def port_keys(tree: Tree) -> Iterator[PortKey]:
    """Yield every sipSigPort of the configuration in path order."""
    for context, zone in zone_keys(tree):
        yield from zone_ports(tree, context, zone)


def zone_ports(tree: Tree, context: str, zone: str) -> Iterator[PortKey]:
    """Yield the sipSigPorts of one zone by index."""
    for (index,) in tree.keys(("addressContext", context, "zone", zone, "sipSigPort")):
        yield (context, zone, int(index))


def zone_peers(tree: Tree, context: str, zone: str) -> Iterator[PeerKey]:
    """Yield the ipPeers of one zone by name."""
    for (name,) in _peer_list(tree, context, zone):
        yield (context, zone, name)


def differing_peers(before: Tree, after: Tree) -> Iterator[PeerKey]:
    """Yield the ipPeers that are not in one configuration what they are in the other, or only in one, by zone and name.

    A zone whose peers both trees share costs nothing, one with changes a look at each entry, which is not read.
    """
    for context, zone in dict.fromkeys((*zone_keys(before), *zone_keys(after))):
        for (name,) in _peer_list(after, context, zone).differing(_peer_list(before, context, zone)):
            yield (context, zone, name)


def _peer_list(tree: Tree, context: str, zone: str) -> Listing:
    return tree.listing(("addressContext", context, "zone", zone, "ipPeer"))


@dataclass(frozen=True, slots=True)
class IpPeer:
    """One ipPeer with its pathCheck."""

    key: PeerKey
    address: str
    port: int
    path_check: bool
    profile: str
    host_name: str
    host_port: int
    status_update: bool
    fqdn: str

    @property
    def certified_name(self) -> str:
        """The name that the peer's certificate has to carry where a tlsProfile says peerNameVerify."""
        return self.host_name or self.fqdn or self.address


def read_peer(tree: Tree, key: PeerKey) -> IpPeer | None:
    """Return an ipPeer as configured, None where there is none."""
    path = peer_path(key)
    if not tree.exists(path):
        return None
    check = (*path, "pathCheck")
    return IpPeer(
        key=key,
        address=_text(tree, (*path, "ipAddress")),
        port=_number(tree, (*path, "ipPort")),
        path_check=tree.value((*check, "state")) == "enabled",
        profile=_text(tree, (*check, "profile")),
        host_name=_text(tree, (*check, "hostName")),
        host_port=_number(tree, (*check, "hostPort")),
        status_update=tree.value((*check, "statusUpdateSupport")) == "enabled",
        fqdn=_text(tree, (*path, "policy", "sip", "fqdn")),
    )


@dataclass(frozen=True, slots=True)
class PathCheckProfile:
    """One pathCheckProfile, as it was when the pathCheck that uses it was enabled."""

    protocol: str
    interval_seconds: int
    reply_timeout_count: int
    recovery_count: int
    failure_codes: tuple[str, ...]
    transports: tuple[Transport, ...]

    def is_failure(self, status: int) -> bool:
        """Whether a final answer counts as failure; with no code listed any answer is a success."""
        if not self.failure_codes:
            return False
        wanted = {str(status), f"all{status // 100}xx"}
        if status >= 400:
            wanted.add("all")
        return not wanted.isdisjoint(self.failure_codes)


_SIMULATED = {"udp": Transport.UDP, "tcp": Transport.TCP, "tls-tcp": Transport.TLS}


def preferred_transports(tree: Tree, profile: str) -> tuple[Transport, ...]:
    """Return the transports that a pathCheckProfile prefers, without SCTP; "" stands for the usual order."""
    if not profile:
        return (Transport.UDP, Transport.TCP, Transport.TLS)
    path = ("profiles", "services", "pathCheckProfile", profile, "transportPreference")
    preferences = [_text(tree, (*path, f"preference{number}")) for number in range(1, 5)]
    return tuple(_SIMULATED[name] for name in preferences if name in _SIMULATED)


def read_path_check_profile(tree: Tree, name: str) -> PathCheckProfile:
    """Return a pathCheckProfile."""
    path = ("profiles", "services", "pathCheckProfile", name)
    return PathCheckProfile(
        protocol=_text(tree, (*path, "protocol")),
        interval_seconds=_number(tree, (*path, "sendInterval")),
        reply_timeout_count=_number(tree, (*path, "replyTimeoutCount")),
        recovery_count=_number(tree, (*path, "recoveryCount")),
        failure_codes=_set(tree, (*path, "failureResponseCodes")),
        transports=preferred_transports(tree, name),
    )
