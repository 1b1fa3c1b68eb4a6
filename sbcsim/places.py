"""Where everything of one simulator listens on the host."""

from __future__ import annotations

import os
from collections.abc import Mapping

from .addresses import format_endpoint
from .clock import Clock
from .control import views
from .control.models import Address, Ports, Ready, ServerPorts, SipListener
from .device.effects import Endpoint, ListenerKey
from .device.files import CERTIFICATE_DIRECTORY
from .net.login import SshPort
from .net.management import Management
from .version import __version__


def ports(management: Management, sip: Mapping[ListenerKey, Endpoint], control: Address | None) -> Ports:
    """Return the ports of a node that has started; `sip` is where on the host its sipSigPorts listen."""
    return Ports(
        cli=_where(management.system.cli),
        sftp=_where(management.system.sftp),
        control=control,
        netconf=None,
        rest=None,
        sip=tuple(
            SipListener(
                key.address_context,
                key.zone,
                key.sip_sig_port,
                views.transport_word(key.transport),
                Address(*place),
            )
            for key, place in sorted(sip.items(), key=_listener_order)
        ),
        servers=tuple(
            ServerPorts(name, _where(each.cli), _where(each.sftp)) for name, each in management.servers.items()
        ),
    )


def ready(listening: Ports, clock: Clock) -> Ready:
    """Return the content of the ready line."""
    return Ready(
        version=__version__,
        pid=os.getpid(),
        cli=listening.cli,
        sftp=listening.sftp,
        netconf=listening.netconf,
        rest=listening.rest,
        control=None if listening.control is None else f"http://{format_endpoint(listening.control)}",
        cert_dir=CERTIFICATE_DIRECTORY,
        now=clock.now(),
        sip=listening.sip,
        servers=listening.servers,
    )


def _where(port: SshPort) -> Address:
    return Address(port.host, port.port)


def _listener_order(item: tuple[ListenerKey, Endpoint]) -> tuple[str, str, int, str]:
    key, _ = item
    return key.address_context, key.zone, key.sip_sig_port, key.transport.value
