"""The tools come to terms with a box that misbehaves, and with others who are at work on it."""

import pytest

DONE, FAILED, WRONG, LEFT, NOT_SERVED = range(5)
RENEWAL = "profiles security tlsProfile TLS serverCertName NEW"


def names(box):
    return {each.name for each in box.certificates()}


def commits(box):
    """Return what each commit since the start has changed."""
    return [each.event.changes for each in box.journal("commit") if each.event.user == "admin" and each.event.changes]


def renewals(box):
    return [each for each in commits(box) if any(RENEWAL in line for line in each)]


@pytest.mark.parametrize("point", ["cli.drop", "cli.garble"])
def test_a_lost_answer_to_the_commit_is_looked_up(box, tool, point):
    fault = box.faults.add(point, match="commit", times=1)
    assert tool()[0] == DONE
    assert box.faults.fired(fault.id) == 1
    assert names(box) == {"NEW", "ROOT"}
    assert len(renewals(box)) == 1


@pytest.mark.parametrize("match", ["show *", "configure"])
def test_a_connection_that_is_lost_earlier_does_no_harm(box, tool, match):
    box.faults.add("cli.drop", match=match, times=2)
    assert tool()[0] == DONE
    assert len(renewals(box)) == 1


def test_a_line_that_nobody_asked_for_does_no_harm(box, tool):
    box.faults.add("cli.noise", value="Message from root")
    assert tool()[0] == DONE


def test_a_lock_is_waited_for(box, tool):
    box.cli("configure exclusive")
    with tool.start() as process:
        box.wait_for("commitRefused", user="admin", patience=30)
        box.cli("exit")
        said, _ = process.communicate(timeout=60)
    assert process.returncode == DONE, said
    assert "locked" in said
    assert len(renewals(box)) == 1


def test_a_conflict_is_tried_again(box, tool):
    box.faults.add("cli.delay", match="set profiles *", times=1, value="1500")
    with tool.start() as process:
        box.wait_for("cli", line=f"set {RENEWAL} clientCertName NEW", patience=30)
        for line in ("configure", "set profiles security tlsProfile TLS clientCertName OLD serverCertName OLD"):
            assert "[ok]" in box.cli(line)
        assert "[ok]" in box.cli("delete profiles security tlsProfile TLS clientCertName")
        assert "Commit complete." in box.cli("commit")
        said, _ = process.communicate(timeout=60)
    assert process.returncode == DONE, said
    assert "conflict" in said
    assert len(renewals(box)) == 1


def test_a_refusal_is_told_and_changes_nothing(box, tool):
    before = commits(box)
    box.faults.add("commit.veto", value="no changes on Fridays")
    status, said = tool()
    assert status == FAILED
    assert "no changes on Fridays" in said
    assert commits(box) == before
    assert names(box) == {"OLD", "ROOT"}


def test_a_file_that_arrives_damaged_is_sent_again(box, tool):
    box.faults.add("sftp.truncate", value="100", times=1)
    status, said = tool()
    assert status == DONE
    assert "damaged" in said


@pytest.mark.parametrize("point", ["sftp.open", "sftp.write"])
def test_a_file_that_cannot_be_written_ends_it(box, tool, point):
    box.faults.add(point)
    before = commits(box)
    assert tool()[0] == FAILED
    assert commits(box) == before


def test_a_lost_upload_is_tried_again(box, tool):
    box.faults.add("sftp.drop", times=1)
    assert tool()[0] == DONE


def test_what_is_served_counts_and_not_what_is_configured(box, tool):
    box.faults.add("tls.stale", match="TLS", value="OLD")
    status, said = tool()
    assert status == NOT_SERVED
    assert "does not show NEW" in said
    assert "OLD" in names(box)
    box.faults.clear()
    assert tool()[0] == DONE


def test_a_connection_that_is_reset_is_dialled_again(box, tool):
    box.faults.add("tls.accept", match="ZONE1", times=2)
    assert tool()[0] == DONE


def test_a_port_that_is_bounced_comes_back_whatever_happens(box, tool, sip_peer):
    kept = sip_peer.dial(box.ports.sip[0].address.port)
    assert tool()[0] == LEFT
    box.faults.add("cli.drop", match="commit", times=2)
    assert tool("--force")[0] == DONE
    sip_peer.wait_for(lambda: not kept.live)
    assert sip_peer.dial(box.ports.sip[0].address.port).live
