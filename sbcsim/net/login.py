"""What all SSH services of the box share: the port, the host keys, and how users prove who they are."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncssh

from sbcsim.addresses import format_endpoint
from sbcsim.clock import Instant
from sbcsim.device.faults import Faults
from sbcsim.device.managementpoints import SSH_ACCEPT, SSH_BANNER, SSH_CHANNEL, SSH_KEY, SSH_REFUSED, SSH_SLOW
from sbcsim.device.users import Account, Users
from sbcsim.errors import UserError
from sbcsim.events import LogEvent, Login, Logout
from sbcsim.journal import Journal

from .accepting import Acceptor
from .reasons import reason_of

_ATTEMPTS = 6  # as OpenSSH's MaxAuthTries
_LOGIN_SECONDS = 60.0
_CLOSE_SECONDS = 0.5
_GOODBYE_SECONDS = 0.1
_RSA_BITS = 2048
BACKLOG = 100
"""Connections that the kernel holds while we are busy."""

_ALGORITHMS = _ED25519, _RSA = "ssh-ed25519", "ssh-rsa"
_NAME_SHOWN = 64
_Challenge = tuple[str, str, str, list[tuple[str, bool]]]

# asyncssh logs commands as they were typed, pass phrases and all, at level INFO.
if logging.getLogger("asyncssh").level == logging.NOTSET:
    asyncssh.set_log_level(logging.WARNING)


class HostKeys:
    """The host keys of the box, one set for all its ports: Ed25519 at once, RSA when it has been made.

    `kept` are those of an earlier process, by algorithm; `keep` has new ones survive this one, and may refuse to.
    """

    def __init__(
        self, kept: Mapping[str, bytes] | None = None, keep: Callable[[Mapping[str, bytes]], None] | None = None
    ) -> None:
        found = kept or {}
        self._keys = {name: asyncssh.import_private_key(found[name]) for name in _ALGORITHMS if name in found}
        self._kept = set(self._keys)
        self._keep = keep
        self._making = threading.Lock()

    def ready(self) -> list[asyncssh.SSHKey]:
        """Return the keys that are there."""
        if _ED25519 not in self._keys:
            self._keys[_ED25519] = asyncssh.generate_private_key(_ED25519)
        self.keep()
        return list(self._keys.values())

    @property
    def complete(self) -> bool:
        """The RSA key is there too."""
        return _RSA in self._keys

    def make_rsa(self) -> None:
        """Make the RSA key, which takes tens of milliseconds; for a thread."""
        with self._making:
            if not self.complete:
                self._keys[_RSA] = asyncssh.generate_private_key(_RSA, key_size=_RSA_BITS)

    def keep(self) -> None:
        """Have the keys survive the process; raises UserError."""
        new = {name: key for name, key in self._keys.items() if name not in self._kept}
        if self._keep is not None and new:
            self._keep({name: key.export_private_key() for name, key in new.items()})
            self._kept |= new.keys()


HOST_KEYS = HostKeys()
"""Those of every node of the process that has none of its own."""


class SshPort:
    """One listening SSH port with everything that hangs on it; subclasses say what a channel gets.

    After `close` no task, thread or socket is left.
    """

    service = ""
    interactive = False
    """The port is for people: users without interactive access are turned away."""

    def __init__(
        self,
        *,
        users: Users,
        journal: Journal,
        now: Callable[[], Instant],
        banner: Callable[[], str] = str,
        faults: Faults | None = None,
        host_keys: HostKeys = HOST_KEYS,
    ) -> None:
        self._host_keys = host_keys
        self.faults = faults or Faults(journal, 0)
        self.users = users
        self.journal = journal
        self.now = now
        self.banner = banner
        self.connections: set[asyncssh.SSHServerConnection] = set()
        self._socket: socket.socket | None = None
        self._acceptor: Acceptor | None = None
        self._options: asyncssh.SSHServerConnectionOptions | None = None
        self._executor = ThreadPoolExecutor(max_workers=2, thread_name_prefix=f"sbcsim-{self.service}")
        self.working: set[asyncio.Future[Any]] = set()
        self._goodbyes: dict[asyncssh.SSHServerConnection, asyncio.TimerHandle] = {}
        self.host = ""
        self.port = 0

    @abstractmethod
    def open_channel(self, account: Account, remote: str, *, must_change: bool) -> asyncssh.SSHServerSession[Any]:
        """Return what serves a new channel of a user; one who `must_change` the password can do nothing else."""

    async def listen(self, host: str, port: int) -> None:
        """Bind and serve; port 0 takes a free one. Raises UserError where the address cannot be bound."""
        options: dict[str, Any] = {
            "server_factory": lambda: _Server(self),
            "encoding": "utf-8",
            "errors": "replace",
            "line_editor": False,
            "login_timeout": _LOGIN_SECONDS,
            "host_based_auth": False,
            "gss_host": None,
            "x11_forwarding": False,
            "agent_forwarding": False,
        }
        keys = self._host_keys.ready()
        self._options = await asyncssh.SSHServerConnectionOptions.construct(server_host_keys=keys, config=(), **options)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            self._socket = socket.create_server((host, port), family=family, backlog=BACKLOG)
        except OSError as error:
            raise UserError(f"cannot listen on {host} port {port}: {reason_of(error)}") from error
        self.host, self.port = host, int(self._socket.getsockname()[1])
        self._acceptor = Acceptor(self._socket, self._connection, self._overloaded)
        if not self._host_keys.complete:  # clients that insist on RSA may wait, the start does not
            self.run(self._host_keys.make_rsa).add_done_callback(self._add_host_keys)

    def run(self, work: Callable[[], Any]) -> asyncio.Future[Any]:
        """Run slow work in a thread of this port."""
        future = asyncio.get_running_loop().run_in_executor(self._executor, work)
        self.working.add(future)
        future.add_done_callback(self.working.discard)
        return future

    def hang_up(self, user: str | None = None) -> None:
        """Close every connection of this moment, or only a user's, once what was said last could be read."""
        loop = asyncio.get_running_loop()
        for connection in self.connections - self._goodbyes.keys():
            if user is None or connection.get_extra_info("username") == user:
                self._goodbyes[connection] = loop.call_later(_GOODBYE_SECONDS, connection.close)

    def forget(self, connection: asyncssh.SSHServerConnection) -> None:
        """Take note that a connection is gone."""
        self.connections.discard(connection)
        timer = self._goodbyes.pop(connection, None)
        if timer is not None:
            timer.cancel()

    def admits(self, name: str) -> bool:
        """Whether a user may use this port at all."""
        account = self.users.get(name)
        return account is not None and (account.interactive or not self.interactive)

    async def close(self) -> None:
        """Stop listening, end every connection, wait for work under way."""
        if self._acceptor is not None:
            self._acceptor.close()
            await self._acceptor.closed()
        for timer in self._goodbyes.values():
            timer.cancel()
        connections = tuple(self.connections)
        for connection in connections:
            connection.close()
        waiting = [asyncio.ensure_future(connection.wait_closed()) for connection in connections]
        if waiting:
            _, late = await asyncio.wait(waiting, timeout=_CLOSE_SECONDS)
            for connection in connections if late else ():
                connection.abort()
            await asyncio.gather(*waiting)
        if self._socket is not None:
            self._socket.close()
        if self.working:
            await asyncio.wait(tuple(self.working))
        self._executor.shutdown()

    def _connection(self) -> asyncssh.SSHServerConnection:
        assert self._options is not None
        return asyncssh.SSHServerConnection(asyncio.get_running_loop(), self._options)

    def _overloaded(self, reason: str) -> None:
        text = f"connections to {format_endpoint((self.host, self.port))} wait: {reason}"
        self.journal.add(self.now(), LogEvent("SSH", "major", text))

    def _add_host_keys(self, made: asyncio.Future[None]) -> None:
        made.result()
        if self._options is None:
            return
        try:
            keys = self._host_keys.ready()
        except UserError as error:  # a key that would be another one the next time is not shown
            self.journal.add(self.now(), LogEvent("SSH", "major", error.text))
            return
        self._options.update(server_host_keys=keys)


class _Server(asyncssh.SSHServer):
    """One client connection: proves the user, then opens channels."""

    def __init__(self, port: SshPort) -> None:
        self._port = port
        self._connection: asyncssh.SSHServerConnection | None = None
        self._remote = ""
        self._user = ""
        self._failures = 0
        self._key_refused = False
        self._by_key = False
        self._account: Account | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        peer = conn.get_extra_info("peername")  # None: it has gone since it was accepted
        self._remote = str(peer[0]) if peer else ""
        self._port.connections.add(conn)
        if self._fires(SSH_ACCEPT, self._port.service) is not None:
            conn.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._connection is not None:
            self._port.forget(self._connection)
        if isinstance(exc, OSError):  # what the host says; a client that leaves says nothing
            text = f"connection from {self._remote} lost: {reason_of(exc)}"
            self._port.journal.add(self._port.now(), LogEvent("SSH", "minor", text))
        if self._account is not None:
            self._tell(Logout(self._account.name, self._remote, self._port.service))
        elif self._key_refused and not self._failures:
            self._refused("public key not accepted")

    # proof of identity

    def begin_auth(self, username: str) -> bool | Awaitable[bool]:
        """Say the banner; True, for a proof is wanted, at once or as late as a fault wants it."""
        first, self._user = username != self._user, username
        banner = self._port.banner()
        if self._connection is not None and first:
            unasked = self._fires(SSH_BANNER)
            for text in (banner, unasked):
                if text:
                    self._connection.send_auth_banner(text.rstrip("\n") + "\n")
        milliseconds = self._fires(SSH_SLOW) if first else None
        return True if milliseconds is None else asyncio.sleep(int(milliseconds) / 1000, result=True)

    def password_auth_supported(self) -> bool:
        return True

    def kbdint_auth_supported(self) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        reason = self._port.users.judge(username, password, self._port.now())
        if not reason and not self._port.admits(username):
            reason = "no interactive access"
        if not reason and self._fires(SSH_REFUSED) is not None:
            reason = "wrong password"  # as it is told of any other
        if not reason:
            self._by_key = False
            return True
        self._failures += 1
        self._refused(reason)
        if self._failures >= _ATTEMPTS:
            raise asyncssh.DisconnectError(
                asyncssh.DISC_NO_MORE_AUTH_METHODS_AVAILABLE, "Too many authentication failures"
            )
        return False

    def get_kbdint_challenge(self, username: str, lang: str, submethods: str) -> _Challenge:  # noqa: ARG002
        return "", "", "", [("Password: ", False)]

    def validate_kbdint_response(self, username: str, responses: Sequence[str]) -> bool:
        return len(responses) == 1 and self.validate_password(username, responses[0])

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        known = self._port.users.key_allowed(username, key.export_public_key().decode())
        allowed = known and self._port.admits(username) and self._fires(SSH_KEY) is None
        self._key_refused |= not allowed
        self._by_key |= allowed
        return allowed

    def auth_completed(self) -> None:
        self._account = self._port.users.get(self._user)
        if self._account is not None:
            self._tell(Login(self._user, self._remote, self._port.service, accepted=True))

    # channels

    def session_requested(self) -> asyncssh.SSHServerSession[Any]:
        account = self._port.users.get(self._user)
        if account is None or not self._port.admits(self._user):  # as things are now, not as they were at the proof
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, "no access")
        if self._fires(SSH_CHANNEL) is not None:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_RESOURCE_SHORTAGE, "no resources")
        return self._port.open_channel(
            account, self._remote, must_change=not self._by_key and self._port.users.must_change(self._user)
        )

    def _fires(self, point: str, subject: str = "") -> str | None:
        port = self._port
        return port.faults.fires(point, subject or f"{self._user[:_NAME_SHOWN]}@{port.service}", port.now())

    def _refused(self, reason: str) -> None:
        shown = self._user[:_NAME_SHOWN]
        self._tell(Login(shown, self._remote, self._port.service, accepted=False, reason=reason))

    def _tell(self, event: Login | Logout) -> None:
        self._port.journal.add(self._port.now(), event)
