"""Where faults can be injected: every point by its name, with what it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Point:
    """One place that can go wrong.

    `subject` says what `match` is compared with there, `effect` what happens; `value` what a fault may say more
    precisely, and `default` what it is otherwise; both are empty where there is nothing to say.
    """

    name: str
    subject: str
    effect: str
    value: str = ""
    default: str = ""


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
ACCEPT: Final = "tls.accept"
STALE: Final = "tls.stale"
ABRUPT: Final = "tls.abrupt"
SILENCE: Final = "sip.silence"
STATUS: Final = "sip.status"
DUPLICATE: Final = "sip.duplicate"
SPLIT: Final = "sip.split"

_COMMAND = "command line"
_FILE = "path of the file"
_METHOD = "method of the request"

POINTS: Final = {
    each.name: each
    for each in (
        Point(LOGIN, "user", "The CLI turns a user away after the login, as if there were too many sessions."),
        Point(DROP, _COMMAND, "The connection ends when the command is carried out, before its answer."),
        Point(DELAY, _COMMAND, "The answer to the command comes late.", "milliseconds of the host's time", "1000"),
        Point(GARBLE, _COMMAND, "Every third letter of the answer to the command is another one."),
        Point(
            NOISE, _COMMAND, "A line that nobody asked for comes before the answer.", "the line", "Message from root"
        ),
        Point(VETO, "user", "The commit is refused, and nothing is changed.", "the reason", "application error"),
        Point(UNREADABLE, "certificate object", "Its file cannot be read when it is enabled, as if it were not there."),
        Point(OPEN, _FILE, "The file cannot be opened: permission denied."),
        Point(WRITE, _FILE, "There is no room for what is written."),
        Point(TRUNCATE, _FILE, "What is written behind a length is lost, and nobody is told.", "octets", "0"),
        Point(STALL, _FILE, "Writing hangs for a while.", "milliseconds of the host's time", "1000"),
        Point(SFTP_DROP, _FILE, "The connection ends when something is written."),
        Point(ACCEPT, "zone", "A new connection from outside is reset at once."),
        Point(STALE, "tlsProfile", "A new connection gets another certificate than it should.", "certificate object"),
        Point(ABRUPT, "zone", "The box closes a connection by a reset, without close_notify."),
        Point(SILENCE, _METHOD, "A request is not answered."),
        Point(STATUS, _METHOD, "A request is answered by a failure.", "status of the answer", "503"),
        Point(DUPLICATE, _METHOD, "The answer to a request is sent twice."),
        Point(SPLIT, _METHOD, "The answer to a request comes in two pieces, each in a TLS record of its own."),
    )
}
"""Every point, by name."""
