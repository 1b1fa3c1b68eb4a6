"""Questions that commands put to the user."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from sbcsim.grammar import message
from sbcsim.schema.node import Node
from sbcsim.schema.walk import Word

from .refusal import RefusalError
from .shell import Ask, Shell, Work

_MASK = "*"


def confirm(
    shell: Shell, question: str, *, above: Sequence[str] = (), enter_means: bool
) -> Generator[Ask | Work, str, None]:
    """Ask a yes-or-no question; raises RefusalError unless it is confirmed, as it is where nobody can be asked."""
    if not shell.asks:
        return
    answer = (yield Ask("\n".join((*above, question)))).strip().lower()
    if not (answer in {"y", "yes"} or (enter_means and not answer)):
        raise RefusalError(message("answer.aborted", reason=message("answer.by_user")))


def value_for(leaf: Node) -> Generator[Ask | Work, str, Word]:
    """Ask for the value of a leaf whose name ended the line; of a secret only its length is seen."""
    kind = leaf.type
    choices = kind.choices() if kind is not None else ()
    if leaf.secret:
        prompt = message("question.secret")
    elif choices:
        prompt = message("question.choices", choices=",".join(choices))
    else:
        prompt = message("question.string")
    answer = yield Ask(prompt, hidden=leaf.secret, mask=_MASK if leaf.secret else "")
    return Word(answer, quoted=True, values=None)
