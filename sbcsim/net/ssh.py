"""The CLI over SSH: a shell with or without a terminal, single commands, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import asyncssh

from sbcsim.clock import Instant
from sbcsim.config.history import spell_time
from sbcsim.device.faults import Faults
from sbcsim.device.sessions import Sessions
from sbcsim.device.users import Account, Users
from sbcsim.events import Commit, ConfirmedCommit, Switchover
from sbcsim.grammar import message
from sbcsim.journal import Entry, Journal

from .channel import CliChannel
from .login import HOST_KEYS, HostKeys, SshPort
from .surroundings import SessionFactory, Surroundings

_PROTOCOLS = {"rest": "https"}  # everything else comes over ssh


async def start_cli_server(
    *,
    host: str,
    port: int,
    factory: SessionFactory,
    users: Users,
    sessions: Sessions,
    journal: Journal,
    now: Callable[[], Instant],
    banner: Callable[[], str] = str,
    idle_seconds: Callable[[], float] = float,
    accept_banner: Callable[[], bool] = bool,
) -> CliServer:
    """Listen for the CLI; port 0 takes a free one. Raises UserError where the address cannot be bound."""
    server = CliServer(
        factory=factory,
        users=users,
        sessions=sessions,
        journal=journal,
        now=now,
        banner=banner,
        idle_seconds=idle_seconds,
        accept_banner=accept_banner,
    )
    await server.listen(host, port)
    return server


class CliServer(SshPort):
    """The CLI port. `idle_seconds` tells after how much real time without input a shell is closed, 0 for never.

    With `accept_banner` a user on a terminal must say `yes` to the banner before the session begins.
    """

    service = "cli"
    interactive = True

    def __init__(
        self,
        *,
        factory: SessionFactory,
        users: Users,
        sessions: Sessions,
        journal: Journal,
        now: Callable[[], Instant],
        banner: Callable[[], str] = str,
        idle_seconds: Callable[[], float] = float,
        accept_banner: Callable[[], bool] = bool,
        standby: Callable[[], bool] = bool,
        faults: Faults | None = None,
        host_keys: HostKeys = HOST_KEYS,
    ) -> None:
        super().__init__(users=users, journal=journal, now=now, banner=banner, faults=faults, host_keys=host_keys)
        self._channels: set[CliChannel] = set()
        self._surroundings = Surroundings(
            factory,
            sessions,
            journal,
            now,
            self.run,
            idle_seconds,
            accept_banner,
            standby,
            self._channels,
            self.faults,
        )
        self._stop_reading: Callable[[], None] | None = None

    def open_channel(self, account: Account, remote: str, *, must_change: bool) -> asyncssh.SSHServerSession[Any]:
        """Return the session of one CLI channel."""
        return CliChannel(self._surroundings, account, remote, must_change=must_change)

    async def listen(self, host: str, port: int) -> None:
        """Bind and serve; port 0 takes a free one. Raises UserError where the address cannot be bound."""
        await super().listen(host, port)
        self._stop_reading = self.journal.subscribe(self._read_journal)

    def hang_up(self, user: str | None = None) -> None:
        """End every session of this moment, or only a user's; connections last until what was said could be read."""
        for channel in tuple(self._channels):
            if user in {None, channel.user}:
                channel.cut_off()
        super().hang_up(user)

    async def close(self) -> None:
        """Stop listening, end every connection, wait for work under way."""
        if self._stop_reading is not None:
            self._stop_reading()
            self._stop_reading = None
        await super().close()

    def announce(self, text: str) -> None:
        """Show a notice in every session on a terminal, once it waits at a prompt with nothing typed."""
        for channel in tuple(self._channels):
            channel.announce(text)

    def _read_journal(self, entry: Entry) -> None:
        """Tell sessions of the commits of others, and all of a confirmed commit that was rolled back."""
        event = entry.event
        if isinstance(event, ConfirmedCommit) and event.state == "rolled back":
            time = spell_time(entry.at.calendar)
            self.announce(message("access.not_confirmed", time=time, user=event.user, context=event.context))
        elif isinstance(event, Switchover):
            for channel in tuple(self._channels):
                channel.take_leave(message("access.switchover", time=spell_time(entry.at.calendar)))
        elif isinstance(event, Commit) and event.context != "system":
            self.announce(
                message(
                    "access.commit_notice",
                    time=spell_time(entry.at.calendar),
                    user=event.user,
                    protocol=_PROTOCOLS.get(event.context, "ssh"),
                    context=event.context,
                )
            )
