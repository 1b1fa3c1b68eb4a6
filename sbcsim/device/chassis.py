"""What every part of the device shares: time table, journal, running configuration, certificates, effects."""

from __future__ import annotations

from collections.abc import Callable
from random import Random  # noqa: TID251 - only the type: the stream is seeded by sbcsim.rng

from sbcsim import rng
from sbcsim.clock import Instant
from sbcsim.config.tree import Tree
from sbcsim.events import Event
from sbcsim.journal import Journal

from .alarms import Alarms, Standing
from .calls import CallCounts, Calls
from .certificates import CertificateStore
from .effects import Effect
from .eventlog import EventLog
from .faults import Faults
from .messagecounts import MessageCounts
from .redundancy import Servers
from .rude import be_rude
from .settings import Settings
from .timetable import Timetable


class Chassis:
    """One system's shared parts. `tree` is the running configuration, replaced at each commit."""

    def __init__(
        self, settings: Settings, journal: Journal, tree: Tree, certificates: CertificateStore, event_log: EventLog
    ) -> None:
        self.settings = settings
        self.journal = journal
        self.tree = tree
        self.revision = 0
        self.certificates = certificates
        self.event_log = event_log
        self.timetable = Timetable()
        self.calls = Calls()
        self.call_counts = CallCounts()
        self.message_counts = MessageCounts()
        self.alarms = Alarms(self.emit)
        self.wake: Callable[[], None] | None = None
        self.faults = Faults(journal, settings.seed, settings.ha)
        self._begin_faults()
        self.servers = Servers(settings.ha, settings.system_name)
        self._effects: list[Effect] = []
        self._tokens = self._token_stream()

    def emit(self, now: Instant, event: Event) -> None:
        """Put an event into the journal."""
        self.journal.add(now, event)

    def effect(self, effect: Effect) -> None:
        """Ask for something outside; `wake` tells the driver when nothing was pending before."""
        self._effects.append(effect)
        if len(self._effects) == 1 and self.wake is not None:
            self.wake()

    def take_effects(self) -> list[Effect]:
        """Hand over the effects in order."""
        effects, self._effects = self._effects, []
        return effects

    def token(self, digits: int = 16) -> str:
        """Return a fresh word of `digits` hexadecimal digits for tags, branches and Call-IDs."""
        return f"{self._tokens.getrandbits(4 * digits):0{digits}x}"

    def restart(self, tree: Tree, active: int = 0, alarms: Standing | None = None) -> None:
        """Begin anew on a configuration and a server: nothing is due, no alarm stands but these, the tokens repeat."""
        self.tree = tree
        self.revision = 0
        self.servers.restart(active)
        self.timetable.clear()
        self.alarms.restart(alarms)
        self._begin_faults()
        self._tokens = self._token_stream()

    def _begin_faults(self) -> None:
        """Have nothing go wrong that nobody asked for, or what a rude box is asked for."""
        self.faults.restart()
        if self.settings.rude:
            noted, self.faults.noted = self.faults.noted, None  # nobody has asked for these but by the start
            be_rude(self.faults)
            self.faults.noted = noted

    def _token_stream(self) -> Random:
        return rng.stream(self.settings.seed, "sip")
