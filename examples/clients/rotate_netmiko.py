"""Netmiko: bring a certificate file to the box and have the lines of a file committed.

rotate_netmiko.py HOST CLI_PORT SFTP_PORT FILE LINES, with the password in SSHPASS. The file goes by paramiko, which
Netmiko stands on.
"""

import os
import sys
from pathlib import Path

from netmiko import ConnectHandler
from rotate_paramiko import upload

host, cli_port, sftp_port, file, lines = sys.argv[1:]
upload(host, sftp_port, file)
with ConnectHandler(
    device_type="generic", host=host, port=int(cli_port), username="admin", password=os.environ["SSHPASS"]
) as cli:
    for line in ("configure", *Path(lines).read_text().splitlines(), "commit", "exit"):
        answer = cli.send_command(line, expect_string=r"[\w.-]+@[\w.-]+[>%] ?$")
        print(answer)
        if "[ok][" not in answer:
            sys.exit(f"refused: {line}")
