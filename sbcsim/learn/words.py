"""What a trainee can say to the coach, in any face that it has."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from sbcsim.errors import UserError
from sbcsim.scenario.loader import nearest

from .coach import Coach
from .lesson import RUNGS
from .standing import standing
from .telling import access


@dataclass(frozen=True, slots=True)
class Answer:
    """What the coach answers; `leaves`: the trainee goes, `begins`: a step begins, and is to be told."""

    text: str = ""
    leaves: bool = False
    begins: bool = False


@dataclass(frozen=True, slots=True)
class Word:
    """One word: what may stand behind it ("" for nothing), what it does, and who does it."""

    argument: str
    meaning: str
    act: Callable[[Coach, str], Awaitable[Answer]]


async def obey(coach: Coach, line: str) -> Answer:
    """Do what a trainee says; what cannot be done is answered, too."""
    name, _, rest = line.strip().partition(" ")
    argument = rest.strip()
    if not name:
        return Answer()
    word = WORDS.get(name.lower())
    if word is None:
        return Answer(f'the coach does not know "{name}"{nearest(name, WORDS)}')
    if bool(argument) is not bool(word.argument):
        return Answer(f"say: {name} {word.argument}".rstrip())
    try:
        return await word.act(coach, argument)
    except UserError as error:
        return Answer(error.text)


async def _hint(coach: Coach, _: str) -> Answer:
    told = await coach.hint()
    if told is None:
        return Answer("Everything is done.")
    more = "" if told.rung == RUNGS else "  (ask again for more)"
    return Answer(f"Hint {told.rung} of {RUNGS}: {told.text}{more}")


async def _skip(coach: Coach, duration: str) -> Answer:
    await coach.skip(duration)
    return Answer(f"It is {coach.sbc.clock.now():%Y-%m-%d %H:%M:%S} now.")


async def _dial(coach: Coach, peer: str) -> Answer:
    return Answer(await coach.ask_peer(peer, "dial"))


async def _ping(coach: Coach, peer: str) -> Answer:
    return Answer(await coach.ask_peer(peer, "ping"))


async def _put(coach: Coach, file: str) -> Answer:
    await coach.put(file)
    return Answer(f"{file} was brought to the box by SFTP.")


async def _remove(coach: Coach, file: str) -> Answer:
    await coach.remove(file)
    return Answer(f"{file} was removed from the box by SFTP.")


async def _status(coach: Coach, _: str) -> Answer:
    return Answer("\n".join(standing(coach)))


async def _reset(coach: Coach, _: str) -> Answer:
    await coach.reset_step()
    return Answer("Back to where this step began. Your sessions at the box have ended: log in again.", begins=True)


async def _again(coach: Coach, _: str) -> Answer:
    await coach.reset_lesson()
    return Answer("The lesson begins again. Your sessions at the box have ended: log in again.", begins=True)


async def _task(_: Coach, __: str) -> Answer:
    return Answer(begins=True)


async def _access(coach: Coach, _: str) -> Answer:
    return Answer(access(coach))


async def _quit(_: Coach, __: str) -> Answer:
    return Answer(leaves=True)


async def _help(_: Coach, __: str) -> Answer:
    width = max(len(f"{name} {word.argument}") for name, word in WORDS.items())
    return Answer("\n".join(f"{f'{name} {word.argument}':<{width}}  {word.meaning}" for name, word in WORDS.items()))


WORDS: Mapping[str, Word] = {
    "hint": Word("", "help with what is wrong now; three times, each time more", _hint),
    "skip": Word("TIME", "move the box's clock: skip 30d, skip 12h, skip 1m", _skip),
    "dial": Word("PEER", "have a peer open a connection to the box: dial PEER2", _dial),
    "ping": Word("PEER", "have a peer ping over the connection that it has dialled", _ping),
    "put": Word("FILE", "bring a file to the box, as your own SFTP client could", _put),
    "remove": Word("FILE", "remove a file from the box, as your own SFTP client could", _remove),
    "status": Word("", "which live connection uses which certificate", _status),
    "task": Word("", "tell again what is to be done", _task),
    "access": Word("", "how to reach the box by SSH and SFTP, and where the files are", _access),
    "reset": Word("", "back to where this step began", _reset),
    "again": Word("", "begin the lesson again", _again),
    "help": Word("", "these words", _help),
    "quit": Word("", "leave; where you are is kept", _quit),
}
"""What the coach understands."""
