"""The torture messages of RFC 4475, fed as they are to a server and to a box between peers; every outcome is pinned.

The messages are not part of the project: they lie beside the checkout, in ../shared/torture, or the tests are skipped.
`test_sip_rules.py` keeps the same rules with messages of our own.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from sip_server import verdicts
from sipcalls import UDP
from throughbox import answered, in_a_datagram, on_a_stream, unchanged

from sbcsim.clock import SECOND
from sbcsim.sip.errors import SipError
from sbcsim.sip.message import Message, Request, Response
from sbcsim.sip.stream import Stream
from sbcsim.sip.transactions import Transactions
from sbcsim.sip.transactionstate import Deliver

FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "torture"

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the RFC 4475 messages are not beside the checkout")

# A 405 means that the message was good and its method is one we know but do not serve, 501 that we do not know it.
ACCEPTED = {
    "wsinv": ["INVITE 405"],
    "intmeth": ["!interesting-Method0123456789_*+`.%indeed'~ 501"],
    "esc01": ["INVITE 405"],
    "escnull": ["REGISTER 405"],
    "esc02": ["RE%47IST%45R 501"],
    "lwsdisp": ["OPTIONS 200"],
    "longreq": ["INVITE 405"],
    # The second body is longer than its Content-Length says: what is left over is no message.
    "dblreq": ["REGISTER 405", "pong", "INVITE 405", "close"],
    "semiuri": ["OPTIONS 200"],
    "transports": ["OPTIONS 200"],
    "mpart01": ["MESSAGE 405"],
    "unreason": ["response 200"],
    "noreason": ["response 100"],
}
"""Section 3.1.1: valid."""

INVALID = {
    "badinv01": ["INVITE 400"],
    "clerr": ["incomplete"],
    "ncl": ["400", "close"],
    "scalar02": ["REGISTER 400"],
    "scalarlg": ["dropped"],
    "quotbal": ["INVITE 400"],
    "ltgtruri": ["400"],
    "lwsruri": ["400"],
    "lwsstart": ["400"],
    "trws": ["400"],
    "escruri": ["INVITE 400"],
    "baddate": ["INVITE 405"],  # nobody reads the Date
    "regbadct": ["REGISTER 405"],  # nobody reads the Contact of a REGISTER that is refused anyway
    "badaspec": ["OPTIONS 400"],
    "baddn": ["incomplete"],  # the file lacks the empty line behind its headers
    "badvers": ["OPTIONS 505"],
    "mismatch01": ["OPTIONS 400"],
    "mismatch02": ["NEWMETHOD 400"],
    "bigcode": ["dropped"],
}
"""Section 3.1.2: invalid."""

MEANING = {
    "badbranch": ["OPTIONS 200"],
    "insuf": ["INVITE 400"],
    "unkscm": ["OPTIONS 416"],
    "novelsc": ["OPTIONS 416"],
    "unksm2": ["REGISTER 405"],
    "bext01": ["OPTIONS 420"],
    "invut": ["INVITE 405"],
    "regaut01": ["REGISTER 405"],
    "multi01": ["INVITE 400"],
    "mcl01": ["400", "close"],
    "bcast": ["response 200"],
    "zeromf": ["OPTIONS 200"],
    "cparam01": ["REGISTER 405"],
    "cparam02": ["REGISTER 405"],
    "regescrt": ["REGISTER 405"],
    "sdp01": ["INVITE 405"],
    "inv2543": ["400", "close"],  # no Content-Length: allowed in a datagram only
}
"""Sections 3.2 to 3.4: well-formed; the transaction, the application or RFC 2543 is the subject."""

BESIDE = {
    "test": ["close"],  # no version in the request line
}
"""In the collection, not in the RFC."""

OUTCOMES = ACCEPTED | INVALID | MEANING | BESIDE

THROUGH_THE_BOX = {
    "wsinv": "481",  # in a dialog that nobody has heard of
    "intmeth": ">!interesting-Method0123456789_*+`.%indeed'~",
    "esc01": "100 >INVITE",
    "escnull": ">REGISTER",
    "esc02": ">RE%47IST%45R",
    "lwsdisp": ">OPTIONS",
    "longreq": "100 >INVITE",
    "dblreq": "400 >REGISTER close",
    "semiuri": ">OPTIONS",
    "transports": ">OPTIONS",
    "mpart01": ">MESSAGE",
    "unreason": "",
    "noreason": "",
    "badinv01": "400",
    "clerr": "",
    "ncl": "400 close",
    "scalar02": "400",
    "scalarlg": "",
    "quotbal": "400",
    "ltgtruri": "400",
    "lwsruri": "400",
    "lwsstart": "400",
    "trws": "400",
    "escruri": "400",
    "baddate": "100 >INVITE",
    "regbadct": "400",
    "badaspec": "400",
    "baddn": "",
    "badvers": "505",
    "mismatch01": "400",
    "mismatch02": "400",
    "bigcode": "",
    "badbranch": ">OPTIONS",
    "insuf": "400",
    "unkscm": "416",
    "novelsc": "416",
    "unksm2": ">REGISTER",
    "bext01": ">OPTIONS",  # extensions are between the two ends
    "invut": "100 >INVITE",
    "regaut01": ">REGISTER",
    "multi01": "400",
    "mcl01": "400 close",
    "bcast": "",
    "zeromf": "483",
    "cparam01": ">REGISTER",
    "cparam02": ">REGISTER",
    "regescrt": ">REGISTER",
    "sdp01": "100 >INVITE",
    "inv2543": "400 close",
    "test": "close",
}
"""What the box answers, passes on (`>METHOD`) and closes, where a peer sends these messages on a connection."""

IN_DATAGRAMS = {
    "dblreq": ">REGISTER",  # what lies behind the first request is dropped
    "clerr": "400",  # a stream would wait for the rest of the body
    "ncl": "400",
    "mcl01": "400",
    "inv2543": "400",  # no Content-Length is allowed here, but no Contact is not: nobody could be called back
    "test": "",  # nobody is told that this is no SIP, and there is no connection to close
}
"""What comes of them by UDP, as the RFC sends them, where a stream comes to another end."""


def message(name: str) -> Message:
    """Return the first message of a file."""
    first = Stream().feed(octets(name))[0]
    assert isinstance(first, Request | Response)
    return first


def octets(name: str) -> bytes:
    return (FOLDER / f"{name}.dat").read_bytes()


def test_every_file_has_an_outcome() -> None:
    assert {path.stem for path in FOLDER.glob("*.dat")} == set(OUTCOMES)
    assert len(ACCEPTED | INVALID | MEANING) == 49  # all that the RFC has
    assert THROUGH_THE_BOX.keys() == OUTCOMES.keys()


@pytest.mark.parametrize("name", OUTCOMES)
def test_outcome(name: str) -> None:
    data = octets(name)
    assert verdicts([data]) == OUTCOMES[name]
    assert verdicts(data[at : at + 1] for at in range(len(data))) == OUTCOMES[name]


@pytest.mark.parametrize("name", THROUGH_THE_BOX)
def test_outcome_through_the_box(name: str) -> None:
    assert on_a_stream(octets(name)).words == THROUGH_THE_BOX[name]
    assert in_a_datagram(octets(name)).words == IN_DATAGRAMS.get(name, THROUGH_THE_BOX[name])


@pytest.mark.parametrize("name", [name for name, words in THROUGH_THE_BOX.items() if ">" in words])
def test_what_the_box_passes_on_is_unchanged_and_its_answer_comes_back(name: str) -> None:
    before = message(name)
    assert isinstance(before, Request)
    for outcome in (on_a_stream(octets(name)), in_a_datagram(octets(name))):
        (after,) = outcome.passed
        after.check()
        assert unchanged(before, after)
    if "close" not in THROUGH_THE_BOX[name]:
        assert answered(on_a_stream(octets(name)), 202) == ["202"]


@pytest.mark.parametrize("name", [name for name, found in OUTCOMES.items() if found[0][0].isupper()])
def test_names_order_and_body_survive(name: str) -> None:
    before = message(name)
    [after] = Stream().feed(before.to_bytes())
    assert after == before


TAKEN_UP = [
    name
    for name, (first, *_) in OUTCOMES.items()
    if first.rpartition(" ")[0] not in {"", "response"} and first.rpartition(" ")[2] not in {"400", "505"}
]


@pytest.mark.parametrize("name", TAKEN_UP)
def test_transactions_take_up_what_is_answered_and_know_it_again(name: str) -> None:
    """Also without a branch that could be relied on."""
    came, layer = message(name), Transactions()
    came.check()
    [delivered] = layer.receive(came, UDP, 0)
    assert isinstance(delivered, Deliver)
    assert delivered.key is not None
    assert not delivered.merged
    assert layer.receive(came, UDP, 0) == []
    layer.fire(32 * SECOND)
    assert len(layer) == int(delivered.key.method == "INVITE")


def test_wsinv() -> None:
    invite = message("wsinv")
    assert isinstance(invite, Request)
    assert invite.uri == "sip:vivekg@chair-dnrc.example.com;unknownparam"
    assert (invite.recipient.uri, invite.recipient.tag) == ("sip:vivekg@chair-dnrc.example.com", "1918181833n")
    assert (invite.sender.display, invite.sender.tag) == (r'"J Rosenberg \\\""', "98asjd8")
    assert (invite.max_forwards, invite.cseq.number, invite.cseq.method) == (68, 9, "INVITE")
    assert [(via.transport, via.sent_by, via.branch) for via in invite.vias] == [
        ("UDP", "192.0.2.2", "390skdjuw"),
        ("TCP", "spindle.example.com", "z9hG4bK9ikj8"),
        ("UDP", "192.168.255.111", "z9hG4bK30239"),
    ]
    assert invite.headers.get("Subject") == ""
    assert invite.headers.get("NewFangledHeader") == "newfangled value continued newfangled value"
    [contact] = invite.contacts
    assert contact.uri == "sip:jdrosen@example.com"
    assert contact.parameters == (("newparam", "newvalue"), ("secondparam", None), ("q", "0.33"))


def test_intmeth() -> None:
    request = message("intmeth")
    assert request.recipient.display == '"BEL:\\\x07 NUL:\\\x00 DEL:\\\x7f"'
    assert request.recipient.uri == "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@example.com"
    assert request.sender.display == "token1~` token2'+_ token3*%!.-"
    assert request.sender.tag == "_token~1'+`*%!-."
    assert request.sender.parameters[0] == ("fromParam''~+*_!.-%", '"работающий"')
    assert request.headers.get("extensionHeader-!.%*+_`'~") == "\ufeff大停電"
    assert request.max_forwards == 255


def test_esc01() -> None:
    request = message("esc01")
    assert isinstance(request, Request)
    assert request.uri == "sip:sips%3Auser%40example.com@example.net"
    assert request.contacts[0].uri == "sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31"


def test_esc02() -> None:
    request = message("esc02")
    assert len(request.contacts) == 2
    assert request.headers.get("C%6Fntact") == "<sip:alias2@host2.example.com>"


def test_escnull() -> None:
    assert [contact.uri for contact in message("escnull").contacts] == [
        "sip:%00@host5.example.com",
        "sip:%00%00@host5.example.com",
    ]


def test_lwsdisp() -> None:
    assert (message("lwsdisp").sender.display, message("lwsdisp").sender.tag) == ("caller", "323")


def test_longreq() -> None:
    request = message("longreq")
    assert len(request.vias) == 34
    assert request.via.sent_by == "sip33.example.com"
    assert request.recipient.display.startswith('"I have a user name of extreme')


def test_semiuri() -> None:
    request = message("semiuri")
    assert isinstance(request, Request)
    assert request.target.user == "user;par=u%40example.net"
    assert request.target.host == "example.com"


def test_transports() -> None:
    assert [via.transport for via in message("transports").vias] == ["UDP", "SCTP", "TLS", "UNKNOWN", "TCP"]


def test_mpart01() -> None:
    assert len(message("mpart01").body) == 553


def test_unreason_and_noreason() -> None:
    unusual, empty = message("unreason"), message("noreason")
    assert isinstance(unusual, Response)
    assert isinstance(empty, Response)
    assert unusual.reason == "= 2**3 * 5**2 но сто девяносто девять - простое"
    assert empty.reason == ""


def test_cparam() -> None:
    outside, inside = message("cparam01").contacts[0], message("cparam02").contacts[0]
    assert (outside.uri, outside.parameters) == ("sip:+19725552222@gw1.example.net", (("unknownparam", None),))
    assert (inside.uri, inside.parameters) == ("sip:+19725552222@gw1.example.net;unknownparam", ())


@pytest.mark.parametrize(
    ("name", "reader"),
    [
        ("badinv01", "via"),
        ("badinv01", "contacts"),
        ("scalar02", "cseq"),
        ("scalar02", "max_forwards"),
        ("scalar02", "expires"),
        ("scalarlg", "cseq"),
        ("quotbal", "recipient"),
        ("badaspec", "recipient"),
        ("baddate", "date"),
        ("regbadct", "contacts"),
        ("multi01", "call_id"),
    ],
)
def test_bad_values_are_found_when_read(name: str, reader: str) -> None:
    whole = message(name)
    with pytest.raises(SipError) as caught:
        getattr(whole, reader)
    assert caught.value.status == 400
    assert caught.value.header
    assert not caught.value.fatal
