"""What the simulator lets its user choose where the real box leaves no choice or is unknown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from sbcsim.addresses import format_endpoint, usual_address
from sbcsim.clock import format_duration, parse_duration
from sbcsim.errors import UserError

from .passwords import PasswordChange
from .redundancy import HaMode


@dataclass(frozen=True, slots=True)
class Settings:
    """Choices that hold for the life of one simulated system.

    `dial_tls_port_plus_one` adds 1 to a peer's port over TLS, as some say the box does. `hosts` is the host table
    by which a pathCheck hostName is resolved: name to simulated address; for other names the DNS server at `resolver`
    is asked, a place on the host, and nobody where there is none. `resume_across_renewal` lets far ends take up
    sessions of TLS 1.2 and older under a certificate that has been replaced, as some boxes do, and
    `sessions_survive_switchover` those that the other server of a pair has made. `password_change` says who is made to
    change the password at login. With `last_login` the greeting tells when and from where the user was here before;
    with `lock_wait` a commit waits a while for another session's lock instead of being refused at once.
    `replacement_window` is how long no TLS session is set up behind a commit that replaces a certificate, in
    microseconds. `rude` is a box that is mildly unkind everywhere: see `sbcsim.device.rude`.
    """

    system_name: str = "SBC1"
    application_version: str = "V12.01.00R001"
    hardware_type: str = "SBC SWe"
    seed: int = 0
    dial_tls_port_plus_one: bool = False
    hosts: Mapping[str, str] = field(default_factory=dict)
    resolver: tuple[str, int] | None = None
    ha: HaMode = HaMode.NONE
    resume_across_renewal: bool = False
    sessions_survive_switchover: bool = False
    password_change: PasswordChange = PasswordChange.RESET
    last_login: bool = False
    lock_wait: bool = False
    replacement_window: int = 0
    rude: bool = False
    journal_limit: int = 100_000


_CHOICES = (
    "dial_tls_port_plus_one", "last_login", "lock_wait", "password_change", "replacement_window",
    "resume_across_renewal", "sessions_survive_switchover",
)  # fmt: skip

NAMED = {name.replace("_", "-"): name for name in _CHOICES} | {"host": "hosts", "resolver": "resolver"}
"""The choices that can be made by a name, with their fields."""

LOCK_PATIENCE = 15.0
"""How many real seconds `lock_wait` makes a commit wait at most."""

_SWITCH = {"on": True, "off": False}


def chosen(texts: Iterable[str]) -> Settings:
    """Return settings by `NAME=VALUE`, e.g. `last-login=on` or `replacement-window=30s`; raises UserError."""
    values: dict[str, Any] = {}
    hosts: dict[str, str] = {}
    for text in texts:
        name, _, value = text.partition("=")
        if name not in NAMED:
            raise UserError(f'"{name}" is no setting: {", ".join(sorted(NAMED))}')
        if name == "host":
            hosts.update([_host(value)])
            continue
        if name == "resolver":
            values["resolver"] = _resolver(value)
            continue
        usual = getattr(Settings(), NAMED[name])
        if type(usual) is int:
            values[NAMED[name]] = _duration(name, value)
            continue
        choices = {each.value: each for each in type(usual)} if isinstance(usual, Enum) else _SWITCH
        if value not in choices:
            raise UserError(f'setting {name}: "{value}" is none of {", ".join(choices)}')
        values[NAMED[name]] = choices[value]
    return Settings(**values, hosts=hosts)


def told(settings: Settings) -> tuple[str, ...]:
    """Return what was chosen as `chosen` takes it, each `NAME=VALUE`; of a redundancy and a seed it does not tell."""
    usual = Settings()
    texts = []
    for name, field_ in sorted(NAMED.items()):
        value = getattr(settings, field_)
        if field_ == "hosts":
            texts += [f"host={host}:{address}" for host, address in value.items()]
        elif value == getattr(usual, field_):
            continue
        elif isinstance(value, tuple):
            texts.append(f"{name}={format_endpoint(value)}")
        elif isinstance(value, bool):
            texts.append(f"{name}={'on' if value else 'off'}")
        else:
            texts.append(f"{name}={value.value if isinstance(value, Enum) else format_duration(value)}")
    return tuple(texts)


def _host(text: str) -> tuple[str, str]:
    name, _, address = text.partition(":")
    if not name or not usual_address(address.strip("[]")):
        raise UserError(f'setting host: "{text}" is not a name with an address such as peer.example.com:192.0.2.10')
    return name, usual_address(address.strip("[]"))


def _resolver(text: str) -> tuple[str, int]:
    address, port = text, "53"
    if text.startswith("["):
        address, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":") or port
    elif text.count(":") == 1:
        address, _, port = text.partition(":")
    if not usual_address(address) or not port.isdecimal() or not 0 < int(port) < 65536:
        raise UserError(f'setting resolver: "{text}" is not the place of a DNS server such as 127.0.0.1:5353')
    return usual_address(address), int(port)


def _duration(name: str, text: str) -> int:
    try:
        return parse_duration(text)
    except UserError as error:
        raise UserError(f"setting {name}: {error.text}") from None
