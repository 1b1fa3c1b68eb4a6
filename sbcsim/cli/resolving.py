"""Words to places in the model, with refusals that know the place in the line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sbcsim.config.tree import Tree
from sbcsim.schema.node import Node, Path
from sbcsim.schema.walk import Problem, Resolved, WalkError, Want, resolve_path

from .parser import Argument, Fault, LineError

_FAULTS = {
    Problem.UNKNOWN_ELEMENT: Fault.UNKNOWN_ELEMENT,
    Problem.AMBIGUOUS: Fault.AMBIGUOUS,
    Problem.INCOMPLETE: Fault.INCOMPLETE,
    Problem.NO_INPUT: Fault.INCOMPLETE,
    Problem.BAD_VALUE: Fault.BAD_VALUE,
    Problem.UNKNOWN_ARGUMENT: Fault.UNKNOWN_ARGUMENT,
}


@dataclass(frozen=True, slots=True)
class Step:
    """One element of an instance path: its node, and where it ends in the path, keys included."""

    node: Node
    start: int
    end: int

    @property
    def is_entry(self) -> bool:
        """The element is a list with the key of an entry."""
        return self.node.is_list and self.end > self.start + 1


def steps(root: Node, path: Path) -> Iterator[Step]:
    """Yield the elements of an instance path, outermost first."""
    node, at = root, 0
    while at < len(path):
        node, start = node.children[path[at]], at
        at += 1
        if node.is_list and at < len(path):
            at += len(node.keys)
        yield Step(node, start, at)


def parent(root: Node, path: Path) -> Path:
    """Return the path one level up."""
    last = list(steps(root, path))[-1]
    return path[: last.start]


def line_error(error: WalkError, arguments: Sequence[Argument]) -> LineError:
    """Return a refusal of the model as one that names the place in the line."""
    if error.index < len(arguments):
        argument = arguments[error.index]
        position, text = argument.start, argument.word.text
    else:
        position, text = arguments[-1].end, ""
    return LineError(
        _FAULTS[error.problem],
        position,
        text=error.text if error.problem is Problem.BAD_VALUE else text,
        elements=tuple((node.name, node.help) for node in error.choices),
    )


def resolve(
    root: Node, arguments: Sequence[Argument], base: Path, want: Want = Want.CONFIG, *, values: bool = False
) -> Resolved:
    """Return the node and instance path that the words name, below `base`; raises LineError."""
    try:
        return resolve_path(root, [argument.word for argument in arguments], base, want=want, values=values)
    except WalkError as error:
        raise line_error(error, arguments) from None


def require(
    root: Node,
    path: Path,
    arguments: Sequence[Argument],
    exists: Callable[[Step, Path], bool],
    fault: Fault = Fault.NOT_THERE,
) -> None:
    """Raise LineError under the first word whose element is not there, as `exists` tells.

    Every word stands for one element of the path or one key, so the words are the last parts of it.
    """
    first = len(path) - len(arguments)
    for step in steps(root, path):
        if step.end > first and not exists(step, path[: step.end]):
            word = step.start + 1 if step.is_entry else step.start
            raise LineError(fault, arguments[max(word - first, 0)].start)


def present(*trees: Tree) -> Callable[[Step, Path], bool]:
    """Return what tells whether an entry or leaf is in one of the trees; containers and lists may simply be empty."""

    def exists(step: Step, path: Path) -> bool:
        return not (step.is_entry or step.node.is_leaf) or any(tree.exists(path) for tree in trees)

    return exists
