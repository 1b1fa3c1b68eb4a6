"""Test that a tool which renews certificates loses no call: `renew` stands for the tool, the rest is the test."""

import pytest
from test_rotation import renew


@pytest.fixture
def caller(sip_peer_factory):
    return sip_peer_factory("caller.example.com")


@pytest.fixture
def callee(sip_peer_factory):
    return sip_peer_factory("callee.example.com")


@pytest.fixture
def box(sbc_factory, test_ca, caller, callee):
    old = test_ca.issue("sbc.example.com", not_after="2026-03-02T12:00:00Z")
    files = {"ca.pem": test_ca.certificate.pem().encode(), "old.p12": old.pkcs12("secret")}
    maps = [f"192.0.2.10:5061=127.0.0.1:{caller.port}", f"192.0.2.20:5061=127.0.0.1:{callee.port}"]
    config = ["box.cli", "calls.cli"]
    return sbc_factory(config, files=files, maps=maps, clock="virtual@2026-01-01T00:00:00Z")


def test_calls_outlive_the_certificate_that_they_began_under(box, test_ca, caller, callee):
    caller.wait_for("request", method="OPTIONS")
    calls = [caller.call("200") for _ in range(10)]
    for call in calls:
        call.wait_for("standing")
    new = test_ca.issue("sbc.example.com", not_after="2027-01-15T00:00:00Z")
    renew(box.ports, new.pkcs12("secret"))
    box.advance("61d13h")  # the re-check has closed every connection under OLD, and the pings have dialled anew

    assert len(box.calls()) == len(calls)
    assert {call.hold() for call in calls} == {200}
    assert [each.serial for each in callee.calls[0].certificates][-1] == new.certificate.serial
    for call in calls:
        call.hang_up()
    assert {each.event.by for each in box.journal("callEnded")} == {"caller"}
