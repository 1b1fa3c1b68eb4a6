"""Which way a path check's ping goes: from which sipSigPort, over which transport, to which address."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from .effects import Endpoint, Transport
from .listeners import Port
from .objects import IpPeer, PathCheckProfile
from .settings import Settings


def choose_sender(ports: Iterable[Port], profile: PathCheckProfile) -> tuple[Port, Transport] | None:
    """Return the port and transport by the profile's preferences, None if no port is in service for any of them."""
    serving = [port for port in ports if port.sends]
    for transport in profile.transports:
        for port in serving:
            if port.config.allows(transport):
                return port, transport
    return None


def target(peer: IpPeer, transport: Transport, settings: Settings) -> tuple[Endpoint, str]:
    """Return where a peer is dialled, or why it cannot be."""
    address, port = peer.address, peer.port
    if peer.host_name:
        address, port = settings.hosts.get(peer.host_name) or _literal(peer.host_name), peer.host_port
        if not address:
            return ("", 0), f"hostName {peer.host_name} is not in the host table"
    if not address:
        return ("", 0), "ipAddress is not configured"
    tls = transport is Transport.TLS
    if port == 0:
        port = 5061 if tls else 5060
    elif tls and settings.dial_tls_port_plus_one:
        port += 1
    return (address, port), ""


def _literal(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""
