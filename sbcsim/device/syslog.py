"""Lines of the event logs as syslog messages (RFC 5424)."""

from __future__ import annotations

from sbcsim.clock import Instant, to_rfc3339

_LOCAL0 = 16
_SEVERITIES = {"Critical": 2, "Major": 3, "Minor": 4, "Info": 6, "Informational": 6}
"""Critical, error, warning and informational (RFC 5424 section 6.2.1)."""


def syslog_message(level: str, subsystem: str, text: str, host: str, at: Instant) -> bytes:
    """Return one message: `<131>1 2026-01-30T10:00:00Z SBC1 sbc - CFG - *Commit 7 by admin via cli`."""
    priority = 8 * _LOCAL0 + _SEVERITIES[level]
    line = text.replace("\r", " ").replace("\n", " ")
    return f"<{priority}>1 {to_rfc3339(at.calendar)} {host} sbc - {subsystem} - {line}".encode()
