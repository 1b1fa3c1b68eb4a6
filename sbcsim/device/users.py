"""Who may log in, by what, and what their group lets them do.

Passwords are kept as salted digests: no listing, journal or error can show one.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from sbcsim.clock import Instant
from sbcsim.errors import UserError
from sbcsim.grammar import message

from .documents import USER, Keep
from .lockouts import Lockouts
from .passwords import PasswordChange, PasswordRules

_ROUNDS = 250  # slows a guess a little and keeps a login far below a millisecond
_WRITERS = frozenset({"Administrator"})
_ACTORS = _WRITERS | {"FieldService", "Operator"}
_FORMER = 24  # the longest history that rules can ask for
DEFAULT_USER = "admin"
DEFAULT_PASSWORD = "admin"  # noqa: S105 - the documented default, refused outside loopback


@dataclass(frozen=True, slots=True)
class Account:
    """One user. `keys` are public keys in OpenSSH form, `ssh-ed25519 AAAA...`; `digest` is of the password.

    `interactive`: may use the command line. `by_password`: the password opens something at all. `must_change`: the
    password was given by somebody else. `former` are the digests of earlier passwords, newest first.
    """

    name: str
    group: str = "Administrator"
    digest: bytes = b""
    keys: frozenset[str] = frozenset()
    interactive: bool = True
    by_password: bool = True
    must_change: bool = False
    former: tuple[bytes, ...] = ()

    @property
    def home(self) -> str:
        """The directory where file transfers of this user start."""
        return f"/home/{self.group}/{self.name}"

    @property
    def may_write(self) -> bool:
        """The group may change the configuration, and files outside the own home."""
        return self.group in _WRITERS

    @property
    def may_act(self) -> bool:
        """The group may run actions."""
        return self.group in _ACTORS

    def packed(self) -> bytes:
        """Return the document that survives the process."""
        facts = (self.name, self.group, self.digest.hex(), sorted(self.keys), self.interactive, self.by_password)
        return json.dumps((*facts, self.must_change, [digest.hex() for digest in self.former])).encode()

    @staticmethod
    def unpacked(document: bytes) -> Account:
        """Return what `packed` was called on."""
        # The first format of the state directory ended behind the sixth.
        name, group, digest, keys, interactive, by_password, *later = json.loads(document)
        must_change, former = later or (False, [])
        earlier = tuple(map(bytes.fromhex, former))
        return Account(
            name, group, bytes.fromhex(digest), frozenset(keys), interactive, by_password, must_change, earlier
        )


class Users:
    """The accounts of the box by name."""

    def __init__(self, accounts: Iterable[Account] = ()) -> None:
        self._accounts = {account.name: account for account in accounts}
        self._before: dict[str, Account] | None = None
        self.keep: Keep | None = None
        """How an account survives the process."""
        self.gone: Callable[[Account], None] | None = None
        """Called with the account of a user who is no more."""
        self.installed_keys: Callable[[Account], Container[str]] = lambda _account: ()
        """Returns the keys that a user has installed, beside those of the account."""
        self.lockouts = Lockouts()
        self.password_change = PasswordChange.RESET

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
            must_change=False,
        )
        self._keep(account)
        return account

    def begin(self, name: str, password: str) -> None:
        """Add a user who is there from the start; raises UserError for a name that no home directory can have."""
        if "/" in name or name in {".", ".."} or not name.isprintable():
            raise UserError(f"{name!r} cannot be the name of a user: a directory is named after it")
        account = self.add(name, password)
        self._accounts[name] = replace(account, must_change=self.password_change is PasswordChange.FIRST)

    def change_password(self, name: str, old: str, new: str, rules: PasswordRules) -> None:
        """Give a user the password that the user has chosen, in place of `old`; raises UserError."""
        self._renew(self._accounts[name], new, rules, old=old)

    def reset_password(self, name: str, new: str, rules: PasswordRules) -> None:
        """Give a user a password of somebody else's choice, and lift a lock; raises UserError."""
        self._renew(self._accounts[name], new, rules, must_change=self.password_change is not PasswordChange.NEVER)
        self.lockouts.free(name)

    def must_change(self, name: str) -> bool:
        """Tell whether a user who logs in by password has to change it first."""
        account = self._accounts.get(name)
        return account is not None and account.must_change and self.password_change is not PasswordChange.NEVER

    def _renew(
        self, account: Account, new: str, rules: PasswordRules, *, old: str | None = None, must_change: bool = False
    ) -> None:
        digest = _digest(account.name, new)
        used = (account.digest, *account.former[: rules.history]) if rules.history else ()
        if not rules.met_by(new, old) or digest in used:
            raise UserError(message("answer.weak_password"))
        former = (account.digest, *account.former)[:_FORMER] if account.digest else account.former
        self._keep(replace(account, digest=digest, former=former, must_change=must_change))

    def _keep(self, account: Account) -> None:
        if self.keep is not None:
            self.keep({USER + account.name: account.packed()})
        self._accounts[account.name] = account

    def configured(
        self, name: str, group: str, *, interactive: bool, by_password: bool, again: bool = False
    ) -> Account:
        """Return an account with what the configuration says of it; one that is new cannot log in yet.

        `again`: one that is gone comes back as it was remembered.
        """
        remembered = self._before.get(name) if again and self._before is not None else None
        account = self._accounts.get(name) or remembered or Account(name)
        return replace(account, group=group, interactive=interactive, by_password=by_password)

    def put(self, name: str, account: Account | None) -> None:
        """Take over what a commit makes of an account, with None nothing; keeping it is up to the commit."""
        if account is not None:
            self._accounts[name] = account
        elif name in self._accounts:
            self.remove(name)

    def remove(self, name: str) -> None:
        """Forget a user; raises KeyError where there is none."""
        account = self._accounts.pop(name)
        self.lockouts.free(name)
        if self.gone is not None:
            self.gone(account)

    def remember(self) -> None:
        """Keep the present accounts in mind, unless some are kept in mind already."""
        if self._before is None:
            self._before = dict(self._accounts)

    def forget(self) -> None:
        """Drop what was kept in mind."""
        self._before = None

    def documents(self) -> dict[str, bytes]:
        """Return every account by name, for `restore`."""
        return {name: account.packed() for name, account in self._accounts.items()}

    def restore(self, documents: Mapping[str, bytes]) -> None:
        """Go on with the accounts of an earlier process."""
        self._accounts |= {name: Account.unpacked(document) for name, document in documents.items()}

    def get(self, name: str) -> Account | None:
        """Return the account of that name."""
        return self._accounts.get(name)

    def check(self, name: str, password: str) -> bool:
        """Say whether `password` is the user's; takes as long for an unknown user."""
        account = self._accounts.get(name)
        given = _digest(name, password)
        known = account.digest if account is not None and account.by_password else b""
        return hmac.compare_digest(given or b"\0", known) and bool(given)

    def judge(self, name: str, password: str, now: Instant) -> str:
        """Take a login by password: return why it fails, "" where it succeeds; takes as long for an unknown user.

        What fails counts as a guess, unless there is nothing to guess.
        """
        account, fits = self._accounts.get(name), self.check(name, password)
        if account is None:
            return "unknown user"
        if self.lockouts.locked(name, now):
            return "locked"
        if fits:
            self.lockouts.free(name)
            return ""
        if not account.by_password or not account.digest:
            return "no password login"
        return "wrong password, now locked" if self.lockouts.failed(name, now) else "wrong password"

    def key_allowed(self, name: str, key: str) -> bool:
        """Say whether the public key (OpenSSH form, comment ignored) may log in as `name`."""
        account = self._accounts.get(name)
        return account is not None and (_bare(key) in account.keys or _bare(key) in self.installed_keys(account))

    @property
    def has_default_credentials(self) -> bool:
        """The documented default user still has the documented default password."""
        return self.check(DEFAULT_USER, DEFAULT_PASSWORD)

    def moment(self) -> Mapping[str, Account]:
        """Return the accounts of this moment, for a later `reset`."""
        return dict(self._accounts)

    def reset(self, to: Mapping[str, Account]) -> None:
        """Return to the accounts of a moment."""
        self._accounts = dict(to)
        self._before = None
        self.lockouts.clear()


def _digest(name: str, password: str) -> bytes:
    if not password:
        return b""
    return hashlib.pbkdf2_hmac("sha256", password.encode(), name.encode(), _ROUNDS)


def _bare(key: str) -> str:
    return " ".join(key.split()[:2])
