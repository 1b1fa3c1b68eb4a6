"""Actions: `request <path> <action> [name value]...`."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator

from sbcsim.cli.parser import Call
from sbcsim.cli.questions import asks_for, confirm, refused_answer, value_for
from sbcsim.cli.resolving import Step, line_error, present, require
from sbcsim.cli.shell import Ask, Output, Shell, Steps, Work
from sbcsim.grammar import message
from sbcsim.schema.node import Node, Path
from sbcsim.schema.types import Value
from sbcsim.schema.walk import Problem, Request, WalkError, Word, quote, resolve_request

from .command import Command, Right, Words


def request(shell: Shell, call: Call) -> Steps:
    """Run an action of the box and print its output leaves."""
    schema, base = shell.box.schema, shell.level
    found = yield from _resolved(shell, call)
    path = found.path[:-1]
    require(schema, path, call.arguments[: len(path) - len(base)], _there(shell))
    if found.node.question:
        yield from confirm(shell, message(f"question.{found.node.question}"), enter_means=False)
    work = shell.box.request_work(path, found.node.name, found.inputs)
    if work is not None:
        yield Work(work)
    leaves = shell.box.request(path, found.node.name, found.inputs, shell.author, shell.now)
    return Output(tuple(line for name, value in leaves for line in _shown(found.node, name, value)))


def _resolved(shell: Shell, call: Call) -> Generator[Ask | Work, str, Request]:
    """Resolve a line; inputs that it lacks are asked for on a terminal."""
    words, answers = list(call.words), dict[Node, Word]()
    word: Word | None = None
    while True:
        try:
            return resolve_request(shell.box.schema, words, shell.level, answers)
        except WalkError as error:
            if word is not None and error.problem is Problem.BAD_VALUE and error.index >= len(call.words):
                raise refused_answer(call.arguments, error) from None
            leaf = asks_for(shell, error)
            if leaf is None:
                raise line_error(error, call.arguments) from None
            at_end = error.problem is Problem.INCOMPLETE
        word = yield from value_for(leaf, named=not at_end)
        if at_end:
            words.append(word)
        else:
            answers[leaf] = word


def _there(shell: Shell) -> Callable[[Step, Path], bool]:
    """Return what tells whether an object can be acted on: it is configured, or there of itself."""
    configured = present(shell.running)

    def there(step: Step, path: Path) -> bool:
        if step.node.config or not step.is_entry:
            return configured(step, path)
        keys = dict(zip(step.node.keys, path[step.start + 1 :], strict=True))
        return any(keys.items() <= row.items() for row in shell.box.rows(path[: step.start + 1]))

    return there


def _shown(action: Node, name: str, value: Value) -> Iterator[str]:
    """Yield `name value`; a value of several lines starts on the line behind its name."""
    leaf = action.output.get(name)
    text = leaf.type.format(value) if leaf is not None and leaf.type is not None else str(value)
    if "\n" in text:
        yield name
        yield from text.rstrip("\n").split("\n")
    else:
        yield f"{name} {text or quote(text)}"


COMMANDS = (Command("request", ("request",), request, Words.ACTION, Right.ACT, acts=True),)
