"""Every rule of the box with what it refuses and what it lets pass, place by place in the model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from drafts import CERTIFICATE, PROFILE, ZONE

Lines = tuple[str, ...]
"""What is typed into one candidate."""

CONTEXT = "addressContext default"
GROUP = f"{CONTEXT} ipInterfaceGroup LIG1"
INTERFACE = f"{GROUP} ipInterface LIF1"
INTERFACE_2 = f"{CONTEXT} ipInterfaceGroup LIG2 ipInterface LIF2"
PORT = f"{ZONE} Z1 sipSigPort 1"
PORT_2 = f"{ZONE} Z2 sipSigPort 7"
PEER = f"{ZONE} Z1 ipPeer PEER1"
TRUNK_GROUP = f"{ZONE} Z1 sipTrunkGroup TG1"
ROUTE = "global callRouting route trunkGroup TG1 SBC1 standard Sonus_NULL 1 all all ALL none Sonus_NULL"
LABEL = "global callRouting routingLabel RL1"
LABEL_ROUTE = f"{LABEL} routingLabelRoute 1"
OCSP = "profiles security ocspProfile O1"
PINGS = "profiles services pathCheckProfile PCP"
USER = "oam localAuth user jo"
SNMP_USER = "oam snmp users jo"
TRAPS = "oam snmp trapTarget NMS"
LOG_START = "oam eventLog typeAdmin security rolloverStartTime"

OLD = f"set {CERTIFICATE} OLD fileName old.p12 type local passPhrase pp state enabled"
NEW = f"set {CERTIFICATE} NEW fileName new.p12 type local state enabled"
Z1 = f"set {ZONE} Z1 id 2"
Z2 = f"set {ZONE} Z2 id 3"
FAR_ZONE = "set addressContext other zone Z9 id 9"
IN_SERVICE = f"set {INTERFACE} ipAddress 198.51.100.5 prefix 24 mode inService state enabled"
PORT_1 = f"set {PORT} ipInterfaceGroupName LIG1 portNumber 5060"


@dataclass(frozen=True)
class Case:
    """One rule at one place of the model, `at`.

    From what `before` sets up, `refused` is refused with `text`, in one candidate; so it is as the several commits
    `apart`, of which all but the last pass, and so is the deletion of each of `parents`. `allowed` passes in one
    candidate, and so do the several commits `steps`. Where `in_order`, it matters what is typed first.
    """

    rule: str
    at: str
    text: str
    refused: Lines
    allowed: Lines
    before: Lines = ()
    apart: tuple[Lines, ...] = ()
    steps: tuple[Lines, ...] = ()
    parents: Lines = ()
    in_order: bool = False

    def __str__(self) -> str:
        return f"{self.rule} at {self.at}"


Family = Callable[[], Iterator[Case]]
FAMILIES: list[Family] = []


def family(yields: Family) -> Family:
    """Have the cases that a function yields count."""
    FAMILIES.append(yields)
    return yields


@cache
def cases() -> tuple[Case, ...]:
    """Return every case."""
    return tuple(case for yields in FAMILIES for case in yields())


@family
def required_leaves() -> Iterator[Case]:
    group = "set oam localAuth group Guest"
    for at, entry, leaf, value, before in (
        ("addressContext zone", f"{ZONE} Z1", "id", "2", ()),
        ("addressContext zone sipSigPort", PORT, "ipInterfaceGroupName", "LIG1", (Z1, f"set {GROUP}")),
        ("oam localAuth user", USER, "group", "Guest", (group,)),
    ):
        given = f"set {entry} {leaf} {value}"
        yield Case(
            rule="required_leaves_are_configured",
            at=at,
            text=f"'{entry} {leaf}' is not configured",
            before=before,
            refused=(f"set {entry}",),
            allowed=(f"set {entry}", given),
            apart=((given,), (f"delete {entry} {leaf}",)),
            steps=((given,), (f"delete {entry}",)),
        )


@family
def leaves_that_enabled_objects_need() -> Iterator[Case]:
    certificate, enable = f"{CERTIFICATE} C", f"set {CERTIFICATE} C state enabled"
    kind, file = f"set {certificate} type local", f"set {certificate} fileName c.p12"
    for leaf, given, missing in (
        ("type", file, kind),
        ("fileName", kind, file),
        ("fileName", kind.replace("local", "remote"), file),
    ):
        yield Case(
            rule="enabled_certificates_are_complete",
            at="system security pki certificate",
            text=f"'{certificate} {leaf}' is not configured",
            refused=(given, enable),
            allowed=(given, enable, missing),
            apart=((given,), (enable,)),
            steps=((given,), (missing,), (enable,)),
        )
    profile, enable = f"set {PEER} pathCheck profile PCP", f"set {PEER} pathCheck state enabled"
    yield Case(
        rule="enabled_path_checks_have_a_profile",
        at="addressContext zone ipPeer pathCheck",
        text=f"'{PEER} pathCheck profile' is not configured",
        before=(Z1, f"set {PINGS}"),
        refused=(enable,),
        allowed=(enable, profile),
        apart=((profile, enable), (f"delete {PEER} pathCheck profile",)),
        steps=((profile,), (enable,), (f"delete {PEER} pathCheck",)),
    )
    enable, address = f"set {TRAPS} state enabled", f"set {TRAPS} ipAddress 192.0.2.99"
    user, newest = f"set {TRAPS} targetUserName jo", f"set {TRAPS} trapType v3"
    for leaf, given, missing in (("ipAddress", f"set {TRAPS} port 1162", address), ("targetUserName", address, user)):
        more = (newest, given) if leaf == "targetUserName" else (given,)
        yield Case(
            rule="enabled_trap_targets_can_be_reached",
            at="oam snmp trapTarget",
            text=f"'{TRAPS} {leaf}' is not configured",
            before=("set oam snmp users jo",),
            refused=(*more, enable),
            allowed=(*more, enable, missing),
            apart=((*more, missing, enable), (f"delete {TRAPS} {leaf}",)),
            steps=((*more, missing), (enable,)),
        )
    yield from keys_of_trap_users()
    for kind, name in (("trunkGroup", "TG1"), ("ipPeer", "PEER1")):
        typed, named = f"set {LABEL_ROUTE} routeType {kind}", f"set {LABEL_ROUTE} {kind} {name}"
        yield Case(
            rule="routes_lead_where_their_type_says",
            at="global callRouting routingLabel routingLabelRoute",
            text=f"'{LABEL_ROUTE} {kind}' is not configured",
            before=(Z1, f"set {TRUNK_GROUP}", f"set {PEER}"),
            refused=(typed,),
            allowed=(typed, named),
            apart=((typed, named), (f"delete {LABEL_ROUTE} {kind}",)),
            steps=((named,), (typed,)),
        )


def keys_of_trap_users() -> Iterator[Case]:
    auth, privacy = (f"set {SNMP_USER} {leaf} {':'.join(['0a'] * 16)}" for leaf in ("authKey", "privKey"))
    reached = f"set {TRAPS} ipAddress 192.0.2.99 trapType v3 targetUserName jo state enabled"
    for level, given, leaf, missing in (
        ("authNoPriv", f"set {SNMP_USER} group admin", "authKey", auth),
        ("authNoPriv", privacy, "authKey", auth),
        ("authPriv", privacy, "authKey", auth),
        ("authPriv", auth, "privKey", privacy),
    ):
        wanted = f"set {TRAPS} targetSecurityLevel {level}"
        text = f"'{SNMP_USER} {leaf}' is not configured"
        yield Case(
            rule="enabled_trap_targets_can_be_reached",
            at="oam snmp trapTarget",
            text=text,
            before=(given, reached),
            refused=(wanted,),
            allowed=(wanted, missing),
            apart=((missing, wanted), (f"delete {SNMP_USER} {leaf}",)),
            steps=((missing,), (wanted,), (f"set {TRAPS} trapType v2",), (f"delete {SNMP_USER} {leaf}",)),
        )
        yield Case(
            rule="enabled_trap_targets_can_be_reached",
            at="oam snmp users",
            text=text,
            before=(given, missing, reached, wanted, f"set {SNMP_USER}2"),
            refused=(f"delete {SNMP_USER} {leaf}",),
            allowed=(f"delete {SNMP_USER} {leaf}", f"set {TRAPS} state disabled"),
            steps=((f"set {TRAPS} targetUserName jo2 targetSecurityLevel noAuthNoPriv",), (f"delete {SNMP_USER}",)),
        )


@dataclass(frozen=True)
class Reference:
    """A leaf that refers to an entry: `refers` sets it, `makes` makes the entry `target`, `parent` is above that."""

    at: str
    leaf: str
    refers: str
    target: str
    makes: str
    parent: str
    before: Lines = ()
    frees: Lines = ()
    """What has to be typed before the entry can be deleted, were it not referred to."""


def _references() -> Iterator[Reference]:
    certificate = f"{CERTIFICATE} C"
    for leaf in ("clientCertName", "serverCertName"):
        yield Reference(
            at=f"profiles security tlsProfile {leaf}",
            leaf=f"{PROFILE} T {leaf}",
            refers=f"set {PROFILE} T {leaf} C",
            target=certificate,
            makes=f"set {certificate} type local fileName c.p12 state enabled",
            parent="system security",
            frees=(f"set {certificate} state disabled",),
        )
    yield Reference(
        at="profiles security tlsProfile ocspProfileName",
        leaf=f"{PROFILE} T ocspProfileName",
        refers=f"set {PROFILE} T ocspProfileName O1",
        target=OCSP,
        makes=f"set {OCSP} responseWaitTime 3",
        parent="profiles security ocspProfile",
    )
    yield Reference(
        at="oam snmp trapTarget targetUserName",
        leaf=f"{TRAPS} targetUserName",
        refers=f"set {TRAPS} targetUserName jo",
        target="oam snmp users jo",
        makes="set oam snmp users jo group admin",
        parent="oam snmp users",
    )
    yield Reference(
        at="addressContext zone ipPeer pathCheck profile",
        leaf=f"{PEER} pathCheck profile",
        refers=f"set {PEER} pathCheck profile PCP",
        target=PINGS,
        makes=f"set {PINGS} sendInterval 10",
        parent="profiles services",
        before=(Z1,),
    )
    yield Reference(
        at="addressContext zone sipSigPort ipInterfaceGroupName",
        leaf=f"{PORT} ipInterfaceGroupName",
        refers=f"set {PORT} ipInterfaceGroupName LIG1",
        target=GROUP,
        makes=f"set {GROUP}",
        parent=f"{CONTEXT} ipInterfaceGroup",
        before=(Z1,),
    )
    yield Reference(
        at="addressContext zone sipSigPort tlsProfileName",
        leaf=f"{PORT} tlsProfileName",
        refers=f"set {PORT} tlsProfileName T",
        target=f"{PROFILE} T",
        makes=f"set {PROFILE} T",
        parent=PROFILE,
        before=(Z1, f"set {GROUP}", f"set {PORT} ipInterfaceGroupName LIG1"),
    )
    yield Reference(
        at="addressContext zone sipTrunkGroup media mediaIpInterfaceGroupName",
        leaf=f"{TRUNK_GROUP} media mediaIpInterfaceGroupName",
        refers=f"set {TRUNK_GROUP} media mediaIpInterfaceGroupName LIG1",
        target=GROUP,
        makes=f"set {GROUP}",
        parent=f"{CONTEXT} ipInterfaceGroup",
        before=(Z1,),
    )
    yield Reference(
        at="global callRouting route routingLabel",
        leaf=f"{ROUTE} routingLabel",
        refers=f"set {ROUTE} routingLabel RL1",
        target=LABEL,
        makes=f"set {LABEL} numRoutesPerCall 3",
        parent="global callRouting routingLabel",
    )
    for leaf, target, name in (("trunkGroup", TRUNK_GROUP, "TG1"), ("ipPeer", PEER, "PEER1")):
        yield Reference(
            at=f"global callRouting routingLabel routingLabelRoute {leaf}",
            leaf=f"{LABEL_ROUTE} {leaf}",
            refers=f"set {LABEL_ROUTE} {leaf} {name}",
            target=target,
            makes=f"set {target}",
            parent=f"{ZONE} Z1",
            before=(Z1,),
        )


_TARGETS = {
    f"{CERTIFICATE} C": CERTIFICATE,
    OCSP: "profiles security ocspProfile",
    PINGS: "profiles services pathCheckProfile",
    "oam snmp users jo": "oam snmp users",
    GROUP: "addressContext ipInterfaceGroup",
    f"{PROFILE} T": PROFILE,
    LABEL: "global callRouting routingLabel",
    TRUNK_GROUP: "addressContext zone sipTrunkGroup",
    PEER: "addressContext zone ipPeer",
}


@family
def references() -> Iterator[Case]:
    for each in _references():
        text = f"illegal reference '{each.leaf}'"
        yield Case(
            rule="references_lead_somewhere",
            at=each.at,
            text=text,
            before=each.before,
            refused=(each.refers,),
            allowed=(each.refers, each.makes),
            steps=((each.makes,), (each.refers,)),
        )
        unset, delete = f"delete {each.leaf}", f"delete {each.target}"
        if each.leaf.endswith("ipInterfaceGroupName") and each.leaf.startswith(PORT):
            unset = f"delete {PORT}"  # a port cannot be without its group
        yield Case(
            rule="nobody_refers_to_the_deleted",
            at=_TARGETS[each.target],
            text=text,
            before=(*each.before, each.makes, each.refers),
            refused=(*each.frees, delete),
            allowed=(*each.frees, delete, unset),
            apart=((*each.frees, delete),),
            steps=((unset,), (*each.frees, delete)),
            parents=(f"delete {each.parent}",),
            in_order=True,
        )
    guest, user = "oam localAuth group Guest", f"set {USER} group Guest"
    yield Case(
        rule="references_lead_somewhere",
        at="oam localAuth user group",
        text=f"illegal reference '{USER} group'",
        before=("set oam localAuth group Calea",),
        refused=(user,),
        allowed=(f"set {USER} group Calea",),
        apart=((f"set {USER} group Calea",), (user,)),
    )
    yield Case(
        rule="nobody_refers_to_the_deleted",
        at="oam localAuth group",
        text=f"illegal reference '{USER} group'",
        before=(f"set {guest}", user),
        refused=(f"delete {guest}",),
        allowed=(f"delete {USER}",),
        parents=("delete oam localAuth group",),
    )


@family
def lengths() -> Iterator[Case]:
    for at, path, made, entry, most, before in (
        ("profiles security tlsProfile", PROFILE, "T{}", "", 16, ()),
        ("profiles security ocspProfile", "profiles security ocspProfile", "O{}", "", 4, ()),
        ("oam snmp communityString", "oam snmp communityString", "C{}", "", 8, ()),
        ("oam snmp trapTarget", "oam snmp trapTarget", "T{}", "", 32, ()),
        (
            *("addressContext zone sipSigPort", f"{ZONE} Z1 sipSigPort", "{}"),
            *(" ipInterfaceGroupName LIG1 portNumber 60{:02}", 16, (Z1, f"set {GROUP}")),
        ),
        (
            "addressContext ipInterfaceGroup ipInterface altMediaIpAddresses",
            *(f"{INTERFACE} altMediaIpAddresses", "198.51.100.{}", "", 254, ()),
        ),
    ):
        lines = [f"set {path} {made}{entry}".format(number, number) for number in range(1, most + 2)]
        yield Case(
            rule="lists_are_not_too_long",
            at=at,
            text=f"too many '{path}', {most + 1} configured, at most {most} must be configured",
            before=(*before, *lines[:-1]),
            refused=(lines[-1],),
            allowed=(lines[-1], f"delete {path} {made}".format(1)),
            steps=((f"delete {path} {made}".format(1),), (lines[-1],)),
        )
    pinged = [f"set {ZONE} Z1 ipPeer P{number} pathCheck profile PCP state enabled" for number in range(2001)]
    yield Case(
        rule="not_too_many_peers_are_pinged",
        at="addressContext zone ipPeer pathCheck state",
        text=f"'{ZONE} Z1 ipPeer P2000 pathCheck state' (value \"enabled\"): "
        "2001 peers would be pinged, at most 2000 can be",
        before=(Z1, f"set {PINGS}", *pinged[:-1]),
        refused=(pinged[-1],),
        allowed=(pinged[-1], f"set {ZONE} Z1 ipPeer P7 pathCheck state disabled"),
        steps=((f"delete {ZONE} Z1 ipPeer P7",), (pinged[-1],)),
    )


@family
def unique_values() -> Iterator[Case]:
    for at, taken, line, leaf, value, frees, before in (
        ("addressContext zone", Z1, "set addressContext other zone Z1 id 9", "name", "Z1", f"{ZONE} Z1", ()),
        ("addressContext zone id", Z1, "set addressContext other zone Z9 id 2", "", "2", f"{ZONE} Z1", ()),
        (
            *("addressContext zone ipPeer", f"set {PEER}", "set addressContext other zone Z9 ipPeer PEER1"),
            *("name", "PEER1", PEER, (Z1, FAR_ZONE)),
        ),
        (
            *("addressContext zone sipTrunkGroup", f"set {TRUNK_GROUP}"),
            *("set addressContext other zone Z9 sipTrunkGroup TG1", "name", "TG1", TRUNK_GROUP, (Z1, FAR_ZONE)),
        ),
    ):
        entry = line.removeprefix("set ").removesuffix(" id 9").removesuffix(" 2")
        yield Case(
            rule="names_and_ids_are_unique",
            at=at,
            text=f"'{entry}{' ' if leaf else ''}{leaf}' (value \"{value}\"): value is not unique",
            before=(*before, taken),
            refused=(line,),
            allowed=(line, f"delete {frees}"),
            steps=((f"delete {frees}",), (line,)),
        )
    for leaf in ("ipAddress", "altIpAddress", "altMediaIpAddresses"):
        for address, again in (("198.51.100.5", "198.51.100.5"), ("2001:db8::5", "2001:db8:0::0:5")):
            line = f"set {INTERFACE_2} {leaf} {again}"
            yield Case(
                rule="interface_addresses_are_unique",
                at=f"addressContext ipInterfaceGroup ipInterface {leaf}",
                text=f"'{INTERFACE_2} {leaf}' (value \"{address}\"): value is not unique",
                before=(f"set {INTERFACE} ipAddress {address}",),
                refused=(line,),
                allowed=(line, f"set {INTERFACE} ipAddress 198.51.100.9"),
                steps=((f"delete {INTERFACE}",), (line,)),
            )


_LOCKED = {
    CERTIFICATE: (f"{CERTIFICATE} OLD", "fileName other.p12", "passPhrase other", "type local-internal"),
    "addressContext ipInterfaceGroup ipInterface": (
        INTERFACE,
        *("ceName SBC1a", "portName pkt0", "ipAddress 198.51.100.9", "prefix 25", "altIpAddress 2001:db8::9"),
        *("altPrefix 64", "bwContingency 5", "vlanTag 7", "bandwidth 100"),
    ),
    "addressContext zone sipSigPort": (
        PORT,
        *("ipInterfaceGroupName LIG2", "ipAddressV4 198.51.100.9", "ipAddressV6 2001:db8::9", "portNumber 5070"),
        *("tlsProfileName T", "transportProtocolsAllowed sip-tcp"),
    ),
}


@family
def locked_leaves() -> Iterator[Case]:
    before = (OLD, IN_SERVICE, Z1, f"{PORT_1} state enabled", f"set {PROFILE} T", f"set {INTERFACE_2}")
    for at, (entry, *changes) in _LOCKED.items():
        disable = (f"set {entry} state disabled", f"set {entry} mode outOfService")
        enable = (f"set {entry} state enabled", f"set {entry} mode inService")
        size = 1 if at == CERTIFICATE else 2  # a certificate has no mode
        for change in changes:
            line, leaf = f"set {entry} {change}", change.split()[0]
            yield Case(
                rule="locked_leaves_stay_while_enabled",
                at=f"{at} {leaf}",
                text=f"'{entry} {leaf}': state must be disabled before this change",
                before=before,
                refused=(line,),
                allowed=(*disable[:size], line),
                apart=(disable[:size], enable[:size], (line,)),
                steps=(disable[:size], (line,), enable[:size]),
            )
    disable = (f"set {INTERFACE} mode outOfService state disabled",)
    yield Case(
        rule="media_addresses_stay_while_enabled",
        at="addressContext ipInterfaceGroup ipInterface altMediaIpAddresses",
        text=f"'{INTERFACE} altMediaIpAddresses': state must be disabled before this change",
        before=(IN_SERVICE, f"set {INTERFACE} altMediaIpAddresses 198.51.100.6"),
        refused=(f"delete {INTERFACE} altMediaIpAddresses 198.51.100.6",),
        allowed=(f"set {INTERFACE} altMediaIpAddresses 198.51.100.7",),
        apart=(
            (f"set {INTERFACE} altMediaIpAddresses 198.51.100.7",),
            (f"set {INTERFACE} altMediaIpAddresses [ 198.51.100.7 198.51.100.8 ]",),
        ),
        steps=(disable, (f"delete {INTERFACE} altMediaIpAddresses 198.51.100.6",)),
    )


@family
def deletions() -> Iterator[Case]:
    before = (OLD, IN_SERVICE, Z1, f"{PORT_1} state enabled", f"set {TRUNK_GROUP} state enabled")
    before = (*before, f"set {OCSP} state enabled", f"set {TRAPS} ipAddress 192.0.2.99 state enabled")
    for at, entry, parents, more in (
        (CERTIFICATE, f"{CERTIFICATE} OLD", (CERTIFICATE, "system security", "system"), ()),
        ("profiles security ocspProfile", OCSP, ("profiles security ocspProfile", "profiles"), ()),
        ("oam snmp trapTarget", TRAPS, ("oam snmp trapTarget", "oam snmp"), ()),
        (
            *("addressContext ipInterfaceGroup ipInterface", INTERFACE, (f"{GROUP} ipInterface",)),
            (f"set {INTERFACE} mode outOfService",),
        ),
        ("addressContext zone sipSigPort", PORT, (f"{ZONE} Z1 sipSigPort", f"{ZONE} Z1", ZONE), ()),
        ("addressContext zone sipTrunkGroup", TRUNK_GROUP, (f"{ZONE} Z1 sipTrunkGroup",), ()),
    ):
        disable, delete = f"set {entry} state disabled", f"delete {entry}"
        yield Case(
            rule="objects_are_disabled_before_deletion",
            at=at,
            text=f"'{entry}': state must be disabled before deletion",
            before=before,
            refused=(disable, f"set {entry} state enabled", delete),
            allowed=(disable, delete),
            apart=((disable, *more), (f"set {entry} state enabled",), (delete,)),
            steps=((disable, *more), (delete,)),
            parents=tuple(f"delete {parent}" for parent in parents),
            in_order=True,
        )
    for at, entry, enable in (
        ("addressContext ipInterfaceGroup ipInterface", INTERFACE, IN_SERVICE),
        ("addressContext zone sipTrunkGroup", TRUNK_GROUP, f"set {TRUNK_GROUP} mode inService state enabled"),
    ):
        disable, out = f"set {entry} state disabled", f"set {entry} mode outOfService"
        yield Case(
            rule="objects_are_out_of_service_before_they_are_disabled",
            at=at,
            text=f"'{entry} state' (value \"disabled\"): mode must be outOfService first",
            before=(Z1, enable),
            refused=(disable,),
            allowed=(disable, out),
            apart=((out,), (f"set {entry} mode inService",), (f"delete {entry} state",)),
            steps=((out,), (disable,), (f"set {entry} mode inService",)),
        )
    yield Case(
        rule="the_default_profile_stays",
        at=PROFILE,
        text=f"'{PROFILE} defaultTlsProfile': default profile cannot be deleted",
        before=(f"set {PROFILE} defaultTlsProfile authClient false", f"set {PROFILE} T"),
        refused=(f"delete {PROFILE} defaultTlsProfile",),
        allowed=(f"delete {PROFILE} defaultTlsProfile authClient", f"delete {PROFILE} T"),
        apart=((f"delete {PROFILE} defaultTlsProfile authClient",), (f"delete {PROFILE} defaultTlsProfile",)),
        steps=((f"delete {PROFILE} T",), (f"set {PROFILE} defaultTlsProfile v1_3 enabled",)),
        parents=(f"delete {PROFILE}", "delete profiles security", "delete profiles"),
    )
    groups = ("Administrator", "Calea", "FieldService", "Guest", "Operator", "SecurityAuditor")
    for group in groups:
        yield Case(
            rule="groups_stay",
            at="oam localAuth group",
            text=f"'oam localAuth group {group}': group cannot be deleted",
            before=(f"set oam localAuth group {group}", f"set {USER} group {group}"),
            refused=(f"delete oam localAuth group {group}", f"delete {USER}"),
            allowed=(f"delete {USER}",),
            apart=((f"delete {USER}",), (f"delete oam localAuth group {group}",)),
            parents=("delete oam localAuth", "delete oam"),
        )


@family
def certificates_in_use() -> Iterator[Case]:
    disable = f"set {CERTIFICATE} OLD state disabled"
    for leaf in ("clientCertName", "serverCertName"):
        elsewhere = f"set {PROFILE} T {leaf} NEW"
        yield Case(
            rule="certificates_in_use_stay_enabled",
            at=CERTIFICATE,
            text=f"'{CERTIFICATE} OLD state' (value \"disabled\"): certificate is in use by '{PROFILE} T {leaf}'",
            before=(OLD, NEW, f"set {PROFILE} T {leaf} OLD"),
            refused=(disable,),
            allowed=(disable, elsewhere),
            apart=((elsewhere,), (f"set {PROFILE} T {leaf} OLD",), (f"delete {CERTIFICATE} OLD state",)),
            steps=((elsewhere,), (disable,)),
        )
        line = f"set {PROFILE} T {leaf} C"
        for kind in ("remote", "local", "local-internal"):
            made, enable = f"set {CERTIFICATE} C type {kind} fileName c.p12", f"set {CERTIFICATE} C state enabled"
            problem = "local" if kind == "remote" else "enabled"
            local = f"set {CERTIFICATE} C type local" if kind == "remote" else enable
            yield Case(
                rule="profiles_name_enabled_local_certificates",
                at=f"{PROFILE} {leaf}",
                text=f"'{PROFILE} T {leaf}' (value \"C\"): certificate is not {problem}",
                before=(made,),
                refused=(line, enable) if kind == "remote" else (line,),
                allowed=(line, local, enable),
                apart=((enable,), (line,)) if kind == "remote" else (),
                steps=((local, enable), (line,)),
            )


@family
def other_rules() -> Iterator[Case]:
    recorder, siprec = f"set {PORT} recorder enabled", f"set {PORT} siprec enabled"
    yield Case(
        rule="ports_record_in_one_way",
        at="addressContext zone sipSigPort",
        text=f"'{PORT} siprec' (value \"enabled\"): recorder and siprec are mutually exclusive",
        before=(IN_SERVICE, Z1, PORT_1),
        refused=(recorder, siprec),
        allowed=(siprec, f"set {PORT} recorder disabled"),
        steps=((recorder,), (siprec, f"delete {PORT} recorder")),
    )
    yield Case(
        rule="roll_overs_start_on_a_day_of_the_calendar",
        at="oam eventLog typeAdmin rolloverStartTime",
        text=f"'{LOG_START}' (value \"2026-02-29T00:00:00\"): the month has no such day",
        refused=(f"set {LOG_START} 2026-02-29T00:00:00",),
        allowed=(f"set {LOG_START} 2028-02-29T00:00:00",),
        apart=((f"set {LOG_START} 2028-02-29T00:00:00",), (f"set {LOG_START} 2026-02-29T00:00:00",)),
        steps=((f"set {LOG_START} 2026-12-31T23:59:59",), (f"delete {LOG_START}",)),
    )


@family
def ports() -> Iterator[Case]:
    taken = "SIP Signaling port cannot use port {}: in use by zone Z1 sipSigPort 1"
    for address, leaf in (("198.51.100.5", "ipAddressV4"), ("2001:db8::5", "ipAddressV6")):
        interface = f"set {INTERFACE} ipAddress {address} mode inService state enabled"
        own, bound = f"{leaf} {address}", ""
        for first, second in ((own, own), (own, bound), (bound, own), (bound, bound)):
            for transports, number in (("sip-udp", 5060), ("sip-udp,sip-tls-tcp", 5061)):
                line, other = f"set {PORT_2} ipInterfaceGroupName LIG1 {second}", f"set {PORT_2} portNumber 5062"
                clash = f"set {PORT_2} portNumber {number}"
                yield Case(
                    rule="ports_are_free",
                    at="addressContext zone sipSigPort",
                    text=f"'{PORT_2}': {taken.format(number)}",
                    before=(interface, Z1, Z2, f"{PORT_1} {first} transportProtocolsAllowed {transports}"),
                    refused=(line, clash),
                    allowed=(line, other),
                    apart=((line, other), (clash,)),
                    steps=((f"delete {PORT}",), (line, clash)),
                )
    yield Case(
        rule="ports_are_free",
        at="addressContext zone sipSigPort",
        text=f"'{PORT}': SIP Signaling port cannot use port 65536: the last one is 65535",
        before=(IN_SERVICE, Z1, PORT_1),
        refused=(f"set {PORT} portNumber 65535 transportProtocolsAllowed sip-tls-tcp",),
        allowed=(f"set {PORT} portNumber 65535 transportProtocolsAllowed sip-tcp",),
        apart=((f"set {PORT} portNumber 65535",), (f"set {PORT} transportProtocolsAllowed sip-tls-tcp",)),
        steps=((f"set {PORT} transportProtocolsAllowed sip-tls-tcp",), (f"set {PORT} portNumber 65534",)),
    )
    enable = f"set {INTERFACE} state enabled"
    number, waits = f"set {PORT_2} portNumber 5070", f"set {INTERFACE} ipAddress 198.51.100.5"
    yield Case(
        rule="ports_of_an_interface_are_free",
        at="addressContext ipInterfaceGroup ipInterface state",
        text=f"'{PORT_2}': {taken.format(5060)}",
        before=(waits, Z1, Z2, f"{PORT_1} ipAddressV4 198.51.100.5", f"set {PORT_2} ipInterfaceGroupName LIG1"),
        refused=(enable,),
        allowed=(enable, number),
        apart=((number, enable), (f"set {INTERFACE} state disabled", f"delete {PORT_2} portNumber"), (enable,)),
        steps=((number,), (enable,)),
    )
    yield Case(
        rule="ports_of_an_interface_are_free",
        at="addressContext ipInterfaceGroup ipInterface state",
        text=f"'{PORT}': SIP Signaling port cannot use port 65536: the last one is 65535",
        before=(waits, Z1, f"{PORT_1} transportProtocolsAllowed sip-tls-tcp", f"set {PORT} portNumber 65535"),
        refused=(enable,),
        allowed=(enable, f"set {PORT} portNumber 65534"),
        steps=((f"set {PORT} portNumber 65534",), (enable,)),
    )
    yield Case(
        rule="ports_of_an_interface_are_free",
        at="addressContext ipInterfaceGroup ipInterface ipAddress",
        text=f"'{PORT_2}': {taken.format(5060)}",
        before=(
            *(Z1, Z2, f"set {INTERFACE}", f"{PORT_1} ipAddressV4 198.51.100.5"),
            f"set {PORT_2} ipInterfaceGroupName LIG1",
        ),
        refused=(waits, enable),
        allowed=(waits, enable, number),
        steps=((number,), (waits, enable)),
    )
