"""What a new password must look like, and when one has to be changed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from itertools import groupby, zip_longest


class PasswordChange(Enum):
    """Who is made to change the password at the next login by it; who logs in by key is never asked."""

    NEVER = "never"
    RESET = "reset"
    """Whose password an Administrator has set by `reset-password`."""
    FIRST = "first"
    """Also everybody who is there from the start."""


@dataclass(frozen=True, slots=True)
class PasswordRules:
    """`system admin passwordRules`. `history` is how many passwords before the present one may not come back."""

    length: int = 8
    uppercase: int = 1
    lowercase: int = 1
    digits: int = 1
    others: int = 1
    history: int = 4
    repeating: int = 3
    difference: int = 4

    def met_by(self, new: str, old: str | None = None) -> bool:
        """Tell whether a new password fits, beside the old one where that is known."""
        counts = (
            (len(new), max(self.length, 1)),
            (sum(map(str.isupper, new)), self.uppercase),
            (sum(map(str.islower, new)), self.lowercase),
            (sum(map(str.isdigit, new)), self.digits),
            (sum(not character.isalnum() for character in new), self.others),
        )
        if any(count < least for count, least in counts):
            return False
        if max(len(list(run)) for _, run in groupby(new)) > self.repeating:
            return False
        return old is None or sum(one != two for one, two in zip_longest(old, new)) >= self.difference
