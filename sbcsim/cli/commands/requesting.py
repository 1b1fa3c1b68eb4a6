"""Actions: `request <path> <action> [name value]...`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sbcsim.cli.parser import Call
from sbcsim.cli.questions import confirm
from sbcsim.cli.resolving import Step, line_error, present, require
from sbcsim.cli.shell import Output, Shell, Steps, Work
from sbcsim.grammar import message
from sbcsim.schema.node import Node, Path
from sbcsim.schema.types import Value
from sbcsim.schema.walk import WalkError, quote, resolve_request

from .command import Command, Right, Words


def request(shell: Shell, call: Call) -> Steps:
    """Run an action of the box and print its output leaves."""
    schema, base = shell.box.schema, shell.level
    try:
        found = resolve_request(schema, call.words, base)
    except WalkError as error:
        raise line_error(error, call.arguments) from None
    path = found.path[:-1]
    require(schema, path, call.arguments[: len(path) - len(base)], _there(shell))
    if found.node.question:
        yield from confirm(shell, message(f"question.{found.node.question}"), enter_means=False)
    work = shell.box.request_work(path, found.node.name, found.inputs)
    if work is not None:
        yield Work(work)
    leaves = shell.box.request(path, found.node.name, found.inputs, shell.author, shell.now)
    return Output(tuple(line for name, value in leaves for line in _shown(found.node, name, value)))


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
