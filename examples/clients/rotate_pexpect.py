"""pexpect: bring a certificate file to the box and have the lines of a file committed.

rotate_pexpect.py HOST CLI_PORT SFTP_PORT FILE LINES, with the password in SSHPASS.
"""

import os
import sys
from pathlib import Path

import pexpect

PROMPT = r"[\w.-]+@[\w.-]+[>%] $"
LOOSE = "-F none -o PubkeyAuthentication=no -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"


def log_in(command):
    child = pexpect.spawn(command, encoding="utf-8", timeout=30)
    child.expect("(?i)password: ")
    child.sendline(os.environ["SSHPASS"])
    return child


def type_in(child, line):
    child.sendline(line)
    child.expect(PROMPT)
    print(child.before)
    if "[ok][" not in child.before:
        sys.exit(f"refused: {line}")


host, cli_port, sftp_port, file, lines = sys.argv[1:]

copy = log_in(f"scp {LOOSE} -P {sftp_port} {file} admin@{host}:/opt/sonus/external/")
copy.expect(pexpect.EOF)
copy.close()
if copy.exitstatus:
    sys.exit(f"not copied: {copy.before}")

cli = log_in(f"ssh {LOOSE} -p {cli_port} admin@{host}")
cli.expect(PROMPT)
for each in ("configure", *Path(lines).read_text().splitlines(), "commit", "exit"):
    type_in(cli, each)
cli.sendline("exit")
cli.expect(pexpect.EOF)
