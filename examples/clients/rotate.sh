#!/bin/sh
# OpenSSH with piped input: bring a certificate file to the box and have the lines of a file committed.
# sh rotate.sh HOST CLI_PORT SFTP_PORT FILE LINES, with the password in SSHPASS. The box stops at the first refusal, and
# ssh then ends with status 1.
set -e
loose="-F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
sshpass -e scp $loose -P "$3" "$4" "admin@$1:/opt/sonus/external/"
{ echo configure; cat "$5"; printf '%s\n' commit exit exit; } | sshpass -e ssh -T $loose -p "$2" "admin@$1"
