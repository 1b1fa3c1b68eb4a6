"""What is to be true at a moment of a scenario, and what never."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, model_validator

from sbcsim.journal import camel

from .part import Fields, Name, Part, Text, Texts


class EventClause(Part):
    """An event of the journal: its kind, what its fields are, and how often it is to be there."""

    event: str
    where: Fields = Field(default_factory=dict)
    count: int | None = Field(default=None, ge=0)
    """Exactly so often; at least once where nothing is said."""
    at_least: int | None = Field(default=None, ge=1)
    at_most: int | None = Field(default=None, ge=0)
    since: Literal["start", "step"] = "start"
    """From where on it counts: the start of the scenario, or this step."""

    @property
    def least(self) -> int:
        """How often it is to be there at least."""
        if self.count is not None:
            return self.count
        return self.at_least or (0 if self.at_most is not None else 1)

    @property
    def most(self) -> int | None:
        """How often it may be there at most."""
        return self.at_most if self.count is None else self.count

    @model_validator(mode="after")
    def _one_number(self) -> Self:
        if self.count is not None and (self.at_least is not None or self.at_most is not None):
            raise ValueError("count says exactly how often: atLeast and atMost say something else")
        if self.most is not None and self.most < self.least:
            raise ValueError("atMost is less than atLeast")
        return self


class NeverClause(Part):
    """An event that the whole journal may not hold."""

    event: str
    where: Fields = Field(default_factory=dict)


class ConnectionClause(Part):
    """One or several live connections that are alike; what is not named may be anything."""

    certificate: str | None = None
    """The certificate object that the box showed."""
    direction: Literal["inbound", "outbound"] | None = None
    peer: str | None = None
    zone: str | None = None
    sip_sig_port: int | None = None
    resumed: bool | None = None
    count: int = Field(default=1, ge=1)


class AlarmClause(Part):
    """An alarm that stands."""

    name: str
    description: str | None = None
    """A part of its description."""
    count: int | None = Field(default=None, ge=1)
    standing: bool = True
    """False for one that does not stand."""


class EndedClause(Part):
    """Calls that have ended in one way; what is not named may be anything."""

    by: Literal["caller", "callee", "local"] | None = None
    """Whose doing it was; `local` is the box."""
    why: str | None = None
    """A part of the reason."""
    status: int | None = None
    """The answer that refused it, 0 for one that was answered."""
    count: int = Field(default=1, ge=1)


class CallsClause(Part):
    """The calls, as the box and their two ends have them; counts are since the start."""

    standing: int | None = Field(default=None, ge=0)
    """How many stand: at the box and at both of their ends."""
    establishing: int | None = Field(default=None, ge=0)
    """How many are being set up."""
    answered: int | None = Field(default=None, ge=0)
    """How many have been answered."""
    refused: int | None = Field(default=None, ge=0)
    """How many have been turned away, or have come to nothing without being given up by the caller."""
    lost: int | None = Field(default=None, ge=0)
    """How many had been answered, and are gone though neither end has hung up."""
    ended: tuple[EndedClause, ...] | None = None
    """The calls that the box has let in and that are over: these and no others."""

    @model_validator(mode="after")
    def _can_fail(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("calls say nothing: it would always be true")
        return self


class InterruptionClause(Part):
    """How long the path check held a peer for down, in all, until now."""

    at_least: Text | None = None
    at_most: Text | None = None

    @model_validator(mode="after")
    def _a_bound(self) -> Self:
        if self.at_least is None and self.at_most is None:
            raise ValueError("any time will do: atLeast or atMost is missing")
        return self


class ClockClause(Part):
    """What time it is at the box: RFC 3339, or distances from the start such as +60d."""

    from_: Text | None = Field(default=None, alias="from")
    """The first moment that will do."""
    until: Text | None = None
    """The first moment that will not do any more."""

    @model_validator(mode="after")
    def _a_bound(self) -> Self:
        if self.from_ is None and self.until is None:
            raise ValueError("any time will do: from or until is missing")
        return self


class Expect(Part):
    """What is to be true at a moment, on the state and on the wire."""

    clock: ClockClause | None = None
    connections: tuple[ConnectionClause, ...] | None = None
    """The live connections: these and no others."""
    calls: CallsClause | None = None
    carried: Mapping[Name, Texts] | None = None
    """By which certificates of the box the far ends of calls have spoken in them, by the calls' name: the callers'."""
    seen: Mapping[Name, Texts] | None = None
    """The certificates of the box that each peer was shown, handshake by handshake since the start."""
    serves: Mapping[str, str] | None = None
    """The certificate that a new connection gets, by port: `ZONE1/1: NEW`. The box is really dialled."""
    peers: Mapping[str, str] | None = None
    """The state of the path check of each peer: up, down, active, inActive."""
    interruption: Mapping[str, InterruptionClause] | None = None
    certificates: Mapping[str, Literal["enabled", "disabled", "absent"]] | None = None
    """The certificate objects."""
    configured: Texts | None = None
    """Lines that the running configuration has, as `display set` prints them, or the beginnings of such."""
    not_configured: Texts | None = None
    """Beginnings of lines that it does not have."""
    candidate: Texts | None = None
    """Lines, or the beginnings of such, that a session in configure mode has: what its commit would bring."""
    not_candidate: Texts | None = None
    """Beginnings of lines that a session in configure mode does not have."""
    configuring: int | None = Field(default=None, ge=0)
    """How many sessions are in configure mode."""
    files: Mapping[str, Literal["present", "absent"]] | None = None
    """Files in the certificate directory."""
    alarms: tuple[AlarmClause, ...] | None = None
    counters: Mapping[str, Mapping[str, int]] | None = None
    """Counters of the status tables by port: `ZONE1/1: {totalServerConnections: 2}`."""
    events: tuple[EventClause, ...] | None = None
    output: Texts | None = None
    """Parts of what the last command line printed."""

    @model_validator(mode="after")
    def _can_fail(self) -> Self:
        said = {name: getattr(self, name) for name in type(self).model_fields if getattr(self, name) is not None}
        if not said:
            raise ValueError("an expectation says something")
        for name, value in said.items():
            empty = value in ((), {}) or (isinstance(value, Mapping) and {} in value.values())
            if empty and name != "connections":  # none at all is something to expect there
                raise ValueError(f"{camel(name)} says nothing: it would always be true")
        return self
