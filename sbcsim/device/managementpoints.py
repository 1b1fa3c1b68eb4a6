"""Where faults can be injected for those who manage the box: at login, at commands, commits and file transfers."""

from __future__ import annotations

from typing import Final

from .faultpoint import Point

LOGIN: Final = "cli.login"
DROP: Final = "cli.drop"
DELAY: Final = "cli.delay"
GARBLE: Final = "cli.garble"
NOISE: Final = "cli.noise"
VETO: Final = "commit.veto"
UNREADABLE: Final = "pki.unreadable"
OPEN: Final = "sftp.open"
WRITE: Final = "sftp.write"
TRUNCATE: Final = "sftp.truncate"
STALL: Final = "sftp.stall"
SFTP_DROP: Final = "sftp.drop"

_COMMAND = "command line"
_FILE = "path of the file"

MANAGEMENT: Final = (
    Point(LOGIN, "user", "The CLI turns a user away after the login, as if there were too many sessions."),
    Point(DROP, _COMMAND, "The connection ends when the command is carried out, before its answer."),
    Point(DELAY, _COMMAND, "The answer to the command comes late.", "milliseconds of the host's time", "1000"),
    Point(GARBLE, _COMMAND, "Every third letter of the answer to the command is another one."),
    Point(NOISE, _COMMAND, "A line that nobody asked for comes before the answer.", "the line", "Message from root"),
    Point(VETO, "user", "The commit is refused, and nothing is changed.", "the reason", "application error"),
    Point(UNREADABLE, "certificate object", "Its file cannot be read when it is enabled, as if it were not there."),
    Point(OPEN, _FILE, "The file cannot be opened: permission denied."),
    Point(WRITE, _FILE, "There is no room for what is written."),
    Point(TRUNCATE, _FILE, "What is written behind a length is lost, and nobody is told.", "octets", "0"),
    Point(STALL, _FILE, "Writing hangs for a while.", "milliseconds of the host's time", "1000"),
    Point(SFTP_DROP, _FILE, "The connection ends when something is written."),
)
"""Every point of this side."""
