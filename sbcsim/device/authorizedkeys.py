"""Public keys that users install themselves: `.ssh/authorized_keys` in their homes, as OpenSSH has it."""

from __future__ import annotations

from sbcsim.clock import Instant

from .filenodes import FileError
from .files import VirtualFiles
from .users import Account

FILE = ".ssh/authorized_keys"
LIMIT = 64 * 1024
"""More is not read: it is looked at with every login."""

_TYPES = ("ssh-", "ecdsa-", "sk-")


def forget_keys(files: VirtualFiles, account: Account, now: Instant) -> None:
    """Remove the keys of a user who is gone: they open nothing for another one of that name. Raises FileError."""
    path = f"{account.home}/{FILE}"
    if files.exists(path):
        files.remove(path, now)


def authorized_keys(files: VirtualFiles, account: Account) -> frozenset[str]:
    """Return the keys of a user, `ssh-ed25519 AAAA...`, without their comments.

    A line that begins with options is not taken: none of them would be obeyed.
    """
    try:
        text = files.read(f"{account.home}/{FILE}")[:LIMIT].decode(errors="replace")
    except FileError:
        return frozenset()
    lines = (line.split() for line in text.splitlines())
    return frozenset(" ".join(words[:2]) for words in lines if len(words) > 1 and words[0].startswith(_TYPES))
