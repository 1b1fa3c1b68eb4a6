"""Who may log in, by what, and what their group lets them do.

Passwords are kept as salted digests: no listing, journal or error can show one.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

_ROUNDS = 250  # slows a guess a little and keeps a login far below a millisecond
_WRITERS = frozenset({"Administrator"})
DEFAULT_USER = "admin"
DEFAULT_PASSWORD = "admin"  # noqa: S105 - the documented default, refused outside loopback


@dataclass(frozen=True, slots=True)
class Account:
    """One user. `keys` are public keys in OpenSSH form, `ssh-ed25519 AAAA...`; `digest` is of the password.

    `interactive`: may use the command line. `by_password`: the password opens something at all.
    """

    name: str
    group: str = "Administrator"
    digest: bytes = b""
    keys: frozenset[str] = frozenset()
    interactive: bool = True
    by_password: bool = True

    @property
    def home(self) -> str:
        """The directory where file transfers of this user start."""
        return f"/home/{self.group}/{self.name}"

    @property
    def may_write(self) -> bool:
        """The group may change files and configuration."""
        return self.group in _WRITERS


class Users:
    """The accounts of the box by name."""

    def __init__(self, accounts: Iterable[Account] = ()) -> None:
        self._accounts = {account.name: account for account in accounts}
        self._start = dict(self._accounts)

    def __iter__(self) -> Iterator[Account]:
        return iter(sorted(self._accounts.values(), key=lambda account: account.name))

    def __len__(self) -> int:
        return len(self._accounts)

    def add(self, name: str, password: str, *, group: str = "Administrator", keys: Iterable[str] = ()) -> Account:
        """Add a user, or give one another password, group and keys. An empty password allows login by key only."""
        account = replace(
            self._accounts.get(name) or Account(name),
            group=group,
            digest=_digest(name, password),
            keys=frozenset(_bare(key) for key in keys),
        )
        self._accounts[name] = account
        return account

    def configure(self, name: str, group: str, *, interactive: bool, by_password: bool) -> None:
        """Change what the configuration says of a user; one that is new cannot log in yet."""
        account = self._accounts.get(name) or Account(name)
        self._accounts[name] = replace(account, group=group, interactive=interactive, by_password=by_password)

    def remove(self, name: str) -> None:
        """Forget a user; raises KeyError where there is none."""
        del self._accounts[name]

    def get(self, name: str) -> Account | None:
        """Return the account of that name."""
        return self._accounts.get(name)

    def check(self, name: str, password: str) -> bool:
        """Say whether `password` is the user's; takes as long for an unknown user."""
        account = self._accounts.get(name)
        given = _digest(name, password)
        known = account.digest if account is not None and account.by_password else b""
        return hmac.compare_digest(given or b"\0", known) and bool(given)

    def key_allowed(self, name: str, key: str) -> bool:
        """Say whether the public key (OpenSSH form, comment ignored) may log in as `name`."""
        account = self._accounts.get(name)
        return account is not None and _bare(key) in account.keys

    @property
    def has_default_credentials(self) -> bool:
        """The documented default user still has the documented default password."""
        return self.check(DEFAULT_USER, DEFAULT_PASSWORD)

    def adopt_start(self) -> None:
        """Have `reset` return to the accounts of this moment."""
        self._start = dict(self._accounts)

    def reset(self) -> None:
        """Return to the accounts of the start."""
        self._accounts = dict(self._start)


def _digest(name: str, password: str) -> bytes:
    if not password:
        return b""
    return hashlib.pbkdf2_hmac("sha256", password.encode(), name.encode(), _ROUNDS)


def _bare(key: str) -> str:
    return " ".join(key.split()[:2])
