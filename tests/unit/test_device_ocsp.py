"""OCSP: whom the box asks about which certificates, how long it waits, what answers do to handshakes and re-checks."""

from __future__ import annotations

import pytest
import testca
from inmemory import Box
from livebox import LISTENER, PEER, SET_PROFILE, ZONE, chain, live_box, peer, tls_counters
from ocspanswers import answer

from sbcsim.clock import DAY
from sbcsim.device import ocsp as inquiries
from sbcsim.device.certcheck import CLOSED_AT_ONCE
from sbcsim.device.redundancy import RestartCause
from sbcsim.device.settings import Settings
from sbcsim.pki.credential import Certificate
from sbcsim.pki.mint import Authority, Issued
from sbcsim.pki.ocsp import Answer
from sbcsim.pki.ocspanswers import STATES, read_question, refusal

SET_OCSP = "set profiles security ocspProfile O "
DEFAULT, OWN = "http://192.0.2.80/", "http://192.0.2.81:8080/ocsp"
ON = (SET_OCSP + "state enabled", SET_OCSP + f"defaultResponder {DEFAULT}", SET_PROFILE + "ocspProfileName O")
ALARM = "sonusSbxFailedCertificateReCheck"


class Responder:
    """Knows which certificates are good; what it is told to say is said instead. Remembers whom it was asked about."""

    def __init__(self, *known: tuple[Certificate, Authority], says: object = Answer.GOOD) -> None:
        self.known = {certificate.x509.serial_number: (certificate, authority) for certificate, authority in known}
        self.says = says
        self.states: dict[int, object] = {}
        self.asked: list[int] = []

    def __call__(self, question: bytes) -> bytes | str | None:
        asked = read_question(question)
        serial = asked.serial
        self.asked.append(serial)
        says = self.states.get(serial, self.says)
        if isinstance(says, Answer):
            known = self.known[serial]
            return answer(*known, says, nonce=asked.nonce) if says in STATES else refusal(says)
        return says  # type: ignore[return-value]


def serial(issued: Issued | Certificate) -> int:
    certificate = issued.certificate if isinstance(issued, Issued) else issued
    return certificate.x509.serial_number


@pytest.fixture
def responder() -> Responder:
    known = [testca.peer(), testca.peer("dialler.example.com"), testca.sbc(), testca.sbc_renewed()]
    return Responder(*((each.certificate, testca.authority()) for each in known))


@pytest.fixture
def box(responder: Responder) -> Box:
    """Return a box that has just been told to ask; its pinged peer is connected already, unasked."""
    box = live_box()
    box.responders[DEFAULT] = responder
    box.commit(*ON)
    return box


def dial_in(box: Box, issued: Issued | None = None) -> int:
    return box.connect(LISTENER, chain(issued or testca.peer("dialler.example.com")))


def statistics(box: Box) -> dict[str, object]:
    (row,) = box.sbc.rows(("system", "security", "ocspStatistics"))
    return {leaf: value for leaf, value in row.items() if value and leaf != "profileName"}


def answers(box: Box) -> list[tuple[str, str, str]]:
    return [(event.responder, event.answer, event.reason) for event in box.events("ocsp")]


def minor_lines(box: Box) -> list[str]:
    return [event.text for event in box.events("log") if (event.subsystem, event.level) == ("DBG", "minor")]


# Handshakes.


def test_a_good_certificate_is_let_in(box, responder):
    number = dial_in(box)
    assert box.sbc.connection(number).established
    assert responder.asked == [serial(testca.peer("dialler.example.com"))]
    assert statistics(box) == {"ocspRequestAttempts": 1, "ocspResponsesGood": 1}
    assert answers(box) == [(DEFAULT, "good", "")]
    assert minor_lines(box) == []


def test_a_revoked_one_is_not(box, responder):
    responder.says = Answer.REVOKED
    number = dial_in(box)
    assert box.sbc.connection(number) is None
    (*_, handshake) = box.events("handshake")
    assert (handshake.ok, handshake.alert_sent, handshake.reason) == (False, 44, "certificate revoked")
    assert statistics(box) == {"ocspRequestAttempts": 1, "ocspResponsesRevoked": 1}
    counted = tls_counters(box)
    assert (counted["clientAuthFailures"], counted["validationFailures"], counted["handshakeFailures"]) == (1, 1, 1)


def test_a_peer_that_the_box_dials_is_asked_about_as_well(box, responder):
    responder.says = Answer.REVOKED
    box.commit("set addressContext default zone Z ipPeer P pathCheck state disabled")
    for record in box.sbc.connections():
        box.sbc.close_connection(record.id, "test", box.now)
    box.commit("set addressContext default zone Z ipPeer P pathCheck state enabled")
    assert responder.asked == [serial(testca.peer())]
    assert tls_counters(box)["serverAuthFailures"] == 1
    box.advance("5m")
    assert peer(box).state == "down"


@pytest.mark.parametrize(
    ("says", "counter", "reason"),
    [
        (Answer.UNKNOWN, "ocspResponsesUnknown", "unknown"),
        (Answer.MALFORMED_REQUEST, "ocspMalformedRequests", "malformedRequest"),
        (Answer.INTERNAL_ERROR, "ocspInternalErrors", "internalError"),
        (Answer.TRY_LATER, "ocspTryLaters", "tryLater"),
        (Answer.SIGNATURE_REQUIRED, "ocspSigRequired", "sigRequired"),
        (Answer.UNAUTHORIZED, "ocspUnauthorized", "unauthorized"),
        (b"nonsense", "ocspResponsesUnknown", "answer cannot be read"),
        ("connection refused", "ocspRepondersUnreachable", "connection refused"),
    ],
)
def test_where_the_status_is_unavailable_the_peer_is_let_in_with_a_minor_event(box, responder, says, counter, reason):
    responder.says = says
    assert box.sbc.connection(dial_in(box)).established
    assert statistics(box) == {"ocspRequestAttempts": 1, counter: 1}
    assert minor_lines(box) == [f"OCSP status of CN=dialler.example.com unavailable: {reason} ({DEFAULT})"]


@pytest.mark.parametrize("seconds", [1, 2, 4])
def test_a_responder_that_says_nothing_is_waited_for(box, responder, seconds):
    responder.says = None
    box.commit(SET_OCSP + f"responseWaitTime {seconds}")
    number = dial_in(box)
    box.advance(f"{seconds * 1000 - 1}ms")
    assert not box.sbc.connection(number).established
    box.advance("1ms")
    assert box.sbc.connection(number).established
    assert statistics(box) == {"ocspRequestAttempts": 1, "ocspResponseTimeouts": 1}
    assert box.dropped == [1]


def test_the_handshake_timer_does_not_wait_for_it(box, responder):
    responder.says = None
    box.commit(SET_OCSP + "responseWaitTime 16", SET_PROFILE + "handshakeTimer 3")
    number = dial_in(box)
    box.advance("3s")
    assert box.sbc.connection(number) is None
    assert tls_counters(box)["handshakeTimeouts"] == 1
    box.advance("20s")
    assert statistics(box) == {"ocspRequestAttempts": 1, "ocspResponseTimeouts": 1}


@pytest.mark.parametrize(
    ("override", "own", "asked"),
    [
        ("disabled", True, OWN),
        ("disabled", False, DEFAULT),
        ("enabled", True, DEFAULT),
        ("enabled", False, DEFAULT),
    ],
)
def test_whom_it_asks(override, own, asked):
    issued = testca.authority().issue("asked.example.com", ocsp=OWN if own else "")
    box = live_box(*ON, SET_OCSP + f"aiaOverride {override}")
    box.responders[asked] = Responder((issued.certificate, testca.authority()))
    dial_in(box, issued)
    assert answers(box)[-1] == (asked, "good", "")


@pytest.mark.parametrize(
    ("url", "reason"),
    [("", "no responder known"), ("https://192.0.2.1/", "not an http URL"), ("http://[::1", "not an http URL")],
)
def test_nobody_to_ask(url, reason):
    issued = testca.authority().issue("asked.example.com", ocsp=url)
    box = live_box(SET_OCSP + "state enabled", SET_PROFILE + "ocspProfileName O")
    assert box.sbc.connection(dial_in(box, issued)).established
    assert (url, "", reason) in answers(box)
    assert "ocspRequestAttempts" not in statistics(box)


def test_a_responder_is_found_by_the_host_table():
    settings = Settings(hosts={"ocsp.example.com": "192.0.2.82"})
    url = "http://ocsp.example.com:8080/ca"
    issued = testca.authority().issue("asked.example.com", ocsp=url)
    box = live_box(SET_OCSP + "state enabled", SET_PROFILE + "ocspProfileName O", settings=settings)
    box.responders[url] = Responder((issued.certificate, testca.authority()))
    dial_in(box, issued)
    assert answers(box)[-1] == (url, "good", "")
    elsewhere = live_box(SET_OCSP + "state enabled", SET_PROFILE + "ocspProfileName O")
    assert elsewhere.sbc.connection(dial_in(elsewhere, issued)).established
    assert answers(elsewhere)[-1] == (
        "http://ocsp.example.com:8080/ca",
        "",
        "ocsp.example.com is not in the host table",
    )
    assert statistics(elsewhere) == {"ocspRequestAttempts": 1, "ocspRepondersUnreachable": 1}


def test_every_certificate_up_to_the_anchor_is_asked_about():
    issuing = testca.authority().subordinate("Issuing CA", ocsp=OWN)
    leaf = issuing.issue("deep.example.com", ocsp=OWN)
    box = live_box(*ON)
    responder = box.responders[OWN] = Responder((leaf.certificate, issuing), (issuing.certificate, testca.authority()))
    assert box.sbc.connection(dial_in(box, leaf)).established
    assert responder.asked == [serial(leaf), serial(issuing.certificate)]
    responder.states[serial(issuing.certificate)] = Answer.REVOKED
    assert box.sbc.connection(dial_in(box, leaf)) is None


def test_nothing_is_asked_where_it_is_off_or_nothing_is_judged(box, responder):
    box.commit(SET_OCSP + "state disabled")
    assert box.sbc.connection(dial_in(box)).established
    box.commit(SET_OCSP + "state enabled", SET_PROFILE + "peerCertValidate false")
    assert box.sbc.connection(dial_in(box)).established
    box.commit(SET_PROFILE + "peerCertValidate true", SET_PROFILE + "authClient false")
    assert box.sbc.connection(box.connect(LISTENER)).established
    box.commit(SET_PROFILE + "authClient true", "delete profiles security tlsProfile TLS ocspProfileName")
    assert box.sbc.connection(dial_in(box)).established
    assert responder.asked == []


def test_a_handshake_ends_with_the_profile_that_it_began_with(box, responder):
    responder.says = Answer.REVOKED
    box.slow_handshakes = True
    number = dial_in(box)
    box.commit(SET_OCSP + "state disabled")
    box.finish_handshake(number)
    assert box.sbc.connection(number) is None


def test_with_ocsp_no_session_is_taken_up(box):
    number = dial_in(box)
    assert number not in box.given
    box.commit(SET_OCSP + "state disabled")
    assert dial_in(box) in box.given


def test_only_so_many_questions_are_out_at_once(box, responder, monkeypatch):
    monkeypatch.setattr(inquiries, "AT_ONCE", 2)
    responder.says = None
    numbers = [dial_in(box) for _ in range(5)]
    assert len(responder.asked) == 2
    box.advance("2s")
    assert len(responder.asked) == 4
    box.advance("4s")
    assert len(responder.asked) == 5
    assert [box.sbc.connection(number).established for number in numbers[:4]] == [True] * 4
    assert box.sbc.connection(numbers[4]) is None, "its handshakeTimer has run out"


def test_a_restart_forgets_what_was_asked(box, responder):
    responder.says = None
    dial_in(box)
    box.sbc.restart(RestartCause.SOFT, box.now)
    box.pump()
    assert box.dropped == [1]
    assert statistics(box).get("ocspResponseTimeouts") is None
    box.advance("10s")


def test_every_question_has_a_nonce_of_its_own_that_follows_from_the_seed():
    def asked(seed: int = 0) -> list[bytes | None]:
        questions: list[bytes] = []
        box = live_box(*ON, settings=Settings(seed=seed))
        box.responders[DEFAULT] = lambda question: questions.append(question) or "refused"
        for _ in range(2):
            dial_in(box)
        return [read_question(each).nonce for each in questions]

    assert asked() == asked()
    assert len({*asked(), *asked(1)}) == 2 * len(asked()) > 0


# The re-check.


def test_a_connection_whose_peer_has_been_revoked_is_closed_at_the_recheck(box, responder):
    number = dial_in(box)
    responder.states[serial(testca.peer("dialler.example.com"))] = Answer.REVOKED
    box.advance("23h59m")
    assert box.sbc.connection(number) is not None
    box.advance("1m")
    assert box.sbc.connection(number) is None
    reasons = [event.reason for event in box.events("connectionClosed") if event.connection == number]
    assert reasons == ["certificate re-check: revoked"]
    alarms = [alarm.description for alarm in box.sbc.alarms().current if alarm.name.event == ALARM]
    assert alarms == [f"Certificate re-check failed for connection {number} to 127.0.0.1:40000: revoked"]
    assert [(event.checked, event.failed) for event in box.events("certificateCheck")] == [(2, 1)]


def test_so_are_all_where_our_own_certificate_has_been_revoked(box, responder):
    numbers = [dial_in(box) for _ in range(2)]
    responder.states[serial(testca.sbc())] = Answer.REVOKED
    box.advance("1d")
    closed = [event.connection for event in box.events("connectionClosed")]
    assert closed == sorted({1, *numbers})
    assert responder.asked.count(serial(testca.sbc())) == 1, "each certificate is asked about once"


def test_what_the_responder_of_another_profile_says_closes_nothing(box, responder):
    """Each ocspProfile asks a responder of its own about the same certificate."""
    other = box.responders[OWN] = Responder(*responder.known.values())
    profile = SET_PROFILE.replace(" TLS ", " TLS2 ")
    box.commit(
        "set profiles security ocspProfile O2 state enabled",
        f"set profiles security ocspProfile O2 defaultResponder {OWN}",
        f"{profile}serverCertName OLD clientCertName OLD ocspProfileName O2",
        f"set {ZONE} sipSigPort 2 ipInterfaceGroupName LIG portNumber 5070 "
        "transportProtocolsAllowed sip-tls-tcp tlsProfileName TLS2 mode inService state enabled",
    )
    dialler = testca.peer("dialler.example.com")
    good, revoked = (box.connect(at, chain(dialler)) for at in (LISTENER, ("10.0.0.5", 5071)))
    other.states[serial(dialler)] = Answer.REVOKED
    box.advance("1d")
    assert box.sbc.connection(good) is not None
    assert box.sbc.connection(revoked) is None
    assert [(event.checked, event.failed) for event in box.events("certificateCheck")] == [(3, 1)]


def test_thousands_that_are_revoked_are_closed_some_at_a_time(box, responder):
    numbers = [dial_in(box) for _ in range(3 * CLOSED_AT_ONCE + 1)]
    responder.states[serial(testca.peer("dialler.example.com"))] = Answer.REVOKED
    box.advance("23h59m59s")
    box.clock.move_to(DAY)
    box.sbc.fire_planned(box.now)
    assert len(box.sbc.connections()) == len(numbers) + 1
    box.pump()
    left = []
    while box.sbc.unfinished(box.now):
        assert box.sbc.next_due() == box.sbc.plan(2 * DAY) == box.now.uptime
        assert not box.events("certificateCheck")
        left.append(sum(box.sbc.connection(number) is not None for number in numbers))
        if len(left) == 2:
            box.sbc.closed(numbers[-1], "reset by peer", box.now)
        box.sbc.fire_planned(box.now)
    assert left == [2 * CLOSED_AT_ONCE + 1, CLOSED_AT_ONCE + 1, 0]
    assert [(event.checked, event.failed) for event in box.events("certificateCheck")] == [
        (len(numbers) + 1, len(numbers) - 1)
    ]
    asked = len(responder.asked)
    box.advance("1h")
    assert len(responder.asked) == asked, "nothing is asked a second time"


@pytest.mark.parametrize("says", [Answer.UNKNOWN, "connection refused", None, b"nonsense"])
def test_where_nobody_says_so_the_session_stays(box, responder, says):
    numbers = [dial_in(box) for _ in range(2)]
    responder.says = says
    box.advance("1d5s")
    assert all(box.sbc.connection(number) is not None for number in numbers)
    assert [(event.checked, event.failed) for event in box.events("certificateCheck")] == [(3, 0)]


def test_what_is_revoked_while_the_clock_jumps_is_found_at_its_own_recheck(responder):
    """However the jump is cut: a re-check that asks is an instant of its own."""

    def after(*steps: str) -> tuple[object, ...]:
        box = live_box(*ON, "set system security certExpiryCheck certReCheckRate 8")
        box.responders[DEFAULT] = responder
        responder.states[serial(testca.sbc())] = Answer.REVOKED
        for step in steps:
            box.advance(step)
        closed = [(entry.at, entry.event.connection) for entry in box.sbc.journal if entry.kind == "connectionClosed"]
        return closed, box.far_ends[PEER].connections, statistics(box), tls_counters(box)

    whole = after("3d")
    assert whole == after("7h", "1h", "30m", "1d", "23h30m", "16h")
    assert len(whole[0]) == 9


def test_only_connections_of_profiles_with_ocsp_are_closed(box, responder):
    responder.says = Answer.REVOKED
    number = 1
    box.commit("delete profiles security tlsProfile TLS ocspProfileName")
    box.advance("1d")
    assert box.sbc.connection(number) is not None
    assert responder.asked == []
