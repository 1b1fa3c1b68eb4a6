"""How the answer to a command is said: at once, or as faults want it, be that late, in parts or not to its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from sbcsim.cli.reply import Reply

from .faultycli import Course, FaultyCli, LostCommandError
from .outlet import Outlet


class Speaker(Protocol):
    """Whose answers they are."""

    def suspend(self, reply: Reply) -> None:
        """Have the work done, or the patience, that an answer needs before it goes on."""

    def hold(self, seconds: float | None, then: Callable[[], None]) -> None:
        """Go on with an answer later, None for never."""

    def conclude(self, reply: Reply, prompt: str) -> None:
        """Act on an answer that has been said; `prompt` is what has not been said yet of the one in the reply."""

    def break_off(self) -> None:
        """End the connection with nothing more said than what has been printed."""

    def time_out(self) -> None:
        """End the session as if nobody had been there for too long."""


class Answering:
    """The answers of one channel, each from the command to the next prompt."""

    def __init__(self, speaker: Speaker, outlet: Outlet, faulty: FaultyCli) -> None:
        self.goes_on = False
        """The session has more to say as soon as there is time and room."""
        self._speaker = speaker
        self._outlet = outlet
        self._faulty = faulty

    def begin(self, command: str, without_secrets: Callable[[str], str]) -> None:
        """Note that a command begins, for what may go wrong with it; raises LostCommandError where it must not."""
        self._outlet.print(self._faulty.begin(command, without_secrets))
        if self._faulty.loses():
            self._outlet.discard()
            self._speaker.break_off()
            raise LostCommandError
        if self._faulty.idles():
            self._speaker.time_out()
            raise LostCommandError

    def show(self, reply: Reply, *, at_prompt: bool, aside: bool) -> None:
        """Say what a session answers; `aside`: within a wait or behind the end, where nothing is left to go wrong."""
        self.goes_on = reply.more
        suspends = reply.work is not None or reply.patience is not None
        if not (reply.more or suspends or aside):
            self._follow(self._faulty.course(reply, at_prompt=at_prompt))
            return
        self._outlet.print(self._faulty.said(reply.text))
        if self._faulty.cut:
            self._speaker.break_off()
        elif suspends:
            self._speaker.suspend(reply)
        elif not reply.more:
            self._speaker.conclude(reply, reply.prompt)

    def _follow(self, course: Course) -> None:
        """Say the end of an answer as its faults want it, perhaps part by part."""
        if course.parts:
            (text, seconds), *rest = course.parts
            self._outlet.print(text)
            self._speaker.hold(seconds, lambda: self._follow(replace(course, parts=tuple(rest))))
            return
        self._outlet.print(course.reply.text)
        if not course.drops:
            self._speaker.conclude(course.reply, course.prompt)
            return
        if not course.reply.text:
            self._outlet.discard()
        self._speaker.break_off()
