"""Filters behind a bar: `display set`, `match`, `count` and the like.

Some decide in which form configuration is shown; the others pass lines on, in the order they were typed.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import dropwhile

from sbcsim.config import render
from sbcsim.grammar import message

from .parser import Argument, Fault, LineError, Pipe, Start
from .shell import Output, View

Filter = Callable[[list[str]], list[str]]

_FORMS = frozenset({"display set", "details", "compare"})
_PAGING = frozenset({"more", "nomore"})

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


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The pipes of one line, ready before its command runs."""

    forms: frozenset[str] = frozenset()
    filters: tuple[Filter, ...] = ()
    paged: bool = True

    def lines(self, output: Output, *, details: bool) -> list[str]:
        """Return the lines to print; `details` shows defaults without being asked by a pipe."""
        lines = list(output.lines)
        if output.view is not None:
            lines += _form(output.view, self.forms | ({"details"} if details else set()))
        if not lines and not self.filters and (output.data or output.view) and "compare" not in self.forms:
            return [message("answer.no_entries")]
        for each in self.filters:
            lines = each(lines)
        return lines


def pipeline(pipes: Sequence[Pipe], start: Start) -> Pipeline:
    """Return the pipes as functions; raises LineError where one cannot be used."""
    for pipe in pipes:
        if pipe.name == "compare" and start is not Start.CONF:
            raise LineError(Fault.UNKNOWN_ARGUMENT, pipe.start)
    return Pipeline(
        frozenset(pipe.name for pipe in pipes if pipe.name in _FORMS),
        tuple(_filter(pipe) for pipe in pipes if pipe.name not in _FORMS | _PAGING),
        all(pipe.name != "nomore" for pipe in pipes),
    )


def _form(view: View, forms: Collection[str]) -> list[str]:
    details = "details" in forms
    if "compare" in forms and view.draft is not None:
        draft = view.draft
        return render.compare(draft.base, draft.tree, draft.changes(), path=view.path, conflicts=draft.conflicts())
    if "display set" in forms:
        return render.set_lines(view.tree, view.path, details=details)
    return render.curly(view.tree, view.path, details=details)


def _filter(pipe: Pipe) -> Filter:
    if pipe.argument is not None:
        return _PATTERNS[pipe.name](_pattern(pipe.argument))
    return _PLAIN[pipe.name]


def _pattern(argument: Argument) -> re.Pattern[str]:
    text = argument.word.text
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            return re.compile(_POSIX_CLASS.sub(lambda found: _POSIX_CLASSES.get(found[1], found[0]), text))
    except (re.error, OverflowError, RecursionError):
        raise LineError(Fault.BAD_VALUE, argument.start, text=message("value.invalid", value=text)) from None


def _match(pattern: re.Pattern[str]) -> Filter:
    return lambda lines: [line for line in lines if pattern.search(line)]


def _except(pattern: re.Pattern[str]) -> Filter:
    return lambda lines: [line for line in lines if not pattern.search(line)]


def _find(pattern: re.Pattern[str]) -> Filter:
    return lambda lines: list(dropwhile(lambda line: not pattern.search(line), lines))


def _until(pattern: re.Pattern[str]) -> Filter:
    def until(lines: list[str]) -> list[str]:
        end = next((index for index, line in enumerate(lines, 1) if pattern.search(line)), len(lines))
        return lines[:end]

    return until


def _count(lines: list[str]) -> list[str]:
    return [message("answer.count", lines=len(lines))]


def _number(lines: list[str]) -> list[str]:
    width = len(str(len(lines)))
    return [f"{number:>{width}}: {line}" for number, line in enumerate(lines, 1)]


_PATTERNS: dict[str, Callable[[re.Pattern[str]], Filter]] = {
    "match": _match,
    "include": _match,
    "except": _except,
    "exclude": _except,
    "find": _find,
    "begin": _find,
    "until": _until,
}

_PLAIN: dict[str, Filter] = {"count": _count, "linnum": _number}
