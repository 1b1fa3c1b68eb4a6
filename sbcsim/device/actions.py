"""The actions of `request`: what an operator can have done, and the output leaves of each.

`ACTIONS` maps the schema path of an action to its function. A run that reports failure does so in its leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from sbcsim.clock import Instant, to_datetime
from sbcsim.config.render import set_lines
from sbcsim.config.transaction import Author
from sbcsim.errors import UserError
from sbcsim.events import LogEvent
from sbcsim.grammar import message
from sbcsim.pki.request import RequestError
from sbcsim.schema.node import Path, SchemaPath
from sbcsim.schema.types import Value

from .chassis import Chassis
from .filenodes import FileError
from .files import CERTIFICATE_DIRECTORY, VirtualFiles
from .internalkeys import read_certificate
from .managementpoints import ACTION
from .pathcheck import PathChecks
from .ports import Ports
from .redundancy import RestartCause, Server, Servers

Output = list[tuple[str, Value]]


class Application(Protocol):
    """What an action may do to the application as a whole, and to the servers it runs on."""

    @property
    def files(self) -> VirtualFiles:
        """The files of the active server."""

    @property
    def servers(self) -> Servers:
        """The servers."""

    def restart(self, cause: RestartCause, now: Instant) -> None:
        """Have the application begin anew."""

    def restart_server(self, server: Server, cause: RestartCause, now: Instant) -> None:
        """Have one server begin anew."""

    def switch_over(self, reason: str, now: Instant) -> str:
        """Have the standby take over; returns why it cannot, "" where it has."""


@dataclass(frozen=True, slots=True)
class Request:
    """One action to run: on which object, with which inputs, by whom."""

    path: Path
    inputs: Mapping[str, Value]
    author: Author
    now: Instant


class Actions:
    """Runs the actions of the model."""

    def __init__(self, chassis: Chassis, ports: Ports, paths: PathChecks, application: Application) -> None:
        self.chassis = chassis
        self.ports = ports
        self.paths = paths
        self.application = application

    def work(self, schema_path: SchemaPath, inputs: Mapping[str, Value]) -> Callable[[], None] | None:
        """Return slow work that may be done before `run`: the making of a key."""
        if schema_path != (*_CERTIFICATE, "generateCSR"):
            return None
        return self.chassis.certificates.internal.prework(_KEY_BITS[str(inputs["keySize"])])

    def run(self, schema_path: SchemaPath, request: Request) -> Output:
        """Run an action and return its output leaves in order; raises UserError where it cannot be run."""
        action = ACTIONS.get(schema_path)
        if action is None:
            raise UserError(f"no such action: {' '.join(schema_path)}", path=request.path, tag="unknown-element")
        if schema_path[:4] == _CERTIFICATE:
            subject = f"{request.path[4]} {schema_path[-1]}"
            reason = self.chassis.faults.fires(ACTION, subject, request.now)
            if reason is not None:
                return _failed(reason)
        return action(self, request)


def _keys_may_change(actions: Actions, request: Request) -> str:
    """Return what forbids another key or certificate, "" for nothing."""
    tree = actions.chassis.tree
    if tree.value((*request.path, "type")) != "local-internal":
        return message("action.not_internal")
    return message("action.enabled") if tree.value((*request.path, "state")) == "enabled" else ""


def _generate_request(actions: Actions, request: Request) -> Output:
    problem = _keys_may_change(actions, request)
    if problem:
        return _failed(problem)
    bits = _KEY_BITS[str(request.inputs["keySize"])]
    subject, names = (str(request.inputs.get(leaf, "")) for leaf in ("csrSub", "subjectAlternativeDnsName"))
    try:
        text = actions.chassis.certificates.internal.request(request.path[4], bits, subject, names)
    except RequestError:
        return _failed(message("action.invalid_subject"))
    return [("result", 0), ("status", text)]


def _import_certificate(actions: Actions, request: Request) -> Output:
    internal, name = actions.chassis.certificates.internal, request.path[4]
    problem = _keys_may_change(actions, request)
    if problem:
        return _failed(problem)
    certificate = read_certificate(str(request.inputs["certContent"]))
    if certificate is None:
        return _failed(message("action.not_a_certificate"))
    if not internal.fits(name, certificate):
        return _failed(message("action.other_key"))
    if certificate.expired(request.now.calendar):
        return _failed(message("action.expired"))
    internal.keep(name, certificate)
    text = f"*Certificate {name} imported, serial {certificate.serial}"
    actions.chassis.emit(request.now, LogEvent("SEC", "info", text))
    return [("result", 0), ("status", "success")]


def _upload_certificate(actions: Actions, request: Request) -> Output:
    tree = actions.chassis.tree
    if tree.value((*request.path, "type")) != "remote":  # whose keys would pass through the command line
        return _failed(message("action.not_remote"))
    if tree.value((*request.path, "state")) == "enabled":
        return _failed(message("action.enabled"))
    file_name = tree.value((*request.path, "fileName"))
    if not file_name:
        return _failed(message("action.no_file_name"))
    certificate = read_certificate(str(request.inputs["certContent"]))
    if certificate is None:
        return _failed(message("action.not_a_certificate"))
    try:
        path = f"{CERTIFICATE_DIRECTORY}/{file_name}"
        actions.application.files.write(path, certificate.pem().encode(), request.now)
    except FileError as error:
        return _failed(error.text)
    return [("result", 0), ("status", "success")]


def _failed(problem: str) -> Output:
    return [("result", 1), ("status", problem)]


def _save_configuration(actions: Actions, request: Request) -> Output:
    suffix = request.inputs.get("fileNameSuffix")
    moment = to_datetime(request.now.calendar).strftime("%Y%m%d_%H%M%S")
    name = "_".join(("config", request.path[2], moment, *([] if suffix is None else [str(suffix)])))
    text = "".join(f"{line}\n" for line in set_lines(actions.chassis.tree))
    try:
        actions.application.files.write(f"{CERTIFICATE_DIRECTORY}/{name}.cli", text.encode(), request.now)
    except FileError as error:
        return [("result", "failure"), ("reason", error.text)]
    return [("result", "success")]


def _restart(cause: RestartCause) -> Callable[[Actions, Request], Output]:
    def restart(actions: Actions, request: Request) -> Output:
        actions.application.restart(cause, request.now)
        return [("result", "success")]

    return restart


def _restart_server(cause: RestartCause) -> Callable[[Actions, Request], Output]:
    def restart(actions: Actions, request: Request) -> Output:
        server = actions.application.servers.named(request.path[2])
        if server is None:
            raise UserError(message("action.no_server"), path=request.path, tag="data-missing")
        actions.application.restart_server(server, cause, request.now)
        return [("result", "success")]

    return restart


def _switch_over(actions: Actions, request: Request) -> Output:
    problem = actions.application.switch_over(f"asked for by {request.author.user}", request.now)
    return [("result", "failure"), ("reason", problem)] if problem else [("result", "success"), ("reason", "")]


def _certificate_content(actions: Actions, request: Request) -> Output:
    store, name = actions.chassis.certificates, request.path[4]
    imported = store.internal.content(name)
    certificate = store.content_of(name) if imported is None else imported.certificate
    if certificate is None:
        return [("result", message("action.no_content")), ("status", 1)]
    return [("result", certificate.pem()), ("status", 0)]


def _clear_current(actions: Actions, request: Request) -> Output:
    number = request.inputs.get("alarmId", 0)
    matching = request.inputs.get("deleteMatchingAlarms") == "yes"
    assert isinstance(number, int)
    if not actions.chassis.alarms.clear_by_id(number, request.author.user, request.now, matching=matching):
        raise _no_alarm(number)
    return []


def _clear_history(actions: Actions, _request: Request) -> Output:
    actions.chassis.alarms.clear_history()
    return []


def _clear_list(actions: Actions, request: Request) -> Output:
    found: list[str] = []
    missing: list[str] = []
    for word in str(request.inputs.get("alarmIds", "")).replace(",", " ").split():
        cleared = (
            word.isdigit()
            and int(word) > 0
            and actions.chassis.alarms.clear_by_id(int(word), request.author.user, request.now)
        )
        (found if cleared else missing).append(word)
    return [
        ("alarmIdFailure", ""),
        ("alarmIdNotFound", " ".join(missing)),
        ("alarmIdSuccess", " ".join(found)),
    ]


def _alarm_number(request: Request) -> int:
    number = request.inputs.get("alarm id", 0)
    assert isinstance(number, int)
    return number


def _comment_alarm(actions: Actions, request: Request) -> Output:
    number = _alarm_number(request)
    if not actions.chassis.alarms.comment(number, str(request.inputs.get("alarm text", ""))):
        raise _no_alarm(number)
    return []


def _acknowledge_alarm(actions: Actions, request: Request) -> Output:
    number = _alarm_number(request)
    wanted = request.inputs.get("alarm acknowledgeState") == "acknowledge"
    if not actions.chassis.alarms.acknowledge(number, acknowledged=wanted):
        raise _no_alarm(number)
    return []


def _reset(groups: Iterable[str]) -> Callable[[Actions, Request], Output]:
    names = tuple(groups)

    def reset(actions: Actions, request: Request) -> Output:
        for port in actions.ports.in_zone(request.path[1], request.path[3]):
            for name in names:
                getattr(port.counters, name).clear_totals()
        return [("reason", message("action.statistics_reset"))]

    return reset


def _admin_state(which: str) -> Callable[[Actions, Request], Output]:
    def change(actions: Actions, request: Request) -> Output:
        path = request.path
        check = actions.paths.get((path[1], path[3], path[5]))
        if check is None:
            raise UserError(message("refusal.element_not_there"), path=path, tag="data-missing")
        setattr(check, which, str(request.inputs["state"]))
        return [("reason", "success")]

    return change


def _roll_over(actions: Actions, request: Request) -> Output:
    actions.chassis.event_log.roll_over(request.path[3], request.now)
    return []


def _no_alarm(number: int) -> UserError:
    return UserError(message("action.no_alarm", number=number), path=("alarms",), tag="data-missing")


_ZONE = ("addressContext", "zone")
_CERTIFICATE = ("system", "security", "pki", "certificate")
_KEY_BITS = {"keySize1K": 1024, "keySize2K": 2048, "keySize4K": 4096}

ACTIONS: dict[SchemaPath, Callable[[Actions, Request], Output]] = {
    (*_CERTIFICATE, "generateCSR"): _generate_request,
    (*_CERTIFICATE, "importCert"): _import_certificate,
    (*_CERTIFICATE, "retrieveCertContent"): _certificate_content,
    (*_CERTIFICATE, "uploadCertificate"): _upload_certificate,
    ("system", "admin", "saveConfig"): _save_configuration,
    ("system", "admin", "restart"): _restart(RestartCause.SYSTEM),
    ("system", "admin", "softReset"): _restart(RestartCause.SOFT),
    ("system", "admin", "switchover"): _switch_over,
    ("system", "serverAdmin", "restart"): _restart_server(RestartCause.SERVER),
    ("system", "serverAdmin", "softReset"): _restart_server(RestartCause.SERVER_SOFT),
    ("alarms", "clear", "current"): _clear_current,
    ("alarms", "clear", "history"): _clear_history,
    ("alarms", "clear", "alarmList"): _clear_list,
    ("alarms", "current", "comment"): _comment_alarm,
    ("alarms", "current", "state"): _acknowledge_alarm,
    ("oam", "eventLog", "typeAdmin", "rolloverLogNow"): _roll_over,
    (*_ZONE, "sipSigPortResetAll"): _reset(("port", "tls")),
    (*_ZONE, "sipSigConnResetAll"): _reset(("connections",)),
    (*_ZONE, "ipPeer", "pathCheck", "localAdminState"): _admin_state("local_admin"),
    (*_ZONE, "ipPeer", "pathCheck", "remoteAdminState"): _admin_state("remote_admin"),
}
