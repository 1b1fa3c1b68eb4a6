"""Which way a ping or a call goes: from which sipSigPort, over which transport, to which port."""

from __future__ import annotations

from collections.abc import Iterable

from .effects import Transport
from .listeners import Port
from .settings import Settings


def choose_sender(ports: Iterable[Port], transports: Iterable[Transport]) -> tuple[Port, Transport] | None:
    """Return the port and transport by order of preference, None if no port is in service for any of them."""
    serving = [port for port in ports if port.sends]
    for transport in transports:
        for port in serving:
            if port.config.allows(transport):
                return port, transport
    return None


def port_towards(number: int, transport: Transport, settings: Settings) -> int:
    """Return the port that is dialled for one that is configured; 0 is the usual one."""
    tls = transport is Transport.TLS
    if number == 0:
        return 5061 if tls else 5060
    return number + 1 if tls and settings.dial_tls_port_plus_one else number
