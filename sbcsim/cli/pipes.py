"""Filters behind a bar: `display set`, `match`, `count` and the like.

Some decide in which form a view is shown, some choose from it; the others pass lines on, in the order they were typed.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from itertools import chain

from sbcsim.config import document, markup
from sbcsim.config.document import Document
from sbcsim.grammar import message
from sbcsim.schema.node import Node

from .grid import Grid
from .home import write_lines
from .pager import Batches, in_batches
from .parser import Argument, Call, Fault, LineError, Pipe, Start
from .pattern import Pattern, PatternError
from .shell import Output, Shell, Step, Steps, View, Work
from .tables import table
from .views import ConfigurationView, TableView

Filter = Callable[[Batches], Batches]

_NUMBER = re.compile("[0-9]{1,9}", re.ASCII)
_MANY = 99_999_999  # levels: no limit
_MOST_PIPES = 50  # each asks the one before it for lines


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The pipes of one line, ready before its command runs. `form` is "" for the view's own."""

    form: str = ""
    details: bool = False
    compare: bool = False
    choosers: tuple[Pipe, ...] = ()
    filters: tuple[Filter, ...] = ()
    file: str | None = None
    append: bool = False
    paged: bool | None = None
    """Page by page in any case, not at all, or as the session has it."""

    def batches(self, steps: Steps, shell: Shell) -> Generator[Step, str, Batches]:
        """Run a command and return the lines to print; raises what that raises, the batches raise RefusalError."""
        output = yield from steps
        shown = () if output.view is None else (yield from self._made(output, output.view, shell))
        batches = in_batches(chain(output.lines, shown))
        if output.view is not None and not (self.filters or self.file is not None or self.compare):
            batches = _or_nothing(batches)
        for each in self.filters:
            batches = each(batches)
        file = output.file if self.file is None else self.file
        return batches if file is None else self._written(batches, file, shell)

    def _written(self, batches: Batches, file: str, shell: Shell) -> Batches:
        lines: list[str] = []
        for batch in batches:
            lines += batch
            yield []
        write_lines(shell, file, lines, append=self.append)

    def _made(self, output: Output, view: View, shell: Shell) -> Generator[Step, str, Iterable[str]]:
        """Return what is shown; a great configuration that is needed as a whole is worked out where nobody waits."""
        of = view.of if isinstance(view, TableView) else view
        if not isinstance(of, ConfigurationView) or self._piece_by_piece(output, view, shell) or not of.is_great():
            return self._shown(output, view, shell)
        made: list[Iterable[str] | LineError] = []

        def work() -> None:
            try:
                made.append(list(self._shown(output, view, shell)))
            except LineError as error:
                made.append(error)

        yield Work(work)
        (shown,) = made
        if isinstance(shown, LineError):
            raise shown
        return shown

    def _piece_by_piece(self, output: Output, view: View, shell: Shell) -> bool:
        """Tell whether a configuration is shown as it is read, with nothing chosen from it or put in line."""
        if self.compare:
            return True
        return not (self.choosers or self._is_grid(view) or self._levels(output, shell) < _MANY)

    def _is_grid(self, view: View) -> bool:
        return self.form in _GRIDS or (not self.form and isinstance(view, TableView))

    def _levels(self, output: Output, shell: Shell) -> int:
        return min(output.levels or _MANY, int(shell.properties["display-level"]))

    def _shown(self, output: Output, view: View, shell: Shell) -> Iterable[str]:
        details = self.details or shell.properties["show-defaults"] == "true"
        if self.compare and isinstance(view, ConfigurationView):
            return view.compared()
        if self._is_grid(view):
            grid = view.grid()
            if grid is None:
                return view.lines(details=details) if not isinstance(view, TableView) else ()
            return _GRIDS[self.form or "tab"](self._chosen_columns(grid))
        if not self.choosers and self._levels(output, shell) >= _MANY:
            if not self.form:
                return view.lines(details=details)
            if self.form == "display set" and isinstance(view, ConfigurationView):
                return view.set_lines(details=details)
        shown = view.document(details=details)
        shown = document.limited(self._chosen(shown), self._levels(output, shell))
        return _FORMS[self.form](shown, shell.box.schema) if shown.parts else ()

    def _chosen(self, shown: Document) -> Document:
        """Return what is asked for of a document, whichever pipe comes first; several of a kind add up."""
        tops = {part.node for part in shown.parts}
        below = [node for top in tops for node in top.walk() if node is not top]
        named = {kind: _names(self.choosers, kind, below) for kind in _BY_NAME}
        for name in reversed(named["sort-by"]):
            shown = document.arranged(shown, name)
        if named["select"]:
            shown = document.selected(shown, named["select"])
        if named["de-select"]:
            shown = document.deselected(shown, named["de-select"])
        for pipe in self.choosers:
            if pipe.name == "display-level" and pipe.argument is not None:
                shown = document.limited(shown, levels(pipe.argument))
        return shown

    def _chosen_columns(self, grid: Grid) -> Grid:
        """Return the same of a table, which has one level."""
        nodes = [node for column in grid.columns for node in _with_containers(column)]
        named = {kind: _names(self.choosers, kind, nodes) for kind in _BY_NAME - {"sort-by"}}
        for name in reversed(_names(self.choosers, "sort-by", grid.columns)):
            grid = grid.arranged(name)
        if named["select"]:
            grid = grid.selected(named["select"])
        return grid.deselected(named["de-select"]) if named["de-select"] else grid


NO_PIPES = Pipeline()


def pipeline(call: Call, start: Start) -> Pipeline:
    """Return the pipes of a line as functions; raises LineError where one cannot be used."""
    pipes = call.pipes
    if not pipes:
        return NO_PIPES
    if len(pipes) > _MOST_PIPES:
        raise LineError(Fault.UNKNOWN_ARGUMENT, pipes[_MOST_PIPES].start)
    names = [pipe.name for pipe in pipes]
    into_files = [pipe for pipe in pipes if pipe.name in _SINKS]
    for pipe in pipes:
        vain = pipe.name == "compare" and call.innermost.command not in _COMPARED
        if vain or not usable(pipe.name, start) or pipe in into_files[1:]:
            raise LineError(Fault.UNKNOWN_ARGUMENT, pipe.start)
        if pipe.name == "display-level" and pipe.argument is not None:
            levels(pipe.argument)
    sink = into_files[0] if into_files else None
    return Pipeline(
        form=next((name for name in reversed(names) if name in _FORMS or name in _GRIDS), ""),
        details="details" in names,
        compare="compare" in names,
        choosers=tuple(pipe for pipe in pipes if pipe.name in _CHOOSERS),
        filters=tuple(_filter(pipe) for pipe in pipes if pipe.name in _PATTERNS or pipe.name in _PLAIN),
        file=sink.argument.word.text if sink is not None and sink.argument is not None else None,
        append=sink is not None and sink.name == "append",
        paged=False if "nomore" in names else True if "more" in names else None,
    )


def usable(name: str, start: Start) -> bool:
    """Tell whether a pipe has a meaning in a mode: only configure mode has a candidate to compare."""
    return name != "compare" or start is Start.CONF


def levels(argument: Argument) -> int:
    """Return the number of levels to show; raises LineError."""
    text = argument.word.text
    if _NUMBER.fullmatch(text) and int(text):
        return int(text)
    kind = "range" if text.isascii() and text.removeprefix("-").isdecimal() else "invalid"
    raise LineError(Fault.BAD_VALUE, argument.start, text=message(f"value.{kind}", value=text))


def _names(choosers: Sequence[Pipe], kind: str, nodes: Sequence[Node]) -> list[str]:
    """Return the elements that the pipes of one kind name."""
    arguments = [pipe.argument for pipe in choosers if pipe.name == kind and pipe.argument is not None]
    return [name for name in (_name(argument, nodes) for argument in arguments) if name]


def _with_containers(column: Node) -> Iterator[Node]:
    node: Node | None = column
    while node is not None and node.parent is not None:
        yield node
        node = None if node.is_list else node.parent


def _name(argument: Argument, nodes: Sequence[Node]) -> str:
    """Return the element that a word names or abbreviates; "" where there is nothing that could be named."""
    text = argument.word.text
    names = {node.name for node in nodes}
    found = {text} & names or {name for name in names if text and name.startswith(text)}
    if len(found) > 1:
        elements = sorted({(node.name, node.help) for node in nodes if node.name in found})
        raise LineError(Fault.AMBIGUOUS, argument.start, text=text, elements=tuple(elements))
    if not found and nodes:
        raise LineError(Fault.UNKNOWN_ARGUMENT, argument.start)
    return found.pop() if found else ""


def _csv(grid: Grid) -> list[str]:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([grid.names, *grid.rows])
    return text.getvalue().removesuffix("\n").split("\n")


def _filter(pipe: Pipe) -> Filter:
    if pipe.argument is not None:
        return _PATTERNS[pipe.name](_pattern(pipe.argument))
    return _PLAIN[pipe.name]


def _pattern(argument: Argument) -> Pattern:
    text = argument.word.text
    try:
        return Pattern(text)
    except PatternError:
        raise LineError(Fault.BAD_VALUE, argument.start, text=message("value.invalid", value=text)) from None


def _or_nothing(batches: Batches) -> Batches:
    """Yield the batches, or where they hold no line that there is none."""
    empty = True
    for batch in batches:
        empty = empty and not batch
        yield batch
    if empty:
        yield [message("answer.no_entries")]


def _match(pattern: Pattern, *, wanted: bool = True) -> Filter:
    def match(batches: Batches) -> Batches:
        for batch in batches:
            found = []
            for line in batch:
                matches = yield from pattern.search(line)
                if matches is wanted:
                    found.append(line)
            yield found

    return match


def _except(pattern: Pattern) -> Filter:
    return _match(pattern, wanted=False)


def _find(pattern: Pattern) -> Filter:
    def find(batches: Batches) -> Batches:
        for batch in batches:
            for index, line in enumerate(batch):
                if (yield from pattern.search(line)):
                    yield batch[index:]
                    yield from batches
                    return
            yield []

    return find


def _until(pattern: Pattern) -> Filter:
    def until(batches: Batches) -> Batches:
        for batch in batches:
            for index, line in enumerate(batch, 1):
                if (yield from pattern.search(line)):
                    yield batch[:index]
                    return
            yield batch

    return until


def _count(batches: Batches) -> Batches:
    count = 0
    for batch in batches:
        count += len(batch)
        yield []
    yield [message("answer.count", lines=count)]


def _number(batches: Batches) -> Batches:
    lines: list[str] = []  # how wide the numbers are shows at the end
    for batch in batches:
        lines += batch
        yield []
    width = len(str(len(lines)))
    yield from in_batches(f"{number:>{width}}: {line}" for number, line in enumerate(lines, 1))


_PATTERNS: dict[str, Callable[[Pattern], Filter]] = {
    "match": _match,
    "include": _match,
    "except": _except,
    "exclude": _except,
    "find": _find,
    "begin": _find,
    "until": _until,
}

_PLAIN: dict[str, Filter] = {"count": _count, "linnum": _number}

_FORMS: dict[str, Callable[[Document, Node], Iterable[str]]] = {
    "": lambda shown, _: markup.curly(shown),
    "display set": lambda shown, _: markup.set_lines(shown),
    "display xml": markup.xml,
    "display json": markup.json_lines,
    "display keypath": markup.keypaths,
    "display xpath": markup.xpaths,
}

_GRIDS: dict[str, Callable[[Grid], Iterable[str]]] = {
    "tab": lambda grid: table(grid.names, grid.rows),
    "csv": _csv,
}

_BY_NAME = frozenset({"select", "de-select", "sort-by"})
_CHOOSERS = _BY_NAME | {"display-level"}
_SINKS = frozenset({"save", "append"})
_COMPARED = frozenset({"show_candidate", "show_configuration"})
