"""The steps that scenarios of SIPp are made of: what 100, who calls, and 200, who is called, ask and answer."""

from __future__ import annotations

HEAD = '<?xml version="1.0" encoding="ISO-8859-1" ?>\n<scenario name="{name}">\n'
CALLER_AT, CALLEE_AT = (f"Contact: <sip:{user}@[local_ip]:[local_port];transport=LOWER>" for user in (100, 200))
TAG = ";tag=[pid]d[call_number]"
TRYING = '  <recv response="100" optional="true"/>\n'

# What a callee keeps of the INVITE, as actions: who the two are, for requests of his own, and its way, for answers that
# come after he has received something else.
NAMES = """\
    <ereg regexp="[^ ].*" search_in="hdr" header="From:" assign_to="caller"/>
    <ereg regexp="[^ ].*" search_in="hdr" header="To:" assign_to="self"/>
"""
WAY = """\
    <ereg regexp="(Via: .*[^[:space:]])[[:space:]]+Max-Forwards" search_in="msg" assign_to="all,way"/>
"""

_REPEATED = "5000"
_SDP = """\
v=0
o=- 1 {version} IN IP4 127.0.0.1
s=-
c=IN IP4 127.0.0.1
t=0 0
m=audio 4000 RTP/AVP 8"""


def asks(
    method: str,
    cseq: int,
    *lines: str,
    target: str = "sip:200@[remote_ip]:[remote_port]",
    to: str = "",
    branch: str = "",
    sdp: int = 0,
    then: str = "",
    test: str = "",
) -> str:
    """Return the step of a caller who sends a request, and goes on with `then` where `test` says so.

    `sdp` is the version of his session, 0 for none.
    """
    fields = ("From: <sip:100@127.0.0.1>;tag=[pid]c[call_number]", f"To: <sip:200@127.0.0.1>{to}", *lines)
    return _request(method, cseq, target, branch or f"{method}{cseq}", fields, sdp, then, test)


def within(method: str, cseq: int, *lines: str, sdp: int = 0, then: str = "", test: str = "") -> str:
    """Return the step of a caller who sends a request in the dialog."""
    target, to = "[next_url]", "[peer_tag_param]"
    return asks(method, cseq, "[routes]", *lines, target=target, to=to, sdp=sdp, then=then, test=test)


def says(method: str, cseq: int, *lines: str, branch: str = "", sdp: int = 0) -> str:
    """Return the step of a callee who sends a request in the dialog; he has kept the `NAMES`."""
    fields = (f"From: [$self]{TAG}", "To: [$caller]", "[routes]", *lines)
    return _request(method, cseq, "[next_url]", f"callee-{branch or f'{method}{cseq}'}", fields, sdp)


def answers(
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
    how = _how(retrans=_REPEATED if sdp and status.startswith("2") else "", next=then, test=test)
    known = (way, "[last_Record-Route:]", "[last_From:]", f"[last_To:]{tag}", "[last_Call-ID:]", cseq)
    return _sent(how, f"SIP/2.0 {status}", (*known, *lines), sdp)


def _request(
    method: str, cseq: int, target: str, branch: str, fields: tuple[str, ...], sdp: int, then: str = "", test: str = ""
) -> str:
    how = _how(retrans="" if method == "ACK" else _REPEATED, next=then, test=test)
    via = f"Via: SIP/2.0/TRANSPORT [local_ip]:[local_port];branch=z9hG4bK-[pid]-[call_number]-{branch}"
    known = (via, "Max-Forwards: 70", "Call-ID: [call_id]", f"CSeq: {cseq} {method}")
    return _sent(how, f"{method} {target} SIP/2.0", (*known, *fields), sdp)


def _how(**attributes: str) -> str:
    """Return the attributes of a step that are given."""
    return "".join(f' {name}="{value}"' for name, value in attributes.items() if value)


def _sent(how: str, start: str, fields: tuple[str, ...], sdp: int) -> str:
    kind = ("Content-Type: application/sdp",) if sdp else ()
    head = "\n".join((start, *fields, *kind, "Content-Length: [len]"))
    return f"  <send{how}><![CDATA[\n{head}\n\n{_SDP.format(version=sdp) if sdp else ''}\n  ]]></send>\n"
