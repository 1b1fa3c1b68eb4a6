"""What SIPp plays in calls through the box: a caller, and a callee who does what the caller's X-Plan header says.

- `talk`: INVITE, UPDATE, re-INVITE, and the caller says BYE
- `called`: the same, and the callee says BYE as soon as he has the ACK: an answer of his own it might overtake
- `cancel`: the caller gives up while it rings

Calls that stand do as little as can be: in `talk` the caller says UPDATE and BYE, in `called` the callee says BYE, once
the test lets them; and in `cleared` both wait for the BYE of the box.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sippsteps import CALLEE_AT, CALLER_AT, HEAD, NAMES, TAG, TRYING, WAY, answers, asks, says, within

CALLER = "".join(
    (
        HEAD.format(name="calls"),
        """\
  <nop><action>
    <assignstr assign_to="plan" value="[field0]"/>
    <strcmp assign_to="differs" variable="plan" value="cancel"/>
    <test assign_to="cancels" variable="differs" compare="equal" value="0"/>
    <strcmp assign_to="differs" variable="plan" value="called"/>
    <test assign_to="waits" variable="differs" compare="equal" value="0"/>
  </action></nop>
""",
        asks("INVITE", 1, CALLER_AT, "X-Plan: [field0]", sdp=1),
        TRYING,
        '  <recv response="180" rrs="true" next="cancel" test="cancels"/>\n',
        '  <recv response="200" rrs="true"/>\n',
        within("ACK", 1),
        within("UPDATE", 2, CALLER_AT),
        '  <recv response="200"/>\n',
        within("INVITE", 3, CALLER_AT, sdp=2),
        TRYING,
        '  <recv response="200"/>\n',
        within("ACK", 3, then="called", test="waits"),
        within("BYE", 4),
        '  <recv response="200" next="done"/>\n  <label id="called"/>\n  <recv request="BYE"/>\n',
        answers("200 OK", then="done"),
        '  <label id="cancel"/>\n',
        asks("CANCEL", 1, branch="INVITE1"),
        '  <recv response="200"/>\n  <recv response="487"/>\n',
        asks("ACK", 1, to="[peer_tag_param]", branch="INVITE1"),
        '  <label id="done"/>\n  <nop/>\n</scenario>\n',
    )
)

CALLEE = "".join(
    (
        HEAD.format(name="is called"),
        """\
  <recv request="INVITE" rrs="true"><action>
    <ereg regexp="cancel" search_in="hdr" header="X-Plan:" assign_to="cancels"/>
    <ereg regexp="called" search_in="hdr" header="X-Plan:" assign_to="parts"/>
""",
        NAMES,
        WAY,
        "  </action></recv>\n",
        answers("180 Ringing", CALLEE_AT, tag=TAG, then="cancel", test="cancels"),
        answers("200 OK", CALLEE_AT, tag=TAG, sdp=1),
        '  <recv request="ACK"/>\n  <recv request="UPDATE"/>\n',
        answers("200 OK", CALLEE_AT),
        '  <recv request="INVITE"/>\n',
        answers("200 OK", CALLEE_AT, sdp=2),
        '  <recv request="ACK" next="parts" test="parts"/>\n  <recv request="BYE"/>\n',
        answers("200 OK", then="done"),
        '  <label id="parts"/>\n',
        says("BYE", 1),
        '  <recv response="200" next="done"/>\n',
        '  <label id="cancel"/>\n  <recv request="CANCEL"/>\n',
        answers("200 OK", tag=TAG),
        answers("487 Request Terminated", way="[$way]", cseq="CSeq: 1 INVITE", tag=TAG),
        '  <recv request="ACK"/>\n  <label id="done"/>\n  <nop/>\n  <Reference variables="all"/>\n</scenario>\n',
    )
)

# A call that stands tells the test, and goes on when that says so: SIPp's commands between two controllers of a call.
_HELD = """\
  <sendCmd><![CDATA[
Call-ID: [call_id]
Stands: yes

  ]]></sendCmd>
  <recvCmd/>
"""

STANDING_CALLER = "".join(
    (
        HEAD.format(name="calls, and holds"),
        """\
  <nop><action>
    <assignstr assign_to="plan" value="[field0]"/>
    <strcmp assign_to="differs" variable="plan" value="talk"/>
    <test assign_to="waits" variable="differs" compare="not_equal" value="0"/>
  </action></nop>
""",
        asks("INVITE", 1, CALLER_AT, "X-Plan: [field0]", sdp=1),
        TRYING,
        '  <recv response="180" rrs="true"/>\n  <recv response="200" rrs="true"/>\n',
        within("ACK", 1, then="called", test="waits"),
        _HELD,
        within("UPDATE", 2, CALLER_AT),
        '  <recv response="200"/>\n',
        within("BYE", 3),
        '  <recv response="200" next="done"/>\n  <label id="called"/>\n  <recv request="BYE"/>\n',
        answers("200 OK"),
        '  <label id="done"/>\n  <nop/>\n</scenario>\n',
    )
)

STANDING_CALLEE = "".join(
    (
        HEAD.format(name="is called, and holds"),
        """\
  <recv request="INVITE" rrs="true"><action>
    <ereg regexp="called" search_in="hdr" header="X-Plan:" assign_to="parts"/>
    <ereg regexp="cleared" search_in="hdr" header="X-Plan:" assign_to="waits"/>
""",
        NAMES,
        "  </action></recv>\n",
        answers("180 Ringing", CALLEE_AT, tag=TAG),
        answers("200 OK", CALLEE_AT, tag=TAG, sdp=1),
        '  <recv request="ACK" next="parts" test="parts"/>\n  <nop next="waits" test="waits"/>\n',
        '  <recv request="UPDATE"/>\n',
        answers("200 OK", CALLEE_AT),
        '  <label id="waits"/>\n  <recv request="BYE"/>\n',
        answers("200 OK", then="done"),
        '  <label id="parts"/>\n',
        _HELD,
        says("BYE", 1),
        '  <recv response="200" next="done"/>\n',
        '  <label id="done"/>\n  <nop/>\n</scenario>\n',
    )
)

REFUSED = "".join(
    (
        HEAD.format(name="is refused"),
        "  <nop/>\n",
        asks("INVITE", 1, CALLER_AT, "X-Plan: [field0]", sdp=1),
        TRYING,
        '  <recv response="503"/>\n',
        asks("ACK", 1, to="[peer_tag_param]", branch="INVITE1"),
        "</scenario>\n",
    )
)

_SESSION = "Session-Expires: 1800;refresher=uac"

# Everything else that may be said in a dialog. The callee rings reliably, and has a word of his own.
EVERYTHING_CALLER = "".join(
    (
        HEAD.format(name="says everything"),
        "  <nop/>\n",
        asks("INVITE", 1, CALLER_AT, "Supported: 100rel, timer", _SESSION, sdp=1),
        TRYING,
        '  <recv response="183" rrs="true"/>\n',
        within("PRACK", 2, "RAck: 7 1 INVITE"),
        '  <recv response="200"/>\n  <recv response="180"/>\n  <recv response="200" rrs="true"/>\n',
        within("ACK", 1),
        within("INFO", 3),
        '  <recv response="200"/>\n',
        within("REFER", 4, CALLER_AT, "Refer-To: <sip:300@127.0.0.1>"),
        '  <recv response="202"/>\n  <recv request="NOTIFY"/>\n',
        answers("200 OK"),
        within("MESSAGE", 5),
        '  <recv response="405"/>\n',
        within("UPDATE", 6, CALLER_AT, "Supported: timer", _SESSION),
        '  <recv response="200"/>\n  <recv request="INVITE"/>\n',
        answers("491 Request Pending"),
        '  <recv request="ACK"/>\n  <recv request="INVITE"/>\n',
        answers("200 OK", CALLER_AT, sdp=2),
        '  <recv request="ACK"/>\n',
        within("BYE", 7),
        '  <recv response="200"/>\n</scenario>\n',
    )
)

EVERYTHING_CALLEE = "".join(
    (
        HEAD.format(name="hears everything"),
        '  <recv request="INVITE" rrs="true"><action>\n',
        NAMES,
        WAY,
        "  </action></recv>\n",
        answers("183 Session Progress", CALLEE_AT, "Require: 100rel", "RSeq: 7", tag=TAG, sdp=1),
        '  <recv request="PRACK"/>\n',
        answers("200 OK"),
        answers("180 Ringing", CALLEE_AT, way="[$way]", cseq="CSeq: 1 INVITE"),
        answers("200 OK", CALLEE_AT, "Require: timer", _SESSION, way="[$way]", cseq="CSeq: 1 INVITE", sdp=1),
        '  <recv request="ACK"/>\n  <recv request="INFO"/>\n',
        answers("200 OK"),
        '  <recv request="REFER"/>\n',
        answers("202 Accepted", CALLEE_AT),
        says("NOTIFY", 1, CALLEE_AT, "Event: refer", "Subscription-State: active"),
        '  <recv response="200"/>\n  <recv request="MESSAGE"/>\n',
        answers("405 Method Not Allowed", "Allow: INVITE"),
        '  <recv request="UPDATE"/>\n',
        answers("200 OK", CALLEE_AT, "Require: timer", _SESSION),
        says("INVITE", 2, CALLEE_AT, sdp=2),
        TRYING,
        '  <recv response="491"/>\n',
        says("ACK", 2, branch="INVITE2"),
        says("INVITE", 3, CALLEE_AT, sdp=3),
        TRYING,
        '  <recv response="200"/>\n',
        says("ACK", 3),
        '  <recv request="BYE"/>\n',
        answers("200 OK"),
        '  <Reference variables="all"/>\n</scenario>\n',
    )
)


def played(scenario: str, transport: str) -> str:
    """Return a scenario over a transport ("UDP", "TCP" or "TLS")."""
    return scenario.replace("TRANSPORT", transport).replace("LOWER", transport.lower())


def plans(file: Path, each: Iterable[str]) -> Path:
    """Write what calls are to be, one after the other and over again, to a file for SIPp's -inf."""
    file.write_text("SEQUENTIAL\n" + "".join(f"{plan};\n" for plan in each))
    return file
