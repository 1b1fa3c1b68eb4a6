"""Random transactions by two people: the running configuration stays valid, rollback restores, merges lose nothing.

Everything is judged by oracles that know nothing of indexes, tries or deltas: plain dictionaries of paths and values,
and a full walk of the tree for every rule.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from drafts import ADMIN, NOW, OTHER
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from sbcsim.config.change import Touched
from sbcsim.config.ports import uses
from sbcsim.config.render import compare, set_lines
from sbcsim.config.rules import Rules, State
from sbcsim.config.transaction import Candidate, ConflictError, Database
from sbcsim.config.tree import Tree
from sbcsim.errors import UserError
from sbcsim.schema.load import load
from sbcsim.schema.node import Path
from sbcsim.schema.types import LeafrefType

SCHEMA = load()
RULES = Rules(SCHEMA)

CERTIFICATES = [("system", "security", "pki", "certificate", name) for name in ("C1", "C2", "C3")]
PROFILES = [("profiles", "security", "tlsProfile", name) for name in ("defaultTlsProfile", "T1", "T2")]
CONTEXTS = [("addressContext", name) for name in ("default", "other")]
GROUPS = [(*context, "ipInterfaceGroup", name) for context in CONTEXTS for name in ("G1", "G2")]
INTERFACES = [(*group, "ipInterface", "I1") for group in GROUPS]
ZONES = [(*CONTEXTS[number], "zone", name) for number, name in ((0, "Z1"), (0, "Z2"), (1, "Z1"), (1, "Z3"))]
PORTS = [(*zone, "sipSigPort", number) for zone in ZONES[:2] for number in ("2", "10")]
PEERS = [(*zone, "ipPeer", name) for zone in ZONES[:2] for name in ("P1", "P2")]

SWITCHES = st.sampled_from(["enabled", "disabled"])


def leaf(entries: list[Path], name: str, values: Any) -> st.SearchStrategy[tuple[Path, Any]]:
    strategy = values if isinstance(values, st.SearchStrategy) else st.sampled_from(values)
    return st.tuples(st.sampled_from(entries).map(lambda entry: (*entry, *name.split())), strategy)


RACES = [
    leaf(PROFILES, "handshakeTimer", [5, 6, 7]),
    leaf(PROFILES, "serverCertName", ["C1", "C2"]),
    leaf(ZONES[:2], "id", [1, 2, 3, 4]),
    leaf(PEERS, "ipPort", [5061, 5062, 5063]),
]

SETTINGS = st.one_of(
    leaf(CERTIFICATES, "state", SWITCHES),
    leaf(CERTIFICATES, "type", ["local", "local", "remote"]),
    leaf(CERTIFICATES, "fileName", ["a.p12", "b.p12"]),
    leaf(CERTIFICATES, "passPhrase", ["secret"]),
    leaf(PROFILES, "serverCertName", ["C1", "C2", "C3"]),
    leaf(PROFILES, "clientCertName", ["C1", "C2", "C3"]),
    leaf(PROFILES, "handshakeTimer", [5, 6]),
    leaf(INTERFACES, "ipAddress", ["192.0.2.1", "192.0.2.2"]),
    leaf(INTERFACES, "state", SWITCHES),
    leaf(INTERFACES, "mode", ["inService", "outOfService"]),
    leaf(INTERFACES, "altMediaIpAddresses", [("192.0.2.7",), ("192.0.2.7", "192.0.2.8")]),
    leaf(ZONES, "id", [1, 2, 3, 4]),
    leaf(PORTS, "ipInterfaceGroupName", ["G1", "G2"]),
    leaf(PORTS, "ipAddressV4", ["192.0.2.1", "192.0.2.2"]),
    leaf(PORTS, "portNumber", [5060, 5061, 5062]),
    leaf(PORTS, "state", SWITCHES),
    leaf(PORTS, "transportProtocolsAllowed", [("sip-udp",), ("sip-tls-tcp",)]),
    leaf(PORTS, "tlsProfileName", ["T1", "T2"]),
    leaf(PEERS, "ipPort", [5061, 5062]),
    leaf(PEERS, "pathCheck profile", ["P"]),
    leaf(PEERS, "pathCheck state", SWITCHES),
)


def together(entry: Path, **leaves: Any) -> list[tuple[Path, Any]]:
    return [((*entry, name), value) for name, value in leaves.items()]


FURNISHED = [
    *together(CERTIFICATES[0], type="local", fileName="a.p12", state="enabled"),
    *together(CERTIFICATES[1], type="local", fileName="b.p12", state="enabled"),
    *together(CERTIFICATES[2], type="remote", fileName="c.pem"),
    *together(PROFILES[1], serverCertName="C1", clientCertName="C2"),
    *together(PROFILES[2], serverCertName="C1"),
    *together(INTERFACES[0], ipAddress="192.0.2.1", mode="inService", state="enabled"),
    *together(ZONES[0], id=1),
    *together(ZONES[1], id=2),
    *together(ZONES[3], id=3),
    *together(PORTS[0], ipInterfaceGroupName="G1", portNumber=5060, state="enabled", tlsProfileName="T1"),
    *together(PORTS[3], ipInterfaceGroupName="G2", portNumber=5062),
    *together(PEERS[0], ipPort=5061),
]
EDITS = st.lists(SETTINGS, min_size=1, max_size=3)
WHO = st.sampled_from([0, 1])


def facts(tree: Tree) -> dict[Path, Any]:
    """Return a tree as a flat dictionary: what it says, by path."""
    return {path: value for path, _, value in tree.walk()}


def difference(old: dict[Path, Any], new: dict[Path, Any]) -> dict[Path, Any]:
    """Return what an edit did, by path; deletions as a marker."""
    gone = object
    return {path: new.get(path, gone) for path in {*old, *new} if old.get(path, gone) != new.get(path, gone)}


def assert_valid(tree: Tree) -> None:
    """Judge a whole tree, rule by rule."""
    names: Counter[Any] = Counter()
    for path, node in tree.entries():
        for child in node.children.values():
            assert not child.mandatory or tree.exists((*path, child.name)), (path, child)
        if node.unique_globally:
            names[node.path, path[-1]] += 1
        if node.max_elements is not None:
            assert tree.count(path[: -len(node.keys)]) <= node.max_elements
    for path, node, value in tree.leaves():
        if node.unique_globally:
            names[node.path, value] += 1
        if isinstance(node.type, LeafrefType):
            shared = 2 if node.type.anchor else 0
            assert tree.exists((*path[:shared], *node.type.target[1 if shared else 0 : -1], str(value))), path
        if node.name in {"serverCertName", "clientCertName"}:
            certificate = ("system", "security", "pki", "certificate", str(value))
            assert tree.get((*certificate, "type")) == "local"
            assert tree.get((*certificate, "state")) == "enabled"
        if path[-2:] == ("pathCheck", "state") and value == "enabled":
            assert tree.exists((*path[:-1], "profile"))
        if path[:4] == ("system", "security", "pki", "certificate") and path[-1] == "state" and value == "enabled":
            assert tree.exists((*path[:-1], "type"))
            assert tree.exists((*path[:-1], "fileName"))
    assert not [name for name, count in names.items() if count > 1]
    taken = Counter(use for port in PORTS for use in uses(tree, port))
    assert not [use for use, count in taken.items() if count > 1]


def indexes(state: State) -> tuple[Any, ...]:
    return (state.indexes.referrers, state.indexes.holders, state.uses)


class Transactions(RuleBasedStateMachine):
    """Two candidates over one database."""

    def __init__(self) -> None:
        super().__init__()
        start = Tree(SCHEMA)
        for entry in (*CONTEXTS, *GROUPS, *PROFILES, ("profiles", "services", "pathCheckProfile", "P")):
            start = start.with_entry(entry)
        for path, value in FURNISHED:
            start = start.with_value(path, value)
        assert_valid(start)
        self.database = Database(SCHEMA, start)
        self.past = [start]
        self.judged: Tree | None = None
        self.compared: list[tuple[Tree, Tree]] = []
        self.candidates = [self.database.open(author) for author in (ADMIN, OTHER)]

    @rule(who=WHO, edits=EDITS)
    def set(self, who: int, edits: list[tuple[Path, Any]]) -> None:
        for path, value in edits:
            self.candidates[who].set(path, value)
            kept = self.candidates[who].tree.get(path)
            assert kept == (self.database.cipher.encrypt(value) if path[-1] == "passPhrase" else value)

    @rule(who=WHO, edits=EDITS)
    def begin_anew_and_commit(self, who: int, edits: list[tuple[Path, Any]]) -> None:
        self.candidates[who].revert()
        self.set(who, edits)
        self.commit(who, resolve=False)

    @rule(who=WHO, place=st.sampled_from(RACES), data=st.data(), resolve=st.booleans())
    def race(self, who: int, place: st.SearchStrategy[tuple[Path, Any]], data: st.DataObject, resolve: bool) -> None:
        for each in (0, 1):
            self.candidates[each].revert()
            self.set(each, [data.draw(place)])
        self.commit(1 - who, resolve=False)
        self.commit(who, resolve=resolve)

    @rule(who=WHO, data=st.data())
    def delete(self, who: int, data: st.DataObject) -> None:
        candidate = self.candidates[who]
        there = [path for path, _, _ in candidate.tree.walk() if path not in (*CONTEXTS, *GROUPS, PROFILES[0])]
        path = data.draw(st.sampled_from([*there, ("profiles", "security", "tlsProfile")]))
        if not candidate.tree.exists(path):
            return
        disable = data.draw(st.booleans())
        if disable and path in (*CERTIFICATES, *INTERFACES, *PORTS):
            candidate.set((*path, "state"), "disabled")
        before = facts(candidate.tree)
        candidate.delete(path)
        after = facts(candidate.tree)
        assert after == {at: value for at, value in before.items() if at[: len(path)] != path}

    @rule(who=WHO)
    def revert(self, who: int) -> None:
        self.candidates[who].revert()
        assert self.candidates[who].tree is self.database.running

    @rule(who=WHO)
    def reopen(self, who: int) -> None:
        author = self.candidates[who].author
        self.database.close(self.candidates[who])
        self.candidates[who] = self.database.open(author)

    @rule(who=WHO, resolve=st.booleans())
    def commit(self, who: int, resolve: bool) -> None:
        candidate, running = self.candidates[who], self.database.running
        wanted = difference(facts(candidate.base), facts(candidate.tree))
        if resolve:
            candidate.resolve()
        conflicts, refusal, record = candidate.conflicts(), None, None
        try:
            record = candidate.commit(NOW)
        except UserError as error:
            refusal = error
        assert bool(conflicts) == isinstance(refusal, ConflictError)
        assert set(conflicts) <= set(wanted)
        assert not (resolve and conflicts)
        if record is None:
            assert self.database.running is running
            return
        self.past.append(self.database.running)
        outcome = facts(self.database.running)
        for path, value in wanted.items():
            assert outcome.get(path, object) == value
        if not resolve:
            assert set(difference(facts(running), outcome)) <= set(wanted)

    @precondition(lambda self: len(self.past) > 1)
    @rule(who=WHO, data=st.data(), commit=st.booleans())
    def rollback(self, who: int, data: st.DataObject, commit: bool) -> None:
        candidate = self.candidates[who]
        candidate.revert()
        number = data.draw(st.integers(0, min(len(self.past) - 2, 5)))
        candidate.rollback(number)
        assert candidate.tree == self.past[-2 - number]
        if not commit:
            return
        record = candidate.commit(NOW)
        if record is not None:
            self.past.append(self.database.running)
            assert self.database.running == self.past[-3 - number]

    @invariant()
    def the_running_configuration_is_valid(self) -> None:
        running = self.database.running
        if running is not self.judged:
            assert_valid(running)
            assert indexes(self.database._state) == indexes(RULES.state(running))
            self.judged = running

    @invariant()
    def changes_are_the_difference(self) -> None:
        for candidate in self.candidates:
            if any(candidate.base is base and candidate.tree is tree for base, tree in self.compared):
                continue
            self.compared.append((candidate.base, candidate.tree))
            changes = candidate.changes()
            everything = Touched()
            everything.add(SCHEMA, ())
            assert changes == everything.changes(candidate.base, candidate.tree)
            expected = difference(facts(candidate.base), facts(candidate.tree))
            assert {change.path for change in changes} == set(expected)
            assert bool([*compare(candidate.base, candidate.tree, changes)]) == bool(changes)

            assert not [line for line in set_lines(candidate.tree) if line.endswith(" secret")]


def test_candidates_stay_apart() -> None:
    """Opening, editing and dropping a candidate leaves no trace."""
    database = Database(SCHEMA)
    candidate: Candidate = database.open(ADMIN)
    candidate.set((*PROFILES[1], "handshakeTimer"), 7)
    database.close(candidate)
    assert database.running == Tree(SCHEMA)
    assert not database.open(ADMIN).modified


TestTransactions = Transactions.TestCase
TestTransactions.settings = settings(
    max_examples=80, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
