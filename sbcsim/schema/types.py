"""Types of leaves: text typed by a user to a value, and back to the one word that the box shows.

A type is a frozen value made by `load.py` from a YANG `type` statement (RFC 7950 section 9). `parse` is strict about
what the box is strict about and raises nothing but `ValueProblem`, whose text is the box's own.
"""

from __future__ import annotations

import ipaddress
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cache

from sbcsim.errors import UserError
from sbcsim.grammar import message

Value = str | int | bool | tuple[str | int, ...]
"""Strings, enumeration names and addresses are str, integers int, booleans bool, bit sets and leaf-lists tuples."""

Ranges = tuple[tuple[int, int], ...]
"""Allowed intervals, bounds included, in ascending order."""

_INTEGER = re.compile(r"[-+]?[0-9]+", re.ASCII)
_LONGEST_INTEGER = 40
# RFC 7950 section 14, yang-char: no control characters but TAB, LF and CR, no surrogates, no non-characters.
_NOT_YANG = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_SHOWN_LIMIT = 200


class ValueProblem(UserError):  # noqa: N818 - the problem is the user's, the error is WalkError
    """A typed value does not fit its type; `kind` is "range", "length", "invalid" or "ambiguous"."""

    def __init__(self, kind: str, text: str) -> None:
        # A refusal stays on its line, and gives a terminal nothing to obey.
        shown = _CONTROL.sub("?", text if len(text) <= _SHOWN_LIMIT else text[:_SHOWN_LIMIT] + "...")
        super().__init__(message(f"value.{kind}", value=shown), tag="invalid-value")
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Type(ABC):
    """What a leaf may hold."""

    @abstractmethod
    def parse(self, text: str) -> Value:
        """Return the value that `text` stands for, enumerations in full; raises ValueProblem."""

    def format(self, value: Value) -> str:
        """Return the one word, unquoted, that stands for `value`."""
        return str(value)

    def choices(self) -> tuple[str, ...]:
        """Return the words that may be offered, () where the choice is free."""
        return ()

    @property
    def help(self) -> str:
        """What `?` shows where no choices can be offered."""
        return "<value>"


@dataclass(frozen=True, slots=True)
class StringType(Type):
    """Text of a certain length that matches every one of `patterns` and none of `refused`."""

    lengths: Ranges = ()
    patterns: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()

    def parse(self, text: str) -> str:
        """Check length first, then the characters, as the texts of the box differ."""
        if self.lengths and not _within(len(text), self.lengths):
            raise ValueProblem("length", text)
        if _NOT_YANG.search(text):
            raise ValueProblem("invalid", text)
        if not all(_compiled(pattern).fullmatch(text) for pattern in self.patterns):
            raise ValueProblem("invalid", text)
        if any(_compiled(pattern).fullmatch(text) for pattern in self.refused):
            raise ValueProblem("invalid", text)
        return text

    @property
    def help(self) -> str:
        """`<string>` or `<string, 1..23 characters>`."""
        return f"<string, {_spell(self.lengths)} characters>" if self.lengths else "<string>"


@dataclass(frozen=True, slots=True)
class AddressType(Type):
    """An IPv4 or IPv6 address, or either (`version` 0); IPv6 is kept in the short form of RFC 5952."""

    version: int = 0

    def parse(self, text: str) -> str:
        """Accept an address without prefix length or zone."""
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            raise ValueProblem("invalid", text) from None
        if (self.version and address.version != self.version) or "%" in text:
            raise ValueProblem("invalid", text)
        return str(address)

    @property
    def help(self) -> str:
        """`<IP address>`, `<IPv4 address>` or `<IPv6 address>`."""
        return f"<IPv{self.version} address>" if self.version else "<IP address>"


@dataclass(frozen=True, slots=True)
class IntType(Type):
    """A whole number within one of `ranges`."""

    ranges: Ranges

    def parse(self, text: str) -> int:
        """Accept decimal digits with an optional sign."""
        if not _INTEGER.fullmatch(text):
            raise ValueProblem("invalid", text)
        # A bound on the digits keeps int() from refusing, in words of its own, what is out of range anyway.
        if len(text) > _LONGEST_INTEGER or not _within(int(text), self.ranges):
            raise ValueProblem("range", text)
        return int(text)

    @property
    def help(self) -> str:
        """`<number, 1..4096>`."""
        return f"<number, {_spell(self.ranges)}>"


@dataclass(frozen=True, slots=True)
class EnumType(Type):
    """One of `names`; a unique beginning will do. `aliases` are (spelling, name) pairs, accepted but never shown."""

    names: tuple[str, ...]
    aliases: tuple[tuple[str, str], ...] = ()

    def parse(self, text: str) -> str:
        """Return the full name; an exact name wins over longer ones."""
        if text in self.names:
            return text
        spellings = [*((name, name) for name in self.names), *self.aliases]
        for spelling, name in spellings:
            if spelling == text:
                return name
        fitting = {name for spelling, name in spellings if text and spelling.startswith(text)}
        if len(fitting) == 1:
            return fitting.pop()
        raise ValueProblem("ambiguous" if fitting else "invalid", text)

    def choices(self) -> tuple[str, ...]:
        """Return the names in schema order."""
        return self.names

    @property
    def help(self) -> str:
        """`[disabled,enabled]`."""
        return f"[{','.join(self.names)}]"


@dataclass(frozen=True, slots=True)
class BoolType(Type):
    """`true` or `false`; a unique beginning will do."""

    def parse(self, text: str) -> bool:
        """Return the truth value."""
        if text and "true".startswith(text):
            return True
        if text and "false".startswith(text):
            return False
        raise ValueProblem("invalid", text)

    def format(self, value: Value) -> str:
        """Spell as YANG does."""
        return "true" if value else "false"

    def choices(self) -> tuple[str, ...]:
        """Return both words."""
        return ("false", "true")

    @property
    def help(self) -> str:
        """`[false,true]`."""
        return "[false,true]"


@dataclass(frozen=True, slots=True)
class BitsType(Type):
    """A set of `names`, typed and shown as a comma list without blanks; kept in schema order."""

    names: tuple[str, ...]

    def parse(self, text: str) -> tuple[str, ...]:
        """Accept each name once, in any order, at least one."""
        return self.collect(tuple(text.split(",")), text)

    def collect(self, words: tuple[str, ...], text: str) -> tuple[str, ...]:
        """Return the set of `words`; `text` is what the refusal quotes."""
        given = set(words)
        if not words or len(given) != len(words) or not given <= set(self.names):
            raise ValueProblem("invalid", text)
        return tuple(name for name in self.names if name in given)

    def format(self, value: Value) -> str:
        """Join by commas."""
        return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)

    def choices(self) -> tuple[str, ...]:
        """Return the names in schema order."""
        return self.names

    @property
    def help(self) -> str:
        """`<comma list of sip-udp,sip-tcp>`."""
        return f"<comma list of {','.join(self.names)}>"


@dataclass(frozen=True, slots=True)
class LeafrefType(Type):
    """The value of another leaf, mostly the key of a list.

    `target` is that leaf's schema path. `anchor` is the schema path down to which both lie in the same entry: keys
    of lists up to there are those of the referring leaf; () for a reference into the whole configuration.
    """

    target: tuple[str, ...]
    anchor: tuple[str, ...]
    of: Type

    def parse(self, text: str) -> Value:
        """Parse as the target does; whether it exists is checked at commit."""
        return self.of.parse(text)

    def format(self, value: Value) -> str:
        """Format as the target does."""
        return self.of.format(value)

    def choices(self) -> tuple[str, ...]:
        """Return the target's fixed choices; existing instances are the configuration's to know."""
        return self.of.choices()

    @property
    def help(self) -> str:
        """The target's help."""
        return self.of.help


@dataclass(frozen=True, slots=True)
class UnionType(Type):
    """A value of the first of `members` that accepts it, such as `disable` or a number."""

    members: tuple[Type, ...]

    def parse(self, text: str) -> Value:
        """Try the members in order; of the refusals the most telling one is raised."""
        problems = []
        for member in self.members:
            try:
                return member.parse(text)
            except ValueProblem as problem:
                problems.append(problem)
        raise next((p for kind in ("range", "ambiguous", "length") for p in problems if p.kind == kind), problems[-1])

    def format(self, value: Value) -> str:
        """Numbers as digits, names as they are."""
        return BoolType().format(value) if isinstance(value, bool) else str(value)

    def choices(self) -> tuple[str, ...]:
        """Return the fixed words of all members."""
        return tuple(word for member in self.members for word in member.choices())

    @property
    def help(self) -> str:
        """The members' helps, joined by ` or `."""
        return " or ".join(member.help for member in self.members)


def _within(number: int, ranges: Ranges) -> bool:
    return any(low <= number <= high for low, high in ranges)


def _spell(ranges: Ranges) -> str:
    return ",".join(str(low) if low == high else f"{low}..{high}" for low, high in ranges)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
