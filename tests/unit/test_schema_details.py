"""What the model says beyond names and defaults: units, the values of status leaves, the arguments of actions."""

from __future__ import annotations

import re

import pytest
from drafts import words_of

from sbcsim.schema.load import load
from sbcsim.schema.node import Kind, Node
from sbcsim.schema.types import BoolType, EnumType, IntType, StringType, UnionType, ValueProblem
from sbcsim.schema.walk import Problem, WalkError, resolve_set

SCHEMA = load()

UNITS = {
    "seconds": (
        "addressContext zone sipSigPort tcpConnectTimeout",
        "addressContext zone sipSigPort tcpKeepaliveTime",
        "addressContext zone sipSigPort tcpKeepaliveInterval",
        "addressContext zone sipSigConnStatus idleTime",
        "oam eventLog typeAdmin rolloverInterval",
        "profiles security ocspProfile responseWaitTime",
        "profiles security tlsProfile appAuthTimer",
        "profiles security tlsProfile handshakeTimer",
        "profiles security tlsProfile sessionResumpTimer",
        "profiles services pathCheckProfile sendInterval",
        "system admin accountManagement bruteForceAttack unlockTime",
    ),
    "minutes": (
        "addressContext ipInterfaceGroup ipInterface dryupTimeout",
        "addressContext zone sipSigPort dryUpTimeout",
        "addressContext zone sipTrunkGroup dryUpTimeout",
        "system admin accountManagement sessionIdleTimeout idleTimeout",
    ),
    "hours": ("system security certExpiryCheck certReCheckRate",),
    "days": (
        "system admin accountManagement accountAging accountAgingPeriod",
        "system admin accountManagement passwordAging passwordAgingPeriod",
        "system admin accountManagement passwordAging passwordExpiryWarningPeriod",
        "system security certExpiryCheck expiryWarningThreshold",
        "system security certExpiryCheck expirationPeriodicWarning",
    ),
    "kilobytes": ("oam eventLog typeAdmin fileSize",),
    "percent": ("addressContext ipInterfaceGroup ipInterface bwContingency",),
}

CONNECTION_STATES = "none connecting connected blocked deleted suspended negotiating waitingSipAuth up"
SYNC_STATES = "syncInProgress syncCompleted unprotected"
TRUNK_GROUP_STATES = "inService outOfService oosPending"
SEVERITIES = "Critical Major Minor Informational"

STATUS_VALUES = {
    "addressContext ipInterfaceGroup ipInterfaceStatus operState": (
        "null admnEnabled admnDisabled remoteCreating remoteCreated resAllocating resAllocated deallocDryup "
        "deallocForce1 deallocForce2"
    ),
    "addressContext ipInterfaceGroup ipInterfaceStatus oosReason": (
        "notApplicable admin portDown serverDown linkDown standby"
    ),
    "addressContext zone peerPathchkStatus pingState": "inActive active down up",
    "addressContext zone peerPathchkStatus localAdminState": "up down blocking unblocking",
    "addressContext zone peerPathchkStatus remoteAdminState": "up down",
    "addressContext zone sipSigConnStatus aging": "no yes",
    "addressContext zone sipSigConnStatus role": "client server",
    "addressContext zone sipSigConnStatus state": CONNECTION_STATES,
    "addressContext zone sipSigConnStatus transport": "udp tcp tls-tcp",
    "addressContext zone sipSigPortStatus state": "inService outOfService",
    "addressContext zone sipSigTlsSessionStatus role": "client server",
    "addressContext zone sipSigTlsSessionStatus state": CONNECTION_STATES,
    "addressContext zone trunkGroupStatus packetOutDetectState": "normal packetOutageState",
    "addressContext zone trunkGroupStatus state": TRUNK_GROUP_STATES,
    "alarms currentStatus acknowledgeState": "acknowledge unAcknowledge",
    "alarms currentStatus clearType": "manual automatic",
    "alarms currentStatus severity": SEVERITIES,
    "alarms historyStatus acknowledgeState": "acknowledge unAcknowledge",
    "alarms historyStatus severity": SEVERITIES,
    "alarms historyStatus state": "raised cleared",
    "global callCountStatus key": "all",
    "global globalTrunkGroupStatus packetOutDetectState": "normal packetOutageState",
    "global globalTrunkGroupStatus state": TRUNK_GROUP_STATES,
    "oam eventLog typeStatus logDestination": "localDisk none",
    "oam eventLog typeStatus type": "system debug trace acct security audit packet",
    "system serverStatus lastRestartReason": (
        "unknown systemRestart systemSoftReset serverRestart serverSoftReset switchover processAbnormalTermination "
        "softwareUpgradeOrRevert managementPortDown"
    ),
    "system serverStatus mgmtRedundancyRole": "unknown standby active switchoverPending",
    "system serverStatus syncStatus": SYNC_STATES,
    "system syncStatus status": SYNC_STATES,
}

UNLIMITED = {
    f"{table} {leaf}"
    for table in ("addressContext zoneStatus", "addressContext zone trunkGroupStatus", "global globalTrunkGroupStatus")
    for leaf in ("totalCallsAvailable", "totalCallsConfigured", "bwCurrentLimit", "bwAvailable")
}

STRING, NUMBER, NEEDED = "<string>", "<number, 0..4294967295>", "needed"
UP_DOWN, ACKNOWLEDGED = "[up,down]", "[acknowledge,unAcknowledge]"

# Path of the action: its inputs with what they take and their default, its outputs, what is asked on a terminal first.
ACTIONS: dict[str, tuple[dict[str, tuple[str, object]], dict[str, str], str]] = {
    "system security pki certificate generateCSR": (
        {
            "keySize": ("[keySize1K,keySize2K,keySize4K]", "keySize2K"),
            "csrSub": ("<string, 1..255 characters>", NEEDED),
            "subjectAlternativeDnsName": ("<string, 0..1023 characters>", None),
        },
        {"result": NUMBER, "status": STRING},
        "",
    ),
    "system security pki certificate importCert": (
        {"certContent": ("<string, 1..16383 characters>", NEEDED)},
        {"result": NUMBER, "status": STRING},
        "",
    ),
    "system security pki certificate retrieveCertContent": ({}, {"result": STRING, "status": NUMBER}, ""),
    "system security pki certificate uploadCertificate": (
        {"certContent": ("<string, 1..16383 characters>", NEEDED)},
        {"result": NUMBER, "status": STRING},
        "",
    ),
    "system admin saveConfig": (
        {"fileNameSuffix": ("<string, 1..64 characters>", None)},
        {"result": STRING, "reason": STRING},
        "",
    ),
    "system admin restart": ({}, {"result": STRING}, "restart"),
    "system admin softReset": ({}, {"result": STRING}, "soft_reset"),
    "system admin switchover": ({}, {"result": STRING, "reason": STRING}, "switchover"),
    "system serverAdmin restart": ({}, {"result": STRING}, "server_restart"),
    "system serverAdmin softReset": ({}, {"result": STRING}, "server_soft_reset"),
    "oam eventLog typeAdmin rolloverLogNow": ({}, {}, ""),
    "alarms clear current": ({"alarmId": (NUMBER, 0), "deleteMatchingAlarms": ("[no,yes]", "no")}, {}, ""),
    "alarms clear history": ({}, {}, ""),
    "alarms clear alarmList": (
        {"alarmIds": ("<string, 1..1023 characters>", NEEDED)},
        {"alarmIdFailure": STRING, "alarmIdNotFound": STRING, "alarmIdSuccess": STRING},
        "",
    ),
    "alarms current comment": (
        {"alarm id": (NUMBER, NEEDED), "alarm text": ("<string, 0..255 characters>", NEEDED)},
        {},
        "",
    ),
    "alarms current state": (
        {"alarm id": (NUMBER, NEEDED), "alarm acknowledgeState": (ACKNOWLEDGED, NEEDED)},
        {},
        "",
    ),
    "addressContext zone ipPeer pathCheck localAdminState": ({"state": (UP_DOWN, NEEDED)}, {"reason": STRING}, ""),
    "addressContext zone ipPeer pathCheck remoteAdminState": ({"state": (UP_DOWN, NEEDED)}, {"reason": STRING}, ""),
    "addressContext zone sipSigPortResetAll": ({}, {"reason": STRING}, ""),
    "addressContext zone sipSigConnResetAll": ({}, {"reason": STRING}, ""),
}

NOT_MODELLED = (
    "addressContext default zone Z ipPeer P advancePeerControl",
    "addressContext default zone Z sipSigPort 1 dryupModeHandling",
    "addressContext default zone Z sipSigPort 1 InActivityMonitoringTimer",
    "addressContext default zone Z h323SigPort 1",
    "addressContext default zone Z h323TrunkGroup TG",
    "addressContext default zone Z gwTrunkGroup TG",
    "addressContext default zone Z gwSigPort 1",
    "addressContext default zone Z sipArsProfile P",
    "addressContext default ipsec",
    "profiles security dtlsProfile P",
    "profiles security EmaTlsProfile P",
    "profiles media",
    "profiles services sctpProfile P",
    "system licenseInfo",
)


def inside_action(node: Node) -> bool:
    return node.kind is Kind.ACTION or (node.parent is not None and inside_action(node.parent))


LEAVES = [node for node in SCHEMA.walk() if node.is_leaf and not inside_action(node)]
KEYS = [leaf for leaf in LEAVES if leaf.config and leaf.parent and leaf.name in leaf.parent.keys]


def path_of(node: Node) -> str:
    return " ".join(node.path)


def test_units() -> None:
    found = {path_of(leaf): leaf.units for leaf in LEAVES if leaf.units}
    assert found == {leaf: unit for unit, leaves in UNITS.items() for leaf in leaves}


def test_values_of_status_leaves() -> None:
    choices = {path_of(leaf): leaf.type for leaf in LEAVES if not leaf.config and isinstance(leaf.type, EnumType)}
    assert {path: " ".join(kind.names) for path, kind in choices.items()} == STATUS_VALUES
    truths = {path_of(leaf) for leaf in LEAVES if not leaf.config and isinstance(leaf.type, BoolType)}
    assert truths == {"system serverStatus daughterBoardPresent", "oam eventLog typeStatus infoLevelLoggingDisabled"}


def test_what_has_no_limit_is_shown_as_minus_one() -> None:
    numbers = [leaf for leaf in LEAVES if not leaf.config and isinstance(leaf.type, IntType)]
    assert {path_of(leaf) for leaf in numbers if leaf.type.ranges[0][0] == -1} == UNLIMITED


@pytest.mark.parametrize("path", ACTIONS)
def test_arguments_of_an_action(path: str) -> None:
    action = SCHEMA.descend(tuple(path.split()))
    inputs = {
        " ".join(leaf.path[len(action.path) :]): (leaf.type.help, NEEDED if leaf.mandatory else leaf.default)
        for leaf in action.walk()
        if leaf.is_leaf and leaf.type is not None
    }
    outputs = {name: leaf.type.help for name, leaf in action.output.items() if leaf.type is not None}
    assert (inputs, outputs, action.question) == ACTIONS[path]
    assert list(outputs) == list(action.output)


def test_no_action_is_left_out() -> None:
    assert {path_of(node) for node in SCHEMA.walk() if node.kind is Kind.ACTION} == set(ACTIONS)


@pytest.mark.parametrize("leaf", [leaf for leaf in LEAVES if leaf.config], ids=path_of)
def test_values_beyond_the_bounds_are_refused(leaf: Node) -> None:
    kinds = leaf.type.members if isinstance(leaf.type, UnionType) else (leaf.type,)
    for kind in kinds:
        if isinstance(kind, IntType):
            (low, high) = kind.ranges[0]
            assert leaf.type.parse(str(low)) == low
            assert leaf.type.parse(str(high)) == high
            for number in (low - 1, high + 1):
                with pytest.raises(ValueProblem, match=re.escape(f'"{number}" is out of range.')):
                    leaf.type.parse(str(number))
        elif isinstance(kind, StringType) and kind.lengths:
            (low, high) = kind.lengths[0]
            for text in ("x" * (high + 1), *("" for _ in range(low > 0))):
                with pytest.raises(ValueProblem, match="has a bad length/size"):
                    leaf.type.parse(text)
        elif isinstance(kind, EnumType) and len(kinds) == 1:
            with pytest.raises(ValueProblem, match='"nonsense" is not a valid value'):
                kind.parse("nonsense")


@pytest.mark.parametrize("key", [key for key in KEYS if isinstance(key.type, StringType)], ids=path_of)
def test_a_key_has_1_to_23_characters_and_is_no_beginning_of_displaylevel(key: Node) -> None:
    longest = 63 if key.parent is not None and key.parent.name == "route" else 23
    assert key.type.parse("x" * longest) == "x" * longest
    for text in ("x" * (longest + 1), ""):
        with pytest.raises(ValueProblem, match="has a bad length/size"):
            key.type.parse(text)
    word = "displaylevel"
    for size in range(1, len(word) + 1):
        with pytest.raises(ValueProblem, match="is not a valid value"):
            key.type.parse(word[:size])
    for name in ("dispatch", "displaylevels", "Disp", "MyCert"):
        assert key.type.parse(name) == name


@pytest.mark.parametrize("path", NOT_MODELLED)
def test_what_is_not_modelled_is_unknown(path: str) -> None:
    with pytest.raises(WalkError) as caught:
        resolve_set(SCHEMA, words_of(path))
    assert caught.value.problem is Problem.UNKNOWN_ELEMENT
    unknown = next(word for word in path.split()[::-1] if not word.isupper() and not word.isdigit())
    assert path.split()[caught.value.index] == unknown
