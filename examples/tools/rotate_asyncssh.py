#!/usr/bin/env python3
"""Renew the certificate of a TLS profile on an SBC Core, carefully: with asyncssh, and pyOpenSSL to look at the wire.

    rotate_asyncssh.py [--force]

Where and what is said by the environment:

    SBC_HOST SBC_CLI_PORT SBC_SFTP_PORT     the box; the ports are 22 and 2024 unless given
    SBC_USER SBC_PASSWORD                   who logs in
    SBC_KNOWN_HOSTS                         file with the box's host key; "none" trusts any (for a test box)
    SBC_CERT_DIR                            where the box looks for certificate files; /opt/sonus/external
    SBC_TLS_PROFILE                         the profile that is to show the new certificate
    SBC_OLD_CERT SBC_NEW_CERT               names of the certificate objects
    SBC_NEW_P12 SBC_NEW_P12_PASSPHRASE      the new certificate with its key
    SBC_SIP_TLS                             HOST:PORT,... to dial for a look; else what the configuration says
    SBC_CONTROL_URL                         a simulator's control API: says what only it can know

It may be run any number of times, and does what is left to do. Exit status:

    0  done: new connections get the new certificate, none is left on the old one, the old one is deleted
    1  the box refused something, or could not be reached; the configuration is all old or all new
    2  a variable is missing or makes no sense; nothing was done
    3  new connections get the new certificate; what is left on the old one is listed, and it was not deleted
    4  the configuration names the new certificate, and new connections get another one

With --force the SIP ports of the profile are taken out of service and back, which ends every connection on them.
"""

import argparse
import asyncio
import hashlib
import json
import os
import re
import socket
import sys
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import asyncssh
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import pkcs12
from OpenSSL import SSL

DONE, FAILED, WRONG, LEFT, NOT_SERVED = range(5)
ATTEMPTS = 8
PAUSE = float(os.environ.get("SBC_PAUSE", "2"))
"""Seconds between attempts."""
PATIENCE = 30.0
"""Seconds that the box has for an answer."""
NEEDED = (
    "SBC_HOST", "SBC_USER", "SBC_PASSWORD", "SBC_TLS_PROFILE",
    "SBC_OLD_CERT", "SBC_NEW_CERT", "SBC_NEW_P12", "SBC_NEW_P12_PASSPHRASE",
)  # fmt: skip
BUSY = ("the configuration database is locked", "configuration locked", "there are conflicts")
"""Refusals that pass by themselves: somebody else is at work."""
PORT = re.compile(r"set addressContext (\S+) zone (\S+) sipSigPort (\d+) (\S+) (.+)")


class RefusedError(Exception):
    """The box refuses, and would refuse again."""


class UnclearError(Exception):
    """No answer, or none that makes sense: whether the box did it has to be looked up."""


@dataclass(frozen=True)
class SipPort:
    """A SIP port that shows the certificate of the profile."""

    context: str
    zone: str
    index: str
    address: tuple[str, int]

    @property
    def path(self):
        """Return how the box names it."""
        return f"addressContext {self.context} zone {self.zone} sipSigPort {self.index}"


def say(text):
    print(text, flush=True)


def quoted(text):
    """Return a value as the CLI takes it, whatever stands in it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


class Box:
    """The box as it is seen by SSH: every call is a session of its own, so that none depends on another."""

    def __init__(self, settings):
        self.host, self.secret = settings["SBC_HOST"], settings["SBC_NEW_P12_PASSPHRASE"]
        self.cli_port, self.sftp_port = int(settings["SBC_CLI_PORT"]), int(settings["SBC_SFTP_PORT"])
        self.login = {
            "username": settings["SBC_USER"], "password": settings["SBC_PASSWORD"],
            "client_keys": None, "config": None, "login_timeout": PATIENCE, "connect_timeout": PATIENCE,
        }  # fmt: skip
        if settings["SBC_KNOWN_HOSTS"] == "none":
            self.login["known_hosts"] = None
        elif settings["SBC_KNOWN_HOSTS"]:
            self.login["known_hosts"] = settings["SBC_KNOWN_HOSTS"]

    async def type(self, *lines):
        """Type lines without a terminal; return what the box answers, without the pass phrase should it repeat it.

        Raises UnclearError where the last line has no answer.
        """
        text = "".join(f"{line}\n" for line in lines)
        try:
            async with asyncssh.connect(self.host, self.cli_port, **self.login) as ssh:
                done = await ssh.run(input=text, term_type=None, timeout=PATIENCE)
        except asyncssh.PermissionDenied as error:
            raise RefusedError(f"login: {error}") from None
        except (OSError, asyncssh.Error, TimeoutError) as error:
            raise UnclearError(f"the connection was lost: {error}") from None
        answer = str(done.stdout).replace(quoted(self.secret), "***").replace(self.secret, "***")
        if not re.findall(r"^\[(?:ok|error)\]\[", answer, re.MULTILINE):
            raise UnclearError("the connection was lost")
        return answer

    async def show(self, line):
        """Return what a `show` prints, asking again while the answer makes no sense; nothing there is ""."""
        for attempt in range(ATTEMPTS):
            try:
                answer = await self.type(line)
            except UnclearError as problem:
                if attempt == ATTEMPTS - 1:
                    raise RefusedError(str(problem)) from None
                say(f"{problem}; asking again")
            else:
                if "element does not exist" in answer or "No entries found" in answer:
                    return ""
                if "[ok][" in answer:
                    return answer.partition("[ok][")[0]
                raise RefusedError(answer.strip())
            await asyncio.sleep(PAUSE)
        raise AssertionError

    async def commit(self, lines):
        """Have the lines committed; raises RefusedError, or UnclearError where it is worth looking and trying again."""
        answer = await self.type("configure", *lines, "commit")
        if re.search(r"^(Commit complete|No modifications to commit)\.", answer, re.MULTILINE):
            return
        told = [line for line in answer.splitlines() if re.match(r"Aborted: |Error: |syntax error: |---+\^", line)]
        reason = " ".join(told) or "no answer to the commit that makes sense"
        if not told or any(word in reason for word in BUSY):
            raise UnclearError(reason)
        raise RefusedError(reason)

    async def upload(self, content, path):
        """Put a file in place whole: under another name first, read back, then renamed."""
        part = f"{path}.part"
        for attempt in range(ATTEMPTS):
            try:
                async with (
                    asyncssh.connect(self.host, self.sftp_port, **self.login) as ssh,
                    ssh.start_sftp_client() as sftp,
                ):
                    if await _content(sftp, path) == content:
                        return False
                    async with sftp.open(part, "wb") as file:
                        await file.write(content)
                    if await _content(sftp, part) != content:
                        raise UnclearError("the file arrived damaged")
                    with suppress(asyncssh.SFTPNoSuchFile):
                        await sftp.remove(path)
                    await sftp.rename(part, path)
                    return True
            except asyncssh.PermissionDenied as error:
                raise RefusedError(f"login: {error}") from None
            except (OSError, asyncssh.Error, UnclearError) as problem:
                lost = asyncssh.SFTPNoConnection, asyncssh.SFTPConnectionLost
                if isinstance(problem, asyncssh.SFTPError) and not isinstance(problem, lost):
                    raise RefusedError(f"{path}: {problem.reason}") from None
                if attempt == ATTEMPTS - 1:
                    raise RefusedError(f"{path}: {problem}") from None
                say(f"upload: {problem}; trying again")
            await asyncio.sleep(PAUSE)
        raise AssertionError


async def _content(sftp, path):
    try:
        async with sftp.open(path, "rb") as file:
            return await file.read()
    except asyncssh.SFTPNoSuchFile:
        return None


def served(address):
    """Return the fingerprint of the certificate that a new TLS connection is shown, None where there is none.

    The box may want a certificate of us and break off without one; it has shown its own by then.
    """
    seen = []
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_cipher_list(b"ALL:@SECLEVEL=0")

    def keep(_connection, certificate, _error, depth, _ok):
        if depth == 0:
            seen.append(certificate.to_cryptography().fingerprint(hashes.SHA256()))
        return True

    context.set_verify(SSL.VERIFY_PEER, keep)
    tls = SSL.Connection(context)
    tls.set_connect_state()
    with suppress(OSError, SSL.Error), socket.create_connection(address, timeout=PATIENCE) as connection:
        while True:
            try:
                tls.do_handshake()
                break
            except SSL.WantReadError:
                _flush(tls, connection)
                if not (data := connection.recv(65536)):
                    break
                tls.bio_write(data)
        _flush(tls, connection)
    return seen[0] if seen else None


def _flush(tls, connection):
    with suppress(SSL.WantReadError):
        while True:
            connection.sendall(tls.bio_read(65536))


class Rotation:
    """One renewal; every step looks first and does only what is left to do."""

    def __init__(self, settings):
        self.box = Box(settings)
        self.profile = f"profiles security tlsProfile {settings['SBC_TLS_PROFILE']}"
        self.old, self.new = settings["SBC_OLD_CERT"], settings["SBC_NEW_CERT"]
        self.content, self.certificate = settings["content"], settings["certificate"]
        self.secret = settings["SBC_NEW_P12_PASSPHRASE"]
        self.file = f"{self.new}-{hashlib.sha256(self.content).hexdigest()[:12]}.p12"
        self.path = f"{settings['SBC_CERT_DIR'].rstrip('/')}/{self.file}"
        self.looks = [_place(each) for each in settings["SBC_SIP_TLS"].split(",") if each]
        self.control = settings["SBC_CONTROL_URL"].rstrip("/")
        self.record = Path(f"{settings['SBC_NEW_P12']}.{self.box.host}.before")

    async def run(self, *, force):
        """Do what is left to do; return the exit status."""
        await self.bring_in()
        ports = await self.ports()
        remaining = await self.remaining(ports)
        if not await self.is_served(ports):
            return NOT_SERVED
        if remaining and force:
            remaining = await self.bounce(ports)
            if not await self.is_served(ports):
                return NOT_SERVED
        for each in remaining:
            say(f"still on {self.old}: {each}")
        users = await self.users_of_old()
        for each in users:
            say(f"still names {self.old}: {each}")
        if remaining or users:
            return LEFT
        await self.delete_old()
        say(f"{self.new} is in use, and nothing else")
        return DONE

    async def ensure(self, what, lines, is_done):
        """Commit until it is done. Whether it is, the configuration says, never an answer alone."""
        for _ in range(ATTEMPTS):
            if await is_done():
                return
            say(what)
            try:
                await self.box.commit(lines)
            except UnclearError as problem:
                say(f"{problem}; looking again")
                await asyncio.sleep(PAUSE)
        if not await is_done():
            raise RefusedError(f"{what}: without success after {ATTEMPTS} attempts")

    async def bring_in(self):
        """Have the new certificate on the box, and the profile name it."""
        if await self.is_named():
            return
        others = await self.names() - {self.old, self.new}
        if others:
            raise RefusedError(f"{self.profile} names {' and '.join(sorted(others))}, not {self.old}")
        there = await self.object(self.new)
        if there and there.get("fileName") != self.file:
            raise RefusedError(f"there is another certificate {self.new} on the box, with the file {there['fileName']}")
        if await self.box.upload(self.content, self.path):
            say(f"uploaded {self.path}")
        lines = [f"set {self.profile} serverCertName {self.new} clientCertName {self.new}"]
        if there.get("state") != "enabled":
            object_ = f"set system security pki certificate {self.new} fileName {self.file} type local"
            lines.insert(0, f"{object_} passPhrase {quoted(self.secret)} state enabled")
        await self.ensure(f"{self.profile}: {self.new}", lines, self.is_named)

    async def is_named(self):
        """Return whether the profile names the new certificate, and that is ours."""
        there = await self.object(self.new)
        return await self.names() == {self.new} and (there.get("fileName"), there.get("state")) == (
            self.file,
            "enabled",
        )

    async def names(self):
        """Return the certificates that the profile names."""
        profile = await self.box.show(f"show configuration {self.profile} | display set")
        return set(re.findall(r" (?:server|client)CertName (\S+)$", profile, re.MULTILINE))

    async def object(self, name):
        """Return the leaves of a certificate object; none where it is not there."""
        path = f"system security pki certificate {name}"
        shown = await self.box.show(f"show configuration {path} | display set")
        return dict(re.findall(rf"^set {re.escape(path)} (\S+) (\S+)$", shown, re.MULTILINE))

    async def ports(self):
        """Return the SIP ports in service that go by the profile."""
        leaves = {}
        for *key, leaf, value in PORT.findall(await self.box.show("show configuration addressContext | display set")):
            leaves.setdefault(tuple(key), {})[leaf] = value
        return [
            SipPort(*key, (each.get("ipAddressV4", self.box.host), int(each.get("portNumber", "5060")) + 1))
            for key, each in leaves.items()
            if each.get("tlsProfileName") == self.profile.rpartition(" ")[2]
            and (each.get("state"), each.get("mode")) == ("enabled", "inService")
        ]

    async def is_served(self, ports):
        """Return whether new connections are shown the new certificate, on every port."""
        wanted = self.certificate.fingerprint(hashes.SHA256())
        places = self.looks or self._simulated(ports) or [port.address for port in ports]
        if not places:
            say("no SIP port in service goes by the profile: there is nothing to look at")
        waiting = list(places)
        for _ in range(ATTEMPTS):
            found = [await asyncio.to_thread(served, place) for place in waiting]
            waiting = [place for place, shown in zip(waiting, found, strict=True) if shown != wanted]
            if not waiting:
                say(f"new connections are shown {self.new}: {', '.join(f'{host}:{port}' for host, port in places)}")
                return bool(places)
            await asyncio.sleep(PAUSE)
        for host, port in waiting:
            say(f"{host}:{port} does not show {self.new} on a new connection")
        return False

    def _simulated(self, ports):
        """Return where the SIP ports of a simulator are on its host."""
        keys = {(port.context, port.zone, int(port.index)) for port in ports}
        return [
            tuple(each["address"])
            for each in (self._ask("/v1/ready")["sip"] if self.control else ())
            if each["transport"] == "tls" and (each["addressContext"], each["zone"], each["sipSigPort"]) in keys
        ]

    def _ask(self, path):
        with urllib.request.urlopen(f"{self.control}{path}", timeout=PATIENCE) as answer:
            return json.load(answer)

    async def remaining(self, ports):
        """Return the live connections that still have the old certificate, in words."""
        if self.control:
            live = [each for each in self._ask("/v1/connections") if each["localCertificate"]]
            return [
                f"connection {each['id']} with {each['remote'][0]} port {each['remote'][1]}"
                for each in live
                if each["localCertificate"]["name"] == self.old
            ]
        # A box does not tell which certificate a connection has, but the old one is all that connections can have which
        # were there before. What is live when the profile is first seen to name the new one counts as such.
        live = await self.live(ports)
        if not self.record.exists():
            if not await self.object(self.old):
                return []  # it was deleted when nothing was left on it
            self.record.write_text("".join(f"{each}\n" for each in live))
        before = set(self.record.read_text().splitlines())
        return [each for each in live if each in before]

    async def live(self, ports):
        """Return the live TLS connections of the ports, by what tells one from another."""
        found = []
        for context, zone in sorted({(port.context, port.zone) for port in ports}):
            table = await self.box.show(f"show table addressContext {context} zone {zone} sipSigConnStatus")
            indices = {port.index for port in ports if (port.context, port.zone) == (context, zone)}
            for line in table.splitlines():
                cells = line.split()
                if len(cells) > 5 and cells[0].isdecimal() and cells[1] in indices and cells[5] == "tls-tcp":
                    found.append(f"connection {cells[0]} with {cells[2]} port {cells[3]}")
        return found

    async def bounce(self, ports):
        """Take the ports out of service and back; return what is still on the old certificate then."""
        for port in ports:
            out = [f"set {port.path} mode outOfService state disabled"]
            back = [f"set {port.path} state enabled mode inService"]
            try:
                await self.ensure(
                    f"{port.path}: out of service", out, lambda port=port: self.is_state(port, "disabled")
                )
            finally:
                await self.ensure(f"{port.path}: in service", back, lambda port=port: self.is_state(port, "enabled"))
        return await self.remaining(ports)

    async def is_state(self, port, wanted):
        """Return whether a SIP port is enabled, or disabled."""
        shown = await self.box.show(f"show configuration {port.path} | display set")
        enabled = re.search(r" state enabled$", shown, re.MULTILINE) and re.search(
            r" mode inService$", shown, re.MULTILINE
        )
        return bool(enabled) == (wanted == "enabled")

    async def users_of_old(self):
        """Return the profiles that still name the old certificate."""
        shown = await self.box.show("show configuration profiles security tlsProfile | display set")
        return re.findall(rf"^set (.* (?:server|client)CertName) {re.escape(self.old)}$", shown, re.MULTILINE)

    async def delete_old(self):
        """Disable and delete the old certificate, which nothing uses any more."""
        path = f"system security pki certificate {self.old}"

        async def is_gone():
            return not await self.object(self.old)

        await self.ensure(f"{self.old}: deleted", [f"set {path} state disabled", f"delete {path}"], is_gone)
        self.record.unlink(missing_ok=True)


def _place(text):
    host, _, port = text.strip().rpartition(":")
    return host.strip("[]"), int(port)


def read_settings(environment):
    """Return the settings with the new certificate; raises ValueError for what is missing or makes no sense."""
    missing = [name for name in NEEDED if not environment.get(name)]
    if missing:
        raise ValueError(f"not set: {', '.join(missing)}")
    usual = {
        "SBC_CLI_PORT": "22", "SBC_SFTP_PORT": "2024", "SBC_CERT_DIR": "/opt/sonus/external",
        "SBC_SIP_TLS": "", "SBC_CONTROL_URL": "", "SBC_KNOWN_HOSTS": "",
    }  # fmt: skip
    settings = usual | {name: value for name, value in environment.items() if name.startswith("SBC_") and value}
    if settings["SBC_CONTROL_URL"] and not settings["SBC_KNOWN_HOSTS"]:
        settings["SBC_KNOWN_HOSTS"] = "none"  # a simulator makes its host keys at every start
    if settings["SBC_OLD_CERT"] == settings["SBC_NEW_CERT"]:
        raise ValueError("SBC_OLD_CERT and SBC_NEW_CERT are the same name")
    if not settings["SBC_NEW_P12_PASSPHRASE"].isprintable():
        raise ValueError("SBC_NEW_P12_PASSPHRASE: the CLI takes printable characters only")
    try:
        content = Path(settings["SBC_NEW_P12"]).read_bytes()
    except OSError as error:
        raise ValueError(f"{settings['SBC_NEW_P12']}: {error.strerror}") from None
    try:
        key, certificate, _ = pkcs12.load_key_and_certificates(content, settings["SBC_NEW_P12_PASSPHRASE"].encode())
    except ValueError:
        raise ValueError(f"{settings['SBC_NEW_P12']}: not a PKCS#12 file, or another pass phrase") from None
    if key is None or certificate is None:
        raise ValueError(f"{settings['SBC_NEW_P12']}: no certificate with its key in it")
    return settings | {"content": content, "certificate": certificate}


async def rotate(environment, *, force=False):
    """Renew the certificate; return the exit status."""
    try:
        settings = read_settings(environment)
    except ValueError as error:
        say(str(error))
        return WRONG
    try:
        return await Rotation(settings).run(force=force)
    except (RefusedError, OSError) as problem:
        say(f"failed: {problem}")
        return FAILED


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--force", action="store_true", help="end what is left on the old certificate")
    return asyncio.run(rotate(os.environ, force=parser.parse_args().force))


if __name__ == "__main__":
    sys.exit(main())
