"""What `system admin` says of logins, passwords and sessions."""

from __future__ import annotations

from dataclasses import dataclass

from sbcsim.config.tree import Tree
from sbcsim.schema.types import Value

from .lockouts import LockoutRules
from .passwords import PasswordRules


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
        timeout = ("accountManagement", "sessionIdleTimeout")
        return 60 * self._number(*timeout, "idleTimeout") if self._value(*timeout, "state") == "enabled" else 0

    @property
    def most_sessions(self) -> int:
        """How many sessions each user may have."""
        return self._number("accountManagement", "maxSessions")

    @property
    def lockout(self) -> LockoutRules | None:
        """What failed logins lead to, None for nothing."""
        attack = ("accountManagement", "bruteForceAttack")
        if self._value(*attack, "state") != "enabled":
            return None
        unlocks = self._value(*attack, "allowAutoUnlock") == "enabled"
        return LockoutRules(
            self._number(*attack, "consecutiveFailedAttemptAllowed"),
            self._number(*attack, "unlockTime") if unlocks else None,
        )

    @property
    def password_rules(self) -> PasswordRules:
        """What a new password must look like."""

        def rule(name: str) -> int:
            return self._number("passwordRules", name)

        return PasswordRules(
            length=rule("minimumLength"),
            uppercase=rule("minimumNumberOfUppercaseChars"),
            lowercase=rule("minimumNumberOfLowercaseChars"),
            digits=rule("minimumNumberOfDigits"),
            others=rule("minimumNumberOfOtherChars"),
            history=rule("passwordHistoryDepth"),
            repeating=rule("maximumRepeatingCharsCount"),
            difference=rule("minimumDiffWithOldPassword"),
        )

    def _number(self, *leaf: str) -> int:
        value = self._value(*leaf)
        assert isinstance(value, int)
        return value

    def _value(self, *leaf: str) -> Value | None:
        return self.tree.value(("system", "admin", self.name, *leaf))
