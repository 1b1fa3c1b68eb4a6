"""Who may use the control API."""

import pytest

from sbcsim.control.access import Access, is_loopback
from sbcsim.control.problems import ControlError

LOOPBACK = Access("127.0.0.1")


@pytest.mark.parametrize(
    "host", ["127.0.0.1:10080", "localhost", "LOCALHOST:1", "localhost.", "[::1]:10080", "127.9.9.9"]
)
def test_names_of_this_machine_pass(host: str) -> None:
    LOOPBACK.check(host, None, None)
    LOOPBACK.check(host, f"http://{host}", None)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "evil.example:10080",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "192.0.2.1",
        "[::1",
        "a@b",
    ],
)
def test_other_names_are_refused(host: str) -> None:
    with pytest.raises(ControlError) as caught:
        LOOPBACK.check(host, None, None)
    assert caught.value.status == 403


@pytest.mark.parametrize("origin", ["null", "", "http://evil.example", "https://127.0.0.1.evil.example", "http://[::1"])
def test_other_origins_are_refused(origin: str) -> None:
    with pytest.raises(ControlError) as caught:
        LOOPBACK.check("localhost", origin, None)
    assert caught.value.status == 403


def test_the_bound_address_is_a_name() -> None:
    Access("192.0.2.1").check("192.0.2.1:10080", "http://192.0.2.1:10080", None)


def test_whoever_binds_everything_is_reached_by_any_address_but_by_no_name() -> None:
    for bound in ("0.0.0.0", "::"):
        Access(bound).check("192.0.2.77:10080", None, None)
        with pytest.raises(ControlError):
            Access(bound).check("evil.example", None, None)


@pytest.mark.parametrize("given", [None, "", "Bearer", "Bearer wrong", "Basic right", "right", "Bearer right x"])
def test_a_wrong_token_is_refused(given: str | None) -> None:
    with pytest.raises(ControlError) as caught:
        Access("192.0.2.1", "right").check("192.0.2.1", None, given)
    assert caught.value.status == 401


def test_the_right_token_passes_and_is_not_shown() -> None:
    access = Access("192.0.2.1", "right")
    access.check("192.0.2.1", None, "bearer right")
    assert "right" not in repr(access)


def test_loopback() -> None:
    assert is_loopback("127.0.0.1")
    assert is_loopback("::1")
    assert is_loopback("localhost")
    assert not is_loopback("0.0.0.0")
    assert not is_loopback("sbc.example")
