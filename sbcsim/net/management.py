"""The ports that people and tools manage a system by: CLI and SFTP, at its own address and at each server's of a pair.

The system's own address belongs to whichever server is active, so a client that comes back after a switchover finds
the one that has taken over. At a server's own address one meets that server, standby or not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sbcsim.cli.session import Session
from sbcsim.clock import Instant
from sbcsim.device.files import VirtualFiles
from sbcsim.device.redundancy import Server
from sbcsim.device.sbc import Sbc

from .faultysftp import FaultySftpServer
from .login import HostKeys, SshPort
from .sftp import SftpServer
from .ssh import CliServer

CLI_PORT, SFTP_PORT = 10022, 12024
SERVER_STEP = 100
"""What the usual ports of each server of a pair lie above those of the system."""


@dataclass(frozen=True, slots=True)
class ManagementAddress:
    """CLI and SFTP at one management address."""

    cli: CliServer
    sftp: SftpServer


class Management:
    """Every management port of a system, from `listen` to `close`."""

    def __init__(self, sbc: Sbc, now: Callable[[], Instant], host_keys: HostKeys) -> None:
        self._sbc = sbc
        self._now = now
        self._host_keys = host_keys
        self.system = self._address(None)
        """Where the active server is."""
        self.servers = {server.name: self._address(server) for server in sbc.servers if len(sbc.servers) > 1}
        """Where each server of a pair is, by its name."""

    async def listen(self, host: str, number: Callable[[int], int]) -> None:
        """Serve everything; `number` makes a port number of the usual one. Raises UserError."""
        for step, address in enumerate((self.system, *self.servers.values())):
            await address.cli.listen(host, number(CLI_PORT + step * SERVER_STEP))
            await address.sftp.listen(host, number(SFTP_PORT + step * SERVER_STEP))

    def hang_up(self, user: str | None = None) -> None:
        """End every session of this moment, or only a user's, once what was said last could be read."""
        for port in self._ports():
            port.hang_up(user)

    async def end_sessions(self) -> None:
        """End every session at once, and wait until none is left."""
        connections = [connection for port in self._ports() for connection in port.connections]
        for connection in connections:
            connection.abort()
        await asyncio.gather(*(connection.wait_closed() for connection in connections))

    async def close(self) -> None:
        """Close everything."""
        await asyncio.gather(*(port.close() for port in self._ports()))

    def _ports(self) -> Iterator[SshPort]:
        for address in (self.system, *self.servers.values()):
            yield address.cli
            yield address.sftp

    def _address(self, server: Server | None) -> ManagementAddress:
        sbc, now = self._sbc, self._now

        def standby() -> bool:
            return server is not None and server is not sbc.servers.active

        def files() -> VirtualFiles:
            return sbc.files if server is None else sbc.files_of(server)

        cli = CliServer(
            factory=lambda author, terminal: Session(sbc, author, terminal, now()),
            users=sbc.users,
            sessions=sbc.sessions,
            journal=sbc.journal,
            now=now,
            banner=lambda: sbc.administration.banner,
            idle_seconds=lambda: sbc.administration.idle_seconds,
            accept_banner=lambda: sbc.administration.banner_must_be_accepted,
            standby=standby,
            faults=sbc.faults,
            host_keys=self._host_keys,
        )
        sftp = FaultySftpServer(
            files=files,
            users=sbc.users,
            journal=sbc.journal,
            now=now,
            banner=lambda: sbc.administration.banner,
            faults=sbc.faults,
            host_keys=self._host_keys,
        )
        return ManagementAddress(cli, sftp)
