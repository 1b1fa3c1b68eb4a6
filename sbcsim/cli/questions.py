"""Questions that commands put to the user."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from sbcsim.grammar import message
from sbcsim.schema.node import Node
from sbcsim.schema.types import StringType
from sbcsim.schema.walk import Problem, WalkError, Word

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
    kind = leaf.type
    choices = kind.choices() if kind is not None else ()
    if _is_long(leaf):
        text = yield Ask(before + message("question.lines"), lines=True)
        return Word(text, quoted=True, values=None)
    if leaf.secret:
        prompt = message("question.secret")
    elif choices:
        prompt = message("question.choices", choices=",".join(choices))
    else:
        prompt = message("question.string")
    answer = yield Ask(before + prompt, hidden=leaf.secret, mask=_MASK if leaf.secret else "")
    return Word(answer, quoted=True, values=None)


def _is_long(leaf: Node) -> bool:
    """Tell whether a leaf takes text of several lines: a banner, a certificate."""
    kind = leaf.type
    if not isinstance(kind, StringType) or leaf.secret or kind.patterns:
        return False
    return not kind.lengths or kind.lengths[-1][1] > _LONGEST_LINE_VALUE
