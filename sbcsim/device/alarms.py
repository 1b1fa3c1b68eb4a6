"""The alarm tables: current and history, raising, repeating, clearing (sbc-model, alarms and event logs)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from sbcsim.clock import Instant
from sbcsim.events import AlarmCleared, AlarmRaised, Event

TABLE_LIMIT = 10_000
"""The most rows of either table: the oldest goes, as each connection that a re-check closes adds one."""


Objects = tuple[tuple[str, str | int], ...]
"""Names of SNMP objects with their values."""


class AlarmName(Enum):
    """The event names that raise an alarm: value, severity, whether the box clears it by itself."""

    CERTIFICATE_EXPIRE_SOON = ("sonusSbxCertificateExpireSoonWarningNotification", "Major", False)
    CERTIFICATE_RECHECK_FAILED = ("sonusSbxFailedCertificateReCheck", "Major", False)
    PATH_DOWN = ("sonusSbxPathCheckPingStateDownNotification2", "Major", True)
    PATH_UP = ("sonusSbxPathCheckPingStateUpNotification2", "Informational", True)
    SWITCHOVER = ("sonusCpRedundGroupSwitchOverNotification", "Major", False)

    @property
    def event(self) -> str:
        """The event name that the table shows as reporter."""
        return self.value[0]

    @property
    def severity(self) -> str:
        """Critical, Major, Minor or Informational."""
        return self.value[1]

    @property
    def automatic(self) -> bool:
        """Whether the box clears the alarm by itself."""
        return self.value[2]


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm row. `subject` is the object it is about: the same name on the same subject repeats the row."""

    id: int
    name: AlarmName
    subject: str
    description: str
    first: Instant
    last: Instant
    count: int = 1
    acknowledged: bool = False
    comment: str = ""
    state: str = "raised"


@dataclass(frozen=True, slots=True)
class Standing:
    """Both tables at one moment."""

    current: Mapping[tuple[AlarmName, str], Alarm]
    history: Mapping[int, Alarm]
    next_id: int

    def without(self, gone: Iterable[Alarm]) -> Standing:
        """Return them as if some alarms had never been raised; the last numbers are free again."""
        numbers = {alarm.id for alarm in gone}
        next_id = self.next_id
        while next_id - 1 in numbers:
            next_id -= 1
        return Standing(
            {key: alarm for key, alarm in self.current.items() if alarm.id not in numbers},
            {number: alarm for number, alarm in self.history.items() if number not in numbers},
            next_id,
        )


class Alarms:
    """Current alarms and their history; `emit` takes the events for the journal."""

    def __init__(self, emit: Callable[[Instant, Event], object]) -> None:
        self._emit = emit
        self._current: dict[tuple[AlarmName, str], Alarm] = {}
        self._history: dict[int, Alarm] = {}
        self._next_id = 1

    @property
    def current(self) -> Sequence[Alarm]:
        """The alarms that stand, by alarmId."""
        return sorted(self._current.values(), key=lambda alarm: alarm.id)

    @property
    def history(self) -> Sequence[Alarm]:
        """Every alarm that was raised, with what became of it, oldest first."""
        return tuple(self._history.values())

    def raise_alarm(
        self, name: AlarmName, subject: str, description: str, now: Instant, *, objects: Objects = ()
    ) -> None:
        """Raise an alarm; the same name on the same subject counts up the row that stands.

        `objects` go along with its trap.
        """
        standing = self._current.get((name, subject))
        if standing is None:
            alarm = Alarm(self._next_id, name, subject, description, now, now)
            self._next_id += 1
        else:
            alarm = replace(standing, description=description, last=now, count=standing.count + 1)
        self._current[name, subject] = alarm
        if len(self._current) > TABLE_LIMIT:
            del self._current[next(iter(self._current))]
        self._note(alarm)
        self._emit(now, AlarmRaised(alarm.id, name.event, name.severity, description, alarm.count, objects))

    def report(self, name: AlarmName, subject: str, description: str, now: Instant) -> None:
        """Report an event that only goes into the history: nothing stands after it."""
        alarm = Alarm(self._next_id, name, subject, description, now, now)
        self._next_id += 1
        self._note(alarm)
        self._emit(now, AlarmRaised(alarm.id, name.event, name.severity, description, 1))

    def clear(self, name: AlarmName, subject: str, now: Instant) -> None:
        """Clear what stands under a name and subject, by the box itself; nothing standing is no error."""
        alarm = self._current.pop((name, subject), None)
        if alarm is not None:
            self._cleared(alarm, "automatic", now)

    def clear_by_id(self, alarm_id: int, by: str, now: Instant, *, matching: bool = False) -> bool:
        """Clear one alarm by hand, all for id 0, also those of the same name if `matching`; False if not there."""
        chosen = [alarm for alarm in self.current if alarm_id in {0, alarm.id}]
        if matching and alarm_id:
            names = {alarm.name for alarm in chosen}
            chosen = [alarm for alarm in self.current if alarm.name in names]
        for alarm in chosen:
            del self._current[alarm.name, alarm.subject]
            self._cleared(alarm, by, now)
        return bool(chosen) or alarm_id == 0

    def clear_history(self) -> None:
        """Empty the history table."""
        self._history.clear()

    def comment(self, alarm_id: int, text: str) -> bool:
        """Write a comment on a standing alarm; False if there is none of that id."""
        return self._change(alarm_id, comment=text)

    def acknowledge(self, alarm_id: int, *, acknowledged: bool) -> bool:
        """Set the acknowledge state of a standing alarm; False if there is none of that id."""
        return self._change(alarm_id, acknowledged=acknowledged)

    def moment(self) -> Standing:
        """Return both tables as they are at this moment, for a later `restart`."""
        return Standing(dict(self._current), dict(self._history), self._next_id)

    def restart(self, to: Standing | None = None) -> None:
        """Forget everything, or return to a moment."""
        start = to or Standing({}, {}, 1)
        self._current, self._history, self._next_id = dict(start.current), dict(start.history), start.next_id

    def _change(self, alarm_id: int, **fields: object) -> bool:
        for key, alarm in self._current.items():
            if alarm.id == alarm_id:
                self._current[key] = replace(alarm, **fields)  # type: ignore[arg-type]
                return True
        return False

    def _note(self, alarm: Alarm) -> None:
        """Put an alarm into the history, in place of what it said before."""
        self._history[alarm.id] = alarm
        if len(self._history) > TABLE_LIMIT:
            del self._history[next(iter(self._history))]

    def _cleared(self, alarm: Alarm, by: str, now: Instant) -> None:
        self._note(replace(alarm, last=now, state="cleared"))
        self._emit(now, AlarmCleared(alarm.id, alarm.name.event, by))
