"""What an operator would do at the box, done from inside: lines typed into a session that lasts, a port bounced."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from .cli.session import Session
from .config.transaction import Author
from .device.sbc import Sbc
from .device.sessions import LoginSession
from .device.users import DEFAULT_USER
from .errors import UserError
from .events import CliSession, ConnectionClosed
from .net.driver import Driver


class Console:
    """One operator, who sits at the box itself: his session counts for no limit."""

    def __init__(self, sbc: Sbc, driver: Driver, where: str) -> None:
        self._sbc = sbc
        self._driver = driver
        self._where = where
        self._shell: Session | None = None
        self._login = 0

    def type(self, line: str) -> str:
        """Type one line into a CLI session of its own, which lasts; return what the box prints."""
        now = self._driver.now()
        if self._shell is None:
            user = next((each.name for each in self._sbc.users if each.may_write), DEFAULT_USER)
            login = self._sbc.sessions.open(
                user, now, context="cli", remote=self._where, protocol="console", counted=False, console=True
            )
            self._login = login.id
            self._shell = Session(self._sbc, login.author, None, now)
            self._shell.start(now)
            self._tell(login, ended=False)
        reply = self._shell.line(line, now)
        text = reply.text
        while reply.work is not None or reply.more:
            if reply.work is None:
                reply = self._shell.more(now)
            else:
                with suppress(UserError):  # met again by `resume`, which words it
                    reply.work()
                reply = self._shell.resume(now)
            text += reply.text
        if reply.ok and reply.exit_status is not None:  # piped input would end with a mistake; this goes on
            self.leave()
        self._driver.pump()
        return text

    def leave(self) -> None:
        """End the session, if there is one."""
        if self._shell is not None:
            self._shell.end(self._driver.now())
            self._shell = None
            login = self._sbc.sessions.get(self._login)
            if login is not None:
                self._sbc.sessions.close(self._login)
                self._tell(login, ended=True)

    def _tell(self, login: LoginSession, *, ended: bool) -> None:
        author = login.author
        event = CliSession(author.user, author.session, False, ended, author.remote, author.protocol)  # noqa: FBT003
        self._sbc.journal.add(self._driver.now(), event)

    async def bounce(self, address_context: str, zone: str, sip_sig_port: int) -> tuple[int, ...]:
        """Take a sipSigPort out of service and back, in two commits; return the connections that this ended.

        Raises UserError where it is not in service, or where a commit is refused.
        """
        path = ("addressContext", address_context, "zone", zone, "sipSigPort", str(sip_sig_port))
        running = self._sbc.database.running
        if running.value((*path, "state")) != "enabled" or running.value((*path, "mode")) != "inService":
            raise UserError(f"sipSigPort {sip_sig_port} of zone {zone} is not in service", tag="resource-denied")
        before = self._sbc.journal.last
        for mode, state in (("outOfService", "disabled"), ("inService", "enabled")):
            self._commit({(*path, "mode"): mode, (*path, "state"): state})
        await self._driver.settle()
        ended = (entry.event for entry in self._sbc.journal.after(before))
        return tuple(event.connection for event in ended if isinstance(event, ConnectionClosed))

    def _commit(self, values: Mapping[tuple[str, ...], str]) -> None:
        now = self._driver.now()
        candidate = self._sbc.database.open(Author("system", "control", 0, self._where, "http", now.calendar))
        try:
            for path, value in values.items():
                candidate.set(path, value)
            candidate.commit(now)
        finally:
            self._sbc.database.close(candidate)
        self._driver.pump()
