"""The listening socket of the control API. The HTTP server behind it is imported when it is first needed."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from sbcsim.control.access import Access
from sbcsim.control.simulated import Simulated

if TYPE_CHECKING:
    from .http import HttpServer


class ControlPort:
    """Listens for the control API from `bind` on; serves from `serve` on, or when the first client comes.

    A simulator inside a test is controlled by Python calls: it should not pay for an HTTP server that nobody uses.
    """

    def __init__(
        self, box: Simulated, token: str = "", overloaded: Callable[[str], None] = lambda _reason: None
    ) -> None:
        self._box = box
        self._token = token
        self._overloaded = overloaded
        self._socket: socket.socket | None = None
        self._server: HttpServer | None = None
        self._serving: asyncio.Task[None] | None = None
        self._watching = False

    def bind(self, address: str, port: int) -> tuple[str, int]:
        """Listen on an address, port 0 for a free one; returns where. Raises OSError."""
        family = socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET
        self._socket = socket.create_server((address, port), family=family, backlog=128)
        self._socket.setblocking(False)  # noqa: FBT003 - the library's own form
        self._access = Access(address, self._token)
        host, bound = self._socket.getsockname()[:2]
        return host, bound

    def serve_on_demand(self) -> None:
        """Serve as soon as the first client connects."""
        assert self._socket is not None
        asyncio.get_running_loop().add_reader(self._socket, self._first_client)
        self._watching = True

    async def serve(self) -> None:
        """Serve from now on."""
        from .http import HttpServer  # noqa: PLC0415 - slow to import

        assert self._socket is not None
        self._unwatch()
        self._server = HttpServer(self._box, self._access, self._overloaded)
        await self._server.start(self._socket)

    async def close(self) -> None:
        """Stop serving and listening."""
        self._unwatch()
        if self._serving is not None:
            await self._serving
        if self._server is not None:
            await self._server.stop()
            self._server = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _first_client(self) -> None:
        self._unwatch()
        self._serving = asyncio.get_running_loop().create_task(self.serve())

    def _unwatch(self) -> None:
        if self._watching and self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
        self._watching = False
