"""Where faults can be injected for those who manage the box: at login, at commands, commits and file transfers."""

from __future__ import annotations

from typing import Final

from .faultpoint import Point

SSH_ACCEPT: Final = "ssh.accept"
SSH_BANNER: Final = "ssh.banner"
SSH_SLOW: Final = "ssh.slow"
SSH_REFUSED: Final = "ssh.password"
SSH_KEY: Final = "ssh.key"
SSH_CHANNEL: Final = "ssh.channel"

LOGIN: Final = "cli.login"
GREETING: Final = "cli.greeting"
LOST: Final = "cli.lost"
DROP: Final = "cli.drop"
CUT: Final = "cli.cut"
IDLE: Final = "cli.idle"
DELAY: Final = "cli.delay"
PAUSE: Final = "cli.pause"
PIECES: Final = "cli.pieces"
HANG: Final = "cli.hang"
MUTE: Final = "cli.mute"
GARBLE: Final = "cli.garble"
NOISE: Final = "cli.noise"
NOTICE: Final = "cli.notice"
PROMPT: Final = "cli.prompt"
QUESTION: Final = "cli.question"
SYNTAX: Final = "cli.syntax"

LOCKED: Final = "commit.locked"
SLOW: Final = "commit.slow"
WARNING: Final = "commit.warning"
CONFLICT: Final = "commit.conflict"
VETO: Final = "commit.veto"
FALSE: Final = "commit.false"
EXPIRED: Final = "commit.expired"

UNREADABLE: Final = "pki.unreadable"
VANISHED: Final = "pki.vanished"
DAMAGED: Final = "pki.damaged"
PHRASE: Final = "pki.passPhrase"
ACTION: Final = "pki.action"

SUBSYSTEM: Final = "sftp.subsystem"
OPEN: Final = "sftp.open"
WRITE: Final = "sftp.write"
QUOTA: Final = "sftp.quota"
TRUNCATE: Final = "sftp.truncate"
SFTP_GARBLE: Final = "sftp.garble"
STALL: Final = "sftp.stall"
SFTP_DROP: Final = "sftp.drop"
CLOSE: Final = "sftp.close"
READ: Final = "sftp.read"
SHORT: Final = "sftp.short"
LIST: Final = "sftp.list"
SIZE: Final = "sftp.size"
SETSTAT: Final = "sftp.setstat"
RENAME: Final = "sftp.rename"
REMOVE: Final = "sftp.remove"
EXIT: Final = "sftp.exit"

_SERVICE = "service: `cli` or `sftp`"
_LOGIN = "user and service, such as `admin@cli`"
_COMMAND = "command line"
_FILE = "path of the file"
_MILLISECONDS = "milliseconds of the host's time"

_AT_LOGIN = (
    Point(SSH_ACCEPT, _SERVICE, "A new connection is closed at once, before SSH has said a word."),
    Point(
        SSH_BANNER,
        _LOGIN,
        "A banner that nobody configured comes before the login.",
        "the banner",
        "Authorized users only",
    ),
    Point(SSH_SLOW, _LOGIN, "The answer to the first try to log in comes late.", _MILLISECONDS, "1000"),
    Point(
        SSH_REFUSED,
        _LOGIN,
        "The right password is refused. A client that tries several methods meets this at each of them.",
    ),
    Point(SSH_KEY, _LOGIN, "A public key that is good for the login is refused."),
    Point(SSH_CHANNEL, _LOGIN, "The login succeeds, but no channel is opened on the connection: no resources."),
    Point(LOGIN, "user", "The CLI turns a user away after the login, as if there were too many sessions."),
    Point(
        GREETING,
        "user",
        "A message of the day stands above the greeting.",
        "the line",
        "Maintenance on Sunday from 02:00 to 04:00",
    ),
)

_AT_COMMANDS = (
    Point(LOST, _COMMAND, "The connection ends when the command has come, and it is not carried out."),
    Point(DROP, _COMMAND, "The connection ends when the command is carried out, before its answer."),
    Point(
        CUT,
        _COMMAND,
        "The command is carried out, and the connection ends within its answer: behind so many characters, at the "
        "latest at its end.",
        "characters",
        "20",
    ),
    Point(IDLE, _COMMAND, "The session is closed as if it had been idle, and the command is not carried out."),
    Point(DELAY, _COMMAND, "The answer to the command comes late.", _MILLISECONDS, "1000"),
    Point(PAUSE, _COMMAND, "The prompt comes late, a while after the answer.", _MILLISECONDS, "1000"),
    Point(
        PIECES,
        _COMMAND,
        "The answer comes in up to eight pieces with pauses between them, its prompt cut as well.",
        f"{_MILLISECONDS} for each pause",
        "100",
    ),
    Point(HANG, _COMMAND, "The command is carried out and its answer never comes; Ctrl-C brings it."),
    Point(MUTE, _COMMAND, "The command is carried out, and nothing is said: the next that comes is the prompt."),
    Point(GARBLE, _COMMAND, "Every third letter of the answer to the command is another one."),
    Point(NOISE, _COMMAND, "A line that nobody asked for comes before the answer.", "the line", "Message from root"),
    Point(
        NOTICE,
        _COMMAND,
        "The notice of another user's commit, which is not made, stands in front of the answer's last line.",
        "the user",
        "operator",
    ),
    Point(PROMPT, _COMMAND, "The prompt behind the answer is another one.", "the prompt", "sbc# "),
    Point(
        QUESTION,
        _COMMAND,
        "A question comes first, where there is a terminal; only behind `yes` or Enter is the command carried out.",
        "the question",
        "Proceed?",
    ),
    Point(SYNTAX, _COMMAND, "The command is refused as if its first word were unknown."),
)

_AT_COMMITS = (
    Point(
        LOCKED,
        "user",
        "`configure exclusive` and `commit` are refused, as if another user had locked the configuration.",
        "the other user",
        "operator",
    ),
    Point(
        SLOW, "user", "The commit is made late: until then the old configuration is in force.", _MILLISECONDS, "1000"
    ),
    Point(
        WARNING,
        "user",
        "The commit warns of something and, where there is a terminal, asks whether to go on.",
        "the warning",
        "calls may be affected",
    ),
    Point(
        CONFLICT,
        "user",
        "The commit is refused for conflicts with what another user committed; the next one would be accepted.",
        "the other user",
        "operator",
    ),
    Point(VETO, "user", "The commit is refused, and nothing is changed.", "the reason", "application error"),
    Point(
        FALSE,
        "user",
        "The commit is made and in force, but its answer is a failure.",
        "the reason",
        "application communication failure",
    ),
    Point(EXPIRED, "user", "The time of a confirmed commit is over the moment that it is to be confirmed."),
)

_AT_CERTIFICATES = (
    Point(UNREADABLE, "certificate object", "Its file cannot be read when it is enabled, as if it were not there."),
    Point(VANISHED, "certificate object", "Its file is removed the moment that it is to be read, and stays away."),
    Point(DAMAGED, "certificate object", "Its file is refused when it is enabled: not a certificate file."),
    Point(PHRASE, "certificate object", "The right pass phrase of its file is refused when it is enabled."),
    Point(
        ACTION,
        "certificate object and action, such as `SBC generateCSR`",
        "The action fails, and says so in its leaves.",
        "the reason",
        "internal error",
    ),
)

_AT_TRANSFERS = (
    Point(SUBSYSTEM, "user", "The login succeeds, but the subsystem sftp is refused."),
    Point(OPEN, _FILE, "The file cannot be opened: permission denied."),
    Point(WRITE, _FILE, "There is no room for what is written."),
    Point(QUOTA, _FILE, "What is written behind a length is refused: the quota is exceeded.", "octets", "1024"),
    Point(TRUNCATE, _FILE, "What is written behind a length is lost, and nobody is told.", "octets", "0"),
    Point(SFTP_GARBLE, _FILE, "Every third octet that is written is another one, and nobody is told."),
    Point(STALL, _FILE, "Writing hangs for a while.", _MILLISECONDS, "1000"),
    Point(SFTP_DROP, _FILE, "The connection ends when something is written."),
    Point(CLOSE, _FILE, "Closing the file fails, though all of it is there."),
    Point(READ, _FILE, "Reading hangs for a while.", _MILLISECONDS, "1000"),
    Point(SHORT, _FILE, "What is read ends early, and nobody is told.", "octets", "0"),
    Point(LIST, _FILE, "The file is missing in the list of its directory."),
    Point(SIZE, _FILE, "The file seems to have another size than it has.", "octets", "0"),
    Point(SETSTAT, _FILE, "Size, mode or times of the file cannot be set: permission denied."),
    Point(RENAME, _FILE, "The file cannot be given another name: permission denied."),
    Point(REMOVE, _FILE, "The file cannot be removed: permission denied."),
    Point(EXIT, "user", "SFTP that went well ends with an exit status of failure.", "exit status", "1"),
)

MANAGEMENT: Final = (*_AT_LOGIN, *_AT_COMMANDS, *_AT_COMMITS, *_AT_CERTIFICATES, *_AT_TRANSFERS)
"""Every point of this side."""
