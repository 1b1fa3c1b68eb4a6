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

_SDP = """\
v=0
o=- 1 {version} IN IP4 127.0.0.1
s=-
c=IN IP4 127.0.0.1
t=0 0
m=audio 4000 RTP/AVP 8"""


def _how(**attributes: str) -> str:
    """Return the attributes of a step that are given."""
    return "".join(f' {name}="{value}"' for name, value in attributes.items() if value)


def _asks(
    method: str,
    cseq: int,
    target: str,
    to: str,
    *lines: str,
    branch: str = "",
    sdp: int = 0,
    then: str = "",
    test: str = "",
) -> str:
    """Return the step of a caller who sends a request; `sdp` is the version of his session, 0 for none."""
    how = _how(retrans="" if method == "ACK" else "5000", next=then, test=test)
    fields = (*lines, *(["Content-Type: application/sdp"] if sdp else ()))
    return f"""\
  <send{how}><![CDATA[
{method} {target} SIP/2.0
Via: SIP/2.0/TRANSPORT [local_ip]:[local_port];branch=z9hG4bK-[pid]-[call_number]-{branch or f"{method}{cseq}"}
Max-Forwards: 70
From: <sip:100@127.0.0.1>;tag=[pid]c[call_number]
To: <sip:200@127.0.0.1>{to}
Call-ID: [call_id]
CSeq: {cseq} {method}
{"".join(f"{line}{chr(10)}" for line in fields)}Content-Length: [len]

{_SDP.format(version=sdp) if sdp else ""}
  ]]></send>
"""


def _answers(
    status: str,
    *lines: str,
    way: str = "[last_Via:]",
    cseq: str = "[last_CSeq:]",
    tag: str = "",
    sdp: int = 0,
    then: str = "",
    test: str = "",
) -> str:
    """Return the step of somebody who answers what has come last, and goes on with `then` where `test` says so.

    A branch is no step of its own: what comes before SIPp has got to that would be unexpected.
    """
    how = _how(retrans="5000" if sdp else "", next=then, test=test)
    fields = (*lines, *(["Content-Type: application/sdp"] if sdp else ()))
    return f"""\
  <send{how}><![CDATA[
SIP/2.0 {status}
{way}
[last_Record-Route:]
[last_From:]
[last_To:]{tag}
[last_Call-ID:]
{cseq}
{"".join(f"{line}{chr(10)}" for line in fields)}Content-Length: [len]

{_SDP.format(version=sdp) if sdp else ""}
  ]]></send>
"""


_HEAD = '<?xml version="1.0" encoding="ISO-8859-1" ?>\n<scenario name="{name}">\n'
_ASIDE, _BACK = "sip:200@[remote_ip]:[remote_port]", "[next_url]"
_CALLER, _CALLEE = (f"Contact: <sip:{user}@[local_ip]:[local_port];transport=LOWER>" for user in (100, 200))
_TAG = ";tag=[pid]d[call_number]"
_TRYING = '  <recv response="100" optional="true"/>\n'

_PARTS = """\
  <send retrans="5000"><![CDATA[
BYE [next_url] SIP/2.0
Via: SIP/2.0/TRANSPORT [local_ip]:[local_port];branch=z9hG4bK-[pid]-[call_number]-BYE1
[routes]
Max-Forwards: 70
From: [$self];tag=[pid]d[call_number]
To: [$caller]
Call-ID: [call_id]
CSeq: 1 BYE
Content-Length: 0

  ]]></send>
  <recv response="200" next="done"/>
"""

CALLER = "".join(
    (
        _HEAD.format(name="calls"),
        """\
  <nop><action>
    <assignstr assign_to="plan" value="[field0]"/>
    <strcmp assign_to="differs" variable="plan" value="cancel"/>
    <test assign_to="cancels" variable="differs" compare="equal" value="0"/>
    <strcmp assign_to="differs" variable="plan" value="called"/>
    <test assign_to="waits" variable="differs" compare="equal" value="0"/>
  </action></nop>
""",
        _asks("INVITE", 1, _ASIDE, "", _CALLER, "X-Plan: [field0]", sdp=1),
        _TRYING,
        '  <recv response="180" rrs="true" next="cancel" test="cancels"/>\n',
        '  <recv response="200" rrs="true"/>\n',
        _asks("ACK", 1, _BACK, "[peer_tag_param]", "[routes]"),
        _asks("UPDATE", 2, _BACK, "[peer_tag_param]", "[routes]", _CALLER),
        '  <recv response="200"/>\n',
        _asks("INVITE", 3, _BACK, "[peer_tag_param]", "[routes]", _CALLER, sdp=2),
        _TRYING,
        '  <recv response="200"/>\n',
        _asks("ACK", 3, _BACK, "[peer_tag_param]", "[routes]", then="called", test="waits"),
        _asks("BYE", 4, _BACK, "[peer_tag_param]", "[routes]"),
        '  <recv response="200" next="done"/>\n  <label id="called"/>\n  <recv request="BYE"/>\n',
        _answers("200 OK", then="done"),
        '  <label id="cancel"/>\n',
        _asks("CANCEL", 1, _ASIDE, "", branch="INVITE1"),
        '  <recv response="200"/>\n  <recv response="487"/>\n',
        _asks("ACK", 1, _ASIDE, "[peer_tag_param]", branch="INVITE1"),
        '  <label id="done"/>\n  <nop/>\n</scenario>\n',
    )
)

CALLEE = "".join(
    (
        _HEAD.format(name="is called"),
        """\
  <recv request="INVITE" rrs="true"><action>
    <ereg regexp="cancel" search_in="hdr" header="X-Plan:" assign_to="cancels"/>
    <ereg regexp="called" search_in="hdr" header="X-Plan:" assign_to="parts"/>
    <ereg regexp="[^ ].*" search_in="hdr" header="From:" assign_to="caller"/>
    <ereg regexp="[^ ].*" search_in="hdr" header="To:" assign_to="self"/>
    <ereg regexp="(Via: .*[^[:space:]])[[:space:]]+Max-Forwards" search_in="msg" assign_to="all,way"/>
  </action></recv>
""",
        _answers("180 Ringing", _CALLEE, tag=_TAG, then="cancel", test="cancels"),
        _answers("200 OK", _CALLEE, tag=_TAG, sdp=1),
        '  <recv request="ACK"/>\n  <recv request="UPDATE"/>\n',
        _answers("200 OK", _CALLEE),
        '  <recv request="INVITE"/>\n',
        _answers("200 OK", _CALLEE, sdp=2),
        '  <recv request="ACK" next="parts" test="parts"/>\n  <recv request="BYE"/>\n',
        _answers("200 OK", then="done"),
        '  <label id="parts"/>\n',
        _PARTS,
        '  <label id="cancel"/>\n  <recv request="CANCEL"/>\n',
        _answers("200 OK", tag=_TAG),
        _answers("487 Request Terminated", way="[$way]", cseq="CSeq: 1 INVITE", tag=_TAG),
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
        _HEAD.format(name="calls, and holds"),
        """\
  <nop><action>
    <assignstr assign_to="plan" value="[field0]"/>
    <strcmp assign_to="differs" variable="plan" value="talk"/>
    <test assign_to="waits" variable="differs" compare="not_equal" value="0"/>
  </action></nop>
""",
        _asks("INVITE", 1, _ASIDE, "", _CALLER, "X-Plan: [field0]", sdp=1),
        _TRYING,
        '  <recv response="180" rrs="true"/>\n  <recv response="200" rrs="true"/>\n',
        _asks("ACK", 1, _BACK, "[peer_tag_param]", "[routes]", then="called", test="waits"),
        _HELD,
        _asks("UPDATE", 2, _BACK, "[peer_tag_param]", "[routes]", _CALLER),
        '  <recv response="200"/>\n',
        _asks("BYE", 3, _BACK, "[peer_tag_param]", "[routes]"),
        '  <recv response="200" next="done"/>\n  <label id="called"/>\n  <recv request="BYE"/>\n',
        _answers("200 OK"),
        '  <label id="done"/>\n  <nop/>\n</scenario>\n',
    )
)

STANDING_CALLEE = "".join(
    (
        _HEAD.format(name="is called, and holds"),
        """\
  <recv request="INVITE" rrs="true"><action>
    <ereg regexp="called" search_in="hdr" header="X-Plan:" assign_to="parts"/>
    <ereg regexp="cleared" search_in="hdr" header="X-Plan:" assign_to="waits"/>
    <ereg regexp="[^ ].*" search_in="hdr" header="From:" assign_to="caller"/>
    <ereg regexp="[^ ].*" search_in="hdr" header="To:" assign_to="self"/>
  </action></recv>
""",
        _answers("180 Ringing", _CALLEE, tag=_TAG),
        _answers("200 OK", _CALLEE, tag=_TAG, sdp=1),
        '  <recv request="ACK" next="parts" test="parts"/>\n  <nop next="waits" test="waits"/>\n',
        '  <recv request="UPDATE"/>\n',
        _answers("200 OK", _CALLEE),
        '  <label id="waits"/>\n  <recv request="BYE"/>\n',
        _answers("200 OK", then="done"),
        '  <label id="parts"/>\n',
        _HELD,
        _PARTS,
        '  <label id="done"/>\n  <nop/>\n</scenario>\n',
    )
)

REFUSED = "".join(
    (
        _HEAD.format(name="is refused"),
        "  <nop/>\n",
        _asks("INVITE", 1, _ASIDE, "", _CALLER, "X-Plan: [field0]", sdp=1),
        _TRYING,
        '  <recv response="503"/>\n',
        _asks("ACK", 1, _ASIDE, "[peer_tag_param]", branch="INVITE1"),
        "</scenario>\n",
    )
)


def played(scenario: str, transport: str) -> str:
    """Return a scenario over a transport ("UDP", "TCP" or "TLS")."""
    return scenario.replace("TRANSPORT", transport).replace("LOWER", transport.lower())


def plans(file: Path, each: Iterable[str]) -> Path:
    """Write what calls are to be, one after the other and over again, to a file for SIPp's -inf."""
    file.write_text("SEQUENTIAL\n" + "".join(f"{plan};\n" for plan in each))
    return file
