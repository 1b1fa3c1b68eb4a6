#!/bin/sh
# Renew the certificate of a TLS profile on an SBC Core, carefully: with OpenSSH 8.4 or later, and OpenSSL to look at the
# wire.
#
#     sh rotate.sh [--force]
#
# Where and what is said by the environment:
#
#     SBC_HOST SBC_CLI_PORT SBC_SFTP_PORT     the box; the ports are 22 and 2024 unless given
#     SBC_USER SBC_PASSWORD                   who logs in
#     SBC_KNOWN_HOSTS                         file with the box's host key; "none" trusts any (for a test box)
#     SBC_CERT_DIR                            where the box looks for certificate files; /opt/sonus/external
#     SBC_TLS_PROFILE                         the profile that is to show the new certificate
#     SBC_OLD_CERT SBC_NEW_CERT               names of the certificate objects
#     SBC_NEW_P12 SBC_NEW_P12_PASSPHRASE      the new certificate with its key
#     SBC_SIP_TLS                             HOST:PORT,... to dial for a look; else what the configuration says
#     SBC_CONTROL_URL                         a simulator's control API: says where its SIP ports are (with curl)
#
# It may be run any number of times, and does what is left to do. Exit status:
#
#     0  done: new connections get the new certificate, none is left on the old one, the old one is deleted
#     1  the box refused something, or could not be reached; the configuration is all old or all new
#     2  a variable is missing or makes no sense; nothing was done
#     3  new connections get the new certificate; what is left on the old one is listed, and it was not deleted
#     4  the configuration names the new certificate, and new connections get another one
#
# With --force the SIP ports of the profile are taken out of service and back, which ends every connection on them.

set -u
umask 077
attempts=8
pause=${SBC_PAUSE:-2}

say() { printf '%s\n' "$*"; }
wrong() { say "$*"; exit 2; }
fail() { say "failed: $*"; exit 1; }

# What is needed, before anything is done

force=no
case "$#:${1-}" in
    0:) ;;
    1:--force) force=yes ;;
    *) wrong "usage: sh rotate.sh [--force]" ;;
esac
missing=
for name in SBC_HOST SBC_USER SBC_PASSWORD SBC_TLS_PROFILE SBC_OLD_CERT SBC_NEW_CERT SBC_NEW_P12 SBC_NEW_P12_PASSPHRASE; do
    eval "value=\${$name-}"
    [ -n "$value" ] || missing="$missing $name"
done
unset value
[ -z "$missing" ] || wrong "not set:$missing"
[ "$SBC_OLD_CERT" != "$SBC_NEW_CERT" ] || wrong "SBC_OLD_CERT and SBC_NEW_CERT are the same name"
case $SBC_NEW_P12_PASSPHRASE in
    *[![:print:]]*) wrong "SBC_NEW_P12_PASSPHRASE: the CLI takes printable characters only" ;;
esac
[ -r "$SBC_NEW_P12" ] || wrong "$SBC_NEW_P12: cannot be read"
export SBC_PASSWORD SBC_NEW_P12_PASSPHRASE

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# Files of older programs are encrypted in a way that OpenSSL 3 reads only when told to.
opened() {
    openssl pkcs12 -in "$SBC_NEW_P12" -passin env:SBC_NEW_P12_PASSPHRASE "$@" 2>/dev/null ||
        openssl pkcs12 -legacy -in "$SBC_NEW_P12" -passin env:SBC_NEW_P12_PASSPHRASE "$@" 2>/dev/null
}
opened -nokeys -clcerts >"$work/new.pem" || wrong "$SBC_NEW_P12: not a PKCS#12 file, or another pass phrase"
opened -nocerts -nodes | grep -q 'PRIVATE KEY' || wrong "$SBC_NEW_P12: no private key in it"
wanted=$(openssl x509 -in "$work/new.pem" -noout -fingerprint -sha256 2>/dev/null) ||
    wrong "$SBC_NEW_P12: no certificate with its key in it"

# How the box is reached

options="-F none -o PreferredAuthentications=password -o NumberOfPasswordPrompts=1 -o ConnectTimeout=30 -o LogLevel=ERROR"
[ -z "${SBC_CONTROL_URL-}" ] || SBC_KNOWN_HOSTS=${SBC_KNOWN_HOSTS:-none} # a simulator makes its host keys at every start
case ${SBC_KNOWN_HOSTS-} in
    none) options="$options -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null" ;;
    ?*) options="$options -o StrictHostKeyChecking=yes -o UserKnownHostsFile=$SBC_KNOWN_HOSTS" ;;
    *) options="$options -o StrictHostKeyChecking=yes" ;;
esac
printf '#!/bin/sh\nprintf "%%s\\n" "$SBC_PASSWORD"\n' >"$work/askpass"
chmod 700 "$work/askpass"
export SSH_ASKPASS="$work/askpass" SSH_ASKPASS_REQUIRE=force

# Prints its input without the pass phrase, should the box repeat it.
hide() {
    awk 'BEGIN { p = ENVIRON["SBC_NEW_P12_PASSPHRASE"] }
        { told = ""
          while (at = index($0, p)) { told = told substr($0, 1, at - 1) "***"; $0 = substr($0, at + length(p)) }
          print told $0 }'
}

# Types the lines of its input without a terminal; what the box answers is in $work/answer. Fails where there is none.
typed() {
    ssh -T $options -p "${SBC_CLI_PORT:-22}" -l "$SBC_USER" "$SBC_HOST" >"$work/answer" 2>"$work/problem"
    grep -Eq '^\[(ok|error)\]\[' "$work/answer"
}

# Ends it where the password is wrong: who goes on guessing is locked out.
check_login() { ! grep -q 'Permission denied (' "$work/problem" || fail "login: $(cat "$work/problem")"; }

# Asks for LINE, again while there is no answer; it is in $work/shown, empty where nothing is there.
show() {
    tries=0
    until printf '%s\n' "$1" | typed; do
        check_login
        tries=$((tries + 1))
        [ "$tries" -lt "$attempts" ] || fail "the connection was lost: $(cat "$work/problem")"
        say "the connection was lost; asking again"
        sleep "$pause"
    done
    if grep -Eq 'element does not exist|No entries found' "$work/answer"; then
        : >"$work/shown"
    elif grep -q '^\[ok\]\[' "$work/answer"; then
        sed '/^\[ok\]\[/,$d' "$work/answer" >"$work/shown"
    else
        fail "$(hide <"$work/answer")"
    fi
}

# Has the lines of its arguments committed. Status 1: it is worth looking and trying again. 2: the box refuses.
commit() {
    { printf 'configure\n'; printf '%s\n' "$@"; printf 'commit\n'; } | typed
    check_login
    ! grep -Eq '^(Commit complete|No modifications to commit)\.' "$work/answer" || return 0
    reason=$(grep -E '^(Aborted: |Error: |syntax error: |---+\^)' "$work/answer" | hide)
    case $reason in
        '') reason="no answer to the commit that makes sense" ;;
        *'the configuration database is locked'* | *'configuration locked'* | *'there are conflicts'*) ;;
        *) return 2 ;;
    esac
    return 1
}

# Commits until it is done: `ensure WHAT IS_DONE LINE...`. Whether it is, the configuration says, never an answer alone.
ensure() {
    what=$1 is_done=$2
    shift 2
    turn=0
    while [ "$turn" -lt "$attempts" ]; do
        if $is_done; then return 0; fi
        say "$what"
        commit "$@"
        case $? in
            1) say "$reason; looking again"; sleep "$pause" ;;
            2) say "failed: $reason"; return 1 ;;
        esac
        turn=$((turn + 1))
    done
    if $is_done; then return 0; fi
    say "failed: $what: without success after $attempts attempts"
    return 1
}

# What the configuration says

profile="profiles security tlsProfile $SBC_TLS_PROFILE"
file="$SBC_NEW_CERT-$(openssl dgst -sha256 -r "$SBC_NEW_P12" | cut -c 1-12).p12"

# Prints the value of LEAF of the certificate object that `show` has asked for last.
leaf() { sed -n "s/^set system security pki certificate [^ ]* $1 //p" "$work/shown"; }

show_certificate() { show "show configuration system security pki certificate $1 | display set"; }

# Which certificates the profile names, in $named.
read_names() {
    show "show configuration $profile | display set"
    named=$(sed -n 's/.* serverCertName //p; s/.* clientCertName //p' "$work/shown" | sort -u)
}

new_is_named() {
    read_names
    [ "$named" = "$SBC_NEW_CERT" ] || return 1
    show_certificate "$SBC_NEW_CERT"
    [ "$(leaf fileName) $(leaf state)" = "$file enabled" ]
}

old_is_gone() {
    show_certificate "$SBC_OLD_CERT"
    [ ! -s "$work/shown" ]
}

port_is_out() { ! port_is_in; }
port_is_in() {
    show "show configuration $port | display set"
    grep -q ' state enabled$' "$work/shown" && grep -q ' mode inService$' "$work/shown"
}

# The SIP ports in service that go by the profile, in $work/ports: context, zone, index, address, TLS port.
read_ports() {
    show "show configuration addressContext | display set"
    awk -v profile="$SBC_TLS_PROFILE" -v host="$SBC_HOST" '
        $4 == "zone" && $6 == "sipSigPort" {
            key = $3 " " $5 " " $7
            if (!(key in seen)) { seen[key] = 1; order[++count] = key }
            value[key, $8] = $9
        }
        END {
            for (n = 1; n <= count; n++) {
                key = order[n]
                if (value[key, "tlsProfileName"] != profile) continue
                if (value[key, "state"] != "enabled" || value[key, "mode"] != "inService") continue
                address = value[key, "ipAddressV4"]; port = value[key, "portNumber"]
                print key, address == "" ? host : address, (port == "" ? 5060 : port) + 1
            }
        }' "$work/shown" >"$work/ports"
}

# The new certificate comes to the box, and the profile names it

sftp_lines() {
    sftp -o BatchMode=no -b - $options -P "${SBC_SFTP_PORT:-2024}" "$SBC_USER@$SBC_HOST" >/dev/null 2>"$work/problem"
}

# Puts the file in place whole: under another name first, read back, then renamed.
upload() {
    path="${SBC_CERT_DIR:-/opt/sonus/external}/$file"
    tries=0
    while :; do
        rm -f "$work/there" "$work/back"
        printf 'get "%s" "%s"\n' "$path" "$work/there" | sftp_lines && cmp -s "$SBC_NEW_P12" "$work/there" && return
        check_login
        printf 'put "%s" "%s"\nget "%s" "%s"\n' "$SBC_NEW_P12" "$path.part" "$path.part" "$work/back" | sftp_lines
        case $? in
            0)
                if ! cmp -s "$SBC_NEW_P12" "$work/back"; then
                    problem="the file arrived damaged"
                elif printf -- '-rm "%s"\nrename "%s" "%s"\n' "$path" "$path.part" "$path" | sftp_lines; then
                    say "uploaded $path"
                    return
                else
                    problem=$(cat "$work/problem")
                fi ;;
            255) problem="the connection was lost" ;;
            *) fail "$path: $(cat "$work/problem")" ;;
        esac
        tries=$((tries + 1))
        [ "$tries" -lt "$attempts" ] || fail "$path: $problem"
        say "upload: $problem; trying again"
        sleep "$pause"
    done
}

bring_in() {
    if new_is_named; then return; fi
    for each in $named; do
        [ "$each" = "$SBC_OLD_CERT" ] || [ "$each" = "$SBC_NEW_CERT" ] ||
            fail "$profile names $each, not $SBC_OLD_CERT"
    done
    show_certificate "$SBC_NEW_CERT"
    there=$(leaf fileName) state=$(leaf state)
    [ -z "$there" ] || [ "$there" = "$file" ] ||
        fail "there is another certificate $SBC_NEW_CERT on the box, with the file $there"
    upload
    switch="set $profile serverCertName $SBC_NEW_CERT clientCertName $SBC_NEW_CERT"
    if [ "$state" = enabled ]; then
        ensure "$profile: $SBC_NEW_CERT" new_is_named "$switch" || exit 1
    else
        phrase=$(printf '%s' "$SBC_NEW_P12_PASSPHRASE" | sed 's/[\\"]/\\&/g')
        object="set system security pki certificate $SBC_NEW_CERT fileName $file type local"
        ensure "$profile: $SBC_NEW_CERT" new_is_named "$object passPhrase \"$phrase\" state enabled" "$switch" || exit 1
    fi
}

# What is really there

# Looks whether new connections are shown the new certificate, on every port.
is_served() {
    places=$(printf '%s' "${SBC_SIP_TLS-}" | tr ',' ' ')
    if [ -z "$places" ] && [ -n "${SBC_CONTROL_URL-}" ]; then
        curl -fsS "$SBC_CONTROL_URL/v1/ready" | tr '}' '\n' >"$work/ready"
        places=$(while read -r context zone index rest; do
            sed -n "s/.*\"$context\", *\"zone\": *\"$zone\", *\"sipSigPort\": *$index, *\"transport\": *\"tls\",\
 *\"address\": *\[\"\([^\"]*\)\", *\([0-9]*\)\].*/\1:\2/p" "$work/ready"
        done <"$work/ports")
    fi
    [ -n "$places" ] || places=$(awk '{ print $4 ":" $5 }' "$work/ports")
    if [ -z "$places" ]; then
        say "no SIP port in service goes by the profile: there is nothing to look at"
        return 1
    fi
    for place in $places; do
        tries=0
        # The box may want a certificate of us and break off without one; it has shown its own by then.
        until shown=$(openssl s_client -connect "$place" -cipher ALL:@SECLEVEL=0 </dev/null 2>/dev/null |
            openssl x509 -noout -fingerprint -sha256 2>/dev/null) && [ "$shown" = "$wanted" ]; do
            tries=$((tries + 1))
            if [ "$tries" -ge "$attempts" ]; then
                say "$place does not show $SBC_NEW_CERT on a new connection"
                return 1
            fi
            sleep "$pause"
        done
    done
    say "new connections are shown $SBC_NEW_CERT: $(printf '%s' "$places" | tr '\n' ' ')"
}

# A box does not tell which certificate a connection has, but the old one is all that connections can have which were there
# before. What is live when the profile is first seen to name the new one counts as such, and is kept beside the new file.
record=$SBC_NEW_P12.$SBC_HOST.before

# The live connections that still have the old certificate, in $work/left.
read_left() {
    : >"$work/live"
    cut -d ' ' -f 1,2 "$work/ports" | sort -u >"$work/zones"
    while read -r context zone <&3; do
        indices=$(awk -v c="$context" -v z="$zone" '$1 == c && $2 == z { printf " %s ", $3 }' "$work/ports")
        show "show table addressContext $context zone $zone sipSigConnStatus"
        awk -v indices="$indices" '$1 ~ /^[0-9]+$/ && $6 == "tls-tcp" && index(indices, " " $2 " ") {
            print "connection " $1 " with " $3 " port " $4 }' "$work/shown" >>"$work/live"
    done 3<"$work/zones"
    : >"$work/left"
    if [ ! -f "$record" ]; then
        if old_is_gone; then return; fi # it was deleted when nothing was left on it
        cp "$work/live" "$record"
    fi
    grep -Fxf "$record" "$work/live" >"$work/left"
}

bounce() {
    while read -r context zone index rest <&4; do
        port="addressContext $context zone $zone sipSigPort $index" result=0
        ensure "$port: out of service" port_is_out "set $port mode outOfService state disabled" || result=1
        ensure "$port: in service" port_is_in "set $port state enabled mode inService" || result=1
        [ "$result" = 0 ] || exit 1
    done 4<"$work/ports"
}

bring_in
read_ports
read_left
is_served || exit 4
if [ -s "$work/left" ] && [ "$force" = yes ]; then
    bounce
    read_left
    is_served || exit 4
fi
sed "s/^/still on $SBC_OLD_CERT: /" "$work/left"
show "show configuration profiles security tlsProfile | display set"
sed -n "s/^set \(.*CertName\) $SBC_OLD_CERT\$/still names $SBC_OLD_CERT: \1/p" "$work/shown" >"$work/users"
cat "$work/users"
if [ -s "$work/left" ] || [ -s "$work/users" ]; then exit 3; fi
certificate="system security pki certificate $SBC_OLD_CERT"
ensure "$SBC_OLD_CERT: deleted" old_is_gone "set $certificate state disabled" "delete $certificate" || exit 1
rm -f "$record"
say "$SBC_NEW_CERT is in use, and nothing else"
