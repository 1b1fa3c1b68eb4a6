"""The alerts of TLS by name, and the error of a session that is over."""

from __future__ import annotations

from sbcsim.device.effects import Ending
from sbcsim.errors import PeerError

ALERT_NAMES = {
    0: "close_notify", 10: "unexpected_message", 20: "bad_record_mac", 21: "decryption_failed", 22: "record_overflow",
    40: "handshake_failure", 42: "bad_certificate", 43: "unsupported_certificate", 44: "certificate_revoked",
    45: "certificate_expired", 46: "certificate_unknown", 47: "illegal_parameter", 48: "unknown_ca",
    49: "access_denied", 50: "decode_error", 51: "decrypt_error", 70: "protocol_version",
    71: "insufficient_security", 80: "internal_error", 86: "inappropriate_fallback", 90: "user_canceled",
    100: "no_renegotiation", 109: "missing_extension", 110: "unsupported_extension", 112: "unrecognized_name",
    115: "unknown_psk_identity", 116: "certificate_required", 120: "no_application_protocol",
}  # fmt: skip
"""RFC 8446 section 6 and the older alerts of RFC 5246."""


class TlsEndedError(PeerError):
    """An established TLS session is over; `alert` is what the far end sent, 0 for close_notify."""

    def __init__(self, ending: Ending, reason: str = "", alert: int = 0) -> None:
        super().__init__(reason or ending.value, layer="tls")
        self.ending = ending
        self.alert = alert


def alert_text(alert: int) -> str:
    """Return an alert as `certificate_expired (45)`."""
    return f"{ALERT_NAMES.get(alert, 'alert')} ({alert})"
