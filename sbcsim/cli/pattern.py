"""Regular expressions of the filters: extended ones, looked for in one pass over a line.

Python's own go back over a line again and again: a pattern such as `(a|a)*b` holds everybody up for years. So a pattern
is made into an automaton, whose states are sets of places in the pattern; where a character leads from a state is
worked out once. Only where going back cannot take long, Python's are used, which are faster.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Generator
from dataclasses import dataclass

MOST_PLACES = 5_000
"""Characters, classes and repetitions in a pattern, repeated ones counted as often as they may stand there."""
_LONGEST = 4_000  # characters of the text
_DEEPEST = 50  # parentheses and repetitions around one another
_MOST_REPEATS = 255  # as POSIX has it
_MOST_KEPT = 20_000  # leads from one state to the next
_QUICK = 200_000  # comparisons: what Python's patterns need at most where they are used
_TURN = 20_000  # steps between two looks at what others want, some milliseconds

_POSIX_CLASS = re.compile(r"\[:(\w+):\]")
_POSIX_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "blank": r" \t",
    "digit": "0-9",
    "lower": "a-z",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\s",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}
_BRACKETS = re.compile(r"\[\^?\]?(?:\\.|\[:\w+:\]|[^]\\])*\]", re.DOTALL)
_TIMES = re.compile(r"\{(?P<low>[0-9]{0,4})(?P<more>,(?P<high>[0-9]{0,4}))?\}")
_CLASS_LETTERS = frozenset("dDwWsS")
_ASSERTIONS = {"^": "^", "$": r"\Z", r"\b": r"\b", r"\B": r"\B"}


class PatternError(Exception):
    """A text is no regular expression, or one that is too long."""


@dataclass(frozen=True, slots=True)
class _Character:
    """One character of a kind, in the words of Python's patterns; or a place between two."""

    text: str
    between: bool = False


@dataclass(frozen=True, slots=True)
class _Sequence:
    parts: tuple[_Part, ...]


@dataclass(frozen=True, slots=True)
class _Choice:
    ways: tuple[_Part, ...]


@dataclass(frozen=True, slots=True)
class _Repeat:
    part: _Part
    low: int
    high: int | None


_Part = _Character | _Sequence | _Choice | _Repeat


class _Reader:
    """Reads a pattern."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0
        self.branches = 0
        """Groups and repetitions: where there is more than one, going back may take long."""

    def read(self) -> _Part:
        """Return what the whole text means; raises PatternError."""
        if len(self._text) > _LONGEST:
            raise PatternError("too long")
        part = self._choice()
        if self._at < len(self._text):
            raise PatternError("a parenthesis too many")
        return part

    @property
    def _next(self) -> str:
        return self._text[self._at : self._at + 1]

    def _choice(self) -> _Part:
        ways = [self._sequence()]
        while self._next == "|":
            self._at += 1
            ways.append(self._sequence())
        return ways[0] if len(ways) == 1 else _Choice(tuple(ways))

    def _sequence(self) -> _Part:
        parts: list[_Part] = []
        while self._next and self._next not in "|)":
            part, depth = self._one(), self._depth
            while (times := self._times()) is not None:
                self.branches += 1
                self._deepen()
                part = _Repeat(part, *times)
            parts.append(part)
            self._depth = depth
        return _Sequence(tuple(parts))

    def _times(self) -> tuple[int, int | None] | None:
        """Take how often something may stand there, None where nothing is said of it."""
        simple = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(self._next)
        if simple is not None:
            self._at += 1
            return simple
        found = _TIMES.match(self._text, self._at)
        if found is None or not (found["low"] or found["more"]):
            return None  # the brace means itself
        self._at = found.end()
        low = int(found["low"] or 0)
        high = low if not found["more"] else int(found["high"]) if found["high"] else None
        if low > _MOST_REPEATS or (high is not None and not low <= high <= _MOST_REPEATS):
            raise PatternError("too often")
        return low, high

    def _one(self) -> _Part:
        char, start = self._next, self._at
        self._at += 1
        if char == "(":
            return self._group()
        if char in "*+?":
            raise PatternError("nothing to repeat")
        if char == "[":
            found = _BRACKETS.match(self._text, start)
            if found is None:
                raise PatternError("a bracket that is not closed")
            self._at = found.end()
            return _Character(_bracketed(found[0]))
        if char == "\\":
            escaped = self._next
            self._at += 1
            if not escaped:
                raise PatternError("nothing to escape")
            if escaped in _CLASS_LETTERS:
                return _Character(char + escaped)
            between = _ASSERTIONS.get(char + escaped)
            return _Character(between, between=True) if between else _Character(re.escape(escaped))
        if char in _ASSERTIONS:
            return _Character(_ASSERTIONS[char], between=True)
        return _Character(char if char == "." else re.escape(char))

    def _group(self) -> _Part:
        self.branches += 1
        depth = self._depth
        self._deepen()
        part = self._choice()
        if self._next != ")":
            raise PatternError("a parenthesis that is not closed")
        self._at += 1
        self._depth = depth
        return part

    def _deepen(self) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise PatternError("too deep")


def _bracketed(text: str) -> str:
    """Return a class of characters in the words of Python's patterns."""

    def members(found: re.Match[str]) -> str:
        if found[1] not in _POSIX_CLASSES:
            raise PatternError("no such class")
        return _POSIX_CLASSES[found[1]]

    return text[0] + _POSIX_CLASS.sub(members, text[1:])


def _python(part: _Part) -> str:
    """Return a pattern in the words of Python's."""
    match part:
        case _Character():
            return part.text
        case _Sequence():
            return "".join(map(_python, part.parts))
        case _Choice():
            return f"(?:{'|'.join(map(_python, part.ways))})"
        case _Repeat():
            high = "" if part.high is None else part.high
            return f"(?:{_python(part.part)}){{{part.low},{high}}}"


def _compiled(text: str) -> re.Pattern[str]:
    """Return a pattern of Python's; raises PatternError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            return re.compile(text, re.DOTALL)
    except re.error as error:
        raise PatternError(str(error)) from None


@dataclass(slots=True)
class _Place:
    """A place in a program: what it takes, which leads to the next place; or which places are reached without that."""

    takes: re.Pattern[str] | None = None
    between: str = ""
    ways: tuple[int, ...] = ()


class _Program:
    """A pattern as places; the last one is its end. Raises PatternError where there are too many."""

    def __init__(self, part: _Part) -> None:
        self.places: list[_Place] = []
        self._kinds: dict[str, re.Pattern[str]] = {}
        self._parts = 0
        self._add(part)
        self.end = self._place()

    def _place(self) -> int:
        if len(self.places) > MOST_PLACES:
            raise PatternError("too long")
        self.places.append(_Place())
        return len(self.places) - 1

    def _add(self, part: _Part) -> None:
        """Add the places of a part, behind which stands whatever is added next."""
        self._parts += 1
        if self._parts > 2 * MOST_PLACES:  # what is empty takes no place, but time
            raise PatternError("too long")
        match part:
            case _Character(text, between=True):
                at = self._place()
                self.places[at] = _Place(between=text, ways=(at + 1,))
            case _Character(text):
                at = self._place()
                if text not in self._kinds:
                    self._kinds[text] = _compiled(text)
                self.places[at] = _Place(takes=self._kinds[text])
            case _Sequence():
                for each in part.parts:
                    self._add(each)
            case _Choice():
                self._add_choice(part)
            case _Repeat():
                self._add_repeat(part)

    def _add_choice(self, part: _Choice) -> None:
        fork, ends, begins = self._place(), [], []
        for way in part.ways:
            begins.append(len(self.places))
            self._add(way)
            ends.append(self._place())
        self.places[fork].ways = tuple(begins)
        for end in ends:
            self.places[end].ways = (len(self.places),)

    def _add_repeat(self, part: _Repeat) -> None:
        for _ in range(part.low):
            self._add(part.part)
        if part.high is None:
            fork = self._place()
            self._add(part.part)
            back = self._place()
            self.places[fork].ways = (fork + 1, back + 1)
            self.places[back].ways = (fork,)
            return
        forks = []
        for _ in range(part.high - part.low):
            forks.append(self._place())
            self._add(part.part)
        for fork in forks:
            self.places[fork].ways = (fork + 1, len(self.places))


@dataclass(slots=True, eq=False)
class _State:
    """The places where a line may be in the pattern, behind a character `before`, and where characters lead."""

    places: frozenset[int]
    before: str
    leads: dict[str, _State | None]


class Pattern:
    """A regular expression to look for in lines; raises PatternError for what is none."""

    def __init__(self, text: str) -> None:
        reader = _Reader(text)
        part = reader.read()
        self._program = _Program(part)
        self._python = _compiled(_python(part)) if reader.branches <= 1 else None
        self._power = 1 + reader.branches
        self._begin = _State(frozenset(), "", {})
        self._states: dict[tuple[frozenset[int], bool], _State] = {}
        self._kept = 0
        self._spent = 0

    def search(self, line: str) -> Generator[list[str], None, bool]:
        """Return whether the pattern stands in a line; yields an empty list when others should have their turn."""
        effort = len(line) ** self._power * len(self._program.places)
        if self._python is not None and effort <= _QUICK:
            self._spent += effort // 10
            found = self._python.search(line) is not None
        else:
            self._spent += len(line) // 10
            found = yield from self._run(line)
        if self._spent > _TURN:
            self._spent = 0
            yield []
        return found

    def _run(self, line: str) -> Generator[list[str], None, bool]:
        state = self._begin
        for char in line:
            try:
                following = state.leads[char]
            except KeyError:
                following = state.leads[char] = self._lead(state, char)
                if self._spent > _TURN:
                    self._spent = 0
                    yield []
            if following is None:
                return True
            state = following
        return self._program.end in self._reached(state, "")

    def _lead(self, state: _State, char: str) -> _State | None:
        """Return where a character leads from a state, None where the pattern has been found in front of it."""
        reached = self._reached(state, char)
        if self._program.end in reached:
            return None
        places = self._program.places
        taken = frozenset(
            at + 1 for at in reached if (kind := places[at].takes) is not None and kind.fullmatch(char) is not None
        )
        self._kept += 1
        if self._kept > _MOST_KEPT:
            self._kept = 0
            self._states.clear()
            self._begin = _State(frozenset(), "", {})
        key = taken, _in_word(char)
        if key not in self._states:
            self._states[key] = _State(taken, char, {})
        return self._states[key]

    def _reached(self, state: _State, after: str) -> set[int]:
        """Return every place that a line may be at in front of a character, "" at its end; it may begin anywhere."""
        seen: set[int] = set()
        todo = [0, *state.places]
        while todo:
            at = todo.pop()
            if at not in seen:
                seen.add(at)
                place = self._program.places[at]
                if place.takes is None and _holds(place.between, state.before, after):
                    todo += place.ways
        self._spent += len(seen)
        return seen


def _holds(between: str, before: str, after: str) -> bool:
    """Tell whether a place between two characters is of a kind, "" being the beginning and the end."""
    match between:
        case "^":
            return not before
        case r"\Z":
            return not after
        case r"\b":
            return _in_word(before) != _in_word(after)
        case r"\B":
            return _in_word(before) == _in_word(after)
    return True


def _in_word(char: str) -> bool:
    return char.isalnum() or char == "_"
