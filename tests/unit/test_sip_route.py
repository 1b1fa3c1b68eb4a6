from __future__ import annotations

import pytest
from sipcalls import answer, request

from sbcsim.sip import route, uri
from sbcsim.sip.errors import SipError

LOOSE, STRICT = "<sip:p1.example;lr>", "<sip:p2.example;transport=tcp;method=INVITE?Subject=x>"
TARGET = "sip:bob@192.0.2.2:5060"


def test_values_are_single_elements_as_they_were_written() -> None:
    came = request(extra=[("Route", '"a, b" <sip:a;lr>;x , <sip:b>'), ("Route", "<sip:c>")])
    assert route.values(came, "Route") == ('"a, b" <sip:a;lr>;x', "<sip:b>", "<sip:c>")
    assert route.values(came, "Path") == ()


def test_a_route_set_is_in_order_for_the_server_and_reversed_for_the_client() -> None:
    recorded = [("Record-Route", "<sip:p2;lr>, <sip:p1;lr>")]
    assert route.learned(request(extra=recorded), by_client=False) == ("<sip:p2;lr>", "<sip:p1;lr>")
    back = answer(request(), 200, extra=recorded)
    assert route.learned(back, by_client=True) == ("<sip:p1;lr>", "<sip:p2;lr>")
    with pytest.raises(SipError):
        route.learned(request(extra=[("Record-Route", "p2")]), by_client=False)


def test_record_puts_us_on_top() -> None:
    came = request(extra=[("Record-Route", LOOSE)])
    assert route.record(came, "sip:192.0.2.3:5061;transport=tls").headers.all("Record-Route") == [
        "<sip:192.0.2.3:5061;transport=tls;lr>",
        LOOSE,
    ]
    assert route.record(came, "sip:192.0.2.3;lr").headers.get("Record-Route") == "<sip:192.0.2.3;lr>"


@pytest.mark.parametrize(
    ("routes", "expected"),
    [
        ((), (TARGET, (), TARGET)),
        ((LOOSE,), (TARGET, (LOOSE,), "sip:p1.example;lr")),
        ((LOOSE, STRICT), (TARGET, (LOOSE, STRICT), "sip:p1.example;lr")),
        ((STRICT, LOOSE), ("sip:p2.example;transport=tcp", (LOOSE, f"<{TARGET}>"), "sip:p2.example;transport=tcp")),
        ((STRICT,), ("sip:p2.example;transport=tcp", (f"<{TARGET}>",), "sip:p2.example;transport=tcp")),
        (("<tel:+1>",), ("tel:+1", (f"<{TARGET}>",), "tel:+1")),
    ],
)
def test_loose_and_strict(routes: route.RouteSet, expected: route.Way) -> None:
    assert route.towards(TARGET, routes) == expected
    sent, next_hop = route.routed(request(uri=TARGET, extra=[("Route", value) for value in routes]))
    assert (sent.uri, route.values(sent, "Route"), next_hop) == expected


def ours(text: str) -> bool:
    return uri.parse(text).host == "sbc.example"


@pytest.mark.parametrize(
    ("target", "routes", "expected", "left"),
    [
        (TARGET, [], TARGET, []),
        (TARGET, ["<sip:sbc.example;lr>, <sip:p;lr>"], TARGET, ["<sip:p;lr>"]),
        (TARGET, ["<sip:sbc.example;lr>"], TARGET, []),
        (TARGET, [LOOSE], TARGET, [LOOSE]),
        ("sip:sbc.example", ["<sip:p;lr>", f"<{TARGET}>"], TARGET, ["<sip:p;lr>"]),
        ("sip:sbc.example", [f"<{TARGET}>"], TARGET, []),
        ("sip:sbc.example", [], "sip:sbc.example", []),
    ],
)
def test_what_is_left_of_a_route_at_us(target: str, routes: list[str], expected: str, left: list[str]) -> None:
    came = request(uri=target, extra=[("Route", value) for value in routes])
    after = route.at_us(came, ours)
    assert (after.uri, list(route.values(after, "Route"))) == (expected, left)


def test_a_strict_router_that_is_the_target_itself() -> None:
    sent, next_hop = route.routed(request(uri="sip:p", extra=[("Route", "<sip:p>, <sip:q;lr>")]))
    assert (sent.uri, route.values(sent, "Route"), next_hop) == ("sip:p", ("<sip:q;lr>", "<sip:p>"), "sip:p")


def test_a_route_that_is_no_address() -> None:
    with pytest.raises(SipError):
        route.routed(request(extra=[("Route", "nowhere")]))
