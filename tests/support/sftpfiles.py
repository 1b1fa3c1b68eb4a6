"""Files brought to a box by SFTP, as a tool would."""

from __future__ import annotations

from collections.abc import Mapping

import asyncssh

from sbcsim.simulator import Simulator

LOGIN = {"username": "admin", "password": "admin", "known_hosts": None}


async def upload(box: Simulator, files: Mapping[str, bytes]) -> None:
    """Write files into the certificate directory."""
    async with asyncssh.connect(*box.ports.sftp, **LOGIN) as ssh, ssh.start_sftp_client() as sftp:
        for name, data in files.items():
            async with sftp.open(f"/opt/sonus/external/{name}", "wb") as file:
                await file.write(data)
