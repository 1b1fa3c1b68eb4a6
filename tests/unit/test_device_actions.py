"""What the actions do, and the output leaves they answer with."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import testca
from inmemory import AUTHOR, Box
from livebox import live_box

from sbcsim.errors import UserError
from sbcsim.schema.node import Path
from sbcsim.schema.types import Value

ALARMS: Path = ("alarms",)
ZONE: Path = ("addressContext", "default", "zone", "Z")
CERTIFICATE: Path = ("system", "security", "pki", "certificate")


def run(box: Box, path: Path, action: str, inputs: Mapping[str, Value] | None = None) -> dict[str, Value]:
    output = box.sbc.request(path, action, inputs or {}, AUTHOR, box.now)
    leaves = box.sbc.schema.descend((*schema_path(path), action)).output
    assert [name for name, _ in output] == list(leaves)[: len(output)]
    for name, value in output:
        kind = leaves[name].type
        assert kind is not None
        assert kind.parse(kind.format(value)) == value
    return dict(output)


def schema_path(path: Path) -> Path:
    if path[0] == "addressContext":
        return ("addressContext", "zone", *([] if len(path) == 4 else ["ipPeer", "pathCheck"]))
    return CERTIFICATE if path[0] == "system" else path


@pytest.fixture
def box() -> Box:
    """Return a box on which the alarms 2 and 3 stand."""
    box = live_box(
        "set system security certExpiryCheck expiryWarningThreshold 58",
        "set system security certExpiryCheck expirationPeriodicWarning 3",
        "set system security pki certificate SOON fileName soon.p12 type local passPhrase secret state enabled",
        files={"soon.p12": testca.sbc("2026-02-20T12:00:00Z").pkcs12("secret")},
    )
    box.advance("2d")
    assert standing(box) == [(2, "Certificate OLD expires in 57 days"), (3, "Certificate SOON expires in 48 days")]
    return box


def standing(box: Box) -> list[tuple[Value, Value]]:
    return [(row["alarmId"], row["desc"]) for row in box.sbc.rows(("alarms", "currentStatus"))]


def numbers(box: Box) -> list[Value]:
    return [number for number, _ in standing(box)]


class TestAlarms:
    def test_one_is_cleared_by_its_number(self, box: Box) -> None:
        assert run(box, (*ALARMS, "clear"), "current", {"alarmId": 3}) == {}
        assert numbers(box) == [2]
        history = box.sbc.rows(("alarms", "historyStatus"))
        assert [(row["desc"], row["state"]) for row in history][-1] == (
            "Certificate SOON expires in 48 days",
            "cleared",
        )

    def test_0_clears_all(self, box: Box) -> None:
        assert run(box, (*ALARMS, "clear"), "current", {"alarmId": 0, "deleteMatchingAlarms": "no"}) == {}
        assert numbers(box) == []

    def test_matching_ones_go_too(self, box: Box) -> None:
        run(box, (*ALARMS, "clear"), "current", {"alarmId": 2, "deleteMatchingAlarms": "yes"})
        assert numbers(box) == []

    def test_the_history_is_emptied(self, box: Box) -> None:
        assert box.sbc.rows(("alarms", "historyStatus"))
        assert run(box, (*ALARMS, "clear"), "history") == {}
        assert box.sbc.rows(("alarms", "historyStatus")) == []
        assert numbers(box) == [2, 3]

    @pytest.mark.parametrize(
        ("given", "missing", "cleared", "left"),
        [
            ("2", "", "2", [3]),
            ("3,7", "7", "3", [2]),
            ("2 3", "", "2 3", []),
            ("0", "0", "", [2, 3]),
            ("x, 2", "x", "2", [3]),
        ],
    )
    def test_several_are_cleared(self, box: Box, given: str, missing: str, cleared: str, left: list[int]) -> None:
        output = run(box, (*ALARMS, "clear"), "alarmList", {"alarmIds": given})
        assert output == {"alarmIdFailure": "", "alarmIdNotFound": missing, "alarmIdSuccess": cleared}
        assert numbers(box) == left

    def test_a_comment_and_an_acknowledgement_stand_in_the_table(self, box: Box) -> None:
        assert run(box, (*ALARMS, "current"), "comment", {"alarm id": 3, "alarm text": "on it"}) == {}
        taken = {"alarm id": 3, "alarm acknowledgeState": "acknowledge"}
        assert run(box, (*ALARMS, "current"), "state", taken) == {}
        first, second = box.sbc.rows(("alarms", "currentStatus"))
        assert (first["comment"], first["acknowledgeState"]) == ("", "unAcknowledge")
        assert (second["comment"], second["acknowledgeState"]) == ("on it", "acknowledge")
        run(box, (*ALARMS, "current"), "state", taken | {"alarm acknowledgeState": "unAcknowledge"})
        assert box.sbc.rows(("alarms", "currentStatus"))[1]["acknowledgeState"] == "unAcknowledge"

    @pytest.mark.parametrize(
        ("place", "action", "inputs"),
        [
            ("clear", "current", {"alarmId": 7}),
            ("current", "comment", {"alarm id": 7, "alarm text": "x"}),
            ("current", "state", {"alarm id": 7, "alarm acknowledgeState": "acknowledge"}),
        ],
    )
    def test_a_number_that_is_none(self, box: Box, place: str, action: str, inputs: dict[str, Value]) -> None:
        with pytest.raises(UserError) as refused:
            run(box, (*ALARMS, place), action, inputs)
        assert refused.value.text == "no alarm with alarmId 7"
        assert numbers(box) == [2, 3]


class TestPathCheck:
    @pytest.mark.parametrize("which", ["local", "remote"])
    @pytest.mark.parametrize("ping", ["enabled", "disabled"])
    def test_the_admin_states(self, which: str, ping: str) -> None:
        box = live_box(f"set {' '.join(ZONE)} ipPeer P pathCheck state {ping}")
        path, table = (*ZONE, "ipPeer", "P", "pathCheck"), (*ZONE, "peerPathchkStatus")
        other = "remote" if which == "local" else "local"
        for state in ("down", "up"):
            assert run(box, path, f"{which}AdminState", {"state": state}) == {"reason": "success"}
            (row,) = box.sbc.rows(table)
            assert (row[f"{which}AdminState"], row[f"{other}AdminState"]) == (state, "up")

    def test_of_a_peer_that_is_not_there(self) -> None:
        with pytest.raises(UserError, match="element does not exist"):
            run(live_box(), (*ZONE, "ipPeer", "Q", "pathCheck"), "localAdminState", {"state": "up"})


class TestRetrieving:
    def test_what_is_enabled(self) -> None:
        output = run(live_box(), (*CERTIFICATE, "OLD"), "retrieveCertContent")
        assert output == {"result": testca.sbc().certificate.pem(), "status": 0}

    def test_what_has_never_been(self) -> None:
        box = live_box("set system security pki certificate NEW type local fileName new.p12")
        output = run(box, (*CERTIFICATE, "NEW"), "retrieveCertContent")
        assert output == {"result": "certificate is not enabled", "status": 1}
