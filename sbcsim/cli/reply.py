"""What a session answers to whoever drives it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .shell import Ask, Patience


@dataclass(frozen=True, slots=True)
class Reply:
    """What a session answers.

    `text` has LF line ends and is empty or ends in one. `prompt` is what to show next and may take several lines.
    With `exit_status` the channel closes. `hidden`: the next line is a secret, not to be echoed but for `mask` in
    place of each character. `work` is slow and pure: run it anywhere, then call `Session.resume`; where there is
    `patience`, have that before. With `more` the answer goes on: call `Session.more` for the next part of it when
    others have had their turn, and there is room for it. `keys`: the next key goes to `Session.key`, without Enter.
    `plain`: the next line is an answer or text, in which no key completes anything and which is not called back later.
    """

    text: str
    prompt: str
    ok: bool = True
    exit_status: int | None = None
    hidden: bool = False
    mask: str = ""
    work: Callable[[], None] | None = None
    patience: Patience | None = None
    more: bool = False
    keys: bool = False
    plain: bool = False


def question(ask: Ask) -> Reply:
    """Return a question of a command as a reply."""
    above, _, prompt = ask.prompt.rpartition("\n")
    return Reply(f"{above}\n" if above else "", prompt, hidden=ask.hidden, mask=ask.mask, plain=not ask.hidden)


def joined(lines: Iterable[str]) -> str:
    """Return lines as the text of a reply."""
    return "".join(f"{line}\n" for line in lines)
