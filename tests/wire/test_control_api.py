"""The control API over real HTTP."""

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator

import httpx
import pytest
from fakebox import FakeBox
from prometheus_client.parser import text_string_to_metric_families

from sbcsim.control.openapi import document
from sbcsim.control.operations import paths
from sbcsim.device.faults import MOST
from sbcsim.events import Login, Logout
from sbcsim.net.control import ControlPort
from sbcsim.net.http import STREAM_BATCH


@pytest.fixture
def box() -> FakeBox:
    return FakeBox()


@pytest.fixture
async def url(box: FakeBox) -> AsyncIterator[str]:
    port = ControlPort(box)
    host, number = port.bind("127.0.0.1", 0)
    await port.serve()
    yield f"http://{host}:{number}"
    await port.close()


@pytest.fixture
async def client(url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        yield client


async def test_every_reading_answers_json(client: httpx.AsyncClient) -> None:
    for path, methods in [*paths().items(), ("/v1/openapi.json", {"GET": None})]:
        if "GET" in methods:
            answer = await client.get(path)
            assert answer.status_code == 200, (path, answer.text)
            assert answer.headers["content-type"] == "application/json"
            answer.json()


async def test_names_and_times_are_those_of_the_contract(client: httpx.AsyncClient) -> None:
    first = (await client.get("/v1/connections")).json()[0]
    assert first["localCertificate"] == {"name": "OLD", "serial": "0A", "notAfter": "2026-01-01T00:00:00Z"}
    assert first["remote"] == ["198.51.100.7", 40001]
    assert first["lastUsed"] == "2026-01-01T00:00:00Z"
    ready = (await client.get("/v1/ready")).json()
    assert ready["cert_dir"] == "/opt/sonus/external"
    assert ready["sip"][0]["sipSigPort"] == 1


async def test_the_ready_line_and_the_api_say_the_same(client: httpx.AsyncClient, box: FakeBox) -> None:
    assert (await client.get("/v1/ready")).json() == box.ready().to_json()


async def test_prometheus_reads_the_metrics(client: httpx.AsyncClient, box: FakeBox) -> None:
    box.events.add(box.clock.reading(), Logout("admin", "127.0.0.1", "cli"))
    answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    start = box.clock.now().timestamp()
    place = (("addressContext", "default"), ("counter", "handshakeFailures"), ("sipSigPort", "1"), ("zone", "ZONE1"))
    assert found["sbcsim_info", ("seed", "0"), ("version", "0.1")] == 1
    assert found["sbcsim_clock_seconds",] == start
    assert found["sbcsim_events_total", ("kind", "logout")] == 1
    assert found["sbcsim_sip_sig_port_total", *place] == 7
    assert found["sbcsim_sip_sig_port_now", place[0], ("counter", "currentServerConnections"), *place[2:]] == 2
    assert found["sbcsim_peers", ("state", "up")] == found["sbcsim_alarms", ("severity", "Major")] == 1
    own = (("certificate", "OLD"), ("direction", "inbound"), ("serial", "0A"), ("tlsProfile", "TLS1"))
    assert sum(value for key, value in found.items() if key[0] == "sbcsim_connections") == 2
    assert any(set(own[:3]) <= set(key[1:]) for key in found)
    expiry = "sbcsim_certificate_not_after_seconds", ("name", "OLD"), ("serial", "0A"), ("type", "local")
    assert found[expiry] == start
    assert (await client.get("/metrics?colour=red")).status_code == 400
    assert (await client.post("/metrics")).status_code == 405


async def test_the_clock_is_moved(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/clock/advance", json={"by": "31d"})
    assert answer.status_code == 200
    assert answer.json()["now"] == "2026-02-01T00:00:00Z"
    assert answer.json()["fired"][0]["kind"] == "logout"
    assert (await client.put("/v1/clock", json={"rate": 2})).json()["rate"] == 2


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"by": 31}',
        b'{"by": "31 moons"}',
        b'{"until": "x"}',
        b"{}",
        b"\xff",
        b'{"by":"1d","to":"x"}',
        b"[" * 60_000,
    ],
)
async def test_a_wrong_body_is_a_problem(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post("/v1/clock/advance", content=body)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/v1/nothing", 404),
        ("GET", "/v1/ready/", 404),
        ("POST", "/v1/ready", 405),
        ("GET", "/v1/reset", 405),
        ("DELETE", "/v1/connections/99", 404),
        ("GET", "/v1/connections?direction=up", 400),
        ("GET", "/v1/status?x=1", 400),
        ("GET", "/v1/openapi.json?x=1", 400),
        ("GET", "/v1/journal?kind=x", 400),
        ("GET", "/v1/journal/stream?kind=x", 400),
    ],
)
async def test_refusals_are_problem_documents(client: httpx.AsyncClient, method: str, path: str, status: int) -> None:
    answer = await client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    if status == 405:
        assert answer.headers["allow"]


async def test_every_path_says_what_it_allows(client: httpx.AsyncClient) -> None:
    for path, methods in document("0", token=False)["paths"].items():
        place = re.sub(r"\{\w+\}", "1", path)
        known = {method.upper() for method in methods}
        allowed = known | {"OPTIONS"} | ({"HEAD"} if "GET" in known else set())
        told = await client.options(place)
        assert (told.status_code, told.content) == (204, b"")
        assert set(told.headers["allow"].split(", ")) == allowed
        for method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"} - allowed:
            refused = await client.request(method, place)
            assert (refused.status_code, refused.headers["allow"]) == (405, told.headers["allow"]), (method, place)


async def test_head_is_answered_as_get_without_a_body(client: httpx.AsyncClient) -> None:
    for path in ("/v1/status", "/v1/journal", "/v1/openapi.json", "/metrics", "/v1/journal/stream"):
        answer = await client.head(path)
        assert (answer.status_code, answer.content) == (200, b"")
    assert (await client.head("/v1/status?x=1")).status_code == 400


@pytest.mark.parametrize(
    ("path", "accept", "status"),
    [
        ("/v1/status", "application/json", 200),
        ("/v1/status", "text/html, */*;q=0.1", 200),
        ("/v1/status", "text/html", 406),
        ("/v1/journal/stream", "application/json", 406),
        ("/metrics", "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5", 200),
        ("/metrics", "application/json", 406),
    ],
)
async def test_only_what_is_accepted_is_answered(client, path: str, accept: str, status: int) -> None:
    assert (await client.get(path, headers={"accept": accept})).status_code == status


async def test_what_is_not_accepted_is_not_done(client: httpx.AsyncClient, box: FakeBox) -> None:
    assert (await client.post("/v1/reset", headers={"accept": "text/html"})).status_code == 406
    assert box.resets == 0


@pytest.mark.parametrize(("body", "status"), [(b"", 200), (b"{}", 200), (b"null", 200), (b'{"hard": true}', 400)])
async def test_a_body_that_nobody_reads_is_refused(client, box: FakeBox, body: bytes, status: int) -> None:
    assert (await client.post("/v1/reset", content=body)).status_code == status
    assert box.resets == (status == 200)


@pytest.mark.parametrize(
    ("number", "status"),
    [("2", 200), ("2.0", 200), ("2.5", 400), ("true", 400), ('"2"', 400), ("NaN", 400), ("1e400", 400)],
)
async def test_a_whole_number_is_one_however_json_writes_it(
    client: httpx.AsyncClient, number: str, status: int
) -> None:
    body = f'{{"point": "sip.silence", "nth": {number}}}'
    assert (await client.post("/v1/faults", content=body)).status_code == status


async def test_what_the_state_is_against_is_409_and_what_makes_no_sense_422(client: httpx.AsyncClient) -> None:
    backwards = await client.post("/v1/clock/advance", json={"to": "2020-01-01T00:00:00Z"})
    assert (backwards.status_code, "backwards" in backwards.json()["detail"]) == (409, True)
    value = await client.post("/v1/faults", json={"point": "sip.silence", "value": "x"})
    assert (value.status_code, value.json()["title"]) == (422, "Makes no sense")
    for _ in range(MOST):
        assert (await client.post("/v1/faults", json={"point": "sip.silence"})).status_code == 200
    assert (await client.post("/v1/faults", json={"point": "sip.silence"})).status_code == 409


async def test_an_error_of_ours_is_a_problem_too(
    client: httpx.AsyncClient, box: FakeBox, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> None:
        raise RuntimeError("secret detail")

    box.alarms = broken
    answer = await client.get("/v1/alarms")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "secret detail" in caplog.text


async def test_not_ready_is_503(client: httpx.AsyncClient, box: FakeBox) -> None:
    box.lacking = ["cli"]
    answer = await client.get("/v1/ready")
    assert answer.status_code == 503
    assert "cli" in answer.json()["detail"]


async def test_foreign_hosts_and_origins_are_refused(client: httpx.AsyncClient, box: FakeBox) -> None:
    for headers in ({"host": "evil.example"}, {"origin": "https://evil.example"}, {"origin": "null"}):
        assert (await client.post("/v1/reset", headers=headers)).status_code == 403
    assert box.resets == 0
    assert (await client.post("/v1/reset", headers={"origin": "http://localhost:1"})).status_code == 200
    assert box.resets == 1


async def test_a_body_without_end_is_cut(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/clock/advance", content=b"x" * 70_000)
    assert answer.status_code == 413


async def test_who_sends_far_too_much_sees_the_refusal(client: httpx.AsyncClient) -> None:
    def send_all_first() -> bytes:
        with socket.create_connection((client.base_url.host, client.base_url.port), timeout=10) as connection:
            size = 20_000_000
            head = f"POST /v1/clock/advance HTTP/1.1\r\nHost: localhost\r\nContent-Length: {size}\r\n\r\n"
            connection.sendall(head.encode() + bytes(size))
            return connection.recv(65536)

    assert (await asyncio.to_thread(send_all_first)).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("junk", [b"JUNK\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n"])
async def test_what_is_no_http_is_answered_with_a_problem(client: httpx.AsyncClient, junk: bytes) -> None:
    reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
    writer.write(junk)
    head, _, content = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"content-type: application/problem+json" in head
    assert json.loads(content)["status"] == 400


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("application/vnd.sbc+json", 200),
        ("application/x-www-form-urlencoded", 200),
        ("text/plain", 415),
        ("application/xml", 415),
    ],
)
async def test_a_body_is_json(client: httpx.AsyncClient, kind: str, status: int) -> None:
    answer = await client.post("/v1/clock/advance", content=b'{"by": "1s"}', headers={"content-type": kind})
    assert answer.status_code == status


@pytest.mark.parametrize("count", [0, 1, STREAM_BATCH, STREAM_BATCH + 1])
async def test_the_journal_is_written_piece_by_piece(client: httpx.AsyncClient, box: FakeBox, count: int) -> None:
    for number in range(count):
        box.events.add(box.clock.reading(), Logout(f"user{number}", "127.0.0.1", "cli"))
    entries = (await client.get("/v1/journal")).json()
    assert [entry["user"] for entry in entries] == [f"user{number}" for number in range(count)]


async def test_a_token_is_needed_where_one_is_set(box: FakeBox) -> None:
    port = ControlPort(box, "right")
    host, number = port.bind("127.0.0.1", 0)
    await port.serve()
    async with httpx.AsyncClient(base_url=f"http://{host}:{number}", trust_env=False) as client:
        refused = await client.get("/v1/ready")
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
        assert (await client.get("/v1/ready", headers={"authorization": "Bearer right"})).status_code == 200
    await port.close()


async def test_the_journal_streams(client: httpx.AsyncClient, box: FakeBox) -> None:
    def login(user: str) -> None:
        box.events.add(box.clock.reading(), Login(user, "127.0.0.1", "cli", accepted=True))

    login("early")
    login("kept")
    async with client.stream("GET", "/v1/journal/stream?after=1&kind=login") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.aiter_lines()
        assert await event(lines) == {"id": "2", "event": "login", "user": "kept"}
        login("late")
        assert await event(lines) == {"id": "3", "event": "login", "user": "late"}


async def test_a_stream_resumes_behind_the_last_event_seen(client: httpx.AsyncClient, box: FakeBox) -> None:
    for user in ("a", "b"):
        box.events.add(box.clock.reading(), Login(user, "127.0.0.1", "cli", accepted=True))
    async with client.stream("GET", "/v1/journal/stream", headers={"last-event-id": "1"}) as answer:
        assert (await event(answer.aiter_lines()))["user"] == "b"


async def test_a_stream_behind_more_than_there_is_waits_for_it(client: httpx.AsyncClient, box: FakeBox) -> None:
    async with client.stream("GET", "/v1/journal/stream?after=2") as answer:
        lines = answer.aiter_lines()
        assert await anext(lines) == ": sbcsim journal"
        for user in ("a", "b", "c"):
            box.events.add(box.clock.reading(), Login(user, "127.0.0.1", "cli", accepted=True))
        assert (await event(lines))["user"] == "c"


async def test_who_comes_from_an_earlier_simulator_misses_nothing(client: httpx.AsyncClient, box: FakeBox) -> None:
    box.events.add(box.clock.reading(), Login("first", "127.0.0.1", "cli", accepted=True))
    async with client.stream("GET", "/v1/journal/stream", headers={"last-event-id": "4711"}) as answer:
        assert (await event(answer.aiter_lines()))["user"] == "first"
    refused = await client.get("/v1/journal/stream", headers={"last-event-id": "soon"})
    assert (refused.status_code, "Last-Event-ID" in refused.json()["detail"]) == (400, True)


async def event(lines: AsyncIterator[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    async for line in lines:
        if not line and "id" in found:
            return {"id": found["id"], "event": found["event"], "user": json.loads(found["data"])["user"]}
        name, _, value = line.partition(": ")
        found[name] = value
    raise AssertionError("the stream ended")


async def test_a_stop_takes_milliseconds_even_with_open_streams_and_idle_connections(box: FakeBox) -> None:
    port = ControlPort(box)
    host, number = port.bind("127.0.0.1", 0)
    await port.serve()
    streaming = httpx.AsyncClient(base_url=f"http://{host}:{number}", trust_env=False)
    answer = await streaming.send(streaming.build_request("GET", "/v1/journal/stream"), stream=True)
    idle = httpx.AsyncClient(base_url=f"http://{host}:{number}", trust_env=False)
    await idle.get("/v1/ready")
    _, writer = await asyncio.open_connection(host, number)
    writer.write(b"GET /v1/ready HTTP/1.1\r\nHost: local")  # half a request
    async with asyncio.timeout(0.5):
        await port.close()
    writer.close()
    await answer.aclose()
    await streaming.aclose()
    await idle.aclose()


async def test_a_stop_tells_those_whose_request_is_not_done(box: FakeBox) -> None:
    box.endless = True
    port = ControlPort(box)
    host, number = port.bind("127.0.0.1", 0)
    await port.serve()
    async with httpx.AsyncClient(base_url=f"http://{host}:{number}", trust_env=False) as client:
        waiting = asyncio.ensure_future(client.post("/v1/clock/advance", json={"by": "1d"}))
        assert (await client.get("/v1/ready")).status_code == 200
        await port.close()
        assert (await waiting).status_code == 503


async def test_on_demand_the_first_client_starts_the_server(box: FakeBox) -> None:
    port = ControlPort(box)
    host, number = port.bind("127.0.0.1", 0)
    port.serve_on_demand()
    async with httpx.AsyncClient(base_url=f"http://{host}:{number}", trust_env=False) as client:
        for _ in range(2):
            assert (await client.get("/v1/ready")).status_code == 200
    await port.close()
    with pytest.raises(ConnectionError):
        await asyncio.open_connection(host, number)


async def test_on_demand_and_never_used(box: FakeBox) -> None:
    port = ControlPort(box)
    port.bind("127.0.0.1", 0)
    port.serve_on_demand()
    await port.close()
