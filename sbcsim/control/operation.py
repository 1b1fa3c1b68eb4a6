"""What an operation of the control API is, and what comes with a request for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .parameters import Parameter, Query
from .simulated import Simulated

JournalEntries = list[dict[str, object]]
"""Journal entries as JSON data."""


@dataclass(frozen=True, slots=True)
class Arguments:
    """What came with a request: the query, the body in its declared type, the parts of the path by name."""

    query: Query
    body: object = None
    path: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Link:
    """What can be done next with an answer: the operation, and which field of the answer names what in its path.

    A field is a JSON pointer without its first slash, such as `id`, or `0/id` in the first of several.
    """

    name: str
    method: str
    path: str
    fields: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """One method on one path.

    `answer` is the type of the result; None answers 204 with no body. An iterator of JSON data is written as an array.
    `refusals` are the statuses of its own: those that any request can meet are described with all of them.
    """

    method: str
    path: str
    summary: str
    call: Callable[[Simulated, Arguments], object | Awaitable[object]]
    answer: Any = None
    body: type | None = None
    parameters: tuple[Parameter, ...] = ()
    refusals: tuple[int, ...] = field(default=())
    description: str = ""
    links: tuple[Link, ...] = ()


def number(text: str) -> int | None:
    """Return the number that a part of a path or a header says, None for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None
