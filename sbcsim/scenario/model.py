"""What a scenario file may say: the start, the steps, and what is to be true.

Every model refuses names that it does not know. The names are those of the control API and of the box itself; times
are RFC 3339 or distances from the start such as +60d, durations such as 31d or 1h30m.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from sbcsim.journal import camel


def _as_lines(value: object) -> object:
    """A text is as good as the list of its lines; blank lines and those that begin with # say nothing."""
    if not isinstance(value, str):
        return value
    return [line.strip() for line in value.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def _as_list(value: object) -> object:
    return value if isinstance(value, list) else [value]


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


# `json_schema_input_type` is what a file may hold there, for editors.
Text = Annotated[str, BeforeValidator(_as_text, json_schema_input_type=str | int)]
Lines = Annotated[tuple[Text, ...], BeforeValidator(_as_lines, json_schema_input_type=str | list[str | int])]
Texts = Annotated[tuple[Text, ...], BeforeValidator(_as_list, json_schema_input_type=str | int | list[str | int])]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
Fields = Mapping[str, Any]
"""What the fields of an event are to be: `localCertificate.name: NEW`, `alertSent: {above: 0}`."""


class Part(BaseModel):
    """A part of a scenario."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=camel, validate_by_name=True)


# the start


class AuthoritySpec(Part):
    """A certificate authority; its certificate is the file `file`, in PEM."""

    subject: str = ""
    """Common name or RFC 4514 subject; the name in the file unless given."""
    signed_by: Name | None = None
    """The authority above it, for one in the middle."""
    not_before: Text = "-365d"
    not_after: Text = "+3650d"
    file: Name | None = None
    """The file that holds it; the name in lower case with .pem unless given."""
    placed: bool = True
    """Whether the file lies on the box from the start."""


class CertificateSpec(Part):
    """An end certificate with its key, in a PKCS#12 file."""

    signed_by: Name
    subject: str = "sbc.example.com"
    sans: Texts | None = None
    """Host names, addresses and SIP URIs; the common name unless given."""
    not_before: Text = "-30d"
    not_after: Text = "+365d"
    renews: Name | None = None
    """The certificate whose subject, names and key it takes over."""
    new_key: bool = False
    """Whether a renewal has a key of its own."""
    key_of: Name | None = None
    """Put the key of another certificate into the file: the mistake of a mixed-up key."""
    key_type: Literal["rsa", "ec"] = "rsa"
    file: Name | None = None
    """The file that holds it; the name in lower case with .p12 unless given."""
    pass_phrase: Text = "scenario-pass-phrase"  # noqa: S105 - protects nothing but a play
    placed: bool = False
    """Whether the file lies on the box from the start; otherwise a step brings it."""


class PeerSpec(Part):
    """A SIP peer at a simulated address, with a certificate of its own."""

    address: str = "192.0.2.10"
    port: int = Field(default=5061, ge=1, le=65535)
    listens: bool = True
    """Whether the box can dial it."""
    signed_by: Name | None = None
    """The authority of its certificate; the first of the scenario unless given."""
    subject: str = ""
    """The name in the file, with .example.com, unless given."""
    not_before: Text = "-30d"
    not_after: Text = "+3600d"
    trusts: Texts | None = None
    """The authorities that it trusts; all of the scenario unless given."""
    names: Texts = ()
    """Host names, addresses or SIP URIs of which the certificate of the box has to carry one."""
    resumes: bool = False
    """Whether it takes up its last TLS session again where it dials, as the box lets it."""


class Given(Part):
    """The start: clock, authorities, certificates, peers, configuration."""

    clock: Text = "2026-01-01T00:00:00Z"
    seed: int | None = None
    """The seed of the box, unless the one who runs the scenario gives one."""
    ha: Literal["none", "1to1", "cloud"] = "none"
    settings: Mapping[str, Text] = Field(default_factory=dict)
    """Choices as `sbcsim run --setting` takes them."""
    users: Mapping[str, Text] = Field(default_factory=dict)
    """Users with their passwords, instead of admin with password admin."""
    authorities: Mapping[Name, AuthoritySpec] = Field(default_factory=dict)
    certificates: Mapping[Name, CertificateSpec] = Field(default_factory=dict)
    peers: Mapping[Name, PeerSpec] = Field(default_factory=dict)
    configuration: Lines = ()
    """Lines as `show configuration | display set` prints them."""


# what is to be true


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


# steps


class SftpStep(Part):
    """One file operation over SFTP, in the certificate directory."""

    put: Name | None = None
    """A file of the scenario that is brought to the box."""
    as_: Name | None = Field(default=None, alias="as")
    """Its name on the box, where that is another."""
    remove: Name | None = None
    refused: bool = False
    """Whether the operation is to fail."""
    server: str | None = None
    """The server of a pair; the active one unless given."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.put is None) == (self.remove is None):
            raise ValueError("an SFTP step either puts or removes a file")
        return self


class FaultStep(Part):
    """Something goes wrong from now on."""

    point: str
    match: str = "*"
    nth: int = 1
    times: int | None = None
    probability: float = 1.0
    period: Text = "0s"
    gap: int = 0
    value: Text = ""


class PeerStep(Part):
    """A peer does something, or behaves in another way from now on."""

    name: Name
    does: Literal[
        "dial", "ping", "hang up",
        "answer", "fall silent", "refuse the certificate", "reset", "stall", "go away", "behave",
        "let calls ring", "refuse calls", "ignore calls", "answer and hang up",
    ]  # fmt: skip
    """`answer` takes a status, which holds for calls as well; calls that nothing else is said about are answered at
    once; `reset` and `stall` are about new connections; `go away` closes its port
    and its connections. With `behave` it is a good peer again."""
    to: str | None = None
    """The port that is dialled: `ZONE1/1`; the first of the box unless given."""
    status: int = Field(default=200, ge=200, le=699)
    fails: bool = False
    """Whether it is to fail: no connection comes about, or no answer."""

    @model_validator(mode="after")
    def _belongs(self) -> Self:
        for name, words in (("to", ("dial",)), ("status", ("answer",)), ("fails", ("dial", "ping", "hang up"))):
            if name in self.model_fields_set and self.does not in words:
                raise ValueError(f"{name} belongs to {' and '.join(words)}")
        return self


class CallStep(Part):
    """Somebody calls, or does something with calls that there are."""

    name: Name = "CALL"
    """What the calls are called by later steps."""
    does: Literal[
        "place", "hang up", "cancel", "answer", "refuse", "hold", "resume", "talk",
    ] = "place"  # fmt: skip
    """`talk` sends a request within each call, which the other end has to answer."""
    from_: Name | None = Field(default=None, alias="from")
    """Who calls, over the newest connection that it has."""
    to: Text | None = None
    """The number that is called; 200 unless given."""
    count: int = Field(default=1, ge=1, le=1_000)
    """How many calls are placed."""
    until: Literal["standing", "ringing", "calling"] = "standing"
    """How far each call is to come before the next step."""
    by: Name | None = None
    """Who does it; unless given the callers, and the callees where calls are answered or refused."""
    refused: int | None = Field(default=None, ge=300, le=699)
    """The answer that each call, or each request, is to be refused with."""
    status: int = Field(default=486, ge=300, le=699)
    """The answer that a callee refuses with."""

    @model_validator(mode="after")
    def _belongs(self) -> Self:
        places = self.does == "place"
        if places and self.from_ is None:
            raise ValueError("from says who calls")
        given = self.model_fields_set
        for field, name, where in (
            ("from_", "from", places), ("to", "to", places), ("count", "count", places), ("until", "until", places),
            ("by", "by", not places), ("status", "status", self.does == "refuse"),
            ("refused", "refused", self.does in {"place", "hold", "resume", "talk"}),
        ):  # fmt: skip
            if field in given and not where:
                raise ValueError(f"{name} does not belong to {self.does}")
        return self


class ToolStep(Part):
    """A program outside renews a certificate, and finds the box by environment variables (SBC_HOST ...)."""

    command: str | None = None
    """The program with its arguments; the one that the scenario is run for unless given."""
    old: Name | None = None
    """The certificate object that is to go: SBC_OLD_CERT."""
    new: Name | None = None
    """The certificate that is to come, whose file the program gets: SBC_NEW_CERT, SBC_NEW_P12."""
    profile: str | None = None
    """The TLS profile that shows it: SBC_TLS_PROFILE."""
    environment: Mapping[str, Text] = Field(default_factory=dict)
    """Further variables."""
    exit: int | None = None
    """The exit status that it is to have; any where nothing is said: the verdict comes from the wire."""
    claims: Literal["success", "failure"] | None = None
    """What it is to say that it has done, by exit status 0 or another."""
    commits: int | None = Field(default=None, ge=0)
    """How many commits it is to make: 0 for a run that has nothing left to do."""
    patience: Text = "60s"
    """Host time that it may take."""


class BounceStep(Part):
    """A sipSigPort goes out of service and back."""

    zone: str
    sip_sig_port: int = 1
    address_context: str = "default"


class WaitStep(Part):
    """Wait, in host time, until an event has come about since the last step."""

    event: str
    where: Fields = Field(default_factory=dict)
    patience: Text = "10s"


class Step(Part):
    """One step: what is done, and what is to be true afterwards."""

    note: str = ""
    """Why, for whoever reads the report."""
    cli: Lines | None = None
    session: Name = "main"
    """The CLI session that types; each has an SSH connection of its own."""
    user: str | None = None
    refused: str | None = None
    """A part of the refusal that the last line is to be answered with; without it every line is to be taken."""
    lost: bool = False
    """Whether the session is to end instead of the last answer."""
    sftp: SftpStep | None = None
    tool: ToolStep | None = None
    advance: Text | None = None
    """How far the clock goes, or until when."""
    fault: FaultStep | None = None
    clear_faults: Literal[True] | None = None
    peer: PeerStep | None = None
    call: CallStep | None = None
    switchover: Literal[True] | None = None
    bounce: BounceStep | None = None
    wait: WaitStep | None = None
    expect: Expect | None = None

    VERBS: ClassVar = (
        "cli", "sftp", "tool", "advance", "fault", "clear_faults", "peer", "call", "switchover", "bounce", "wait",
    )  # fmt: skip

    @property
    def verb(self) -> str:
        """What is done, "expect" for nothing but a look."""
        return next((verb for verb in self.VERBS if getattr(self, verb) is not None), "expect")

    @model_validator(mode="after")
    def _one_verb(self) -> Self:
        verbs = [camel(verb) for verb in self.VERBS if getattr(self, verb) is not None]
        if len(verbs) > 1:
            raise ValueError(f"a step does one thing, this one {' and '.join(verbs)}")
        if not verbs and self.expect is None:
            raise ValueError(f"a step does something ({', '.join(map(camel, self.VERBS))}) or expects something")
        if self.cli == ():
            raise ValueError("cli has no line")
        if self.cli is None and self.model_fields_set & {"session", "user", "refused", "lost"}:
            raise ValueError("session, user, refused and lost belong to a cli step")
        if self.lost and self.refused is not None:
            raise ValueError("a session that ends instead of the answer is not refused")
        return self


class Scenario(Part):
    """A whole scenario."""

    title: str
    about: str = ""
    """What it shows, in a few sentences."""
    source: Texts
    """Where the behaviour is known from."""
    tags: Texts = ()
    given: Given = Given()
    steps: tuple[Step, ...] = Field(min_length=1)
    never: tuple[NeverClause, ...] = ()

    @property
    def needs_tool(self) -> bool:
        """Whether it is about a tool that is given from outside."""
        return any(step.tool is not None and step.tool.command is None for step in self.steps)
