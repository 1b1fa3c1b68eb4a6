"""Faults in what a CLI session says, from one command to the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from string import ascii_letters

from sbcsim.cli.reply import Reply
from sbcsim.clock import Instant
from sbcsim.config.history import spell_time
from sbcsim.device.faults import Faults
from sbcsim.device.managementpoints import (
    CUT,
    DELAY,
    DROP,
    GARBLE,
    HANG,
    IDLE,
    LOST,
    MUTE,
    NOISE,
    NOTICE,
    PAUSE,
    PIECES,
    PROMPT,
)
from sbcsim.grammar import message

_POINTS = (CUT, DELAY, DROP, GARBLE, HANG, IDLE, LOST, MUTE, NOISE, NOTICE, PAUSE, PIECES, PROMPT)
_EACH = 3
_MOST_PIECES = 8
_OTHER = str.maketrans(ascii_letters, ascii_letters[1:] + ascii_letters[0])


class LostCommandError(Exception):
    """A fault has ended the session in place of a command that had come."""


@dataclass(frozen=True, slots=True)
class Course:
    """How the end of an answer comes.

    First `parts`: texts, each with the seconds that pass behind it (None: without end). Then the rest of the answer as
    `reply`, with `prompt` as what is still to be said of its prompt; in place of that prompt the connection ends where
    it `drops`.
    """

    reply: Reply
    prompt: str
    parts: tuple[tuple[str, float | None], ...] = ()
    drops: bool = False


class FaultyCli:
    """What goes wrong with the answer to the command under way."""

    def __init__(self, faults: Faults, now: Callable[[], Instant]) -> None:
        self._faults = faults
        self._now = now
        self._command: tuple[str, str] | None = None
        self._garbles = self._mutes = False
        self._letters = 0
        self._left: int | None = None

    @property
    def cut(self) -> bool:
        """The connection ends here, within an answer."""
        return self._left == 0

    def begin(self, line: str, without_secrets: Callable[[str], str]) -> str:
        """Note a command, which the journal shows without its secrets; returns what is said before its answer."""
        self._command, self._left = None, None
        self._garbles = self._mutes = False
        if not any(map(self._faults.at, _POINTS)):
            return ""
        self._command = line.strip(), without_secrets(line.strip())
        self._letters = 0
        self._garbles = self._fires(GARBLE) is not None
        self._mutes = self._fires(MUTE) is not None
        limit = self._fires(CUT)
        self._left = None if limit is None else int(limit)
        noise = self._fires(NOISE)
        return "" if noise is None else f"{noise}\n"

    def loses(self) -> bool:
        """Whether the connection ends in place of the command, which has come."""
        return self._fires(LOST) is not None

    def idles(self) -> bool:
        """Whether the session is closed in place of the command, as if nobody had typed it."""
        return self._fires(IDLE) is not None

    def said(self, text: str) -> str:
        """Return a part of the answer as it is said."""
        if self._mutes:
            return ""
        if self._garbles:
            text = "".join(map(self._letter, text))
        if self._left is not None:
            text = text[: self._left]
            self._left -= len(text)
        return text

    def course(self, reply: Reply, *, at_prompt: bool) -> Course:
        """Return how a reply comes that completes the answer, or asks for something; the command is over with this."""
        cut = self._left is not None
        reply = replace(reply, text=self.said(reply.text))
        if self._command is None:
            return Course(reply, reply.prompt)
        reply = self._answered(reply, at_prompt=at_prompt)
        parts = self._waits()
        if cut or self._fires(DROP) is not None:
            reply = replace(reply, text=reply.text if cut else "")
            self._command = None
            return Course(reply, "", parts, drops=True)
        prompt = reply.prompt
        pieces, pause = self._fires(PIECES), self._fires(PAUSE)
        if pieces is not None:
            *first, prompt = _pieces(reply.text, prompt)
            parts += tuple((piece, int(pieces) / 1000) for piece in first)
            reply = replace(reply, text="")
        if pause is not None:
            parts += ((reply.text, int(pause) / 1000),)
            reply = replace(reply, text="")
        self._command = None
        return Course(reply, prompt, parts)

    def _answered(self, reply: Reply, *, at_prompt: bool) -> Reply:
        """Return a reply with what else is said around its last line."""
        user = self._fires(NOTICE)
        if user is not None:
            *lines, last = reply.text.splitlines(keepends=True) or [""]
            time = spell_time(self._now().calendar)
            notice = message("access.commit_notice", time=time, user=user, protocol="ssh", context="cli")
            reply = replace(reply, text="".join((*lines, f"{notice}\n", last)))
        prompt = self._fires(PROMPT) if at_prompt and reply.prompt else None
        if prompt is not None:
            above, line_end, _ = reply.prompt.rpartition("\n")
            reply = replace(reply, prompt=f"{above}{line_end}{prompt}")
        return reply

    def _waits(self) -> tuple[tuple[str, float | None], ...]:
        """Return what passes before the end of an answer."""
        if self._fires(HANG) is not None:
            return (("", None),)
        milliseconds = self._fires(DELAY)
        return () if milliseconds is None else (("", int(milliseconds) / 1000),)

    def _letter(self, letter: str) -> str:
        if not (letter.isascii() and letter.isalpha()):
            return letter
        self._letters += 1
        return letter if self._letters % _EACH else letter.translate(_OTHER)

    def _fires(self, point: str) -> str | None:
        if self._command is None or not self._faults.at(point):
            return None
        subject, shown = self._command
        return self._faults.fires(point, subject, self._now(), shown=shown)


def _pieces(text: str, prompt: str) -> list[str]:
    """Return an answer in pieces of about the same length, cut in the middle of its prompt as well."""
    half = len(prompt) // 2
    whole = text + prompt[:half]
    size = max(1, -(-len(whole) // (_MOST_PIECES - 1)))
    return [*(whole[begin : begin + size] for begin in range(0, len(whole), size)), prompt[half:]]
