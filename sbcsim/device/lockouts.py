"""Guessing passwords: too many wrong ones in a row lock a user for a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sbcsim.clock import SECOND, Instant


@dataclass(frozen=True, slots=True)
class LockoutRules:
    """After how many failures in a row a user is locked, and for how many seconds of node time; None: until freed."""

    failures: int = 3
    seconds: int | None = 30


@dataclass(slots=True)
class _Failures:
    count: int = 0
    locked: Instant | None = None


class Lockouts:
    """The failed password logins of every user since the last that succeeded.

    A lock holds against passwords alone: a key cannot be guessed, so whoever has one still gets in. What is tried
    while it holds neither counts nor prolongs it. Locks do not outlast the process.
    """

    def __init__(self) -> None:
        self.rules: Callable[[], LockoutRules | None] = lambda: None
        """Tells the rules of the moment, None where nobody is locked."""
        self._failures: dict[str, _Failures] = {}

    def locked(self, name: str, now: Instant) -> bool:
        """Whether a user is locked; a lock whose time is over is lifted."""
        found = self._failures.get(name)
        if found is None or found.locked is None:
            return False
        rules = self.rules()
        if rules is None or (rules.seconds is not None and now.uptime - found.locked.uptime >= rules.seconds * SECOND):
            self.free(name)
            return False
        return True

    def failed(self, name: str, now: Instant) -> bool:
        """Count a failure; returns whether that locks the user."""
        rules = self.rules()
        if rules is None:
            return False
        found = self._failures.setdefault(name, _Failures())
        found.count += 1
        if found.count < rules.failures:
            return False
        found.locked = now
        return True

    def free(self, name: str) -> None:
        """Forget the failures of a user, and the lock with them."""
        self._failures.pop(name, None)

    def clear(self) -> None:
        """Forget all."""
        self._failures.clear()
