"""Questions that commands put to the user."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from sbcsim.grammar import message
from sbcsim.schema.node import Kind, Node
from sbcsim.schema.types import BitsType, LeafrefType, StringType, Type, UnionType
from sbcsim.schema.walk import Problem, WalkError, Word

from .lexer import UnterminatedStringError, scan_word
from .parser import Argument, Fault, LineError
from .refusal import RefusalError
from .shell import Ask, Shell, Work

_MASK = "*"
_LONGEST_LINE_VALUE = 1023
"""Characters of what is still asked for on one line."""


def confirm(
    shell: Shell, question: str, *, above: Sequence[str] = (), enter_means: bool
) -> Generator[Ask | Work, str, None]:
    """Ask a yes-or-no question; raises RefusalError unless it is confirmed, as it is where nobody can be asked."""
    if not shell.asks:
        return
    answer = (yield Ask("\n".join((*above, question)))).strip().lower()
    if not (answer in {"y", "yes"} or (enter_means and not answer)):
        raise RefusalError(message("answer.aborted", reason=message("answer.by_user")))


def asks_for(shell: Shell, error: WalkError) -> Node | None:
    """Return the leaf whose value a line lacks and that can be asked for, None where the line is to be refused."""
    missing = error.problem in {Problem.INCOMPLETE, Problem.NO_INPUT} and error.choices and error.choices[0].is_leaf
    wizard = shell.terminal is not None and shell.properties["autowizard"] == "true"
    return error.choices[0] if missing and wizard else None


def value_for(leaf: Node, *, named: bool = False) -> Generator[Ask | Work, str, Word]:
    """Ask for the value of a leaf, by its name unless that ended the line; of a secret only its length is seen."""
    before = message("question.value_for", name=leaf.name) if named else ""
    if _is_long(leaf):
        return Word((yield Ask(before + message("question.lines"), lines=True)), quoted=True)
    if leaf.secret:
        return Word((yield Ask(before + message("question.secret"), hidden=True, mask=_MASK)), quoted=True)
    return _word(leaf, (yield Ask(before + _prompt(leaf.type))))


def refused_answer(arguments: Sequence[Argument], error: WalkError) -> LineError:
    """Return the refusal of a line whose last value was asked for and is wrong."""
    return LineError(Fault.BAD_VALUE, arguments[-1].end, text=error.text)


def _prompt(kind: Type | None) -> str:
    """Return the question for a value of a type: its choices where there are no others, else its form."""
    choices = () if kind is None else kind.choices()
    if kind is None or (not choices and isinstance(_target(kind), StringType)):
        return message("question.string")
    if choices and not isinstance(_target(kind), BitsType | UnionType):
        return message("question.choices", choices=",".join(choices))
    return message("question.form", form=kind.help)


def _target(kind: Type) -> Type:
    return kind.of if isinstance(kind, LeafrefType) else kind


def _word(leaf: Node, answer: str) -> Word:
    """Return an answer as the word that it would be in a line: in quotes, a list in brackets, or as it is."""
    text = answer.strip()
    if text.startswith("[") and text.endswith("]") and (leaf.kind is Kind.LEAF_LIST or isinstance(leaf.type, BitsType)):
        return Word(text, values=tuple(text[1:-1].split()))
    try:
        word, quoted, end = scan_word(text, 0)
    except UnterminatedStringError:
        return Word(answer, quoted=True)
    return Word(word if quoted and end == len(text) else answer, quoted=True)


def _is_long(leaf: Node) -> bool:
    """Tell whether a leaf takes text of several lines: a banner, a certificate."""
    kind = leaf.type
    if not isinstance(kind, StringType) or leaf.secret or kind.patterns:
        return False
    return not kind.lengths or kind.lengths[-1][1] > _LONGEST_LINE_VALUE
