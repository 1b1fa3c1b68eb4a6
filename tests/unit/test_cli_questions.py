"""Values that are asked for because the line ended without them."""

from __future__ import annotations

import pytest
from clibox import FakeBox, Typist

PROFILE = "set profiles services pathCheckProfile P"
PORT = "set addressContext default zone Z sipSigPort 1"
CERTIFICATE = "set system security pki certificate NEW"
CHECK = "set system security certExpiryCheck"


@pytest.fixture
def typist() -> Typist:
    typist = Typist(FakeBox().session())
    typist.type("configure")
    return typist


@pytest.mark.parametrize(
    ("line", "prompt"),
    [
        (f"{CERTIFICATE} fileName", "(<string>): "),
        ("set profiles security tlsProfile T serverCertName", "(<string>): "),
        (f"{CERTIFICATE} passPhrase", "(<AES encrypted string>): "),
        (f"{CERTIFICATE} state", "[disabled,enabled]: "),
        (f"{PORT} portNumber", "(<number, 1..65535>): "),
        (f"{PORT} ipAddressV4", "(<IPv4 address>): "),
        (f"{PORT} transportProtocolsAllowed", "(<comma list of sip-udp,sip-tcp,sip-tls-tcp,sip-sctp>): "),
        (f"{CHECK} certReCheckRate", "([disable] or <number, 8..720>): "),
        (f"{PROFILE} failureResponseCodes", "([all,all4xx,all5xx,all6xx] or <number, 400..699>): "),
        ("set oam localAuth user U group", "[Administrator,Calea,FieldService,Guest,Operator,SecurityAuditor]: "),
        ("set system admin SBC1 banner bannerText", "> "),
    ],
)
def test_the_question_says_what_fits(typist: Typist, line: str, prompt: str) -> None:
    assert typist.type(line).prompt == prompt


@pytest.mark.parametrize(
    ("leaf", "answer", "shown"),
    [
        (f"{CERTIFICATE} fileName", "new.p12", "fileName new.p12"),
        (f"{CERTIFICATE} fileName", '"a b?.p12"', 'fileName "a b?.p12"'),
        (f"{CERTIFICATE} fileName", "a b.p12", 'fileName "a b.p12"'),
        (f"{CERTIFICATE} state", "dis", "state disabled"),
        (f"{PORT} transportProtocolsAllowed", "sip-tcp,sip-udp", "transportProtocolsAllowed sip-udp,sip-tcp"),
        (f"{PORT} transportProtocolsAllowed", "[ sip-tcp sip-udp ]", "transportProtocolsAllowed sip-udp,sip-tcp"),
        (f"{PROFILE} failureResponseCodes", "503", "failureResponseCodes [ 503 ]"),
        (f"{PROFILE} failureResponseCodes", "[ 503 all4xx ]", "failureResponseCodes [ 503 all4xx ]"),
        (f"{PROFILE} replyTimeoutCount", "3", "replyTimeoutCount 3"),
    ],
)
def test_the_answer_is_a_word_as_in_a_line(typist: Typist, leaf: str, answer: str, shown: str) -> None:
    typist.type(leaf)
    assert typist.type(answer).ok, typist.screen
    assert typist.answer("show | display set").splitlines()[-1].endswith(f" {shown}")


def test_a_wrong_answer_is_refused_behind_the_line(typist: Typist) -> None:
    line = f"{PORT} portNumber"
    typist.type(line)
    caret = "-" * (len("admin@SBC1% ") + len(line)) + "^"
    assert typist.answer("70000") == f'{caret}\nsyntax error: "70000" is out of range.\n'
    assert typist.answer("show") == "No entries found.\n"


@pytest.mark.parametrize("times", [20, 200])
def test_a_wrong_secret_is_not_repeated(typist: Typist, times: int) -> None:
    typist.type(f"{CERTIFICATE} passPhrase")
    typist.type("s3cret" * times, echo=False)
    assert 'syntax error: "********' in typist.screen
    assert "s3cret" not in typist.screen


def test_a_secret_from_another_box_is_kept_as_it_is(typist: Typist) -> None:
    typist.type(f"{CERTIFICATE} passPhrase")
    typist.type("$8$Zm9yZWlnbg==")
    assert typist.answer("show | display set").endswith(" passPhrase $8$Zm9yZWlnbg==\n")
