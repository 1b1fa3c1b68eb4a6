"""The OpenAPI 3.1 document of the control API, made from its operations and values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from sbcsim.recording.file import MEDIA_TYPE

from .models import Problem
from .operation import Link, Operation
from .operations import METRICS_PATH, OPERATIONS, RECORDING_PATH, STREAM_PATH, paths
from .parameters import NUMBER, Parameter
from .problems import TITLES
from .readings import JOURNAL_PARAMETERS

_REFERENCE = "#/components/schemas/{model}"
_PATH_NUMBERS = frozenset({"connection", "fault", "sipSigPort"})
_ANY_REQUEST = (400, 403, 406)
"""Statuses that any request may meet: an unknown query name, a foreign Host or Origin, an Accept that takes nothing."""
_ANY_BODY = (413, 415)
_PATH_PARAMETER = re.compile(r"\{(\w+)\}")


def document(version: str, *, token: bool) -> dict[str, Any]:
    """Return the document; `token` says that every request must carry one."""
    problem = TypeAdapter[object](Problem)
    answers = [(op, "serialization", TypeAdapter[Any](op.answer)) for op in OPERATIONS if op.answer is not None]
    bodies = [(op, "validation", TypeAdapter[Any](op.body)) for op in OPERATIONS if op.body is not None]
    schemas, definitions = TypeAdapter.json_schemas(
        [*answers, *bodies, (None, "serialization", problem)],  # type: ignore[list-item]
        by_alias=True,
        ref_template=_REFERENCE,
    )
    found: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "sbcsim control API",
            "version": version,
            "description": "What a test may ask of the simulator and do to it. Errors are problem documents, RFC 9457: "
            "400 where a request is not as described here, 422 where it is and makes no sense all the same, 409 where "
            "what the simulator is like just now is against it. Every path also answers OPTIONS, and HEAD where it "
            "answers GET.",
        },
        "paths": {
            path: {method.lower(): _operation(op, schemas, token=token) for method, op in methods.items()}
            for path, methods in paths().items()
        },
        "components": {"schemas": definitions["$defs"]},
    }
    found["paths"][STREAM_PATH] = {"get": _stream(token=token)}
    found["paths"][RECORDING_PATH] = {"get": _recording(token=token)}
    found["paths"][METRICS_PATH] = {"get": _metrics(token=token)}
    if token:
        found["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        found["security"] = [{"token": []}]
    return found


def _operation(operation: Operation, schemas: Mapping[tuple[Any, Any], object], *, token: bool) -> dict[str, Any]:
    described: dict[str, Any] = {
        "summary": operation.summary,
        **({"description": operation.description} if operation.description else {}),
        "operationId": identifier(operation.method, operation.path),
        "parameters": [
            {
                "name": name,
                "in": "path",
                "required": True,
                "schema": NUMBER if name in _PATH_NUMBERS else {"type": "string"},
            }
            for name in _PATH_PARAMETER.findall(operation.path)
        ]
        + [_parameter(parameter) for parameter in operation.parameters],
    }
    if operation.body is not None:
        schema = schemas[operation, "validation"]
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    if operation.answer is None:
        described["responses"] = {"204": {"description": "Done"}}
    else:
        schema = schemas[operation, "serialization"]
        described["responses"] = {"200": {"description": "OK", "content": {"application/json": {"schema": schema}}}}
    if operation.links:
        described["responses"]["200"]["links"] = {link.name: _link(link) for link in operation.links}
    bodies = _ANY_BODY if operation.method in {"POST", "PUT"} else ()
    described["responses"] |= _problems(*operation.refusals, *bodies, token=token)
    return described


def _problems(*statuses: int, token: bool) -> dict[str, Any]:
    every = sorted({*statuses, *_ANY_REQUEST, *([401] if token else [])})
    return {
        **{str(status): _problem(TITLES[status], challenge=status == 401) for status in every},
        "default": _problem("Any other refusal"),
    }


def _link(link: Link) -> dict[str, Any]:
    parameters = {name: f"$response.body#/{field}" for name, field in link.fields}
    return {"operationId": identifier(link.method, link.path), "parameters": parameters}


def _stream(*, token: bool) -> dict[str, Any]:
    last = {
        "name": "Last-Event-ID",
        "in": "header",
        "description": "the id of the last event seen, as a browser sends it; it goes before `after`, and where the "
        "journal is not as long, as behind a new start, the stream begins at its beginning",
        "schema": NUMBER,
    }
    return {
        "summary": "The journal as server-sent events",
        "description": "`id` is the number of an entry, `event` its kind, `data` the entry. Without `after` it begins "
        "with what happens next. It ends when the simulator does.",
        "operationId": "getJournalStream",
        "parameters": [*(_parameter(parameter) for parameter in JOURNAL_PARAMETERS), last],
        "responses": {
            "200": {
                "description": "A stream that never ends",
                "content": {"text/event-stream": {"schema": {"type": "string"}}},
            },
            **_problems(token=token),
        },
    }


def _recording(*, token: bool) -> dict[str, Any]:
    return {
        "summary": "The journal as a recording, to be kept, compared and replayed",
        "description": "JSON lines: the first says what was recorded, each other one is an entry as in GET "
        "/v1/journal. `sbcsim transcript` and `sbcsim replay` read it. No secret is in it.",
        "operationId": "getJournalRecording",
        "parameters": [],
        "responses": {
            "200": {"description": "OK", "content": {MEDIA_TYPE: {"schema": {"type": "string"}}}},
            **_problems(token=token),
        },
    }


def _metrics(*, token: bool) -> dict[str, Any]:
    return {
        "summary": "Gauges and counters for Prometheus",
        "operationId": "getMetrics",
        "parameters": [],
        "responses": {
            "200": {"description": "OK", "content": {"text/plain": {"schema": {"type": "string"}}}},
            **_problems(token=token),
        },
    }


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": "query",
        "description": parameter.description,
        "schema": parameter.schema(),
    }


def _problem(description: str, *, challenge: bool = False) -> dict[str, Any]:
    reference = _REFERENCE.format(model=Problem.__name__)
    described = {"description": description, "content": {"application/problem+json": {"schema": {"$ref": reference}}}}
    if challenge:
        described["headers"] = {"WWW-Authenticate": {"required": True, "schema": {"type": "string"}}}
    return described


def identifier(method: str, path: str) -> str:
    """Return the operationId of a method on a path."""
    words = re.findall(r"[A-Za-z]+", path.removeprefix("/v1/").partition("{")[0])
    one = "One" if "{" in path else ""
    return method.lower() + "".join(word.capitalize() for word in words) + one
