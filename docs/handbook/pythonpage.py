"""The page of the Python API and of the pytest plugin, from what is public and its docstrings."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import sbcsim
from sbcsim import pytest_plugin
from sbcsim.clock import Clock
from sbcsim.control.models import Call, Certificate, Connection, Peer
from sbcsim.device.faults import Faults
from sbcsim.device.settings import Settings
from sbcsim.journal import Entry
from sbcsim.pki.broken import BrokenCertificate, BrokenFile
from sbcsim.testing import (
    Authority,
    Behaviour,
    Callee,
    Conduct,
    Issued,
    OcspBehaviour,
    OcspConduct,
    OcspResponder,
    PeerCall,
    PeerConnection,
    SipPeer,
    SyncOcspResponder,
    SyncPeerCall,
    SyncSipPeer,
    TlsTerms,
)

from .table import prose, summary, table

_HEAD = """\
# Python and pytest

What may be imported, and what the pytest plugin brings along.

Made by `make docs` from the docstrings of `sbcsim`.

## pytest

The plugin comes with the package; nothing has to be imported or switched on.
"""

_PLACES: tuple[tuple[str, tuple[Callable[..., object], ...]], ...] = (
    ("A box", (sbcsim.Simulator, sbcsim.SyncSimulator, Faults, Settings)),
    ("Its clock", (sbcsim.VirtualClock, Clock)),
    ("What it tells", (Connection, Certificate, Peer, Entry)),
    ("A far end", (SipPeer, SyncSipPeer, PeerConnection, Behaviour, Callee, Conduct, TlsTerms)),
    ("Its calls", (PeerCall, SyncPeerCall, Call)),
    ("Certificates, good and broken", (Authority, Issued, BrokenCertificate, BrokenFile)),
    ("An OCSP responder", (OcspResponder, SyncOcspResponder, OcspBehaviour, OcspConduct)),
    (
        "Errors",
        (
            sbcsim.SbcsimError,
            sbcsim.UserError,
            sbcsim.ScenarioError,
            sbcsim.PeerError,
            sbcsim.BugError,
            sbcsim.ExpectationError,
        ),
    ),
)


def page() -> str:
    """Return the page."""
    lines = [_HEAD.rstrip("\n"), *_plugin()]
    for title, classes in _PLACES:
        lines += ["", f"## {title}"]
        for each in classes:
            lines += _told(each)
    return "\n".join(lines) + "\n"


def _plugin() -> Iterator[str]:
    yield from table(("fixture", "meaning"), _fixtures())
    recorder = _Recorder()
    pytest_plugin.pytest_addoption(recorder)  # type: ignore[arg-type]
    yield from table(("option of pytest", "meaning"), recorder.options)
    yield from ("", prose(inspect.getdoc(pytest_plugin) or "").partition("\n\n")[2])


def _fixtures() -> Iterator[tuple[str, str]]:
    for name, value in vars(pytest_plugin).items():
        if isinstance(value, _FIXTURE):
            yield f"`{name}`", summary(inspect.getdoc(value) or "")


_FIXTURE: type = type(pytest.fixture(lambda: None))


class _Recorder:
    """Stands in for pytest's parser: it keeps what the plugin would add to it."""

    def __init__(self) -> None:
        self.options: list[tuple[str, str]] = []

    def getgroup(self, name: str, description: str) -> _Recorder:
        del name, description
        return self

    def addoption(self, name: str, **how: Any) -> None:  # noqa: ANN401
        self.options.append((f"`{name} {how.get('metavar') or name.rpartition('-')[2].upper()}`", how["help"]))


def _told(each: Callable[..., object]) -> Iterator[str]:
    module = "sbcsim" if each.__name__ in sbcsim.__all__ else each.__module__
    yield from ("", f"### `{module}.{each.__name__}`", "", prose(inspect.getdoc(each) or ""))
    signature = _signature(each)
    if signature != "()":
        yield from ("", f"`{each.__name__}{signature}`")
    if isinstance(each, type):
        yield from table(("name", "meaning"), _members(each))


def _members(each: type) -> Iterator[tuple[str, str]]:
    own = [base for base in reversed(each.__mro__) if base.__module__.startswith("sbcsim")]
    names = [name for base in own for name in vars(base)]
    for name in dict.fromkeys(names):
        value = inspect.getattr_static(each, name)
        if name.startswith("_"):
            continue
        if isinstance(value, property):
            yield f"`{name}`", summary(inspect.getdoc(value) or "")
        elif isinstance(value, classmethod | staticmethod) or inspect.isfunction(value):
            function = value.__func__ if isinstance(value, classmethod | staticmethod) else value
            word = "await " if inspect.iscoroutinefunction(function) else ""
            yield f"`{word}{name}{_signature(function)}`", summary(inspect.getdoc(function) or "")


def _signature(what: Callable[..., object]) -> str:
    """Return how something is called, without what only a type checker wants to know."""
    try:
        signature = inspect.signature(what)
    except (TypeError, ValueError):
        return "()"
    shown = [
        each.replace(annotation=inspect.Parameter.empty)
        for name, each in signature.parameters.items()
        if name not in {"self", "cls"}
    ]
    text = str(signature.replace(parameters=shown, return_annotation=inspect.Signature.empty))
    return re.sub(r"<factory>|<object object at \w+>", "...", text)
