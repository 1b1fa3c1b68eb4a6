"""What is different between two recordings, in the words of the field."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from . import words
from .facts import Fact
from .file import Recording
from .transcript import told

SHOWN = 5
"""Differences that are explained; the first ones, since others may come of them."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference: what is the same before it, and what is different in words."""

    behind: str
    text: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """All differences of two recordings, the first first."""

    differences: tuple[Difference, ...]

    @property
    def equal(self) -> bool:
        """Whether the same happened."""
        return not self.differences

    def lines(self, shown: int = SHOWN) -> list[str]:
        """Return the first differences for people, nothing where there is none."""
        found = []
        for number, each in enumerate(self.differences[:shown], start=1):
            found += [
                f"{number}. behind: {each.behind or 'the start'}",
                *(f"   {line}" for line in each.text.split("\n")),
            ]
        if len(self.differences) > shown:
            found.append(f"{len(self.differences) - shown} more differences follow, some perhaps from these")
        return found


def compared(old: Recording, new: Recording, leave_out: frozenset[str] = frozenset()) -> Comparison:
    """Compare two recordings as transcripts, without some kinds of event."""
    return Comparison((*_boxes(old, new), *_facts(told(old, leave_out), told(new, leave_out))))


def compared_facts(old: Sequence[Fact], new: Sequence[Fact]) -> Comparison:
    """Compare what two transcripts tell."""
    return Comparison(tuple(_facts(old, new)))


def _boxes(old: Recording, new: Recording) -> Iterator[Difference]:
    one, other = old.header, new.header
    for name, first, second in (
        ("seed", one.seed, other.seed),
        ("redundancy", one.ha, other.ha),
        ("rude", one.rude, other.rude),
        ("settings", " ".join(one.settings) or "none", " ".join(other.settings) or "none"),
        ("clock", "flowing" if old.flows else "standing", "flowing" if new.flows else "standing"),
    ):
        if first != second:
            yield Difference("", f"the box was another: {name} {first} in the first, {second} in the second")


def _facts(old: Sequence[Fact], new: Sequence[Fact]) -> Iterator[Difference]:
    first, second = [_key(fact) for fact in old], [_key(fact) for fact in new]
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, first, second, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        behind = words.sentence(old[i1 - 1])[0] if i1 else ""
        here, there = list(old[i1:i2]), list(new[j1:j2])
        while here and (pair := next((fact for fact in there if _alike(here[0], fact)), None)) is not None:
            yield Difference(behind, _changed(here[0], pair))
            behind = words.sentence(here[0])[0]
            here.pop(0)
            there.remove(pair)
        yield from (Difference(behind, f"only in the first:  {_at(fact)}{_told(fact)}") for fact in here)
        yield from (Difference(behind, f"only in the second: {_at(fact)}{_told(fact)}") for fact in there)


def _key(fact: Fact) -> tuple[object, ...]:
    return (fact.at, fact.kind, fact.fields)


def _alike(old: Fact, new: Fact) -> bool:
    return old.kind == new.kind and (old.kind != "cli" or old.value("line") == new.value("line"))


def _changed(old: Fact, new: Fact) -> str:
    lines = [f"{_at(old)}{words.sentence(old)[0]}"]
    if old.at != new.at:
        lines.append(f"  it happens at {old.at or 'no time'} in the first, at {new.at or 'no time'} in the second")
    first, second = dict(old.fields), dict(new.fields)
    for name in dict.fromkeys((*first, *second)):
        one, other = first.get(name, ""), second.get(name, "")
        if one == other:
            continue
        if "\n" in one + other:
            gone = [each for each in one.split("\n") if each and each not in other.split("\n")]
            come = [each for each in other.split("\n") if each and each not in one.split("\n")]
            lines += [f"  {words.field(name)}: only in the first:  {each}" for each in gone]
            lines += [f"  {words.field(name)}: only in the second: {each}" for each in come]
        else:
            lines.append(f"  {words.field(name)}: {one or 'none'} in the first, {other or 'none'} in the second")
    return "\n".join(lines)


def _told(fact: Fact) -> str:
    return "\n".join(words.sentence(fact))


def _at(fact: Fact) -> str:
    return f"{fact.at}  " if fact.at else ""
