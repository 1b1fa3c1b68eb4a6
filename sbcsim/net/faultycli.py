"""Faults in what a CLI session says, from one command to the next."""

from __future__ import annotations

from collections.abc import Callable
from string import ascii_letters

from sbcsim.clock import Instant
from sbcsim.device.faults import Faults
from sbcsim.device.managementpoints import DELAY, DROP, GARBLE, NOISE

_POINTS = (DELAY, DROP, GARBLE, NOISE)
_EACH = 3
_OTHER = str.maketrans(ascii_letters, ascii_letters[1:] + ascii_letters[0])


class FaultyCli:
    """What goes wrong with the answer to the command under way."""

    def __init__(self, faults: Faults, now: Callable[[], Instant]) -> None:
        self._faults = faults
        self._now = now
        self._command: tuple[str, str] | None = None
        self._garbles = self._delayed = False
        self._letters = 0

    def begin(self, line: str, without_secrets: Callable[[str], str]) -> str:
        """Note a command, which the journal shows without its secrets; returns what is said before its answer."""
        if not any(map(self._faults.at, _POINTS)):
            self._command = None
            self._garbles = False
            return ""
        self._command = line.strip(), without_secrets(line.strip())
        self._delayed = False
        self._letters = 0
        self._garbles = self._fires(GARBLE) is not None
        noise = self._fires(NOISE)
        return "" if noise is None else f"{noise}\n"

    def delay(self) -> float | None:
        """Return how many seconds the answer to the command, complete by now, comes late; None for at once."""
        milliseconds = None if self._delayed else self._fires(DELAY)
        self._delayed = True
        return None if milliseconds is None else int(milliseconds) / 1000

    def drops(self) -> bool:
        """Whether the connection ends in place of the answer, which is complete; the command is over with this."""
        fires = self._fires(DROP) is not None
        self._command = None
        return fires

    def garbled(self, text: str) -> str:
        """Return a part of the answer as it is said."""
        return "".join(map(self._letter, text)) if self._garbles else text

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
