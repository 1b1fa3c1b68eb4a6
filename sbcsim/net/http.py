"""The control API over HTTP: starlette on uvicorn, inside the running event loop.

uvicorn is driven by its `startup` and its connections, never by `serve`: no signal handlers, no polling, a way to
accept as every port here, and a stop that takes milliseconds. Importing this module is slow (`control.py` puts it off).
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import json
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import Any
from urllib.parse import unquote

import h11
from pydantic import TypeAdapter, ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn import Config, Server
from uvicorn.protocols.http.h11_impl import H11Protocol

from sbcsim.control.access import Access
from sbcsim.control.negotiation import acceptable
from sbcsim.control.openapi import document
from sbcsim.control.operation import Arguments, Operation
from sbcsim.control.operations import METRICS_PATH, OPENAPI_PATH, RECORDING_PATH, STREAM_PATH, paths
from sbcsim.control.parameters import Query
from sbcsim.control.problems import ControlError, problem, refusal
from sbcsim.control.readings import JOURNAL_PARAMETERS, behind
from sbcsim.control.simulated import Simulated
from sbcsim.errors import UserError
from sbcsim.journal import Entry
from sbcsim.recording.file import MEDIA_TYPE as RECORDING
from sbcsim.recording.file import Header, entry_line
from sbcsim.version import __version__

from .accepting import Acceptor

BODY_LIMIT = 64 * 1024
HEADER_LIMIT = 16 * 1024
GRACE = 0.3
"""Host seconds that requests under way get when the server stops."""
DRAIN = 2.0
"""Host seconds that a body too large is read and dropped: who still sends when we close never sees the answer."""
STREAM_BATCH = 500
"""Journal entries written in one turn of the loop: others have theirs in between."""
JSON_TYPES = frozenset({"", "application/json", "application/x-www-form-urlencoded"})
"""Content types taken for JSON; the last one because curl and urllib say it unless told otherwise."""

JSON = "application/json"
EVENTS = "text/event-stream"

_NO_BODY = frozenset({b"", b"{}", b"null"})
"""Bodies that say nothing: some clients send one with every POST."""

_log = logging.getLogger("sbcsim.control")


class HttpServer:
    """Serves the control API on a listening socket until `stop`."""

    def __init__(self, box: Simulated, access: Access, overloaded: Callable[[str], None]) -> None:
        self._overloaded = overloaded
        self._acceptor: Acceptor | None = None
        self._stopping = asyncio.Event()
        config = Config(
            _application(box, access, self._stopping),
            http=_Protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level=logging.CRITICAL,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            h11_max_incomplete_event_size=HEADER_LIMIT,
        )
        config.load()
        self._server = Server(config)
        self._server.lifespan = config.lifespan_class(config)

    async def start(self, listening: socket.socket) -> None:
        """Accept on a listening socket, which stays its owner's, and serve."""
        await self._server.startup(sockets=[])
        self._acceptor = Acceptor(listening, self._protocol, self._overloaded)

    async def stop(self) -> None:
        """Stop listening, give requests under way a moment, close every connection."""
        self._stopping.set()
        state = self._server.server_state
        if self._acceptor is not None:
            self._acceptor.close()
            await self._acceptor.closed()
        for connection in tuple(state.connections):
            transport = connection.transport
            if not transport.is_closing():
                connection.shutdown()
        running = tuple(state.tasks)
        if running:
            _, late = await asyncio.wait(running, timeout=GRACE)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for connection in tuple(state.connections):
            connection.transport.abort()
        while state.connections:  # noqa: ASYNC110 - nobody tells when the last is gone
            await asyncio.sleep(0)

    def _protocol(self) -> asyncio.Protocol:
        return _Protocol(self._server.config, self._server.server_state, self._server.lifespan.state)


def _application(box: Simulated, access: Access, stopping: asyncio.Event) -> Starlette:
    async def openapi(request: Request) -> Response:
        Query((), request.query_params.multi_items())
        return Response(_described(token=bool(access.token)), media_type=JSON)

    async def metrics(request: Request) -> Response:
        from prometheus_client.exposition import generate_latest  # noqa: PLC0415 - slow, and seldom wanted
        from prometheus_client.registry import CollectorRegistry  # noqa: PLC0415 - the same

        from sbcsim.control.metrics import MEDIA_TYPE, Metrics  # noqa: PLC0415 - the same

        Query((), request.query_params.multi_items())
        registry = CollectorRegistry()
        registry.register(Metrics(box))
        return Response(generate_latest(registry), media_type=MEDIA_TYPE)

    async def recording(request: Request) -> Response:
        Query((), request.query_params.multi_items())
        return StreamingResponse(_recorded(box.header(), box.events.after(0)), media_type=RECORDING)

    async def stream(request: Request) -> Response:
        query = Query(JOURNAL_PARAMETERS, request.query_params.multi_items())
        after = behind(query.number("after"), request.headers.get("last-event-id"), box.events.last)
        events = _events(box, after, query.texts("kind"), stopping)
        return StreamingResponse(events, media_type=EVENTS, headers={"cache-control": "no-store"})

    resources = {
        path: _Resource(path, {method: (_endpoint(box, op), JSON) for method, op in methods.items()})
        for path, methods in paths().items()
    }
    for path, endpoint, kind in (
        (OPENAPI_PATH, openapi, JSON),
        (STREAM_PATH, stream, EVENTS),
        (RECORDING_PATH, recording, RECORDING),
        (METRICS_PATH, metrics, "text/plain"),
    ):
        resources[path] = _Resource(path, {"GET": (endpoint, kind)})
    # A path as it stands goes before one with a name in it.
    routes = [Route(path, resources[path]) for path in sorted(resources, key=lambda path: path.count("{"))]
    application = Starlette(
        routes=routes,
        middleware=[Middleware(_Gate, access=access)],
        exception_handlers={HTTPException: _http_problem},
    )
    application.router.redirect_slashes = False
    return application


_Endpoint = Callable[[Request], Awaitable[Response]]


class _Resource:
    """One path: its methods, each with the media type that it answers, and what every path answers."""

    def __init__(self, path: str, endpoints: Mapping[str, tuple[_Endpoint, str]]) -> None:
        self._path = path
        self._endpoints = endpoints
        methods = {*endpoints, "OPTIONS", *(["HEAD"] if "GET" in endpoints else [])}
        self._allow = {"allow": ", ".join(sorted(methods))}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        response = await self._answer(request)
        if request.method == "HEAD" and isinstance(response, StreamingResponse):
            response = Response(status_code=response.status_code, media_type=response.media_type)  # it may never end
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        found = self._endpoints.get("GET" if request.method == "HEAD" else request.method)
        if found is None and request.method == "OPTIONS":
            return Response(status_code=204, headers=self._allow)
        if found is None:
            return _problem(405, f"{request.method} {request.url.path}: there is {self._allow['allow']}", self._allow)
        endpoint, kind = found
        try:
            if not acceptable(request.headers.get("accept", ""), kind):
                raise ControlError(406, f"the answer would be {kind}")
            return await endpoint(request)
        except ControlError as refused:
            return _problem(refused.status, refused.detail)
        except UserError as error:
            meant = refusal(error)
            return _problem(meant.status, meant.detail)
        except asyncio.CancelledError:  # only `stop` cancels, and the client should learn why
            return _problem(503, "the simulator stops")
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it
        except Exception:  # noqa: BLE001 - one bad request must not look like a broken server
            _log.exception("%s %s failed", request.method, self._path)
            return _problem(500, "sbcsim itself is wrong here; its log says more")


def _endpoint(box: Simulated, operation: Operation) -> _Endpoint:
    async def call(request: Request) -> Response:
        query = Query(operation.parameters, request.query_params.multi_items())
        content = await _content(request)
        if content:
            _check_type(request.headers.get("content-type", ""))
        parts = {name: unquote(str(value)) for name, value in request.path_params.items()}
        arguments = Arguments(query, _read(operation.body, content), parts)
        result = operation.call(box, arguments)
        if inspect.isawaitable(result):
            result = await result
        if operation.answer is None:
            return Response(status_code=204)
        if isinstance(result, Iterator):
            return StreamingResponse(_array(result), media_type=JSON)
        return Response(_adapter(operation.answer).dump_json(result, by_alias=True), media_type=JSON)

    return call


@functools.cache
def _adapter(kind: Any) -> TypeAdapter[Any]:  # noqa: ANN401 - a type or a generic alias
    return TypeAdapter(kind)


@functools.cache
def _described(*, token: bool) -> bytes:
    return json.dumps(document(__version__, token=token)).encode()


async def _content(request: Request) -> bytes:
    content = bytearray()
    chunks = request.stream()
    async for chunk in chunks:
        content += chunk
        if len(content) > BODY_LIMIT:
            with suppress(TimeoutError):
                async with asyncio.timeout(DRAIN):
                    async for _ in chunks:
                        pass
            raise ControlError(413, f"at most {BODY_LIMIT} bytes are read")
    return bytes(content)


def _check_type(content_type: str) -> None:
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in JSON_TYPES and not kind.endswith("+json"):
        raise ControlError(415, f"the body must be application/json, not {kind}")


def _read(body: type | None, content: bytes) -> object:
    if body is None:
        if content.strip() not in _NO_BODY:
            raise ControlError(400, "body: none is expected here")
        return None
    try:
        plain = json.loads(content, parse_float=_parsed, parse_constant=_refused)
        return _adapter(body).validate_json(json.dumps(plain))
    except (RecursionError, ValueError) as error:
        if not isinstance(error, ValidationError):
            raise ControlError(400, f"body: {error}") from None
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise ControlError(400, f"{where}: {first['msg']}" if where else f"body: {first['msg']}") from None


def _parsed(text: str) -> float | int:
    """Return a number with a point: 2.0 is an integer in JSON."""
    number = float(text)
    return int(number) if number.is_integer() else number


def _refused(text: str) -> object:
    raise ValueError(f"{text} is no JSON")


async def _array(items: Iterator[object]) -> AsyncIterator[bytes]:
    """Yield a JSON array piece by piece: the whole journal at once would hold the loop for seconds."""
    separator = b"["
    while batch := list(islice(items, STREAM_BATCH)):
        yield separator + json.dumps(batch, separators=(",", ":"))[1:-1].encode()
        separator = b","
        await asyncio.sleep(0)
    yield b"]" if separator == b"," else b"[]"


async def _recorded(header: Header, entries: list[Entry]) -> AsyncIterator[bytes]:
    yield header.line().encode()
    for start in range(0, len(entries), STREAM_BATCH):
        yield "".join(entry_line(entry.to_json()) for entry in entries[start : start + STREAM_BATCH]).encode()
        await asyncio.sleep(0)


async def _events(box: Simulated, after: int, kinds: frozenset[str], stopping: asyncio.Event) -> AsyncIterator[bytes]:
    """Yield the journal behind `after` as server-sent events, then everything new until the server stops.

    The journal is the buffer: a slow reader falls behind in it and costs nothing else.
    """
    news = asyncio.Event()
    unsubscribe = box.events.subscribe(lambda _: news.set())
    stopped = asyncio.ensure_future(stopping.wait())
    stopped.add_done_callback(lambda _: news.set())
    try:
        yield b": sbcsim journal\n\n"
        while not stopping.is_set():
            news.clear()
            batch = box.events.after(after, kinds, STREAM_BATCH)
            if batch:
                yield "".join(map(_event, batch)).encode()
                after = batch[-1].number
                await asyncio.sleep(0)
            else:
                after = max(after, box.events.last)
                await news.wait()
    finally:
        stopped.cancel()
        unsubscribe()


def _event(entry: Entry) -> str:
    data = json.dumps(entry.to_json(), separators=(",", ":"))
    return f"id: {entry.number}\nevent: {entry.kind}\ndata: {data}\n\n"


class _Protocol(H11Protocol):
    """HTTP/1.1 whose answer to what is no HTTP is a problem document, too."""

    def send_400_response(self, msg: str) -> None:
        """Answer a request that cannot be read, and close."""
        content = json.dumps(problem(400, msg).to_json()).encode()
        headers = [("content-type", "application/problem+json"), ("content-length", str(len(content)))]
        answer = h11.Response(status_code=400, headers=[*headers, ("connection", "close")], reason="Bad Request")
        for event in (answer, h11.Data(data=content), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


class _Gate:
    """Refuses what `Access` refuses before anything else sees the request."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = Request(scope).headers
            try:
                self._access.check(headers.get("host", ""), headers.get("origin"), headers.get("authorization"))
            except ControlError as refusal:
                await _problem(refusal.status, refusal.detail)(scope, receive, send)
                return
            # As it was written: a name may hold a slash, which is no end of a part.
            scope = {**scope, "path": scope["raw_path"].decode("ascii", "replace")}
        await self._app(scope, receive, send)


async def _http_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    detail = f"{request.method} {request.url.path}: {error.detail}"
    return _problem(error.status_code, detail, dict(error.headers or {}))


def _problem(status: int, detail: str, headers: dict[str, str] | None = None) -> Response:
    content = json.dumps(problem(status, detail).to_json())
    if status == 401:
        headers = {**(headers or {}), "www-authenticate": "Bearer"}
    return Response(content, status, headers, media_type="application/problem+json")
