"""What the simulator lets its user choose where the real box leaves no choice or is unknown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from sbcsim.errors import UserError

from .passwords import PasswordChange
from .redundancy import HaMode


@dataclass(frozen=True, slots=True)
class Settings:
    """Choices that hold for the life of one simulated system.

    `dial_tls_port_plus_one` adds 1 to a peer's port over TLS, as some say the box does. `hosts` is the host table
    by which a pathCheck hostName is resolved: name to simulated address. `resume_across_renewal` lets far ends take up
    sessions of TLS 1.2 and older under a certificate that has been replaced, as some boxes do, and
    `sessions_survive_switchover` those that the other server of a pair has made. `password_change` says who is made to
    change the password at login. With `last_login` the greeting tells when and from where the user was here before;
    with `lock_wait` a commit waits a while for another session's lock instead of being refused at once.
    """

    system_name: str = "SBC1"
    application_version: str = "V12.01.00R001"
    hardware_type: str = "SBC SWe"
    seed: int = 0
    dial_tls_port_plus_one: bool = False
    hosts: Mapping[str, str] = field(default_factory=dict)
    ha: HaMode = HaMode.NONE
    resume_across_renewal: bool = False
    sessions_survive_switchover: bool = False
    password_change: PasswordChange = PasswordChange.RESET
    last_login: bool = False
    lock_wait: bool = False
    journal_limit: int = 100_000


_CHOICES = (
    "dial_tls_port_plus_one", "last_login", "lock_wait", "password_change", "resume_across_renewal",
    "sessions_survive_switchover",
)  # fmt: skip

NAMED = {name.replace("_", "-"): name for name in _CHOICES}
"""The choices that can be made by a name, with their fields."""

LOCK_PATIENCE = 15.0
"""How many real seconds `lock_wait` makes a commit wait at most."""

_SWITCH = {"on": True, "off": False}


def chosen(texts: Iterable[str]) -> Settings:
    """Return settings by `NAME=VALUE`, e.g. `last-login=on`; raises UserError."""
    values: dict[str, Any] = {}
    for text in texts:
        name, _, value = text.partition("=")
        if name not in NAMED:
            raise UserError(f'"{name}" is no setting: {", ".join(sorted(NAMED))}')
        usual = getattr(Settings(), NAMED[name])
        choices = {each.value: each for each in type(usual)} if isinstance(usual, Enum) else _SWITCH
        if value not in choices:
            raise UserError(f'setting {name}: "{value}" is none of {", ".join(choices)}')
        values[NAMED[name]] = choices[value]
    return Settings(**values)
