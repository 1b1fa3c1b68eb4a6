"""What a scenario file may say: its steps, and the whole of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from sbcsim.journal import camel

from .clauses import Expect, NeverClause
from .given import Given
from .part import Fields, Lines, Name, Part, Text, Texts


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
