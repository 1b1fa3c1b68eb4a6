"""The login behind a CLI channel: whether its user is let in, the place among the sessions, what the journal hears."""

from __future__ import annotations

from sbcsim.config.transaction import Author
from sbcsim.device import managementpoints
from sbcsim.device.sessions import LoginSession
from sbcsim.device.users import Account
from sbcsim.errors import UserError
from sbcsim.events import CliSession, Login
from sbcsim.grammar import message

from .surroundings import Surroundings


class CliLogin:
    """One login, from the request for a shell or a command to the end of its session."""

    def __init__(self, port: Surroundings, account: Account, remote: str, *, must_change: bool) -> None:
        self._port = port
        self._account = account
        self._remote = remote
        self._must_change = must_change and not port.standby()  # a standby server can change nothing
        self._session: LoginSession | None = None
        self._on_terminal = False

    @property
    def user(self) -> str:
        """Who is logged in."""
        return self._account.name

    def open(self, *, on_terminal: bool) -> Author:
        """Begin the session; raises UserError, and has told the journal, where the user is not let in."""
        now = self._port.now()
        try:
            if self._must_change and not on_terminal:
                raise UserError(message("access.must_change"))
            if self._port.faults.fires(managementpoints.LOGIN, self.user, now) is not None:
                raise UserError(message("access.sessions_full"))
            self._session = self._port.sessions.open(
                self.user,
                now,
                context="cli",
                remote=self._remote,
                standby=self._port.standby(),
                must_change=self._must_change,
            )
        except UserError as refusal:
            told = Login(self.user, self._remote, "cli", accepted=False, reason=refusal.text)
            self._port.journal.add(now, told)
            raise
        self._on_terminal = on_terminal
        self._tell(self._session.author, ended=False)
        return self._session.author

    def vacate(self) -> None:
        """Give up the place among the sessions, though the session is not over."""
        if self._session is not None:
            self._port.sessions.close(self._session.id)

    def close(self) -> None:
        """End the session; ending it twice does nothing."""
        self.vacate()
        if self._session is not None:
            self._tell(self._session.author, ended=True)
            self._session = None

    def _tell(self, author: Author, *, ended: bool) -> None:
        event = CliSession(author.user, author.session, self._on_terminal, ended, author.remote, author.protocol)
        self._port.journal.add(self._port.now(), event)
