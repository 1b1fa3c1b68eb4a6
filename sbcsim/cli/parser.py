"""From one line to a call: which command, with which words, through which pipes."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from lark import Lark, Token, Transformer, Tree
from lark.exceptions import UnexpectedToken
from lark.lexer import PatternStr

from sbcsim import grammar
from sbcsim.schema.walk import Word

from .lexer import (
    HIDDEN,
    AmbiguousKeywordError,
    Argument,
    CommandLexer,
    UnterminatedStringError,
    Words,
    at_command,
    takes,
)

__all__ = [
    "Argument",
    "Call",
    "Expected",
    "Fault",
    "LineError",
    "Option",
    "Pipe",
    "Start",
    "expected",
    "parse",
    "verbs",
]

_PUNCTUATION = frozenset("[]|")


class Start(Enum):
    """Where a line begins in the grammar: the mode it is typed in."""

    OPER = "oper"
    CONF = "conf"


@dataclass(frozen=True, slots=True)
class Option:
    """A keyword option, e.g. `comment` with its text."""

    name: str
    argument: Argument | None = None


@dataclass(frozen=True, slots=True)
class Pipe:
    """One filter behind a bar, with the place of its name in the line."""

    name: str
    start: int
    argument: Argument | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A parsed line. `inner` is the command behind `run` or `top`."""

    command: str
    arguments: tuple[Argument, ...] = ()
    options: tuple[Option, ...] = ()
    inner: Call | None = None
    pipes: tuple[Pipe, ...] = ()

    @property
    def innermost(self) -> Call:
        """The command itself, behind any `run` and `top`."""
        return self if self.inner is None else self.inner.innermost

    @property
    def words(self) -> tuple[Word, ...]:
        """The plain words, as the model resolves them."""
        return tuple(argument.word for argument in self.arguments)


class Fault(Enum):
    """What is wrong with a line."""

    UNKNOWN_COMMAND = "unknown command"
    AMBIGUOUS = "ambiguous"
    UNKNOWN_ELEMENT = "unknown element"
    UNKNOWN_ARGUMENT = "unknown argument"
    NOT_THERE = "element does not exist"
    BAD_VALUE = "bad value"
    INCOMPLETE = "incomplete"
    UNTERMINATED = "unterminated string"


class LineError(Exception):
    """A line that the box does not understand, with the place of the offending word, counted from 0.

    `text` is the ambiguous word, or what is wrong with a value. What could stand there instead: `choices` are
    keywords, and `before` the keywords in front of them; `elements` are element names with their help.
    """

    def __init__(
        self,
        fault: Fault,
        position: int,
        *,
        text: str = "",
        choices: tuple[str, ...] = (),
        before: tuple[str, ...] = (),
        elements: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(fault, position)
        self.fault = fault
        self.position = position
        self.text = text
        self.choices = choices
        self.before = before
        self.elements = elements


@dataclass(frozen=True, slots=True)
class Expected:
    """What may follow the beginning of a line: keywords and, where `word` is true, a plain word.

    `before` are the keywords typed so far, in full, and `words` the plain words; behind a bar, those of the filter,
    with "|" as the first keyword. `bar` is the place of the first bar, that of the end where there is none.
    """

    keywords: tuple[str, ...]
    word: bool
    before: tuple[str, ...]
    words: tuple[Word, ...]
    bar: int


class _Builder(Transformer[Token, Call]):
    """Makes calls out of the parse; a rule without a method of its own is a command."""

    def oper(self, parts: list[Any]) -> Call:
        call, *pipes = parts
        return Call(call.command, call.arguments, call.options, call.inner, tuple(pipes))

    conf = oper

    def text(self, parts: list[Token]) -> Argument:
        (part,) = parts
        return Argument(Word(str(part), part.type == "STRING"), _start(part), _end(part))

    def array(self, parts: list[Token]) -> Argument:
        values = tuple(str(part) for part in parts[1:-1])
        return Argument(Word(" ".join(values), quoted=False, values=values), _start(parts[0]), _end(parts[-1]))

    def property(self, parts: list[Token]) -> Option:
        return Option("-".join(parts))

    def configure_mode(self, parts: list[Token]) -> Option:
        return Option(str(parts[0]))

    configure_unasked = load_way = load_terminal = configure_mode

    def commit_option(self, parts: list[Any]) -> Option:
        return Option(str(parts[0]), parts[1] if len(parts) > 1 else None)

    persist_id = commit_option

    def filter(self, parts: list[Any]) -> Pipe:
        names = [str(part) for part in parts if isinstance(part, Token)]
        return Pipe(" ".join(names), _start(parts[0]), parts[-1] if isinstance(parts[-1], Argument) else None)

    def pipe(self, parts: list[Pipe]) -> Pipe:
        return parts[0]

    def __default__(self, data: Any, children: list[Any], meta: Any) -> Call | Tree[Any]:  # noqa: ANN401 - Lark's hook
        if data.startswith("_"):
            return Tree(data, children, meta)  # Lark's own rule for `*`, dissolved into the one around it
        return Call(
            str(data),
            tuple(_arguments(children)),
            tuple(child for child in children if isinstance(child, Option)),
            next((child for child in children if isinstance(child, Call)), None),
        )


def _arguments(children: list[Any]) -> Iterator[Argument]:
    for child in children:
        if isinstance(child, Words):
            yield from child.arguments
        elif isinstance(child, Argument):
            yield child


def _start(token: Token) -> int:
    return token.start_pos or 0


def _end(token: Token) -> int:
    return token.end_pos or 0


@functools.cache
def _parser() -> Lark:
    return Lark(
        grammar.read_text("cli.lark"),
        start=[start.value for start in Start],
        parser="lalr",
        lexer=CommandLexer,
        transformer=_Builder(),
        maybe_placeholders=False,
    )


@functools.cache
def _keywords() -> dict[str, str]:
    """Return the keywords of the grammar by terminal name, brackets and bars left out."""
    return {
        terminal.name: str(terminal.pattern.value)
        for terminal in _parser().terminals
        if isinstance(terminal.pattern, PatternStr) and terminal.pattern.value not in _PUNCTUATION
    }


def verbs(start: Start) -> tuple[str, ...]:
    """Return every verb of a mode, sorted."""
    return expected("", start).keywords


def unknown_command(line: str, start: Start) -> LineError:
    """Return the refusal of a line whose first word is no command."""
    choices = tuple(verb for verb in verbs(start) if verb not in HIDDEN)
    return LineError(Fault.UNKNOWN_COMMAND, len(line) - len(line.lstrip()), choices=choices)


def parse(line: str, start: Start) -> Call:
    """Return the call that a line stands for; raises LineError. The line holds at least one word."""
    try:
        call = _parser().parse(line, start=start.value)
    except UnterminatedStringError as error:
        raise LineError(Fault.UNTERMINATED, error.position) from None
    except AmbiguousKeywordError as error:
        raise LineError(
            Fault.AMBIGUOUS, error.position, text=error.text, choices=error.choices, before=error.before
        ) from None
    except UnexpectedToken as error:
        if error.token.type == "$END":
            raise LineError(Fault.INCOMPLETE, len(line.rstrip())) from None
        keywords = _keywords()
        choices = {keywords[name] for name in error.expected if name in keywords}
        fault = Fault.UNKNOWN_ARGUMENT
        if "help" in choices:  # it starts nothing but commands
            fault, choices = Fault.UNKNOWN_COMMAND, choices - HIDDEN
        raise LineError(fault, _start(error.token), choices=tuple(sorted(choices))) from None
    assert isinstance(call, Call)
    return call


def expected(beginning: str, start: Start) -> Expected:
    """Return what may follow the beginning of a line; raises LineError where the beginning itself is wrong."""
    try:
        cursor = _parser().parse_interactive(beginning, start=start.value)
        tokens = cursor.exhaust_lexer()
    except UnterminatedStringError as error:
        raise LineError(Fault.UNTERMINATED, error.position) from None
    except AmbiguousKeywordError as error:
        raise LineError(Fault.AMBIGUOUS, error.position, text=error.text, choices=error.choices) from None
    except UnexpectedToken as error:
        raise LineError(Fault.UNKNOWN_ARGUMENT, _start(error.token)) from None
    keywords = _keywords()
    hidden = HIDDEN if at_command(cursor.parser_state) else frozenset()
    bar = max((index for index, token in enumerate(tokens) if token.type == "VBAR"), default=0)
    return Expected(
        keywords=tuple(
            sorted(word for name, word in keywords.items() if word not in hidden and takes(cursor.parser_state, name))
        ),
        word=takes(cursor.parser_state, "WORDS") or takes(cursor.parser_state, "WORD"),
        before=tuple(str(token) for token in tokens[bar:] if token.type in keywords or token.type == "VBAR"),
        words=tuple(_words(tokens[bar:])),
        bar=next((_start(token) for token in tokens if token.type == "VBAR"), len(beginning)),
    )


def _words(tokens: Sequence[Token]) -> Iterator[Word]:
    """Yield the plain words, an array as one; of an array that is still open, nothing."""
    listed: list[str] | None = None
    for token in tokens:
        if isinstance(token, Words):
            yield from (argument.word for argument in token.arguments)
        elif token.type == "LSQB":
            listed = []
        elif token.type == "RSQB" and listed is not None:
            yield Word(" ".join(listed), values=tuple(listed))
            listed = None
        elif token.type in {"WORD", "STRING"}:
            if listed is None:
                yield Word(str(token), token.type == "STRING")
            else:
                listed.append(str(token))
