from __future__ import annotations

import pytest
from sipcalls import HERE, answer, request

from sbcsim.sip import via
from sbcsim.sip.errors import SipError
from sbcsim.sip.message import Headers, Request


def vias(message: object) -> list[str]:
    assert hasattr(message, "vias")
    return [str(each) for each in message.vias]


def test_a_hop_of_ours() -> None:
    assert str(via.hop("TLS", ("192.0.2.1", 5061), "x")) == "SIP/2.0/TLS 192.0.2.1:5061;branch=z9hG4bKx"
    assert str(via.hop("UDP", ("2001:db8::1", 5060), "x", rport=True)) == (
        "SIP/2.0/UDP [2001:db8::1]:5060;rport;branch=z9hG4bKx"
    )


def test_push_and_pop_leave_the_rest_as_it_was_written() -> None:
    came = request(extra=[("v", "SIP/2.0/TCP  a ;x, SIP/2.0/TCP b")])
    sent = via.push(came, via.hop("TLS", ("192.0.2.3", 5061), "own"))
    assert [name for name, _ in sent.headers][:2] == ["Via", "Via"]
    assert vias(sent)[1:] == vias(came)
    back = via.pop(answer(sent, 200))
    assert back.headers.all("Via") == came.headers.all("Via")
    assert len(vias(via.pop(back))) == 2


def test_pop_takes_one_hop_of_a_line_with_several() -> None:
    both = f"SIP/2.0/TLS own;branch=z9hG4bK1 , SIP/2.0/UDP {HERE};branch=z9hG4bK2"
    back = via.pop(answer(request(via=both), 200))
    assert back.headers.all("Via") == [f"SIP/2.0/UDP {HERE};branch=z9hG4bK2"]


def test_pop_refuses_a_response_that_was_for_us() -> None:
    with pytest.raises(SipError) as caught:
        via.pop(answer(request(), 200))
    assert caught.value.status == 0


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (["SIP/2.0/UDP 192.0.2.9:5060;branch=a"], ["SIP/2.0/UDP 192.0.2.9:5060;branch=a"]),
        (["SIP/2.0/UDP h;branch=a"], ["SIP/2.0/UDP h;branch=a;received=192.0.2.9"]),
        (["SIP/2.0/UDP h;rport;branch=a,  SIP/2.0/UDP g", "SIP/2.0/UDP f"],
         ["SIP/2.0/UDP h;rport=7;branch=a;received=192.0.2.9,  SIP/2.0/UDP g", "SIP/2.0/UDP f"]),
    ],
)  # fmt: skip
def test_what_is_noted_about_the_sender(written: list[str], expected: list[str]) -> None:
    came = request(via=written[0])
    for value in written[1:]:
        came = Request(method="INVITE", uri=came.uri, headers=Headers([*came.headers, ("Via", value)]))
    assert via.arrived(came, ("192.0.2.9", 7)).headers.all("Via") == expected


def test_forwards_count_down_to_483() -> None:
    came = request()
    for left in (69, 68):
        came = via.forwarded(came)
        assert came.max_forwards == left
    none = Request(method="INVITE", uri=came.uri, headers=came.headers.replaced("Max-Forwards"))
    assert via.forwarded(none).max_forwards == 70
    for value, status in (("0", 483), ("x", 400), ("256", 400)):
        with pytest.raises(SipError) as caught:
            via.forwarded(Request(method="INVITE", uri=came.uri, headers=came.headers.replaced("Max-Forwards", value)))
        assert caught.value.status == status


LOCAL = ("192.0.2.3", 5061)


def passed(came: Request) -> Request:
    """Return a request as it leaves us."""
    return via.push(came, via.hop("TLS", LOCAL, f"77{via.loop_mark(came)}"))


def test_a_request_that_comes_back_unchanged_loops() -> None:
    came = request()
    via.check_loop(came, "TLS", LOCAL)
    again = via.push(passed(came), via.hop("UDP", ("192.0.2.8", 5060), "other"))
    with pytest.raises(SipError) as caught:
        via.check_loop(again, "TLS", LOCAL)
    assert (caught.value.status, caught.value.request) == (482, again)
    via.check_loop(again, "TLS", ("192.0.2.3", 5062))


def test_a_request_that_comes_back_with_another_target_spirals() -> None:
    sent = passed(request())
    via.check_loop(Request(method="INVITE", uri="sip:other@h", headers=sent.headers), "TLS", LOCAL)
    via.check_loop(
        Request(method="INVITE", uri=sent.uri, headers=sent.headers.on_top("Route", "<sip:p;lr>")), "TLS", LOCAL
    )
    before = Request(method="INVITE", uri=sent.uri, headers=sent.headers.replaced("Call-ID", "another"))
    via.check_loop(before, "TLS", LOCAL)


def test_headers_are_put_on_top_and_replaced_in_place() -> None:
    headers = Headers([("A", "1"), ("v", "x"), ("B", "2"), ("Via", "y")])
    assert headers.on_top("VIA", "w").fields == (("A", "1"), ("VIA", "w"), ("v", "x"), ("B", "2"), ("Via", "y"))
    assert headers.on_top("C", "3").fields[0] == ("C", "3")
    assert headers.replaced("Via", "w", "z").fields == (("A", "1"), ("Via", "w"), ("Via", "z"), ("B", "2"))
    assert headers.replaced("Via").fields == (("A", "1"), ("B", "2"))
    assert headers.replaced("C", "3").fields[-1] == ("C", "3")
