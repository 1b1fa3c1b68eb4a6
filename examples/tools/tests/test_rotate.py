"""The tools renew a certificate as one would by hand, and it reaches the wire."""

import pytest

DONE, FAILED, WRONG, LEFT, NOT_SERVED = range(5)


def names(box):
    return {each.name for each in box.certificates()}


def sip_port(box):
    return box.ports.sip[0].address.port


def uploads(box):
    return [each.event.path for each in box.journal("sftp") if each.event.operation == "put" and each.event.ok]


def revision(box):
    return box.status().counts.revision


def shows(connection, issued):
    return connection.certificate.serial == issued.certificate.serial


def test_new_connections_get_the_new_certificate_and_live_ones_are_told(box, tool, sip_peer, new):
    kept = sip_peer.dial(sip_port(box))
    status, said = tool()
    assert status == LEFT
    assert "still on OLD: connection 1 with 127.0.0.1 port" in said
    assert "OLD" in names(box)
    assert kept.live
    assert shows(sip_peer.dial(sip_port(box)), new)


def test_without_a_live_connection_everything_is_done_at_once(box, tool):
    assert tool()[0] == DONE
    assert names(box) == {"NEW", "ROOT"}


def test_a_second_run_changes_nothing(box, tool, sip_peer):
    sip_peer.dial(sip_port(box))
    tool()
    before = revision(box), uploads(box)
    assert tool()[0] == LEFT
    assert (revision(box), uploads(box)) == before
    assert len(uploads(box)) == 1


def test_the_old_one_is_deleted_when_its_last_connection_has_ended(box, tool, sip_peer, new):
    kept = sip_peer.dial(sip_port(box))
    assert tool()[0] == LEFT
    box.advance("61d13h")
    sip_peer.wait_for(lambda: not kept.live)
    box.expect("connectionClosed", connection=1, reason="certificate re-check: expired")
    assert tool()[0] == DONE
    assert names(box) == {"NEW", "ROOT"}
    assert shows(sip_peer.dial(sip_port(box)), new)
    assert tool()[0] == DONE


def test_force_ends_what_is_left(box, tool, sip_peer, new):
    kept = sip_peer.dial(sip_port(box))
    assert tool("--force")[0] == DONE
    sip_peer.wait_for(lambda: not kept.live)
    assert names(box) == {"NEW", "ROOT"}
    assert shows(sip_peer.dial(sip_port(box)), new)


def test_without_a_control_api_the_same_is_found_out(box, blind_tool, sip_peer, new):
    kept = sip_peer.dial(sip_port(box))
    status, said = blind_tool()
    assert status == LEFT
    assert "still on OLD: connection 1 with 127.0.0.1 port" in said
    sip_peer.dial(sip_port(box))
    status, said = blind_tool()
    assert (status, said.count("still on OLD")) == (LEFT, 1)
    assert blind_tool("--force")[0] == DONE
    sip_peer.wait_for(lambda: not kept.live)
    assert shows(sip_peer.dial(sip_port(box)), new)
    before = revision(box)
    assert blind_tool("--force")[0] == DONE
    assert revision(box) == before


def test_another_profile_keeps_the_old_one_alive(box, tool):
    for line in ("configure", "set profiles security tlsProfile OTHER serverCertName OLD", "commit"):
        assert "[ok]" in box.cli(line)
    status, said = tool()
    assert status == LEFT
    assert "still names OLD: profiles security tlsProfile OTHER serverCertName" in said
    assert "OLD" in names(box)


def test_a_profile_with_a_third_certificate_is_left_alone(box, tool, environment):
    environment["SBC_OLD_CERT"] = "OLDER"
    before = revision(box)
    status, said = tool()
    assert status == FAILED
    assert "names OLD, not OLDER" in said
    assert revision(box) == before


def test_another_certificate_of_that_name_is_left_alone(box, tool, environment, test_ca, tmp_path):
    assert tool()[0] == DONE
    environment["SBC_OLD_CERT"], environment["SBC_NEW_P12"] = "NONE", str(tmp_path / "other.p12")
    (tmp_path / "other.p12").write_bytes(test_ca.issue("x").pkcs12(environment["SBC_NEW_P12_PASSPHRASE"]))
    before = revision(box)
    assert tool()[0] == FAILED
    assert revision(box) == before


@pytest.mark.parametrize("name", ["SBC_HOST", "SBC_TLS_PROFILE", "SBC_NEW_P12_PASSPHRASE"])
def test_what_is_not_set_is_told(box, tool, environment, name):
    del environment[name]
    status, said = tool()
    assert status == WRONG
    assert name in said
    assert not box.journal("login")


def test_a_wrong_pass_phrase_is_found_before_anything_is_done(box, tool, environment):
    environment["SBC_NEW_P12_PASSPHRASE"] = "another"
    status, said = tool()
    assert status == WRONG
    assert "new.p12" in said
    assert "another" not in said.replace("another pass phrase", "")
    assert not box.journal("login")


def test_a_wrong_password_is_told(box, tool, environment):
    environment["SBC_PASSWORD"] = "guess"
    assert tool()[0] == FAILED
    assert [each.event.accepted for each in box.journal("login")] == [False]
