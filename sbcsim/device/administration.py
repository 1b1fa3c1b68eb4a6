"""What `system admin` says of logins and sessions."""

from __future__ import annotations

from dataclasses import dataclass

from sbcsim.config.tree import Tree
from sbcsim.schema.types import Value

from .lockouts import LockoutRules


@dataclass(frozen=True, slots=True)
class Administration:
    """The settings of one configuration; `name` is that of the system."""

    tree: Tree
    name: str

    @property
    def banner(self) -> str:
        """The text shown before anybody logs in."""
        return str(self._value("banner", "bannerText") or "")

    @property
    def banner_must_be_accepted(self) -> bool:
        """Users on a terminal have to accept the banner."""
        return bool(self.banner) and self._value("banner", "ackBanner") == "enabled"

    @property
    def idle_seconds(self) -> float:
        """After how long without input a CLI session is closed, in real time; 0 for never."""
        if self._account("sessionIdleTimeout", "state") != "enabled":
            return 0
        return 60 * self._number("sessionIdleTimeout", "idleTimeout")

    @property
    def most_sessions(self) -> int:
        """How many sessions each user may have."""
        return self._number("maxSessions")

    @property
    def lockout(self) -> LockoutRules | None:
        """What failed logins lead to, None for nothing."""
        if self._account("bruteForceAttack", "state") != "enabled":
            return None
        unlocks = self._account("bruteForceAttack", "allowAutoUnlock") == "enabled"
        return LockoutRules(
            self._number("bruteForceAttack", "consecutiveFailedAttemptAllowed"),
            self._number("bruteForceAttack", "unlockTime") if unlocks else None,
        )

    def _number(self, *leaf: str) -> int:
        value = self._account(*leaf)
        assert isinstance(value, int)
        return value

    def _account(self, *leaf: str) -> Value | None:
        return self._value("accountManagement", *leaf)

    def _value(self, *leaf: str) -> Value | None:
        return self.tree.value(("system", "admin", self.name, *leaf))
