"""The OpenAPI 3.1 document of the control API, made from its operations and values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from .models import Problem
from .operations import JOURNAL_PARAMETERS, METRICS_PATH, OPERATIONS, STREAM_PATH, Operation, paths
from .parameters import Parameter
from .problems import TITLES

_REFERENCE = "#/components/schemas/{model}"
_PATH_TYPES = {"connection": "integer", "sipSigPort": "integer"}
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
            "description": "What a test may ask of the simulator and do to it. Errors are problem documents.",
        },
        "paths": {
            path: {method.lower(): _operation(op, schemas) for method, op in methods.items()}
            for path, methods in paths().items()
        },
        "components": {"schemas": definitions["$defs"]},
    }
    found["paths"][STREAM_PATH] = {"get": _stream()}
    found["paths"][METRICS_PATH] = {"get": _metrics()}
    if token:
        found["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        found["security"] = [{"token": []}]
    return found


def _operation(operation: Operation, schemas: Mapping[tuple[Any, Any], object]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "summary": operation.summary,
        "operationId": _identifier(operation),
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": _PATH_TYPES.get(name, "string")}}
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
    described["responses"] |= {str(status): _problem(TITLES[status]) for status in operation.refusals}
    described["responses"]["default"] = _problem("Any other refusal")
    return described


def _stream() -> dict[str, Any]:
    return {
        "summary": "The journal as server-sent events: id is the number, event the kind, data the entry",
        "operationId": "getJournalStream",
        "parameters": [_parameter(parameter) for parameter in JOURNAL_PARAMETERS],
        "responses": {
            "200": {"description": "A stream that never ends", "content": {"text/event-stream": {}}},
            "400": _problem(TITLES[400]),
            "default": _problem("Any other refusal"),
        },
    }


def _metrics() -> dict[str, Any]:
    return {
        "summary": "Gauges and counters for Prometheus",
        "operationId": "getMetrics",
        "parameters": [],
        "responses": {
            "200": {"description": "OK", "content": {"text/plain": {}}},
            "default": _problem("Any other refusal"),
        },
    }


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": "query",
        "description": parameter.description,
        "schema": parameter.schema(),
    }


def _problem(description: str) -> dict[str, Any]:
    reference = _REFERENCE.format(model=Problem.__name__)
    return {"description": description, "content": {"application/problem+json": {"schema": {"$ref": reference}}}}


def _identifier(operation: Operation) -> str:
    words = re.findall(r"[A-Za-z]+", operation.path.removeprefix("/v1/").partition("{")[0])
    one = "One" if "{" in operation.path else ""
    return operation.method.lower() + "".join(word.capitalize() for word in words) + one
