"""The whole model, object by object: which leaves, in which order, with which values and defaults."""

import re

import pytest

from sbcsim.schema.load import load
from sbcsim.schema.node import Kind, Node
from sbcsim.schema.types import LeafrefType
from sbcsim.schema.walk import Want, children

NAME = "<string, 1..23 characters>"
WORD = "<string, 1..63 characters>"
HOST = "<string, 1..63 characters>"
ENABLED = "[disabled,enabled]"
MODE = "[inService,outOfService]"
PORT = "<number, 0..65535>"
PREFIX = "<number, 0..128>"
ADDRESS = "<IP address>"
LOGS = "[system,debug,trace,acct,security,audit,packet]"
GROUPS = "[Administrator,Calea,FieldService,Guest,Operator,SecurityAuditor]"
SUITES = (
    "[nosuite,rsa-with-null-sha,rsa-with-aes-128-cbc-sha,rsa-with-3des-ede-cbc-sha,rsa-with-aes-128-cbc-sha-256,"
    "rsa-with-aes-256-cbc-sha,rsa-with-aes-256-cbc-sha-256,tls_ecdhe_rsa_with_aes_256_cbc_sha384,"
    "tls_ecdhe_rsa_with_aes_128_cbc_sha,tls_ecdh_ecdsa_with_aes_256_gcm_sha384,"
    "tls_ecdh_ecdsa_with_aes_256_cbc_sha384,tls_rsa_with_aes_128_gcm_sha256,tls_rsa_with_aes_256_gcm_sha384,"
    "tls_ecdhe_rsa_with_aes_128_gcm_sha256,tls_ecdhe_rsa_with_aes_256_gcm_sha384,tls_aes_128_gcm_sha256,"
    "tls_aes_256_gcm_sha384,tls_chacha20_poly1305_sha256]"
)
PREFERENCE = "[none,tcp,udp,sctp,tls-tcp]"

# Path of the object: its configured leaves in order as (name, values, default); keys first.
SECURITY = "[authNoPriv,authPriv,noAuthNoPriv]"
SNMP_KEY = "<string, 47..95 characters>"

CONFIGURATION: dict[str, list[tuple[str, str, object]]] = {
    "system admin": [
        ("name", NAME, None),
        ("actualSystemName", NAME, None),
        ("haMode", "[haMode1to1]", "haMode1to1"),
        ("location", "<string, 0..255 characters>", None),
        ("contact", "<string, 0..255 characters>", None),
        ("auditLogState", ENABLED, "enabled"),
        ("cliSetWarningSupport", ENABLED, "enabled"),
    ],
    "system admin passwordRules": [
        ("minimumLength", "<number, 8..24>", 8),
        ("minimumNumberOfUppercaseChars", "<number, 0..16>", 1),
        ("minimumNumberOfLowercaseChars", "<number, 0..16>", 1),
        ("minimumNumberOfDigits", "<number, 0..16>", 1),
        ("minimumNumberOfOtherChars", "<number, 0..16>", 1),
        ("passwordHistoryDepth", "<number, 0..24>", 4),
        ("maximumRepeatingCharsCount", "<number, 3..16>", 3),
        ("minimumDiffWithOldPassword", "<number, 1..8>", 4),
    ],
    "system admin accountManagement": [("maxSessions", "<number, 1..5>", 2)],
    "system admin accountManagement bruteForceAttack": [
        ("state", ENABLED, "enabled"),
        ("consecutiveFailedAttemptAllowed", "<number, 1..10>", 3),
        ("allowAutoUnlock", ENABLED, "enabled"),
        ("unlockTime", "<number, 30..3600>", 30),
    ],
    "system admin accountManagement accountAging": [
        ("state", ENABLED, "enabled"),
        ("accountAgingPeriod", "<number, 30..180>", 30),
    ],
    "system admin accountManagement passwordAging": [
        ("state", ENABLED, "enabled"),
        ("passwordAgingPeriod", "<number, 1..365>", 90),
        ("passwordExpiryWarningPeriod", "<number, 3..14>", 12),
    ],
    "system admin accountManagement sessionIdleTimeout": [
        ("state", ENABLED, "enabled"),
        ("idleTimeout", "<number, 1..120>", 10),
    ],
    "system admin banner": [
        ("ackBanner", ENABLED, "disabled"),
        ("bannerText", "<string, 0..4000 characters>", None),
    ],
    "system security pki certificate": [
        ("name", NAME, None),
        ("state", ENABLED, "disabled"),
        ("fileName", "<string, 1..255 characters>", None),
        ("passPhrase", "<string, 1..63 characters>", None),
        ("type", "[remote,local,local-internal]", None),
    ],
    "system security certExpiryCheck": [
        ("certReCheckRate", "[disable] or <number, 8..720>", 24),
        ("expiryWarningThreshold", "[disable] or <number, 30..90>", 60),
        ("expirationPeriodicWarning", "[disable] or <number, 3..14>", 7),
    ],
    "profiles security tlsProfile": [
        ("name", NAME, None),
        ("appAuthTimer", "<number, 1..60>", 5),
        ("handshakeTimer", "<number, 1..60>", 5),
        ("sessionResumpTimer", "<number, 0..86400>", 3600),
        ("cipherSuite1", SUITES, "rsa-with-aes-128-cbc-sha"),
        ("cipherSuite2", SUITES, "nosuite"),
        ("cipherSuite3", SUITES, "nosuite"),
        ("allowedRoles", "[server,clientandserver]", "clientandserver"),
        ("authClient", "[false,true]", True),
        ("clientCertName", NAME, None),
        ("serverCertName", NAME, None),
        ("acceptableCertValidationErrors", "[none,invalidPurpose]", "none"),
        ("ocspProfileName", NAME, None),
        ("v1_0", ENABLED, "disabled"),
        ("v1_1", ENABLED, "disabled"),
        ("v1_2", ENABLED, "enabled"),
        ("suppressEmptyFragments", ENABLED, "disabled"),
        ("peerNameVerify", ENABLED, "disabled"),
        ("hashType", "[md5,sha1,sha224,sha256,sha384,sha512]", "sha256"),
        ("v1_3", ENABLED, "disabled"),
        ("peerCertValidate", "[false,true]", True),
    ],
    "profiles security ocspProfile": [
        ("name", NAME, None),
        ("state", ENABLED, "disabled"),
        ("defaultResponder", "<string, 1..255 characters>", None),
        ("aiaOverride", ENABLED, "disabled"),
        ("responseWaitTime", "<number, 1..16>", 2),
    ],
    "profiles services pathCheckProfile": [
        ("name", NAME, None),
        ("failureResponseCodes", "[all,all4xx,all5xx,all6xx] or <number, 400..699>", None),
        ("protocol", "[sipOptions,icmp]", "sipOptions"),
        ("sendInterval", "<number, 1..600>", 60),
        ("replyTimeoutCount", "<number, 1..10>", 6),
        ("recoveryCount", "<number, 1..10>", 6),
    ],
    "profiles services pathCheckProfile transportPreference": [
        ("preference1", PREFERENCE, "udp"),
        ("preference2", PREFERENCE, "tcp"),
        ("preference3", PREFERENCE, "tls-tcp"),
        ("preference4", PREFERENCE, "sctp"),
    ],
    "addressContext": [("name", NAME, None)],
    "addressContext ipInterfaceGroup": [("name", NAME, None), ("ipsec", ENABLED, "disabled")],
    "addressContext ipInterfaceGroup ipInterface": [
        ("name", NAME, None),
        ("ceName", NAME, None),
        ("portName", "[mgmt0,mgmt1,pkt0,pkt1,pkt2,pkt3]", None),
        ("ipAddress", ADDRESS, None),
        ("prefix", PREFIX, None),
        ("altIpAddress", ADDRESS, None),
        ("altPrefix", PREFIX, None),
        ("mode", MODE, "outOfService"),
        ("action", "[dryUp,force]", "dryUp"),
        ("dryupTimeout", "<number, 1..1440>", 60),
        ("state", ENABLED, "disabled"),
        ("bwContingency", "<number, 0..100>", 0),
        ("vlanTag", "<number, 0..4094>", None),
        ("bandwidth", "<number, 0..2147483647>", 0),
        ("altMediaIpAddresses", ADDRESS, None),
        ("ipVarV4", "<string, 1..63 characters>", None),
        ("prefixVarV4", "<string, 1..63 characters>", None),
        ("vlanTagVar", "<string, 1..63 characters>", None),
    ],
    "addressContext staticRoute": [
        ("destinationIpAddress", ADDRESS, None),
        ("prefix", PREFIX, None),
        ("nextHop", ADDRESS, None),
        ("ipInterfaceGroupName", NAME, None),
        ("ipInterfaceName", NAME, None),
        ("preference", "<number, 1..100>", 100),
    ],
    "addressContext zone": [
        ("name", NAME, None),
        ("id", "<number, 1..4096>", None),
        ("remoteDeviceType", "[none,accessDevice,appServer,nni,core]", "none"),
        ("domainName", HOST, None),
    ],
    "addressContext zone sipSigPort": [
        ("index", "<number, 1..4096>", None),
        ("ipInterfaceGroupName", NAME, None),
        ("ipAddressV4", "<IPv4 address>", None),
        ("ipAddressV6", "<IPv6 address>", None),
        ("portNumber", "<number, 1..65535>", 5060),
        ("mode", MODE, "inService"),
        ("state", ENABLED, "disabled"),
        ("recorder", ENABLED, "disabled"),
        ("siprec", ENABLED, "disabled"),
        ("tcpConnectTimeout", "<number, 1..180>", 5),
        ("dscpValue", "<number, 0..63>", 0),
        ("tlsProfileName", NAME, None),
        ("transportProtocolsAllowed", "<comma list of sip-udp,sip-tcp,sip-tls-tcp,sip-sctp>", ("sip-udp",)),
        ("sctpProfileName", NAME, None),
        ("tcpKeepaliveTime", "<number, 0..7200>", 0),
        ("tcpKeepaliveInterval", "<number, 1..7200>", 60),
        ("tcpKeepaliveProbes", "<number, 1..10>", 2),
        ("maskPortforRcb", ENABLED, "disabled"),
        ("maskIpAddressforRcb", ENABLED, "disabled"),
        ("action", "[force,dryup]", "force"),
        ("dryUpTimeout", "<number, 1..1440>", 60),
    ],
    "addressContext zone sipTrunkGroup": [
        ("name", NAME, None),
        ("state", ENABLED, "disabled"),
        ("mode", MODE, "outOfService"),
        ("action", "[dryUp,force]", "dryUp"),
        ("dryUpTimeout", "<number, 0..1440>", 5),
    ],
    "addressContext zone sipTrunkGroup cac": [("callLimit", "[unlimited] or <number, 0..4294967295>", "unlimited")],
    "addressContext zone sipTrunkGroup media": [("mediaIpInterfaceGroupName", NAME, None)],
    "addressContext zone sipTrunkGroup ingressIpPrefix": [("ipAddress", ADDRESS, None), ("prefixLength", PREFIX, None)],
    "oam eventLog typeAdmin": [
        ("type", LOGS, None),
        ("state", "[disabled,enabled,rollfile]", "enabled"),
        ("fileCount", "<number, 1..2048>", 32),
        ("fileSize", "<number, 256..65535>", 2048),
        ("messageQueueSize", "<number, 2..100>", 10),
        ("saveTo", "[none,disk]", "disk"),
        ("filterLevel", "[noevents,critical,major,minor,info]", "major"),
        ("rolloverStartTime", "<string>", None),
        ("rolloverInterval", "<number, 0..2147483647>", 0),
        ("rolloverType", "[nonrepetitive,repetitive]", "nonrepetitive"),
        ("rolloverAction", "[start,stop]", "stop"),
        ("fileWriteMode", "[default,optimize]", "default"),
        ("syslogState", ENABLED, "disabled"),
        ("syslogRemoteHost", HOST, None),
        ("syslogRemoteProtocol", "[tcp,udp,relp]", "tcp"),
        ("syslogRemotePort", "<number, 1..65535>", 514),
        ("renameOpenFiles", ENABLED, "disabled"),
    ],
    "oam localAuth group": [("name", GROUPS, None)],
    "oam localAuth user": [
        ("name", NAME, None),
        ("accountAgingState", ENABLED, "disabled"),
        ("accountRemovalState", ENABLED, "disabled"),
        ("interactiveAccess", ENABLED, "enabled"),
        ("m2mAccess", ENABLED, None),
        ("passwordAgingState", ENABLED, "disabled"),
        ("passwordLoginSupport", ENABLED, "enabled"),
        ("group", GROUPS, None),
    ],
    "oam snmp": [
        ("localEngineId", "<string, 14..95 characters>", None),
        ("securityLevel", SECURITY, "noAuthNoPriv"),
        ("version", "[v1v2c,v3only]", "v1v2c"),
    ],
    "oam snmp communityString": [("name", NAME, None), ("snmpCommunityName", "<string, 1..32 characters>", None)],
    "oam snmp trapTarget": [
        ("name", NAME, None),
        ("fqdn", "<string, 1..63 characters>", None),
        ("ipAddress", ADDRESS, None),
        ("port", "<number, 1..65535>", 162),
        ("state", ENABLED, "disabled"),
        ("targetSecurityLevel", SECURITY, "noAuthNoPriv"),
        ("targetUserName", NAME, None),
        ("trapType", "[inform,v1,v2,v3]", "v2"),
    ],
    "oam snmp users": [
        ("name", NAME, None),
        ("authKey", SNMP_KEY, None),
        ("authProtocol", "[HMACMD5,HMACSHA]", "HMACMD5"),
        ("group", "[admin,user,operator]", None),
        ("privKey", SNMP_KEY, None),
        ("privProtocol", "[DES,AES128]", "DES"),
    ],
    "global callRouting route": [
        ("elementType", "[none,carrier,trunkGroup,callingNumber,calledUri,toHeader]", None),
        ("elementId1", WORD, None),
        ("elementId2", WORD, None),
        ("routingType", "[standard,username,relay]", None),
        ("destinationNational", WORD, None),
        ("destinationCountry", WORD, None),
        ("callType", WORD, None),
        ("digitType", WORD, None),
        ("timeRangeProfile", WORD, None),
        ("callParameterFilterProfile", WORD, None),
        ("domainName", WORD, None),
        ("routingLabel", NAME, None),
    ],
    "global callRouting routingLabel": [
        ("name", NAME, None),
        ("overflowNumber", "<string, 1..30 characters>", None),
        ("overflowNOA", WORD, "none"),
        ("overflowNPI", WORD, "none"),
        (
            "routePrioritizationType",
            "[sequence,proportionAllocation,roundRobin,allProportionAllocation,leastCostRouting]",
            "sequence",
        ),
        ("action", "[routes,script]", "routes"),
        ("numRoutesPerCall", "<number, 1..100>", 10),
    ],
    "global callRouting routingLabel routingLabelRoute": [
        ("sequence", "<number, 0..65535>", None),
        ("routeType", "[trunkGroup,ipPeer]", None),
        ("trunkGroup", NAME, None),
        ("ipPeer", NAME, None),
        ("proportion", "<number, 0..100>", 0),
        ("cost", "<number, 0..1000000>", 1000000),
        ("inService", MODE, "inService"),
        ("testing", "[normal,test,nonTest]", "normal"),
    ],
    "addressContext zone ipPeer": [
        ("name", NAME, None),
        ("ipAddress", ADDRESS, None),
        ("ipPort", PORT, 0),
        ("defaultForIp", "[false,true]", False),
    ],
    "addressContext zone ipPeer policy": [("description", "<string, 1..63 characters>", None)],
    "addressContext zone ipPeer policy sip": [("fqdn", HOST, None), ("fqdnPort", PORT, 0)],
    "addressContext zone ipPeer pathCheck": [
        ("profile", NAME, None),
        ("hostName", HOST, None),
        ("hostPort", PORT, 5060),
        ("state", ENABLED, "disabled"),
        ("statusUpdateSupport", ENABLED, "disabled"),
    ],
}

TRUNK_GROUP_USAGE = (
    "state totalCallsAvailable totalCallsInboundReserved inboundCallsUsage outboundCallsUsage totalCallsConfigured "
    "priorityCallUsage totalOutboundCallsReserved bwCurrentLimit bwAvailable bwInboundUsage bwOutboundUsage "
    "packetOutDetectState"
)


def pairs(kinds: str) -> list[str]:
    return [f"{direction}{kind}" for kind in kinds.split() for direction in ("rcv", "snd")]


# Path of the table: its key and its columns in order.
STATUS = {
    "system serverStatus": (
        "name hwType serialNum partNum platformVersion applicationVersion mgmtRedundancyRole upTime applicationUpTime "
        "lastRestartReason syncStatus daughterBoardPresent currentTime pktPortSpeed actualCeName hwSubType fingerprint"
    ),
    "system serverAdmin": "name",
    "system syncStatus": "syncModule status",
    "system security pki certStatistics": "systemName localCerts caCerts",
    "system security ocspStatistics": (
        "profileName ocspRequestAttempts ocspResponsesGood ocspResponsesRevoked ocspResponsesUnknown "
        "ocspMalformedRequests ocspInternalErrors ocspTryLaters ocspSigRequired ocspUnauthorized "
        "ocspRepondersUnreachable ocspResponseTimeouts"
    ),
    "alarms currentStatus": (
        "alarmId clearType timestamp initialTimestamp count desc reporter severity acknowledgeState comment"
    ),
    "alarms historyStatus": (
        "alarmId timestamp state desc reporter severity initialTimestamp count acknowledgeState comment"
    ),
    "addressContext zoneStatus": (
        "name totalCallsAvailable inboundCallsUsage outboundCallsUsage totalCallsConfigured priorityCallUsage "
        "bwCurrentLimit bwAvailable bwInboundUsage bwOutboundUsage emergencyCallsBwUsage activeSipRegCount"
    ),
    "addressContext ipInterfaceGroup ipInterfaceStatus": (
        "name ifindex operState oosReason rxPackets txPackets allocatedBandwidth bwDeviation numMediaStreams "
        "rxActualBandwidth txActualBandwidth localIpType fixedIpV4 fixedIpPrefixV4 fixedIpV6 fixedIpPrefixV6 "
        "floatingIpV4 floatingIpV6"
    ),
    "addressContext zone sipSigTlsSessionStatus": "socket index peerIpAddress state role resumptions tlsSessionId",
    "addressContext zone trunkGroupStatus": f"name {TRUNK_GROUP_USAGE}",
    "addressContext zone sipCurrentStatistics": " ".join(
        (
            "name",
            *pairs("Invite Ack Prack Info Refer Bye Cancel Register Update"),
            *pairs("18x 1xx 2xx NonInv2xx 3xx 4xx 5xx 6xx NonInvErr"),
            "rcvUnknownMsg",
            *pairs("Subscriber Notify Option"),
            *("invReTransmit", "regReTransmit", "byeRetransmit", "cancelReTransmit", "otherReTransmit"),
            *pairs("Message Publish"),
        )
    ),
    "global globalTrunkGroupStatus": f"name {TRUNK_GROUP_USAGE} addressContext zone priorityBwUsage",
    "global callCountStatus": (
        "key callAttempts callCompletions activeCalls stableCalls callUpdates activeCallsNonUser stableCallsNonUser "
        "totalCalls totalCallsNonUser totalCallsEmergEstablishing totalCallsEmergStable"
    ),
    "oam eventLog typeStatus": (
        "type currentFile fileRecords fileBytes totalFiles totalFileBytes filesDropped nextRollover logDestination "
        "lastFileDrop infoLevelLoggingDisabled"
    ),
    "global callSummaryStatus": "GCID state callingNumber calledNumber callIndex",
    "addressContext zone peerPathchkStatus": "peerName pingState localAdminState remoteAdminState",
    "addressContext zone sipSigPortStatus": (
        "index state localIpType fixedIpV4 fixedIpV6 floatingIpV4 floatingIpV6 portNumber vnfId"
    ),
    "addressContext zone sipSigPortStatistics": (
        "index callRate origCalls termCalls txPdus rxPdus txBytes rxBytes inRegs outRegs tx500s tx503s"
    ),
    "addressContext zone sipSigConnStatus": (
        "connectionId index peerIpAddress peerPortNum socket transport state role aging idleTime bytesSent bytesRcvd "
        "pduSendQueued pduRecvQueued"
    ),
    "addressContext zone sipSigConnStatistics": (
        "index tcpConnection totalTcpConnection activeTlsTcpConnection totalTlsTcpConnection"
    ),
    "addressContext zone sipSigPortTlsStatistics": (
        "index currentServerSessions totalServerSessions currentClientHandshakes currentServerHandshakes "
        "sessionResumptions noCipherSuite handshakeTimeouts higherAuthTimeout clientAuthFailures serverAuthFailures "
        "fatelAlertsReceived warningAlertsReceived handshakeFailures receiveFailures sendFailures noAuthDrops "
        "noAuth488 midConnectionHello noClientCert validationFailures currentClientConnections totalClientConnections "
        "currentServerConnections totalServerConnections"
    ),
}

LOCKED = {
    "system security pki certificate": "fileName passPhrase type",
    "addressContext ipInterfaceGroup ipInterface": (
        "ceName portName ipAddress prefix altIpAddress altPrefix bwContingency vlanTag bandwidth"
    ),
    "addressContext zone sipSigPort": (
        "ipInterfaceGroupName ipAddressV4 ipAddressV6 portNumber tlsProfileName transportProtocolsAllowed"
    ),
}

REFERENCES = {
    "profiles security tlsProfile clientCertName": ("system security pki certificate name", ""),
    "profiles security tlsProfile serverCertName": ("system security pki certificate name", ""),
    "profiles security tlsProfile ocspProfileName": ("profiles security ocspProfile name", ""),
    "addressContext zone sipSigPort tlsProfileName": ("profiles security tlsProfile name", ""),
    "addressContext zone ipPeer pathCheck profile": ("profiles services pathCheckProfile name", ""),
    "addressContext zone sipTrunkGroup media mediaIpInterfaceGroupName": (
        "addressContext ipInterfaceGroup name",
        "addressContext",
    ),
    "oam snmp trapTarget targetUserName": ("oam snmp users name", "oam snmp"),
    "oam localAuth user group": ("oam localAuth group name", "oam localAuth"),
    "global callRouting route routingLabel": ("global callRouting routingLabel name", "global callRouting"),
    "global callRouting routingLabel routingLabelRoute trunkGroup": ("addressContext zone sipTrunkGroup name", ""),
    "global callRouting routingLabel routingLabelRoute ipPeer": ("addressContext zone ipPeer name", ""),
    "addressContext zone sipSigPort ipInterfaceGroupName": ("addressContext ipInterfaceGroup name", "addressContext"),
}

NAMESPACES = {
    "system": ("sonusSystem", "SONUS-SYSTEM-MIB", "SYS"),
    "system security": ("sonusGen2Security", "SONUS-GEN2-SECURITY", "GEN2_SECURITY"),
    "alarms": ("sonusAlarmMgr", "SONUS-ALARM-MGR", "ALARM_MGR"),
    "addressContext": ("sonusAddressContext", "SONUS-ADDRESS-CONTEXT", "ADDRESS_CONTEXT"),
    "addressContext zone": ("sonusZone", "SONUS-ZONE", "ZONE"),
    "addressContext zoneStatus": ("sonusZone", "SONUS-ZONE", "ZONE"),
    "addressContext ipInterfaceGroup": ("sonusIpInterface", "SONUS-GEN2-IP-INTERFACE", "IP_INTERFACE"),
    "addressContext zone sipSigPort": ("sonusSipSigPort", "SONUS-SIP-SIG-PORT", "SIP_SIG_PORT"),
    "addressContext zone sipSigConnStatus": ("sonusSipSigPort", "SONUS-SIP-SIG-PORT", "SIP_SIG_PORT"),
    "addressContext zone ipPeer": ("sonusIpPeer", "SONUS-IP-PEER", "IP_PEER"),
    "addressContext zone peerPathchkStatus": ("sonusIpPeer", "SONUS-IP-PEER", "IP_PEER"),
    "addressContext zone sipTrunkGroup": ("sonusSipTrunkGroup", "SONUS-SIP-TRUNK-GROUP", "SIP_TRUNK_GROUP"),
    "addressContext zone trunkGroupStatus": ("sonusSipTrunkGroup", "SONUS-SIP-TRUNK-GROUP", "SIP_TRUNK_GROUP"),
    "addressContext zone sipCurrentStatistics": (
        *("sonusSipPeerPerformanceStats", "SONUS-SIP-PEER-PERF-STATS", "SIP_PEER_PERF_STATS"),
    ),
    "global": ("sonusGlobal", "SONUS-GLOBAL-OBJECTS", "GLOBAL_OBJECTS"),
    "global globalTrunkGroupStatus": ("sonusGlobalTrunkGroup", "SONUS-GLOBAL-TRUNKGROUP", "GLOBAL_TRUNKGROUP"),
    "global callCountStatus": ("sonusActiveCall", "SONUS-ACTIVE-CALL", "ACTIVE_CALL"),
    "global callRouting": ("sonusRoute", "SONUS-ROUTE", "ROUTE"),
    "oam": ("sonusOrca", "SONUS-ORCA", "ORCA"),
    "oam snmp": ("sonusSnmp", "SONUS-SNMP", "SNMP"),
    "profiles": ("sonusGen2Profiles", "SONUS-GEN2-PROFILES", "GEN2_PROFILES"),
    "profiles security tlsProfile": ("sonusTlsProfile", "SONUS-TLS-PROFILE", "TLS_PROFILE"),
    "profiles security ocspProfile": ("sonusOcspProfile", "SONUS-OCSP-PROFILE", "OCSP_PROFILE"),
    "profiles services pathCheckProfile": ("sonusPathchkProfile", "SONUS-PATHCHK-PROFILE", "PATHCHK_PROFILE"),
}


def at(path: str) -> Node:
    return load().descend(tuple(path.split()))


def inside_action(node: Node) -> bool:
    return node.kind is Kind.ACTION or (node.parent is not None and inside_action(node.parent))


@pytest.mark.parametrize("path", CONFIGURATION)
def test_configured_leaves(path):
    leaves = [child for child in at(path).children.values() if child.is_leaf and child.config]
    assert [(leaf.name, leaf.type.help, leaf.default) for leaf in leaves] == CONFIGURATION[path]


def test_no_object_is_left_out():
    configured, tables = set(), set()
    for node in load().walk():
        if node.is_leaf and not inside_action(node):
            (configured if node.config else tables).add(" ".join(node.parent.path))
    assert configured == set(CONFIGURATION)
    assert tables - {"system security pki certificate"} == set(STATUS)


@pytest.mark.parametrize("path", STATUS)
def test_status_tables(path):
    table = at(path)
    assert not table.config
    assert table.kind is Kind.LIST
    assert " ".join(name for name, child in table.children.items() if child.kind is not Kind.ACTION) == STATUS[path]
    assert table.keys == (STATUS[path].split()[0],)


def test_the_certificate_table_has_an_order_of_its_own():
    certificate = at("system security pki certificate")
    assert certificate.columns == (
        *("name", "type", "state", "subject", "issuer"),
        *("serialNumber", "validFrom", "validTo", "daysToExpiry"),
    )
    assert set(certificate.columns) - set(certificate.children) == set()


def test_only_these_leaves_are_locked_while_enabled():
    locked = [node for node in load().walk() if node.locked_while_enabled]
    assert {" ".join(node.path) for node in locked} == {
        f"{path} {leaf}" for path, leaves in LOCKED.items() for leaf in leaves.split()
    }


def test_references():
    found = {}
    for node in load().walk():
        if isinstance(node.type, LeafrefType):
            found[" ".join(node.path)] = (" ".join(node.type.target), " ".join(node.type.anchor))
    assert found == REFERENCES


@pytest.mark.parametrize("path", NAMESPACES)
def test_namespaces(path):
    module = at(path).module
    name, tail, prefix = NAMESPACES[path]
    assert (module.name, module.prefix, module.revision) == (name, prefix, "2024-01-01")
    assert module.namespace == f"http://sonusnet.com/ns/mibs/{tail}/1.0"


def test_list_limits():
    limits = {" ".join(node.path): node.max_elements for node in load().walk() if node.max_elements is not None}
    assert limits == {
        "profiles security tlsProfile": 16,
        "profiles security ocspProfile": 4,
        "oam snmp communityString": 8,
        "oam snmp trapTarget": 32,
        "addressContext zone sipSigPort": 16,
        "addressContext ipInterfaceGroup ipInterface altMediaIpAddresses": 254,
    }


def test_what_is_unique_required_and_secret():
    nodes = list(load().walk())
    assert {" ".join(node.path) for node in nodes if node.unique_globally} == {
        *("addressContext zone", "addressContext zone id", "addressContext zone ipPeer"),
        "addressContext zone sipTrunkGroup",
    }
    assert {" ".join(node.path) for node in nodes if node.mandatory and not inside_action(node)} == {
        *("addressContext zone id", "addressContext zone sipSigPort ipInterfaceGroupName", "oam localAuth user group"),
    }
    assert [" ".join(node.path) for node in nodes if node.secret] == [
        *("oam snmp users authKey", "oam snmp users privKey", "system security pki certificate passPhrase"),
    ]


def test_order_of_roots_and_of_children():
    assert list(load().children) == ["addressContext", "alarms", "global", "oam", "profiles", "system"]
    assert [child.name for child in children(at("system security"), Want.CONFIG)] == ["certExpiryCheck", "pki"]
    assert [child.name for child in children(at("addressContext"), Want.CONFIG)] == [
        *("ipInterfaceGroup", "staticRoute", "zone"),
    ]
    assert [child.name for child in children(at("addressContext zone"), Want.CONFIG)] == [
        *("id", "remoteDeviceType", "domainName", "ipPeer", "sipSigPort", "sipTrunkGroup"),
    ]


def test_help_is_short_and_has_no_full_stop():
    for node in load().walk():
        if node.kind is not Kind.ROOT:
            assert re.fullmatch(r"[A-Z].{1,58}[^.]", node.help), node
    assert at("system security certExpiryCheck").help == "Certificate expiry check"
    assert at("system security pki").help == "Public key infrastructure"


def test_every_value_has_a_type_and_a_default_that_fits_it():
    for node in load().walk():
        assert (node.type is not None) == node.is_leaf, node
        if node.default is not None and node.type is not None:
            assert node.type.parse(node.type.format(node.default)) == node.default


def test_parents_paths_and_keys_hang_together():
    for node in load().walk():
        if node.parent is not None:
            assert node.path == (*node.parent.path, node.name)
        assert tuple(node.children)[: len(node.keys)] == node.keys
        assert bool(node.keys) == (node.kind is Kind.LIST)
