"""One test for every rule of the box, with its exact text, and the order of the checks."""

from __future__ import annotations

import pytest
from drafts import ADMIN, CERTIFICATE, NOW, PROFILE, ZONE, commit, database, edit, path_of, refusal

from sbcsim.config.transaction import Database
from sbcsim.errors import UserError

OLD = f"set {CERTIFICATE} OLD fileName old.p12 type local state enabled"
NEW = f"set {CERTIFICATE} NEW fileName new.p12 type local state enabled"
ANCHOR = f"set {CERTIFICATE} CA fileName ca.pem type remote state enabled"
T1 = f"set {PROFILE} T1 serverCertName OLD"
T2 = f"set {PROFILE} T2 clientCertName OLD"
INTERFACE = "addressContext default ipInterfaceGroup LIG1 ipInterface LIF1"
GROUP = f"set {INTERFACE} ipAddress 198.51.100.5 prefix 24 mode inService state enabled"
Z1 = f"set {ZONE} Z1 id 2"
PORT = f"{ZONE} Z1 sipSigPort 1"
TRUNK_GROUP = f"{ZONE} Z1 sipTrunkGroup TG1"
ROUTE = "global callRouting route trunkGroup TG1 SBC1 standard Sonus_NULL 1 all all ALL none Sonus_NULL"
PORT1 = f"set {PORT} ipInterfaceGroupName LIG1 portNumber 5060 state enabled"


class TestLockedWhileEnabled:
    @pytest.mark.parametrize("change", ["fileName x.p12", "passPhrase other", "type local-internal"])
    def test_certificate(self, change: str) -> None:
        leaf = change.split(maxsplit=1)[0]
        assert (
            refusal(database(OLD), f"set {CERTIFICATE} OLD {change}")
            == f"'{CERTIFICATE} OLD {leaf}': state must be disabled before this change"
        )

    @pytest.mark.parametrize(
        "change",
        ["ipAddressV4 198.51.100.9", "portNumber 5070", "tlsProfileName T", "transportProtocolsAllowed sip-tcp"],
    )
    def test_sip_sig_port(self, change: str) -> None:
        made = database(GROUP, Z1, PORT1, f"set {PROFILE} T")
        assert (
            refusal(made, f"set {PORT} {change}")
            == f"'{PORT} {change.split(maxsplit=1)[0]}': state must be disabled before this change"
        )

    @pytest.mark.parametrize("change", ["ipAddress 198.51.100.9", "prefix 25", "portName pkt0", "vlanTag 7"])
    def test_ip_interface(self, change: str) -> None:
        assert (
            refusal(database(GROUP), f"set {INTERFACE} {change}")
            == f"'{INTERFACE} {change.split(maxsplit=1)[0]}': state must be disabled before this change"
        )

    def test_deleting_the_leaf_is_a_change(self) -> None:
        made = database(OLD, f"set {CERTIFICATE} OLD passPhrase x state enabled")
        assert (
            refusal(made, f"delete {CERTIFICATE} OLD passPhrase")
            == f"'{CERTIFICATE} OLD passPhrase': state must be disabled before this change"
        )

    def test_media_addresses_may_be_added_in_service_but_not_deleted(self) -> None:
        made = database(GROUP)
        assert refusal(made, f"set {INTERFACE} altMediaIpAddresses 198.51.100.6") == ""
        assert (
            refusal(made, f"delete {INTERFACE} altMediaIpAddresses 198.51.100.6")
            == f"'{INTERFACE} altMediaIpAddresses': state must be disabled before this change"
        )
        assert (
            refusal(
                made,
                f"delete {INTERFACE} altMediaIpAddresses",
                f"set {INTERFACE} mode outOfService",
                f"set {INTERFACE} state disabled",
            )
            == ""
        )

    def test_disabling_and_changing_in_one_commit_is_fine(self) -> None:
        assert refusal(database(OLD), f"set {CERTIFICATE} OLD state disabled fileName x.p12") == ""

    def test_changing_and_enabling_in_one_commit_is_fine(self) -> None:
        made = database(f"set {CERTIFICATE} OLD fileName old.p12 type local")
        assert refusal(made, f"set {CERTIFICATE} OLD fileName x.p12 state enabled") == ""

    def test_setting_the_default_explicitly_is_no_change(self) -> None:
        made = database(GROUP, Z1, f"set {PORT} ipInterfaceGroupName LIG1 state enabled")
        assert refusal(made, f"set {PORT} portNumber 5060") == ""

    def test_leaves_that_are_not_locked_may_change(self) -> None:
        assert refusal(database(GROUP, Z1, PORT1), f"set {PORT} dryUpTimeout 5 mode outOfService") == ""


class TestDisabledBeforeDeletion:
    TEXT = f"'{CERTIFICATE} OLD': state must be disabled before deletion"

    def test_bare_delete(self) -> None:
        assert refusal(database(OLD), f"delete {CERTIFICATE} OLD") == self.TEXT

    def test_disabled_first_in_the_same_candidate(self) -> None:
        assert refusal(database(OLD), f"set {CERTIFICATE} OLD state disable", f"delete {CERTIFICATE} OLD") == ""

    def test_the_last_state_before_the_delete_counts(self) -> None:
        lines = [
            f"set {CERTIFICATE} OLD state disabled",
            f"set {CERTIFICATE} OLD state enabled",
            f"delete {CERTIFICATE} OLD",
        ]
        assert refusal(database(OLD), *lines) == self.TEXT

    def test_deleting_the_state_leaf_disables(self) -> None:
        assert refusal(database(OLD), f"delete {CERTIFICATE} OLD state", f"delete {CERTIFICATE} OLD") == ""

    def test_deleted_made_again_disabled_and_deleted(self) -> None:
        lines = [f"delete {CERTIFICATE} OLD", f"set {CERTIFICATE} OLD type local", f"delete {CERTIFICATE} OLD"]
        assert refusal(database(OLD), *lines) == ""

    def test_deleting_a_parent_checks_every_child(self) -> None:
        made = database(GROUP, Z1, PORT1)
        assert refusal(made, f"delete {ZONE} Z1") == f"'{PORT}': state must be disabled before deletion"
        assert refusal(made, f"set {PORT} state disabled", f"delete {ZONE} Z1") == ""

    def test_trunk_group(self) -> None:
        made = database(Z1, f"set {TRUNK_GROUP} state enabled")
        text = f"'{TRUNK_GROUP}': state must be disabled before deletion"
        assert refusal(made, f"delete {TRUNK_GROUP}") == text
        assert refusal(made, f"delete {ZONE} Z1") == text
        assert refusal(made, f"set {TRUNK_GROUP} state disabled", f"delete {ZONE} Z1") == ""

    def test_deleting_the_whole_list_names_the_first_in_path_order(self) -> None:
        made = database(OLD, NEW, f"set {CERTIFICATE} AAA type local")
        assert refusal(made, f"delete {CERTIFICATE}") == f"'{CERTIFICATE} NEW': state must be disabled before deletion"

    def test_an_enabled_path_check_does_not_keep_its_peer(self) -> None:
        made = database(
            "set profiles services pathCheckProfile P",
            Z1,
            f"set {ZONE} Z1 ipPeer PEER1 ipAddress 192.0.2.10 pathCheck profile P state enabled",
        )
        assert refusal(made, f"delete {ZONE} Z1 ipPeer PEER1") == ""

    def test_rollback_counts_as_disabled_first(self) -> None:
        made = database()
        commit(made, OLD)
        candidate = made.open(ADMIN)
        candidate.rollback(0)
        assert candidate.commit(NOW) is not None
        assert not made.running.exists(("system",))


class TestRollback:
    """What a rollback changes counts as disabled and out of service first; what is edited behind it does not."""

    @staticmethod
    def undo(made: Database, number: int, *lines: str) -> str:
        candidate = made.open(ADMIN)
        try:
            candidate.rollback(number)
            edit(candidate, *lines).commit(NOW)
        except UserError as error:
            return error.text
        finally:
            made.close(candidate)
        return ""

    def test_a_locked_leaf_goes_back_while_its_object_is_enabled(self) -> None:
        made = database(OLD)
        commit(made, f"set {CERTIFICATE} OLD state disabled fileName x.p12")
        commit(made, f"set {CERTIFICATE} OLD state enabled")
        start = made.running
        assert self.undo(made, 1) == ""
        assert made.running.get(path_of(f"{CERTIFICATE} OLD fileName")) == "old.p12"
        assert self.undo(made, 0) == ""
        assert made.running == start

    def test_an_edit_behind_it_is_judged(self) -> None:
        made = database(OLD)
        commit(made, f"set {CERTIFICATE} OLD state disabled fileName x.p12")
        commit(made, f"set {CERTIFICATE} OLD state enabled")
        text = f"'{CERTIFICATE} OLD {{}}': state must be disabled before this change"
        assert self.undo(made, 1, f"set {CERTIFICATE} OLD fileName y.p12") == text.format("fileName")
        assert self.undo(made, 1, f"set {CERTIFICATE} OLD passPhrase y") == text.format("passPhrase")
        assert self.undo(made, 1, f"delete {CERTIFICATE} OLD fileName", f"set {CERTIFICATE} OLD fileName y.p12") == (
            text.format("fileName")
        )

    def test_the_edits_of_a_new_candidate_are_judged(self) -> None:
        made = database(OLD)
        commit(made, f"set {CERTIFICATE} OLD state disabled fileName x.p12")
        commit(made, f"set {CERTIFICATE} OLD state enabled")
        candidate = made.open(ADMIN)
        candidate.rollback(1)
        candidate.revert()
        edit(candidate, f"set {CERTIFICATE} OLD fileName old.p12")
        with pytest.raises(UserError, match="state must be disabled before this change"):
            candidate.commit(NOW)

    def test_an_object_in_service_is_disabled(self) -> None:
        made = database(f"set {INTERFACE} ipAddress 198.51.100.5 mode inService")
        commit(made, f"set {INTERFACE} state enabled")
        assert self.undo(made, 0, f"set {INTERFACE} state enabled", f"set {INTERFACE} state disabled") == (
            TestOutOfServiceBeforeDisabling.TEXT
        )
        assert self.undo(made, 0) == ""

    def test_media_addresses_go_in_service(self) -> None:
        made = database(GROUP)
        commit(made, f"set {INTERFACE} altMediaIpAddresses [ 198.51.100.6 198.51.100.7 ]")
        text = f"'{INTERFACE} altMediaIpAddresses': state must be disabled before this change"
        assert self.undo(made, 0, f"set {INTERFACE} altMediaIpAddresses 198.51.100.7") == text
        assert self.undo(made, 0) == ""


class TestOutOfServiceBeforeDisabling:
    TEXT = f"'{INTERFACE} state' (value \"disabled\"): mode must be outOfService first"

    def test_refused_in_service(self) -> None:
        assert refusal(database(GROUP), f"set {INTERFACE} state disabled") == self.TEXT

    def test_deleting_the_state_is_disabling(self) -> None:
        assert refusal(database(GROUP), f"delete {INTERFACE} state") == self.TEXT

    @pytest.mark.parametrize(
        "order", [("mode outOfService", "state disabled"), ("state disabled", "mode outOfService")]
    )
    def test_order_of_typing_does_not_matter(self, order: tuple[str, str]) -> None:
        assert refusal(database(GROUP), *(f"set {INTERFACE} {each}" for each in order)) == ""

    def test_taken_out_of_service_before(self) -> None:
        made = database(GROUP)
        assert refusal(made, f"set {INTERFACE} mode outOfService") == ""
        assert refusal(made, f"set {INTERFACE} state disabled") == ""

    def test_trunk_group(self) -> None:
        made = database(Z1, f"set {TRUNK_GROUP} state enabled mode inService")
        text = f"'{TRUNK_GROUP} state' (value \"disabled\"): mode must be outOfService first"
        assert refusal(made, f"set {TRUNK_GROUP} state disabled") == text
        assert refusal(made, f"set {TRUNK_GROUP} state disabled mode outOfService") == ""

    def test_a_port_may_be_disabled_in_service(self) -> None:
        assert refusal(database(GROUP, Z1, PORT1), f"set {PORT} state disabled") == ""

    def test_in_service_while_still_disabled_is_fine(self) -> None:
        assert refusal(database(f"set {INTERFACE} ipAddress 198.51.100.5"), f"set {INTERFACE} mode inService") == ""


class TestCertificateInUse:
    def test_disabling_names_the_first_referring_leaf_in_path_order(self) -> None:
        made = database(OLD, f"set {PROFILE} T9 serverCertName OLD", f"set {PROFILE} T10 serverCertName OLD", T2)
        assert refusal(made, f"set {CERTIFICATE} OLD state disabled") == (
            f"'{CERTIFICATE} OLD state' (value \"disabled\"): certificate is in use by '{PROFILE} T10 serverCertName'"
        )

    def test_pointed_elsewhere_in_the_same_commit(self) -> None:
        made = database(OLD, NEW, T1)
        assert refusal(made, f"set {CERTIFICATE} OLD state disabled", f"set {PROFILE} T1 serverCertName NEW") == ""

    def test_unused_certificate(self) -> None:
        assert refusal(database(OLD), f"set {CERTIFICATE} OLD state disabled") == ""


class TestProfileCertificate:
    def test_remote_certificate(self) -> None:
        assert (
            refusal(database(ANCHOR), f"set {PROFILE} T1 serverCertName CA")
            == f"'{PROFILE} T1 serverCertName' (value \"CA\"): certificate is not local"
        )

    def test_disabled_certificate(self) -> None:
        made = database(f"set {CERTIFICATE} NEW fileName new.p12 type local")
        assert (
            refusal(made, f"set {PROFILE} T1 clientCertName NEW")
            == f"'{PROFILE} T1 clientCertName' (value \"NEW\"): certificate is not enabled"
        )

    def test_certificate_enabled_in_the_same_commit(self) -> None:
        assert refusal(database(), f"set {PROFILE} T1 clientCertName NEW", NEW) == ""

    def test_local_internal_will_do(self) -> None:
        made = database(f"set {CERTIFICATE} INT type local-internal state enabled")
        assert refusal(made, f"set {PROFILE} T1 clientCertName INT") == ""


class TestReferences:
    def test_reference_to_nothing(self) -> None:
        text = f"illegal reference '{PROFILE} T1 serverCertName'"
        assert refusal(database(), f"set {PROFILE} T1 serverCertName NOPE") == text

    def test_forgotten_profile(self) -> None:
        made = database(OLD, NEW, T1, T2)
        lines = [
            f"set {PROFILE} T1 serverCertName NEW",
            f"set {CERTIFICATE} OLD state disable",
            f"delete {CERTIFICATE} OLD",
        ]
        assert refusal(made, *lines) == f"illegal reference '{PROFILE} T2 clientCertName'"

    def test_first_referring_leaf_in_path_order(self) -> None:
        made = database(OLD, f"set {PROFILE} T9 serverCertName OLD", f"set {PROFILE} T10 serverCertName OLD")
        assert refusal(made, f"delete {CERTIFICATE} OLD") == f"illegal reference '{PROFILE} T10 serverCertName'"

    def test_all_references_of_the_model(self) -> None:
        peer = f"{ZONE} Z1 ipPeer P pathCheck profile"
        assert refusal(database(Z1), f"set {peer} NOPE") == f"illegal reference '{peer}'"
        made = database(GROUP, Z1, PORT1)
        assert refusal(made, f"set {PORT} tlsProfileName NOPE") == f"illegal reference '{PORT} tlsProfileName'"
        ocsp = f"{PROFILE} T ocspProfileName"
        assert refusal(made, f"set {ocsp} NOPE") == f"illegal reference '{ocsp}'"

    def test_media_group_of_a_trunk_group(self) -> None:
        media = f"{TRUNK_GROUP} media mediaIpInterfaceGroupName"
        assert refusal(database(Z1), f"set {media} LIG1") == f"illegal reference '{media}'"
        made = database(GROUP, Z1, f"set {media} LIG1")
        lines = [f"set {INTERFACE} mode outOfService state disabled", "delete addressContext default ipInterfaceGroup"]
        assert refusal(made, *lines) == f"illegal reference '{media}'"

    def test_routing_label_of_a_route(self) -> None:
        assert refusal(database(), f"set {ROUTE} routingLabel RL1") == f"illegal reference '{ROUTE} routingLabel'"
        made = database("set global callRouting routingLabel RL1", f"set {ROUTE} routingLabel RL1")
        text = f"illegal reference '{ROUTE} routingLabel'"
        assert refusal(made, "delete global callRouting routingLabel RL1") == text
        assert refusal(made, "delete global callRouting") == ""

    def test_routes_find_trunk_groups_and_peers_of_any_zone_by_name(self) -> None:
        route = "global callRouting routingLabel RL1 routingLabelRoute 1"
        line = f"set {route} routeType trunkGroup trunkGroup TG1 ipPeer PEER1"
        made = database(Z1, f"set {TRUNK_GROUP} state disabled", f"set {ZONE} Z2 id 3 ipPeer PEER1")
        assert refusal(made, line.replace("TG1", "TG2")) == f"illegal reference '{route} trunkGroup'"
        assert refusal(made, line.replace("PEER1", "PEER2")) == f"illegal reference '{route} ipPeer'"
        assert refusal(made, line) == ""
        assert refusal(made, f"delete {TRUNK_GROUP}") == f"illegal reference '{route} trunkGroup'"
        assert refusal(made, f"delete {ZONE} Z2") == f"illegal reference '{route} ipPeer'"
        moved = [f"delete {ZONE} Z2 ipPeer PEER1", f"set {ZONE} Z1 ipPeer PEER1"]
        assert refusal(made, *moved) == ""
        assert refusal(made, f"delete {route} ipPeer", f"delete {ZONE} Z1 ipPeer PEER1") == ""

    def test_interface_group_of_the_same_context_only(self) -> None:
        made = database(GROUP)
        port = "addressContext other zone Z sipSigPort 1"
        assert (
            refusal(made, "set addressContext other zone Z id 7", f"set {port} ipInterfaceGroupName LIG1")
            == f"illegal reference '{port} ipInterfaceGroupName'"
        )

    def test_deleting_a_parent_of_the_target(self) -> None:
        made = database(OLD, T1)
        lines = [f"set {CERTIFICATE} OLD state disabled", "delete system security"]
        assert refusal(made, *lines) == f"illegal reference '{PROFILE} T1 serverCertName'"


class TestRequired:
    def test_zone_id(self) -> None:
        assert refusal(database(), f"set {ZONE} Z1 domainName example.com") == f"'{ZONE} Z1 id' is not configured"

    def test_zone_id_may_not_be_deleted(self) -> None:
        assert refusal(database(Z1), f"delete {ZONE} Z1 id") == f"'{ZONE} Z1 id' is not configured"

    def test_port_without_interface_group(self) -> None:
        text = f"'{PORT} ipInterfaceGroupName' is not configured"
        assert refusal(database(Z1), f"set {PORT} portNumber 5060") == text

    def test_enabled_path_check_without_profile(self) -> None:
        peer = f"{ZONE} Z1 ipPeer PEER1 pathCheck"
        made = database(Z1)
        assert refusal(made, f"set {peer} state enabled") == f"'{peer} profile' is not configured"
        assert refusal(made, f"set {peer} hostName example.com") == ""

    @pytest.mark.parametrize("kind", ["trunkGroup", "ipPeer"])
    def test_route_without_what_its_type_names(self, kind: str) -> None:
        route = "global callRouting routingLabel RL1 routingLabelRoute 1"
        assert refusal(database(), f"set {route} routeType {kind}") == f"'{route} {kind}' is not configured"
        assert refusal(database(), f"set {route} cost 5") == ""

    @pytest.mark.parametrize(
        ("given", "missing"),
        [("fileName x.p12", "type"), ("type local", "fileName"), ("type remote", "fileName"), ("", "type")],
    )
    def test_enabled_certificate(self, given: str, missing: str) -> None:
        line = f"set {CERTIFICATE} NEW state enabled {given}"
        assert refusal(database(), line) == f"'{CERTIFICATE} NEW {missing}' is not configured"

    def test_disabled_certificate_may_be_incomplete(self) -> None:
        assert refusal(database(), f"set {CERTIFICATE} NEW") == ""

    def test_local_internal_needs_no_file(self) -> None:
        assert refusal(database(), f"set {CERTIFICATE} NEW type local-internal state enabled") == ""


class TestLength:
    def test_tls_profiles(self) -> None:
        made = database(*(f"set {PROFILE} T{number}" for number in range(16)))
        assert (
            refusal(made, f"set {PROFILE} T16") == f"too many '{PROFILE}', 17 configured, at most 16 must be configured"
        )
        assert refusal(made, f"delete {PROFILE} T0", f"set {PROFILE} T16") == ""

    def test_ocsp_profiles(self) -> None:
        lines = [f"set profiles security ocspProfile O{number}" for number in range(6)]
        assert (
            refusal(database(), *lines)
            == "too many 'profiles security ocspProfile', 6 configured, at most 4 must be configured"
        )

    def test_ports_of_a_zone(self) -> None:
        ports = [
            f"set {ZONE} Z1 sipSigPort {number} ipInterfaceGroupName LIG1 portNumber {5000 + number}"
            for number in range(1, 18)
        ]
        assert (
            refusal(database(GROUP, Z1), *ports)
            == f"too many '{ZONE} Z1 sipSigPort', 17 configured, at most 16 must be configured"
        )


class TestUnique:
    def test_zone_id_over_all_contexts(self) -> None:
        assert (
            refusal(database(Z1), "set addressContext other zone Z9 id 2")
            == "'addressContext other zone Z9 id' (value \"2\"): value is not unique"
        )

    def test_names_over_all_contexts(self) -> None:
        made = database(Z1, f"set {ZONE} Z1 ipPeer PEER1", f"set {ZONE} Z2 id 3")
        assert (
            refusal(made, "set addressContext other zone Z1 id 9")
            == "'addressContext other zone Z1 name' (value \"Z1\"): value is not unique"
        )
        assert (
            refusal(made, f"set {ZONE} Z2 ipPeer PEER1")
            == f"'{ZONE} Z2 ipPeer PEER1 name' (value \"PEER1\"): value is not unique"
        )

    def test_trunk_group_names_over_all_contexts(self) -> None:
        made = database(Z1, f"set {TRUNK_GROUP} state disabled", "set addressContext other zone Z9 id 9")
        other = "addressContext other zone Z9 sipTrunkGroup TG1"
        text = f"'{other} name' (value \"TG1\"): value is not unique"
        assert refusal(made, f"set {other} state disabled") == text
        assert refusal(made, f"delete {TRUNK_GROUP}", f"set {other} state disabled") == ""

    def test_a_peer_may_be_named_like_a_zone(self) -> None:
        assert refusal(database(Z1), f"set {ZONE} Z1 ipPeer Z1") == ""

    def test_the_newcomer_is_refused_wherever_it_stands(self) -> None:
        made = database(f"set {ZONE} Z5 id 5")
        assert refusal(made, f"set {ZONE} Z1 id 5") == f"'{ZONE} Z1 id' (value \"5\"): value is not unique"

    def test_of_two_newcomers_the_later_one_is_refused(self) -> None:
        text = f"'{ZONE} Z5 id' (value \"5\"): value is not unique"
        assert refusal(database(), f"set {ZONE} Z5 id 5", f"set {ZONE} Z1 id 5") == text

    def test_ids_may_be_swapped(self) -> None:
        made = database(f"set {ZONE} Z1 id 1", f"set {ZONE} Z2 id 2")
        assert refusal(made, f"set {ZONE} Z1 id 2", f"set {ZONE} Z2 id 1") == ""

    def test_freed_values_can_be_taken_again(self) -> None:
        made = database(Z1)
        assert refusal(made, f"delete {ZONE} Z1", f"set {ZONE} Z2 id 2") == ""


class TestOtherRules:
    def test_default_profile(self) -> None:
        made = database(f"set {PROFILE} defaultTlsProfile authClient false", f"set {PROFILE} T1")
        text = f"'{PROFILE} defaultTlsProfile': default profile cannot be deleted"
        assert refusal(made, f"delete {PROFILE} defaultTlsProfile") == text
        assert refusal(made, f"delete {PROFILE}") == text
        assert refusal(made, f"delete {PROFILE} T1") == ""

    def test_recorder_and_siprec(self) -> None:
        made = database(GROUP, Z1, PORT1)
        assert (
            refusal(made, f"set {PORT} recorder enabled siprec enabled")
            == f"'{PORT} siprec' (value \"enabled\"): recorder and siprec are mutually exclusive"
        )


class TestUsers:
    GROUP = "oam localAuth group Operator"
    USER = "oam localAuth user jo"

    def test_groups_are_not_deleted(self) -> None:
        made = database(f"set {self.GROUP}", f"set {self.USER} group Operator")
        assert (
            refusal(made, f"delete {self.USER}", f"delete {self.GROUP}") == f"'{self.GROUP}': group cannot be deleted"
        )
        assert refusal(made, f"delete {self.USER}") == ""

    def test_a_user_has_a_group_that_is_there(self) -> None:
        made = database(f"set {self.GROUP}")
        assert refusal(made, f"set {self.USER} interactiveAccess disabled") == f"'{self.USER} group' is not configured"
        assert refusal(made, f"set {self.USER} group Guest") == f"illegal reference '{self.USER} group'"


class TestEventLogs:
    START = "oam eventLog typeAdmin security rolloverStartTime"

    def test_the_start_of_roll_overs_is_a_day_of_the_calendar(self) -> None:
        assert refusal(database(), f"set {self.START} 2026-02-28T00:00:00") == ""
        assert refusal(database(), f"set {self.START} 2026-02-30T00:00:00") == (
            f"'{self.START}' (value \"2026-02-30T00:00:00\"): the month has no such day"
        )

    def test_their_settings_may_be_deleted_while_they_log(self) -> None:
        made = database("set oam eventLog typeAdmin security state enabled fileCount 5")
        assert refusal(made, "delete oam eventLog typeAdmin security") == ""


class TestPingedPeers:
    def test_no_more_than_2000(self) -> None:
        peer = f"{ZONE} Z1 ipPeer"
        pinged = [f"set {peer} P{number} pathCheck profile P state enabled" for number in range(2000)]
        made = database("set profiles services pathCheckProfile P", Z1, *pinged)
        more = f"set {peer} Q pathCheck profile P state enabled"
        text = f"'{peer} Q pathCheck state' (value \"enabled\"): 2001 peers would be pinged, at most 2000 can be"
        assert refusal(made, more) == text
        assert refusal(made, f"set {peer} P7 pathCheck state disabled", more) == ""
        assert refusal(made, f"delete {peer} P8", f"set {peer} P7 pathCheck state enabled") == ""


class TestDuplicateAddresses:
    LIF2 = "addressContext default ipInterfaceGroup LIG2 ipInterface LIF2"

    @pytest.mark.parametrize("leaf", ["ipAddress", "altIpAddress", "altMediaIpAddresses"])
    def test_of_two_interfaces(self, leaf: str) -> None:
        made = database(GROUP)
        assert refusal(made, f"set {self.LIF2} {leaf} 198.51.100.5") == (
            f"'{self.LIF2} {leaf}' (value \"198.51.100.5\"): value is not unique"
        )

    def test_the_newcomer_is_refused_wherever_it_stands(self) -> None:
        made = database(f"set {self.LIF2} altMediaIpAddresses [ 198.51.100.4 198.51.100.5 ]")
        assert refusal(made, GROUP) == (f"'{INTERFACE} ipAddress' (value \"198.51.100.5\"): value is not unique")

    def test_on_one_interface(self) -> None:
        assert refusal(database(GROUP), f"set {INTERFACE} altMediaIpAddresses 198.51.100.5") == (
            f"'{INTERFACE} altMediaIpAddresses' (value \"198.51.100.5\"): value is not unique"
        )

    def test_however_it_is_written(self) -> None:
        made = database(f"set {INTERFACE} ipAddress 2001:db8:0:0::5")
        assert refusal(made, f"set {self.LIF2} ipAddress 2001:db8::5") == (
            f"'{self.LIF2} ipAddress' (value \"2001:db8::5\"): value is not unique"
        )

    def test_contexts_have_address_spaces_of_their_own(self) -> None:
        other = "addressContext other ipInterfaceGroup LIG2 ipInterface LIF2"
        assert refusal(database(GROUP), f"set {other} ipAddress 198.51.100.5") == ""

    def test_addresses_may_be_swapped(self) -> None:
        made = database(f"set {INTERFACE} ipAddress 198.51.100.5", f"set {self.LIF2} ipAddress 198.51.100.6")
        lines = [f"set {INTERFACE} ipAddress 198.51.100.6", f"set {self.LIF2} ipAddress 198.51.100.5"]
        assert refusal(made, *lines) == ""


class TestPortsThatClash:
    def test_same_port(self) -> None:
        made = database(GROUP, Z1, PORT1)
        assert refusal(
            made,
            f"set {ZONE} Z2 id 3 sipSigPort 7 ipInterfaceGroupName LIG1 ipAddressV4 198.51.100.5",
        ) == (f"'{ZONE} Z2 sipSigPort 7': SIP Signaling port cannot use port 5060: in use by zone Z1 sipSigPort 1")

    def test_tls_takes_the_port_above(self) -> None:
        made = database(GROUP, Z1, f"set {PORT} ipInterfaceGroupName LIG1 transportProtocolsAllowed sip-tls-tcp")
        assert refusal(made, f"set {ZONE} Z1 sipSigPort 2 ipInterfaceGroupName LIG1 portNumber 5061") == (
            f"'{ZONE} Z1 sipSigPort 2': SIP Signaling port cannot use port 5061: in use by zone Z1 sipSigPort 1"
        )

    def test_a_trunk_group_that_uses_the_interface_group_takes_no_port(self) -> None:
        made = database(GROUP, Z1, f"set {TRUNK_GROUP} media mediaIpInterfaceGroupName LIG1")
        lines = [f"set {INTERFACE} mode outOfService state disabled", f"set {INTERFACE} ipAddress 198.51.100.9"]
        assert refusal(made, *lines) == ""

    def test_other_address_or_port(self) -> None:
        made = database(GROUP, Z1, PORT1)
        other = f"set {ZONE} Z1 sipSigPort 2 ipInterfaceGroupName LIG1"
        assert refusal(made, f"{other} ipAddressV4 198.51.100.6") == ""
        assert refusal(made, f"{other} portNumber 5062") == ""

    def test_an_interface_address_that_moves_onto_a_port(self) -> None:
        made = database(
            f"set {INTERFACE} ipAddress 198.51.100.9",
            Z1,
            f"set {PORT} ipInterfaceGroupName LIG1",
            f"set {ZONE} Z1 sipSigPort 2 ipInterfaceGroupName LIG1 ipAddressV4 198.51.100.9",
        )
        assert refusal(made, f"set {INTERFACE} state enabled mode inService") == (
            f"'{PORT}': SIP Signaling port cannot use port 5060: in use by zone Z1 sipSigPort 2"
        )

    @pytest.mark.parametrize("address", ["198.51.100.5", "2001:db8::5"])
    @pytest.mark.parametrize("own", [True, False])
    def test_over_all_address_contexts(self, address: str, own: bool) -> None:
        leaf = "ipAddressV6" if ":" in address else "ipAddressV4"
        here = f"{leaf} {address}" if own else ""
        made = database(
            f"set {INTERFACE} ipAddress {address} mode inService state enabled",
            Z1,
            f"set {PORT} ipInterfaceGroupName LIG1 {here} transportProtocolsAllowed sip-tls-tcp",
        )
        other = "addressContext other zone Z9 sipSigPort 1"
        lines = [
            "set addressContext other ipInterfaceGroup LIG9",
            "set addressContext other zone Z9 id 9",
            f"set {other} ipInterfaceGroupName LIG9 {leaf} {address}",
        ]
        for number, taken in (("5060", "5060"), ("5061", "5061")):
            text = f"'{other}': SIP Signaling port cannot use port {taken}: in use by zone Z1 sipSigPort 1"
            assert refusal(made, *lines, f"set {other} portNumber {number}") == text
        assert refusal(made, *lines, f"set {other} portNumber 5062") == ""
        below = f"'{other}': SIP Signaling port cannot use port 5060: in use by zone Z1 sipSigPort 1"
        assert refusal(made, f"set {other} portNumber 5059 transportProtocolsAllowed sip-tls-tcp") == below

    def test_a_freed_port_can_be_taken_again(self) -> None:
        made = database(GROUP, Z1, PORT1)
        lines = [
            f"set {PORT} state disabled",
            f"delete {PORT}",
            f"set {ZONE} Z1 sipSigPort 2 ipInterfaceGroupName LIG1",
        ]
        assert refusal(made, *lines) == ""


class TestOrderOfChecks:
    """Each line breaks one rule; whatever is typed first, the stages come in the box's order."""

    def test_stages(self) -> None:
        made = database(GROUP, Z1, PORT1, OLD, *(f"set {PROFILE} T{number}" for number in range(16)))
        broken = [
            (f"set {ZONE} Z8 domainName x", f"'{ZONE} Z8 id' is not configured"),
            (f"set {PROFILE} T1 serverCertName NOPE", f"illegal reference '{PROFILE} T1 serverCertName'"),
            (f"set {PROFILE} T17", f"too many '{PROFILE}', 17 configured, at most 16 must be configured"),
            (f"set {ZONE} Z9 id 2", f"'{ZONE} Z9 id' (value \"2\"): value is not unique"),
            (
                f"set {CERTIFICATE} OLD fileName x",
                f"'{CERTIFICATE} OLD fileName': state must be disabled before this change",
            ),
            (
                f"set {ZONE} Z1 sipSigPort 2 ipInterfaceGroupName LIG1",
                f"'{ZONE} Z1 sipSigPort 2': SIP Signaling port cannot use port 5060: in use by zone Z1 sipSigPort 1",
            ),
        ]
        for number, (_, text) in enumerate(broken):
            lines = [line for line, _ in broken[number:]]
            assert refusal(made, *lines) == text
            assert refusal(made, *reversed(lines)) == text

    def test_path_order_within_a_stage(self) -> None:
        made = database(GROUP, Z1, PORT1, OLD)
        lines = [f"set {CERTIFICATE} OLD fileName x", f"set {PORT} portNumber 5070", f"set {INTERFACE} state disabled"]
        assert refusal(made, *lines) == f"'{INTERFACE} state' (value \"disabled\"): mode must be outOfService first"
        assert refusal(made, *lines[:2]) == f"'{PORT} portNumber': state must be disabled before this change"


def test_check_refuses_with_the_same_text_and_keeps_the_candidate() -> None:
    made = database(OLD, T1)
    candidate = edit(made.open(ADMIN), f"delete {CERTIFICATE} OLD")
    for run in (candidate.check, candidate.commit):
        with pytest.raises(UserError, match=f"illegal reference '{PROFILE} T1 serverCertName'"):
            run(NOW)
    assert not candidate.tree.exists(("system",))
    assert candidate.modified


def test_the_renewal_in_one_commit() -> None:
    made = database(OLD, T1, T2)
    lines = [
        NEW,
        f"set {PROFILE} T1 serverCertName NEW",
        f"set {PROFILE} T2 clientCertName NEW",
        f"set {CERTIFICATE} OLD state disable",
        f"delete {CERTIFICATE} OLD",
    ]
    assert refusal(made, *lines) == ""
    assert made.running.keys(("system", "security", "pki", "certificate")) == (("NEW",),)
