"""Type the lines of a file in configure mode: rotate_scrapli.py HOST PORT LINES, with the password in SBC_PASSWORD."""

import os
import sys
from pathlib import Path

from scrapli import AuthOptions, Cli, TransportBinOptions

host, port, lines = sys.argv[1:]
with Cli(
    host,
    port=int(port),
    definition_file_or_name=str(Path(__file__).with_name("sbc.scrapli.yaml")),
    auth_options=AuthOptions(username="admin", password=os.environ["SBC_PASSWORD"]),
    transport_options=TransportBinOptions(enable_strict_key=False),
) as cli:
    for line in Path(lines).read_text().splitlines():
        answer = cli.send_input(line, requested_mode="configuration")
        print(answer.result)
        if answer.failed:
            sys.exit(f"refused: {line}")
