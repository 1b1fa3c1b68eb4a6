"""The page of the control API, from its OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sbcsim.control.openapi import document

from .table import table

_HEAD = """\
# Control API

What a test may ask of the simulator and do to it, over HTTP with JSON: at `http://127.0.0.1:10080` unless the ready
line says otherwise. The simulator describes itself in the same words at `/v1/openapi.json`. Refusals are problem
documents (`application/problem+json`). Where a token is set, every request carries `Authorization: Bearer TOKEN`. Times
are RFC 3339, durations such as `31d` or `1h30m`. At a terminal the same is done by
[`sbcsim ctl`](command-line.md#sbcsim-ctl).

A real box has nothing like this: a tool under test must not need it.

Made by `make docs` from `sbcsim/control`.

## Operations
"""

Schema = Mapping[str, Any]


def page() -> str:
    """Return the page."""
    found = document("", token=False)
    lines = [_HEAD.rstrip("\n")]
    for path, methods in found["paths"].items():
        for method, operation in methods.items():
            lines += _operation(f"{method.upper()} {path}", operation)
    lines += ["", "## Values"]
    for name, schema in found["components"]["schemas"].items():
        lines += _value(name, schema)
    return "\n".join(lines) + "\n"


def _operation(title: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield from ("", f"### `{title}`", "", f"{operation['summary']}.")
    facts = []
    if "requestBody" in operation:
        facts.append(f"Takes {_type(_content(operation['requestBody']))}.")
    for status, answer in operation["responses"].items():
        if status == "204":
            facts.append("Answers 204, with nothing.")
        elif status == "200":
            facts.append(f"Answers {_type(_content(answer))}.")
        elif status != "default":
            facts.append(f"{status}: {answer['description'].lower()}.")
    yield from ("", " ".join(facts))
    yield from table(
        ("query", "values", "meaning"),
        (
            (f"`{each['name']}`", _type(each["schema"]), each.get("description", ""))
            for each in operation["parameters"]
            if each["in"] == "query"
        ),
    )


def _content(message: Mapping[str, Any]) -> Schema:
    ((kind, content),) = message["content"].items()
    schema: Schema = content.get("schema", {"type": kind})
    return schema


def _value(name: str, schema: Schema) -> Iterator[str]:
    yield from ("", f"### {name}", "", " ".join(schema.get("description", "").split()))
    if "properties" in schema:
        yield from table(
            ("field", "values", "meaning"),
            ((f"`{field}`", _type(each), each.get("description", "")) for field, each in schema["properties"].items()),
        )
    else:
        yield from ("", f"JSON: {_type(schema)}.")


def _type(schema: Schema) -> str:
    """Return the type of a value in words, with links to the values that have a name."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{each}`" for each in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if "prefixItems" in schema:
        return f"array of {', '.join(_type(each) for each in schema['prefixItems'])}"
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_type(schema['additionalProperties'])}"
    return str(schema.get("format") or schema.get("type") or "anything")
