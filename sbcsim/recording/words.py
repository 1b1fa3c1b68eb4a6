"""The words in which a transcript tells of an entry: those of the field, and of the box."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from sbcsim.clock import format_duration

from .facts import Fact

_KINDS = {
    "alarmCleared": "alarm cleared",
    "alarmRaised": "alarm",
    "alertReceived": "TLS alert received",
    "certificateCheck": "certificate re-check",
    "cli": "CLI line",
    "cliSession": "CLI session",
    "clockMoved": "clock moved",
    "control": "from outside",
    "handshake": "TLS handshake",
    "ocsp": "OCSP",
    "pathPing": "path check ping",
    "pathState": "path check state",
    "sftp": "file transfer",
    "sip": "SIP message",
    "sipRefused": "refused SIP",
}
_FIELDS = {
    "localCertificate.name": "own certificate",
    "localCertificate": "own certificate",
    "peerCertificate.subject": "certificate of the far end",
    "alertSent": "TLS alert sent",
    "alertReceived": "TLS alert received",
    "notAfter": "valid until",
    "ok": "success",
    "sha256": "content",
}
_NOTHING = frozenset({"", "0", "1"})
_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])|\.")


def kind(name: str) -> str:
    """Return a kind of event in words."""
    return _KINDS.get(name) or " ".join(_WORD.split(name)).lower()


def field(name: str) -> str:
    """Return a field of an event in words."""
    return _FIELDS.get(name) or " ".join(_WORD.split(name)).lower()


def sentence(fact: Fact) -> list[str]:
    """Return what an entry says, on one line or, where it holds several, on more."""
    told = _SENTENCES.get(fact.kind)
    return [_generic(fact)] if told is None else told(dict(fact.fields))


def _generic(fact: Fact) -> str:
    said = " ".join(f"{name}={_short(value)}" for name, value in fact.fields if value not in _NOTHING)
    return f"{kind(fact.kind)}: {said}" if said else kind(fact.kind)


def _short(value: str) -> str:
    plain = " ".join(value.split("\n"))
    return f'"{plain}"' if " " in plain else plain


def _line(said: Mapping[str, str]) -> list[str]:
    prompt = "%" if said["mode"] == "configure" else ">"
    lines = [f"{said['session']} {said['user']}{prompt} {said['line']}{'' if said['ok'] == 'yes' else '  [error]'}"]
    answers = said.get("answers", "")
    return [*lines, *(f"     answered: {answer}" for answer in answers.split("\n") if answers)]


def _session(said: Mapping[str, str]) -> list[str]:
    if said["ended"] == "yes":
        return [f"{said['session']} ends"]
    terminal = "on a terminal" if said["terminal"] == "yes" else "without a terminal"
    return [f"{said['session']} begins: {said['user']} by {said['protocol']} from {said['remote']}, {terminal}"]


def _login(said: Mapping[str, str]) -> list[str]:
    how = "logs in to" if said["accepted"] == "yes" else f"is turned away ({said['reason']}) from"
    return [f"{said['user']} {how} {said['service']} from {said['remote']}"]


def _transfer(said: Mapping[str, str]) -> list[str]:
    size = f", {said['size']} bytes" if said["operation"] in {"put", "get"} else ""
    target = f" to {said['target']}" if said.get("target") else ""
    content = f", SHA-256 {said['sha256'][:16]}" if said.get("sha256") else ""
    failed = "" if said["ok"] == "yes" else f"  [{said['reason']}]"
    return [f"{said['user']} {said['operation']} {said['path']}{target}{size}{content}{failed}"]


def _commit(said: Mapping[str, str]) -> list[str]:
    changes = said["changes"].split("\n") if said["changes"] else []
    return [f"commit {said['revision']} by {said['user']}", *(f"     {change}" for change in changes)]


def _controlled(said: Mapping[str, str]) -> list[str]:
    arguments = " ".join(said["arguments"].split("\n"))
    return [f"from outside: {said['action']}{' ' if arguments else ''}{arguments}"]


def _opened(said: Mapping[str, str]) -> list[str]:
    return [f"{said['connection']} {said['direction']} on sipSigPort {said['sipSigPort']}, far end {said['remote']}"]


def _handshake(said: Mapping[str, str]) -> list[str]:
    own = said.get("localCertificate.name") or said.get("localCertificate") or "no certificate"
    far = said.get("peerCertificate.subject") or "nothing"
    result = "succeeds" if said["ok"] == "yes" else f"fails: {said['reason']}"
    alerts = [f"{field(name)} {said[name]}" for name in ("alertSent", "alertReceived") if said[name] != "0"]
    more = [said["version"], *(["resumed"] if said["resumed"] == "yes" else []), *alerts]
    serial = f" ({said['localCertificate.serial']})" if said.get("localCertificate.serial") else ""
    details = ", ".join(each for each in more if each)
    return [f"{said['connection']} TLS handshake {result}; shown {own}{serial}, got {far}; {details}".rstrip("; ")]


def _closed(said: Mapping[str, str]) -> list[str]:
    own = f", was on {said['localCertificate']}" if said["localCertificate"] else ""
    return [f"{said['connection']} closed by {said['by']}: {said['reason']}{own}"]


def _message(said: Mapping[str, str]) -> list[str]:
    where = said["connection"] or said["remote"]
    times = f" ({said['times']} times)" if said["times"] != "1" else ""
    return [f"{where} {said['direction']} {said['summary']}{times}"]


def _moved(said: Mapping[str, str]) -> list[str]:
    return [f"clock moved by {format_duration(int(said['by']))}: {said['fired']} due, {said['coalesced']} coalesced"]


_SENTENCES: Mapping[str, Callable[[Mapping[str, str]], list[str]]] = {
    "cli": _line,
    "cliSession": _session,
    "clockMoved": _moved,
    "commit": _commit,
    "connectionClosed": _closed,
    "connectionOpened": _opened,
    "control": _controlled,
    "handshake": _handshake,
    "login": _login,
    "sftp": _transfer,
    "sip": _message,
}
