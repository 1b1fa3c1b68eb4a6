"""What the simulator lets its user choose where the real box leaves no choice or is unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .passwords import PasswordChange
from .redundancy import HaMode


@dataclass(frozen=True, slots=True)
class Settings:
    """Choices that hold for the life of one simulated system.

    `dial_tls_port_plus_one` adds 1 to a peer's port over TLS, as some say the box does. `hosts` is the host table
    by which a pathCheck hostName is resolved: name to simulated address. `password_change` says who is made to change
    the password at login.
    """

    system_name: str = "SBC1"
    application_version: str = "V12.01.00R001"
    hardware_type: str = "SBC SWe"
    seed: int = 0
    dial_tls_port_plus_one: bool = False
    hosts: Mapping[str, str] = field(default_factory=dict)
    ha: HaMode = HaMode.NONE
    password_change: PasswordChange = PasswordChange.RESET
    journal_limit: int = 100_000
