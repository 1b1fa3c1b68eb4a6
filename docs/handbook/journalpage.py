"""The page of what the journal records, from the events themselves."""

from __future__ import annotations

import dataclasses
import inspect
import re

from sbcsim.eventkinds import kinds
from sbcsim.events import CertificateSeen
from sbcsim.journal import camel

from .table import prose, summary, table

_HEAD = """\
# Journal

Everything that happens is one event in one numbered journal. It is read by `sbcsim ctl journal`, at `/v1/journal` and
`/v1/journal/stream`, with `sbcsim run --log`, and in Python by `journal()`, `expect()` and `wait_for()`. Names are
written with underscores in Python (`local_certificate`), and what is inside a field with two
(`local_certificate__name="NEW"`).

Every entry has `number`, `time` (RFC 3339, the clock of the node), `uptime` (seconds) and `kind`, and then the fields
of its kind. No secret ever stands in one.

Made by `make docs` from `sbcsim/events.py`.

| kind | what has happened |
|---|---|
"""


def page() -> str:
    """Return the page."""
    found = kinds()
    lines = [_HEAD.rstrip("\n")]
    lines += [f"| [`{kind}`](#{kind.lower()}) | {summary(_doc(event))} |" for kind, event in found.items()]
    for kind, event in found.items():
        lines += ["", f"## `{kind}`", "", prose(_doc(event)), *_fields(event)]
    lines += ["", "## Certificates in events", "", prose(_doc(CertificateSeen)), *_fields(CertificateSeen)]
    return "\n".join(lines) + "\n"


def _doc(event: type) -> str:
    return inspect.getdoc(event) or ""


def _fields(event: type) -> list[str]:
    return table(
        ("field", "values", "usual"),
        ((f"`{camel(field.name)}`", _words(str(field.type)), _usual(field)) for field in dataclasses.fields(event)),
    )


def _words(annotation: str) -> str:
    """Return what a field holds, as JSON has it."""
    plain = {"int": "number", "str": "text", "bool": "true or false"}
    if "CertificateSeen" in annotation:
        return "a [certificate](#certificates-in-events)" + (" or null" if "None" in annotation else "")
    if annotation.startswith("tuple"):
        return "list of pairs" if annotation.startswith("tuple[tuple") else "list of text"
    return " or ".join(plain.get(each, each) for each in re.split(r" \| ", annotation))


def _usual(field: dataclasses.Field[object]) -> str:
    if field.default is dataclasses.MISSING or field.default in {"", ()}:
        return ""
    return f"`{str(field.default).lower()}`"
