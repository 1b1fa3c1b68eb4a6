"""Who is logged in: the rows of `show users` and the limit of sessions per user."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sbcsim.clock import Instant
from sbcsim.config.transaction import Author
from sbcsim.errors import UserError
from sbcsim.grammar import message


@dataclass(slots=True, eq=False)
class LoginSession:
    """One login. `mode` is what `show users` prints under CONFIG MODE: "", "private" or "exclusive".

    One on the `standby` server can look at everything and change nothing. The `console` is whoever runs the simulator,
    and may do anything. `must_change`: the password has to be changed before anything else. `over`: the box has ended
    the session, though its client may not know yet. `before` is the user's last login to the command line, None where
    that is not to be told.
    """

    author: Author
    counted: bool
    standby: bool = False
    console: bool = False
    must_change: bool = False
    mode: str = ""
    over: bool = False
    before: Author | None = None

    @property
    def id(self) -> int:
        """The session number."""
        return self.author.session


class Sessions:
    """Every login of every northbound interface; numbers grow and are never used twice.

    `limit` tells how many sessions a user may have. File transfers and REST requests are not counted. One that
    `remembers` knows who was here before, until the process ends.
    """

    def __init__(self, limit: Callable[[str], int], *, remembers: bool = False) -> None:
        self._limit = limit
        self._remembers = remembers
        self._logins: dict[str, Author] = {}
        self._open: dict[int, LoginSession] = {}
        self._last = 0

    def __iter__(self) -> Iterator[LoginSession]:
        """Yield the sessions, newest first, as `show users` lists them."""
        return iter(sorted(self._open.values(), key=lambda session: -session.id))

    def __len__(self) -> int:
        return len(self._open)

    def open(
        self,
        user: str,
        now: Instant,
        *,
        context: str,
        remote: str,
        protocol: str = "ssh",
        counted: bool = True,
        standby: bool = False,
        console: bool = False,
        must_change: bool = False,
    ) -> LoginSession:
        """Begin a session; raises UserError where the user has as many as allowed."""
        if counted:
            present = sum(session.counted and session.author.user == user for session in self._open.values())
            if present >= self._limit(user):
                raise UserError(message("access.sessions_full"), tag="resource-denied")
        self._last += 1
        author = Author(
            user=user, context=context, session=self._last, remote=remote, protocol=protocol, since=now.calendar
        )
        session = LoginSession(author, counted, standby, console, must_change)
        if self._remembers and context == "cli" and not console:
            session.before = self._logins.get(user)
            self._logins[user] = author
        self._open[session.id] = session
        return session

    def get(self, number: int) -> LoginSession | None:
        """Return the session of that number."""
        return self._open.get(number)

    def close(self, number: int) -> None:
        """End a session; ending it twice does nothing, since channel and connection may both report it."""
        self._open.pop(number, None)

    def forget(self) -> None:
        """Forget who was here before."""
        self._logins.clear()

    def end(self, user: str | None = None) -> None:
        """End all sessions but the console's, or all of a user."""
        for session in tuple(self._open.values()):
            if not session.console and user in {None, session.author.user}:
                session.over = True
                self.close(session.id)
