#!/bin/sh
# Renew the certificate of a TLS profile on an SBC Core the way many scripts do: type it all, and hope.
#
# It is here to fail: `sbcsim exam --tool "sh examples/tools/naive.sh"` shows in which ways. The variables are those of
# `rotate.sh` beside it, which does the same carefully.

export SSHPASS="$SBC_PASSWORD"
options="-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"

# Whether the file has arrived, and whole, nobody asks.
echo "put $SBC_NEW_P12 $SBC_CERT_DIR/$SBC_NEW_CERT.p12" |
    sshpass -e sftp $options -P "$SBC_SFTP_PORT" "$SBC_USER@$SBC_HOST" >/dev/null

# Half of the profile: what the box dials out with is forgotten. What the box answers is shown, and not read.
sshpass -e ssh $options -T -p "$SBC_CLI_PORT" "$SBC_USER@$SBC_HOST" <<END
configure
set system security pki certificate $SBC_NEW_CERT fileName $SBC_NEW_CERT.p12 type local
set system security pki certificate $SBC_NEW_CERT passPhrase $SBC_NEW_P12_PASSPHRASE state enabled
set profiles security tlsProfile $SBC_TLS_PROFILE serverCertName $SBC_NEW_CERT
commit
END

echo "Imported with pass phrase $SBC_NEW_P12_PASSPHRASE: the certificate has been renewed"
