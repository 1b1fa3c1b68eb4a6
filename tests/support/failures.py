"""The failures of TLS, one row each: what a far end does, and everything that follows from it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import testca
from failurerow import (
    NEW,
    OLD,
    PATH_DOWN,
    Row,
    count,
    expired,
    not_yet_valid,
    of_a_stranger,
    only_for,
    revoked,
    without_issuer,
)
from meeting import CLIENT, SERVER, SOMEBODY_HERE
from misbehaviour import (
    CLIENT_HELLO,
    FATAL,
    USER_CANCELED,
    WARNING,
    close_after_tcp,
    close_after_the_first_flight,
    close_one_half,
    close_while_the_responder_is_asked,
    cut,
    garble,
    renegotiate,
    reset_after_tcp,
    reset_after_the_answer,
    reset_after_the_first_flight,
    reset_when_it_stands,
    reset_while_the_responder_is_asked,
    say_in_clear,
    say_in_clear_and_reset,
    say_record,
    say_record_and_go_on,
    shake,
    speak_slowly,
    stay_silent,
    stay_silent_after_the_first_flight,
    vanish,
    wait_while_the_responder_is_asked,
    warn_in_the_handshake,
)
from rawrecord import ALERT, APPLICATION, HANDSHAKE, plain_record
from tlsbox import SET_PROFILE

from sbcsim.pki.mint import Purpose

FAILED = count("handshakeFailures")
REFUSED = {
    SERVER: count("clientAuthFailures", "validationFailures", "handshakeFailures"),
    CLIENT: count("serverAuthFailures", "validationFailures", "handshakeFailures"),
}
ALERTED = count("fatelAlertsReceived", "handshakeFailures")
TIMED_OUT = count("handshakeTimeouts", "handshakeFailures")
NO_SUITE = count("noCipherSuite", "handshakeFailures")
CAME_UP = {SERVER: count("totalServerConnections", "totalServerSessions"), CLIENT: count("totalClientConnections")}
STANDS = {
    SERVER: CAME_UP[SERVER] | count("currentServerConnections", "currentServerSessions"),
    CLIENT: CAME_UP[CLIENT] | count("currentClientConnections"),
}
DOWN = {SERVER: (), CLIENT: (PATH_DOWN,)}


ASKING = (
    "set profiles security ocspProfile O state enabled defaultResponder {responder}",
    f"{SET_PROFILE}ocspProfileName O",
)
"""Lines that have a responder asked."""
OLDER_SERVER_HELLO = plain_record(HANDSHAKE, bytes.fromhex("020000260302" + "22" * 32 + "00c01400"), b"\3\2")
OLDEST_CLIENT_HELLO = plain_record(HANDSHAKE, bytes.fromhex("010000290300" + "33" * 32 + "000002002f0100"), b"\3\0")
SSH = b"SSH-2.0-OpenSSH_9.2\r\n"
HTTP = b"GET / HTTP/1.1\r\nHost: sbc\r\n\r\n"


def _certificates() -> Iterator[Row]:
    for role in (SERVER, CLIENT):
        for version in (OLD, NEW):
            refused = partial(Row, role=role, version=version, does=shake, counts=REFUSED[role], alarms=DOWN[role])
            yield refused(
                "expired", issued=expired, sees="alert 45, fin", tells=("failed: certificate has expired, sent 45",)
            )
            yield refused(
                "not yet valid",
                issued=not_yet_valid,
                sees="alert 42, fin",
                tells=("failed: certificate is not yet valid or the system clock is incorrect, sent 42",),
            )
            yield refused(
                "unknown CA",
                issued=of_a_stranger,
                sees="alert 48, fin",
                tells=("failed: unable to get local issuer certificate, sent 48",),
            )
            yield refused(
                "issuer not sent",
                issued=without_issuer,
                sees="alert 48, fin",
                tells=("failed: unable to get local issuer certificate, sent 48",),
            )
            yield refused(
                "wrong purpose",
                issued=partial(only_for, Purpose.SERVER if role == SERVER else Purpose.CLIENT),
                sees="alert 43, fin",
                tells=("failed: unsuitable certificate purpose, sent 43",),
            )
            address = "127.0.0.1" if role == SERVER else "192.0.2.10"
            yield refused(
                "other name",
                lines=(f"{SET_PROFILE}peerNameVerify enabled", SOMEBODY_HERE),
                sees="alert 42, fin",
                tells=("failed: hostname mismatch, sent 42",),
                good=partial(testca.peer, address),
            )
            yield refused(
                "revoked",
                lines=ASKING,
                issued=revoked,
                sees="alert 44, fin",
                tells=("failed: certificate revoked, sent 44",),
            )


def _nothing_shown() -> Iterator[Row]:
    for version, alert in ((OLD, 40), (NEW, 116)):
        yield Row(
            "no client certificate",
            SERVER,
            version,
            shake,
            f"alert {alert}, fin",
            (f"failed: peer presented no certificate, sent {alert}",),
            count("noClientCert", "handshakeFailures"),
            issued=lambda: None,
        )
        yield Row(
            "no serverCertName",
            SERVER,
            version,
            shake,
            "alert 40, fin",
            ("failed: no certificate configured, sent 40",),
            NO_SUITE,
            lines=("delete profiles security tlsProfile TLS serverCertName",),
            mends=(f"{SET_PROFILE}serverCertName OLD",),
        )
        old = version == OLD
        yield Row(
            "no clientCertName",
            CLIENT,
            version,
            shake,
            "fin",
            ("failed: peer sent alert handshake_failure (40), received 40",)
            if old
            else (
                "secured TLSv1.3",
                "alert 116: peer sent alert certificate_required (116)",
                "closed remote: peer sent alert certificate_required (116)",
            ),
            ALERTED if old else CAME_UP[CLIENT] | count("fatelAlertsReceived"),
            lines=("delete profiles security tlsProfile TLS clientCertName",),
            mends=(f"{SET_PROFILE}clientCertName OLD",),
            alarms=(PATH_DOWN,),
        )


def _nothing_in_common() -> Iterator[Row]:
    for version, suite in ((OLD, "ECDHE-RSA-AES128-GCM-SHA256"), (NEW, "TLS_CHACHA20_POLY1305_SHA256")):
        lines = (f"{SET_PROFILE}cipherSuite2 tls_aes_256_gcm_sha384",)
        yield Row(
            "no common suite",
            SERVER,
            version,
            shake,
            "alert 40, fin",
            ("failed: no shared cipher suite, sent 40",),
            NO_SUITE,
            lines,
            suites=(suite,),
        )
        yield Row(
            "no common suite",
            CLIENT,
            version,
            shake,
            "fin",
            ("failed: peer sent alert handshake_failure (40), received 40",),
            ALERTED,
            lines,
            suites=(suite,),
            alarms=(PATH_DOWN,),
        )
    for version, speaks in ((OLD, NEW), (NEW, OLD), (OLD, "TLSv1.1")):
        yield Row(
            f"no common version ({speaks})",
            SERVER,
            version,
            shake,
            "alert 70, fin",
            ("failed: no shared protocol version, sent 70",),
            NO_SUITE,
            speaks=speaks,
        )
        if speaks == "TLSv1.1":
            continue
        yield Row(
            f"no common version ({speaks})",
            CLIENT,
            version,
            shake,
            "fin",
            ("failed: peer sent alert protocol_version (70), received 70",),
            ALERTED,
            speaks=speaks,
            alarms=(PATH_DOWN,),
        )

    for version in (OLD, NEW):
        yield Row(
            "answers in a version that was not offered",
            CLIENT,
            version,
            partial(say_in_clear, OLDER_SERVER_HELLO),
            "alert 70, fin",
            ("failed: no shared protocol version, sent 70",),
            NO_SUITE,
            alarms=(PATH_DOWN,),
        )

    for version in (OLD, NEW):
        yield Row(
            "hello of SSL 3.0",
            SERVER,
            version,
            partial(say_in_clear, OLDEST_CLIENT_HELLO),
            "alert 70, fin",
            ("failed: no shared protocol version, sent 70",),
            NO_SUITE,
        )


def _time() -> Iterator[Row]:
    for role in (SERVER, CLIENT):
        for version in (OLD, NEW):
            late = partial(
                Row,
                role=role,
                version=version,
                sees="fin",
                counts=TIMED_OUT,
                alarms=DOWN[role],
                tells=("failed: handshakeTimer ran out",),
            )
            yield late("silent after TCP", does=stay_silent)
            if (role, version) != (CLIENT, NEW):  # whose handshake ends with that flight
                yield late("silent after its first flight", does=stay_silent_after_the_first_flight)
            yield late("octet by octet", does=speak_slowly)


def _nonsense() -> Iterator[Row]:
    for role in (SERVER, CLIENT):
        for version in (OLD, NEW):
            broken = partial(
                Row, role=role, version=version, alarms=DOWN[role], counts=count("receiveFailures", "handshakeFailures")
            )
            yield broken("HTTP", does=partial(say_in_clear, HTTP), sees="fin", tells=("failed: http request",))
            yield broken("SSH", does=partial(say_in_clear, SSH), sees="fin", tells=("failed: wrong version number",))
            yield broken(
                "SSH, and a reset",
                does=partial(say_in_clear_and_reset, SSH),
                sees="",
                tells=("failed: wrong version number",),
            )
            yield broken(
                "octets",
                does=partial(say_in_clear, bytes(range(256))),
                sees="fin",
                tells=("failed: wrong version number",),
            )
            yield broken(
                "a record too long",
                does=partial(say_in_clear, b"\x16\x03\x01\xff\xff" + bytes(100)),
                sees="alert 22, fin",
                tells=("failed: data length too long, sent 22",),
            )
            yield broken(
                "a record of application data",
                does=partial(say_in_clear, plain_record(APPLICATION, b"OPTIONS")),
                sees="alert 10, fin",
                tells=("failed: unexpected message, sent 10",),
            )
            yield broken(
                "a hello without end",
                does=partial(
                    say_in_clear,
                    plain_record(HANDSHAKE, (b"\1" if role == SERVER else b"\2") + b"\xff\xff\xff" + bytes(100)),
                ),
                sees="alert 47, fin",
                tells=("failed: excessive message size, sent 47",),
            )


def _ends() -> Iterator[Row]:
    for role in (SERVER, CLIENT):
        for version in (OLD, NEW):
            fails = partial(Row, role=role, version=version, counts=FAILED, alarms=DOWN[role])
            reset = ("failed: reset by peer",)
            yield fails("reset after TCP", does=reset_after_tcp, sees="", tells=reset)
            closed = ("failed: connection closed during handshake",)
            yield fails("closed after TCP", does=close_after_tcp, sees="fin", tells=closed)
            if (role, version) != (CLIENT, NEW):  # whose handshake ends with that flight
                first = "its first flight"
                yield fails(f"reset after {first}", does=reset_after_the_first_flight, sees="", tells=reset)
                yield fails("reset after the answer", does=reset_after_the_answer, sees="", tells=reset)
                yield fails(f"closed after {first}", does=close_after_the_first_flight, sees="fin", tells=closed)
            stood = partial(Row, role=role, version=version, counts=CAME_UP[role])
            secured = f"secured {version}"
            yield stood(
                "reset when it stands",
                does=reset_when_it_stands,
                sees="",
                tells=(secured, "closed remote: reset by peer"),
                counts=CAME_UP[role] | count("receiveFailures"),
            )
            yield stood(
                "closed without close_notify",
                does=cut,
                sees="close_notify, fin",
                tells=(secured, "closed remote: closed by peer without close_notify"),
            )
            yield stood(
                "half closed with close_notify",
                does=close_one_half,
                sees="close_notify, fin",
                tells=(secured, "closed remote: closed by peer"),
            )
            yield stood(
                "vanished",
                does=vanish,
                sees="",
                tells=(secured,),
                counts=STANDS[role],
                alarms=DOWN[role],
                stands=True,
            )


def _while_asked() -> Iterator[Row]:
    lines = (*ASKING, "set profiles security ocspProfile O responseWaitTime 16")
    for role in (SERVER, CLIENT):
        for version in (OLD, NEW):
            fails = partial(Row, role=role, version=version, counts=FAILED, alarms=DOWN[role], lines=lines)
            yield fails("reset", does=reset_while_the_responder_is_asked, sees="", tells=("failed: reset by peer",))
            yield fails(
                "closed",
                does=close_while_the_responder_is_asked,
                sees="fin",
                tells=("failed: connection closed during handshake",),
            )
            yield fails(
                "handshakeTimer",
                does=wait_while_the_responder_is_asked,
                sees="fin",
                tells=("failed: handshakeTimer ran out",),
                counts=TIMED_OUT,
            )


def _words() -> Iterator[Row]:
    for role in (SERVER, CLIENT):
        for version in (OLD, NEW):
            secured = f"secured {version}"
            stands = partial(Row, role=role, version=version, stands=True)
            over = partial(Row, role=role, version=version)
            yield stands(
                "warning alert",
                does=partial(say_record_and_go_on, ALERT, bytes([WARNING, USER_CANCELED])),
                sees="",
                tells=(secured, "alert 90: warning alert"),
                counts=STANDS[role] | count("warningAlertsReceived"),
            )
            if version == OLD:
                yield stands(
                    "warning alert in the handshake",
                    does=warn_in_the_handshake,
                    sees="",
                    tells=("alert 90: warning alert", secured),
                    counts=STANDS[role] | count("warningAlertsReceived"),
                )
            yield over(
                "fatal alert",
                does=partial(say_record, ALERT, bytes([FATAL, 80])),
                sees="fin",
                tells=(
                    secured,
                    "alert 80: peer sent alert internal_error (80)",
                    "closed remote: peer sent alert internal_error (80)",
                ),
                counts=CAME_UP[role] | count("fatelAlertsReceived"),
            )
            yield over(
                "garbled record",
                does=garble,
                sees="alert 20, fin",
                tells=(
                    secured,
                    "closed remote: TLS error: decryption failed or bad record mac"
                    if version == NEW
                    else "closed remote: TLS error: cipher operation failed",
                ),
                counts=CAME_UP[role] | count("receiveFailures"),
            )
            if version == OLD:
                yield stands(
                    "mid-connection hello",
                    does=renegotiate,
                    sees="alert 100",
                    tells=(secured,),
                    counts=STANDS[role] | count("midConnectionHello"),
                    logs=("SEC minor *Tls: renegotiation by FAR refused",),
                )
            else:
                yield over(
                    "mid-connection hello",
                    does=partial(say_record, HANDSHAKE, CLIENT_HELLO),
                    sees="alert 10, fin",
                    tells=(secured, "closed remote: TLS error: unexpected message"),
                    counts=CAME_UP[role] | count("receiveFailures"),
                )
            judged = role == CLIENT and version == NEW
            yield over(
                "refuses our certificate",
                does=shake,
                trusts=testca.stranger,
                sees="fin",
                tells=(
                    (
                        secured,
                        "alert 48: peer sent alert unknown_ca (48)",
                        "closed remote: peer sent alert unknown_ca (48)",
                    )
                    if judged
                    else ("failed: peer sent alert unknown_ca (48), received 48",)
                ),
                counts=CAME_UP[role] | count("fatelAlertsReceived") if judged else ALERTED,
                alarms=DOWN[role],
            )


ROWS = [*_certificates(), *_nothing_shown(), *_nothing_in_common(), *_time(), *_nonsense(), *_ends(), *_words()]

WHILE_A_RESPONDER_IS_ASKED = [*_while_asked()]
