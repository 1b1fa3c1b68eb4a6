"""paramiko: bring a certificate file to the box and have the lines of a file committed.

rotate_paramiko.py HOST CLI_PORT SFTP_PORT FILE LINES, with the password in SSHPASS.
"""

import os
import sys
from pathlib import Path

import paramiko


def connect(host, port):
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    password = os.environ["SSHPASS"]
    client.connect(host, int(port), "admin", password, allow_agent=False, look_for_keys=False)
    return client


def upload(host, port, file):
    with connect(host, port) as client, client.open_sftp() as sftp:
        sftp.put(file, f"/opt/sonus/external/{Path(file).name}")


def read_to_prompt(shell):
    text = ""
    while not text.endswith(("> ", "% ")):
        part = shell.recv(65536)
        if not part:
            sys.exit(f"closed after: {text}")
        text += part.decode()
    return text


def main(host, cli_port, sftp_port, file, lines):
    upload(host, sftp_port, file)
    with connect(host, cli_port) as client, client.invoke_shell() as shell:
        shell.settimeout(30)
        read_to_prompt(shell)
        for line in ("configure", *Path(lines).read_text().splitlines(), "commit", "exit"):
            shell.sendall(f"{line}\r")
            answer = read_to_prompt(shell)
            print(answer)
            if "[ok][" not in answer:
                sys.exit(f"refused: {line}")
        shell.sendall("exit\r")
        shell.recv_exit_status()


if __name__ == "__main__":
    main(*sys.argv[1:])
