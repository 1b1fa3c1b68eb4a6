"""What the channels of a CLI port need of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sbcsim.cli.session import Session, Terminal
from sbcsim.clock import Instant
from sbcsim.config.transaction import Author
from sbcsim.device.faults import Faults
from sbcsim.device.sessions import Sessions
from sbcsim.journal import Journal

if TYPE_CHECKING:
    from .channel import CliChannel

SessionFactory = Callable[[Author, Terminal | None], Session]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a channel needs of the port it belongs to. `idle_seconds` is of real time, 0 for never.

    `accept_banner`: a user on a terminal must accept the banner before the session begins; `standby`: the server that
    is logged in to is not the active one.
    """

    factory: SessionFactory
    sessions: Sessions
    journal: Journal
    now: Callable[[], Instant]
    run: Callable[[Callable[[], None]], asyncio.Future[None]]
    idle_seconds: Callable[[], float]
    accept_banner: Callable[[], bool]
    standby: Callable[[], bool]
    channels: set[CliChannel]
    faults: Faults
