"""scrapli 2026 or later: bring a certificate file to the box and have the lines of a file committed.

rotate_scrapli.py HOST CLI_PORT SFTP_PORT FILE LINES, with the password in SSHPASS. The file goes by paramiko.
"""

import os
import sys
from pathlib import Path

from rotate_paramiko import upload
from scrapli import AuthOptions, Cli, TransportBinOptions

host, cli_port, sftp_port, file, lines = sys.argv[1:]
upload(host, sftp_port, file)
with Cli(
    host,
    port=int(cli_port),
    definition_file_or_name=str(Path(__file__).with_name("sbc.scrapli.yaml")),
    auth_options=AuthOptions(username="admin", password=os.environ["SSHPASS"]),
    transport_options=TransportBinOptions(enable_strict_key=False),
) as cli:
    for line in (*Path(lines).read_text().splitlines(), "commit"):
        answer = cli.send_input(line, requested_mode="configuration")
        print(answer.result)
        if answer.failed:
            sys.exit(f"refused: {line}")
