"""Alarms as SNMP traps: what goes to whom, and with which objects."""

from __future__ import annotations

import re

import pytest
from inmemory import Box
from livebox import PEER, live_box

from sbcsim.config.rules import Rules
from sbcsim.config.secret import Cipher
from sbcsim.device.alarms import AlarmName
from sbcsim.device.effects import SnmpUser, TrapTarget
from sbcsim.device.snmptraps import NOTIFICATIONS, OBJECTS, engine_id
from sbcsim.grammar import directory

SNMP = "set oam snmp "
TARGET = f"{SNMP}trapTarget NMS ipAddress 192.0.2.99 state enabled"
ENGINE = bytes.fromhex("80000b3f0453424331")  # 2879, text, "SBC1"
AUTH, PRIVACY = ":".join(["0a"] * 20), ":".join(["Bb"] * 16)


@pytest.fixture
def box() -> Box:
    return live_box(TARGET)


def fail_peer(box: Box) -> None:
    """Raise an alarm."""
    box.far_ends[PEER].behaviour = "silent"
    box.advance("10m")


def targets(box: Box) -> list[TrapTarget]:
    return [effect.target for effect in box.traps]


def objects(box: Box, number: int = -1) -> dict[str, str | int]:
    names = {oid: name for name, oid in OBJECTS.items()}
    return {names[oid]: value for oid, value in box.traps[number].trap.objects}


def test_an_alarm_goes_to_every_target_that_is_enabled(box):
    box.commit(
        f"{SNMP}trapTarget OFF ipAddress 192.0.2.98",
        f"{SNMP}trapTarget ALSO fqdn nms.example.com port 1162 state enabled",
    )
    fail_peer(box)
    assert targets(box) == [
        TrapTarget("ALSO", "nms.example.com", 1162, "v2", "public", None, ENGINE),
        TrapTarget("NMS", "192.0.2.99", 162, "v2", "public", None, ENGINE),
    ]
    assert {effect.trap.oid for effect in box.traps} == {NOTIFICATIONS[AlarmName.PATH_DOWN]}


def test_what_a_trap_carries(box):
    fail_peer(box)
    (raised,) = [entry for entry in box.sbc.journal if entry.kind == "alarmRaised"]
    assert objects(box) == {
        "sonusAlarmNodeID": "SBC1",
        "sonusAlarmLevel": "Major",
        "sonusAlarmSequenceId": 1,
        "sonusAlarmTime": raised.at.rfc3339().replace("Z", "+00:00"),
        "sonusAlarmDescription": "Peer P in zone Z does not answer path check",
    }
    assert box.traps[0].trap.uptime == raised.at.uptime // 10_000
    box.far_ends[PEER].behaviour = "answer"
    box.advance("10m")
    assert (objects(box)["sonusAlarmSequenceId"], objects(box)["sonusAlarmLevel"]) == (2, "Informational")


def test_the_warning_of_an_expiry_names_certificate_and_days():
    box = live_box(TARGET, "set system security certExpiryCheck expiryWarningThreshold 30")
    box.advance("70d")  # OLD ends with day 59
    numbers = [index for index, each in enumerate(box.traps) if each.trap.oid == "1.3.6.1.4.1.2879.2.8.1.2.1.12.0.21"]
    told = [objects(box, number) for number in numbers]
    assert list(told[0]) == list(OBJECTS)
    assert {each["sonusSecurityCertName"] for each in told} == {"OLD"}
    days = [each["sonusSecurityCertExpiryDaysLeft"] for each in told]
    assert days[:6] == [30, 28, 21, 14, 7, 0]
    assert set(days[6:]) == {0}


@pytest.mark.parametrize("kind", ["v1", "v2", "inform"])
def test_the_community_is_the_first_that_is_configured(box, kind):
    box.commit(
        f"{SNMP}communityString C2 snmpCommunityName second", f"{SNMP}communityString C1 snmpCommunityName first"
    )
    box.commit(f"{SNMP}trapTarget NMS trapType {kind}")
    fail_peer(box)
    assert [(each.kind, each.community) for each in targets(box)] == [(kind, "first")]


@pytest.mark.parametrize(
    ("level", "auth", "privacy"),
    [("noAuthNoPriv", b"", b""), ("authNoPriv", b"\x0a" * 20, b""), ("authPriv", b"\x0a" * 20, b"\xbb" * 16)],
)
def test_a_user_of_version_3_comes_with_keys_as_its_level_wants(box, level, auth, privacy):
    box.commit(
        f"{SNMP}users jo authKey {AUTH} authProtocol HMACSHA privKey {PRIVACY} privProtocol AES128",
        f"{SNMP}trapTarget NMS trapType v3 targetUserName jo targetSecurityLevel {level}",
    )
    fail_peer(box)
    (target,) = targets(box)
    assert target.user == SnmpUser("jo", auth, "HMACSHA", privacy, "AES128")
    assert not any(key and repr(key) in repr(target) for key in (auth, privacy))


def told(box: Box) -> list[str]:
    """Return who gets no traps, as the event log says it."""
    lines = [event for event in box.events("log") if "gets no traps" in event.text]
    assert {(event.subsystem, event.level) for event in lines} <= {("LOG", "minor")}
    return [event.text for event in lines]


FOREIGN = Cipher(7).encrypt(AUTH)
"""A key as a box with another seed shows it."""


@pytest.mark.parametrize(
    ("level", "keys", "unreadable"),
    [
        ("authNoPriv", f"authKey {FOREIGN}", "authKey"),
        ("authPriv", f"authKey {AUTH} privKey {FOREIGN}", "privKey"),
        ("authPriv", f"authKey {FOREIGN} privKey {PRIVACY}", "authKey"),
        ("authNoPriv", f"authKey {Cipher(0).encrypt('no key at all')}", "authKey"),
        ("authNoPriv", f"authKey {Cipher(0).encrypt('0a:0b')}", "authKey"),
        ("authNoPriv", f"authKey {Cipher(0).encrypt(AUTH + ':0')}", "authKey"),
    ],
)
def test_who_has_a_key_that_cannot_be_read_gets_nothing_and_that_is_said_once(box, level, keys, unreadable):
    box.commit(
        f"{SNMP}users jo {keys}",
        f"{SNMP}trapTarget ALSO ipAddress 192.0.2.98 port 1162 state enabled",
        f"{SNMP}trapTarget SIX ipAddress 2001:db8::9 state enabled trapType v3 targetUserName jo "
        f"targetSecurityLevel {level}",
    )
    fail_peer(box)
    assert [target.name for target in targets(box)] == ["ALSO", "NMS"]
    assert told(box) == [f"trap target SIX at [2001:db8::9]:162 gets no traps: {unreadable} of user jo cannot be read"]
    box.far_ends[PEER].behaviour = "answer"
    box.advance("10m")
    assert [target.name for target in targets(box)] == ["ALSO", "NMS"] * 2
    assert len(told(box)) == 1

    box.commit(f"{SNMP}users jo authKey {AUTH} privKey {PRIVACY}")
    fail_peer(box)
    assert [target.name for target in targets(box)][4:] == ["ALSO", "NMS", "SIX"]
    box.commit(f"{SNMP}users jo {keys}")
    box.far_ends[PEER].behaviour = "answer"
    box.advance("10m")
    assert len(told(box)) == 2, "it has begun anew"


def test_a_key_that_the_level_does_not_want_may_be_unreadable(box):
    box.commit(
        f"{SNMP}users jo authKey {AUTH} privKey {FOREIGN}",
        f"{SNMP}trapTarget NMS trapType v3 targetUserName jo targetSecurityLevel authNoPriv",
    )
    fail_peer(box)
    assert targets(box)[0].user == SnmpUser("jo", b"\x0a" * 20, "HMACMD5", b"", "DES")
    assert told(box) == []


def test_who_comes_from_an_older_configuration_without_its_key_gets_nothing_unsigned(box):
    """No commit leads there now, but a state directory may hold it."""
    box.database._rules = Rules(box.database.schema, [])
    box.commit(
        f"{SNMP}users jo authKey {AUTH}",
        f"{SNMP}trapTarget NMS trapType v3 targetUserName jo targetSecurityLevel authPriv",
    )
    fail_peer(box)
    assert targets(box) == []
    assert told(box) == ["trap target NMS at 192.0.2.99:162 gets no traps: privKey of user jo is not configured"]


def test_the_journal_tells_of_the_alarm_before_it_tells_of_the_traps_that_are_lost(box):
    box.commit(
        f"{SNMP}users jo authKey {FOREIGN}",
        f"{SNMP}trapTarget NMS trapType v3 targetUserName jo targetSecurityLevel authNoPriv",
    )
    seen: list[int] = []
    box.sbc.journal.subscribe(lambda entry: seen.append(entry.number))
    fail_peer(box)
    assert told(box)
    assert seen == sorted(seen)


def test_after_a_reset_it_is_said_anew(box):
    box.commit(
        f"{SNMP}users jo authKey {FOREIGN}",
        f"{SNMP}trapTarget NMS trapType v3 targetUserName jo targetSecurityLevel authNoPriv",
    )
    box.sbc.adopt_start()
    for _ in range(2):
        fail_peer(box)
        assert len(told(box)) == 1
        box.sbc.reset(box.now)
        box.pump()


def test_with_version_v3only_nobody_gets_an_older_one(box):
    box.commit(f"{SNMP}version v3only")
    fail_peer(box)
    assert box.traps == []


def test_the_engine_is_who_the_configuration_says(box):
    box.commit(f"{SNMP}localEngineId 80:00:0b:3f:05:AA:bb:cc")
    fail_peer(box)
    assert targets(box)[0].engine_id == bytes.fromhex("80000b3f05aabbcc")
    assert engine_id(live_box().database.running, "A" * 40) == bytes.fromhex("80000b3f04") + b"A" * 27


def test_a_reset_counts_anew(box):
    fail_peer(box)
    box.sbc.adopt_start()
    box.sbc.reset(box.now)
    box.pump()
    box.traps.clear()
    fail_peer(box)
    assert objects(box)["sonusAlarmSequenceId"] == 1


def test_the_mib_names_every_number():
    text = (directory() / "mib" / "SBCSIM-MIB.txt").read_text()
    arcs = {"enterprises": "1.3.6.1.4.1"}
    statement = r"(?ms)^(\w+) (?:MODULE-IDENTITY|OBJECT|NOTIFICATION).*?::= \{ (\w+) ([\d ]+) \}"
    for name, above, rest in re.findall(statement, text):
        arcs[name] = f"{arcs[above]}.{rest.replace(' ', '.')}"
    assert {name: f"{arcs[name]}.0" for name in OBJECTS} == OBJECTS
    assert {name: arcs[name.event] for name in NOTIFICATIONS} == NOTIFICATIONS
    assert set(NOTIFICATIONS) == set(AlarmName)
