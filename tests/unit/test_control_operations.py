"""The control API as plain functions, without HTTP."""

import contextlib
import inspect
from typing import Any

import pytest
from fakebox import FakeBox
from hypothesis import given, settings
from hypothesis import strategies as st

from sbcsim.control.negotiation import acceptable
from sbcsim.control.operation import Arguments
from sbcsim.control.operations import OPERATIONS, paths
from sbcsim.control.parameters import NUMBER, Parameter, Query
from sbcsim.control.problems import ControlError, problem
from sbcsim.control.readings import JOURNAL_PARAMETERS, behind
from sbcsim.control.requests import AdvanceRequest, FaultRequest, RateRequest, SnapshotRequest
from sbcsim.errors import UserError
from sbcsim.events import Login, Logout


async def call(box: FakeBox, method: str, path: str, query: str = "", body: object = None, **parts: str) -> Any:
    operation = paths()[path][method]
    pairs = [tuple(pair.split("=")) for pair in query.split("&") if pair]
    result = operation.call(box, Arguments(Query(operation.parameters, pairs), body, parts))
    return await result if inspect.isawaitable(result) else result


async def test_connections_filter_by_every_given_parameter() -> None:
    box = FakeBox()
    assert [each.id for each in await call(box, "GET", "/v1/connections")] == [1, 2]
    assert [each.id for each in await call(box, "GET", "/v1/connections", "direction=outbound")] == [2]
    assert [each.id for each in await call(box, "GET", "/v1/connections", "certificate=OLD,NEW")] == [1, 2]
    assert [each.id for each in await call(box, "GET", "/v1/connections", "certificate=OLD&certificate=NEW")] == [1, 2]
    assert await call(box, "GET", "/v1/connections", "direction=outbound&certificate=OLD") == []
    assert [each.id for each in await call(box, "GET", "/v1/connections", "sipSigPort=1&peer=PEER1")] == [2]


async def test_calls_are_found_by_what_holds_of_one_of_their_sides() -> None:
    box = FakeBox()
    assert [each.id for each in await call(box, "GET", "/v1/calls")] == [7, 8]
    for query, found in (
        ("state=stable", [7]),
        ("state=stable,establishing", [7, 8]),
        ("trunkGroup=TG1", [7, 8]),
        ("zone=ZONE2&peer=PEER1", [7]),
        ("zone=ZONE1&peer=PEER1", []),
        ("connection=1&addressContext=default", [7, 8]),
    ):
        assert [each.id for each in await call(box, "GET", "/v1/calls", query)] == found, query
    with pytest.raises(ControlError):
        await call(box, "GET", "/v1/calls", "state=ringing")


@pytest.mark.parametrize(
    ("after", "last_seen", "newest", "begins"),
    [(None, None, 9, 9), (3, None, 9, 3), (12, None, 9, 12), (3, "5", 9, 5), (None, "9", 9, 9), (None, "10", 9, 0)],
)
def test_where_a_stream_begins(after: int | None, last_seen: str | None, newest: int, begins: int) -> None:
    assert behind(after, last_seen, newest) == begins


@pytest.mark.parametrize("last_seen", ["", "-1", "x", "1.5"])
def test_a_stream_never_resumes_behind_what_is_no_number(last_seen: str) -> None:
    with pytest.raises(ControlError, match="Last-Event-ID") as caught:
        behind(None, last_seen, 9)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("accept", "taken"),
    [
        ("", True),
        ("*/*", True),
        ("application/json", True),
        ("text/html, application/*;q=0.1", True),
        ("Application/JSON; charset=utf-8", True),
        ("text/html", False),
        ("application/json;q=0", False),
        ("*/*, application/json; q=0.0", False),
        ("application/*;q=0, application/json", True),
        ("application/json;q=high", False),
        (",", False),
    ],
)
def test_what_a_client_accepts(accept: str, taken: bool) -> None:
    assert acceptable(accept, "application/json") is taken


BOUNCE = "/v1/ports/{addressContext}/{zone}/{sipSigPort}/bounce"


async def test_a_port_is_bounced_once_it_is_found_and_in_service() -> None:
    box, place = FakeBox(), {"addressContext": "default", "zone": "ZONE1", "sipSigPort": "1"}
    bounced = await call(box, "POST", BOUNCE, **place)
    assert bounced.closed == (1, 2)
    with pytest.raises(ControlError, match="it is not in service") as caught:
        await call(box, "POST", BOUNCE, **place)
    assert caught.value.status == 409
    for part in ({"sipSigPort": "2"}, {"sipSigPort": "one"}, {"zone": "ZONE2"}, {"sipSigPort": "9" * 19}):
        with pytest.raises(ControlError, match="no sipSigPort") as caught:
            await call(box, "POST", BOUNCE, **(place | part))
        assert caught.value.status == 404


async def test_faults_are_set_listed_and_taken_away() -> None:
    box = FakeBox()
    made = await call(box, "POST", "/v1/faults", body=FaultRequest("sip.status", match="OPT*", times=2, period="10m"))
    assert (made.value, made.period, made.met, made.fired) == ("503", "10m", 0, 0)
    box.faults.fires("sip.status", "OPTIONS", box.clock.reading())
    (listed,) = await call(box, "GET", "/v1/faults")
    assert (listed.id, listed.met, listed.fired) == (made.id, 1, 1)
    assert await call(box, "DELETE", "/v1/faults/{fault}", fault=str(made.id)) is None
    for number in (str(made.id), "x", "", "-1", "9" * 30):
        with pytest.raises(ControlError, match="no fault") as caught:
            await call(box, "DELETE", "/v1/faults/{fault}", fault=number)
        assert caught.value.status == 404
    await call(box, "POST", "/v1/faults", body=FaultRequest("sip.silence"))
    await call(box, "DELETE", "/v1/faults")
    assert await call(box, "GET", "/v1/faults") == []
    for wanted in (FaultRequest("sip.noise"), FaultRequest("sip.silence", period="soon")):
        with pytest.raises(ControlError) as caught:
            await call(box, "POST", "/v1/faults", body=wanted)
        assert caught.value.status == 400
    with pytest.raises(UserError, match="takes no value"):
        await call(box, "POST", "/v1/faults", body=FaultRequest("sip.silence", value="x"))
    points = await call(box, "GET", "/v1/faults/points")
    assert "sip.status" in {each.name for each in points}


async def test_snapshots_are_kept_found_and_forgotten_by_their_names() -> None:
    box = FakeBox()
    for name in ("one", "two"):
        assert (await call(box, "POST", "/v1/snapshots", body=SnapshotRequest(name))).name == name
    assert (await call(box, "POST", "/v1/snapshots/{name}/restore", name="one")).taken == box.clock.now()
    assert box.resets == 1
    await call(box, "DELETE", "/v1/snapshots/{name}", name="one")
    assert [each.name for each in await call(box, "GET", "/v1/snapshots")] == ["two"]
    for method, path in (("POST", "/v1/snapshots/{name}/restore"), ("DELETE", "/v1/snapshots/{name}")):
        with pytest.raises(ControlError, match='no snapshot "one"') as caught:
            await call(box, method, path, name="one")
        assert caught.value.status == 404
    await call(box, "DELETE", "/v1/snapshots")
    assert await call(box, "GET", "/v1/snapshots") == []
    with pytest.raises(UserError, match="no name"):
        await call(box, "POST", "/v1/snapshots", body=SnapshotRequest(""))


@pytest.mark.parametrize(
    "query",
    ["direction=sideways", "sipSigPort=one", "sipSigPort=-1", "colour=red", "direction=", "sipSigPort=" + 19 * "9"],
)
async def test_unknown_names_and_values_are_refused(query: str) -> None:
    with pytest.raises(ControlError) as caught:
        await call(FakeBox(), "GET", "/v1/connections", query)
    assert caught.value.status == 400


async def test_a_connection_can_be_closed_once() -> None:
    box = FakeBox()
    assert await call(box, "DELETE", "/v1/connections/{connection}", connection="1") is None
    for number in ("1", "x", "", "-1", "9" * 30):
        with pytest.raises(ControlError) as caught:
            await call(box, "DELETE", "/v1/connections/{connection}", connection=number)
        assert caught.value.status == 404


async def test_the_clock_is_moved_by_or_to_never_both_or_none() -> None:
    box = FakeBox()
    done = await call(box, "POST", "/v1/clock/advance", body=AdvanceRequest(by="31d"))
    assert done.by == "31d"
    done = await call(box, "POST", "/v1/clock/advance", body=AdvanceRequest(to="2026-03-01T00:00:00Z"))
    assert (await call(box, "GET", "/v1/clock")).now.isoformat() == "2026-03-01T00:00:00+00:00"
    for body, status in (
        (AdvanceRequest(), 400),
        (AdvanceRequest("1d", "2026-04-01T00:00:00Z"), 400),
        (AdvanceRequest(by="soon"), 400),
        (AdvanceRequest(to="2027-01-01"), 400),
        (AdvanceRequest(by="9" * 65 + "d"), 400),
        (AdvanceRequest(to="2026-01-01T00:00:00Z"), 409),
    ):
        with pytest.raises(ControlError) as caught:
            await call(box, "POST", "/v1/clock/advance", body=body)
        assert caught.value.status == status


async def test_the_rate_is_set_and_bounded() -> None:
    box = FakeBox()
    assert (await call(box, "PUT", "/v1/clock", body=RateRequest(10))).rate == 10
    for rate in (-1, float("inf"), float("nan")):
        with pytest.raises(UserError):
            await call(box, "PUT", "/v1/clock", body=RateRequest(rate))


async def test_ready_says_what_is_missing() -> None:
    box = FakeBox()
    assert (await call(box, "GET", "/v1/ready")).pid == 1
    box.lacking = ["sipSigPort 1"]
    with pytest.raises(ControlError, match="sipSigPort 1") as caught:
        await call(box, "GET", "/v1/ready")
    assert caught.value.status == 503


async def test_the_journal_is_read_behind_a_number_by_kind() -> None:
    box = FakeBox()
    for user in ("a", "b"):
        box.events.add(box.clock.reading(), Login(user, "127.0.0.1", "cli", accepted=True))
        box.events.add(box.clock.reading(), Logout(user, "127.0.0.1", "cli"))
    entries = await call(box, "GET", "/v1/journal", "after=1&kind=login")
    assert [(entry["number"], entry["kind"], entry["user"]) for entry in entries] == [(3, "login", "b")]
    assert len(list(await call(box, "GET", "/v1/journal", "limit=2"))) == 2
    assert list(await call(box, "GET", "/v1/journal", "limit=0")) == []
    for query in ("kind=nothing", "after=x", "after=1&after=2"):
        with pytest.raises(ControlError):
            await call(box, "GET", "/v1/journal", query)


def test_every_operation_is_unique_and_described() -> None:
    assert len({(op.method, op.path) for op in OPERATIONS}) == len(OPERATIONS)
    assert all(op.summary for op in OPERATIONS)


@given(st.lists(st.tuples(st.text(max_size=8) | st.sampled_from(["after", "kind"]), st.text(max_size=8))))
@settings(max_examples=100, deadline=None)
def test_any_query_is_read_or_refused(pairs: list[tuple[str, str]]) -> None:
    with contextlib.suppress(ControlError):
        assert (Query(JOURNAL_PARAMETERS, pairs).number("after") or 0) >= 0


def test_a_parameter_describes_its_values() -> None:
    assert Parameter("n", "", integer=True, repeatable=False).schema() == NUMBER
    assert Parameter("s", "", choices=("a",)).schema() == {"type": "array", "items": {"type": "string", "enum": ["a"]}}


def test_a_problem_has_the_members_of_rfc_9457() -> None:
    assert problem(404, "gone").to_json() == {
        "type": "about:blank",
        "title": "Not found",
        "status": 404,
        "detail": "gone",
    }
