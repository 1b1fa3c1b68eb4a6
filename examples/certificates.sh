#!/bin/sh
# Makes into the current directory: a CA, a certificate that ends in 30 days, its renewal, and one for a peer.
# The pass phrase of the PKCS#12 files is "secret".
set -e
openssl req -x509 -newkey rsa:2048 -nodes -subj "/CN=Example CA" -days 3650 -keyout ca.key -out ca.pem
for each in old:30 new:365 peer:365; do
    name=${each%:*} days=${each#*:}
    openssl req -newkey rsa:2048 -nodes -subj "/CN=$name.example.com" -keyout "$name.key" -out "$name.csr"
    openssl x509 -req -in "$name.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days "$days" -out "$name.pem"
    openssl pkcs12 -export -inkey "$name.key" -in "$name.pem" -passout pass:secret -out "$name.p12"
done
