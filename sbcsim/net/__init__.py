"""Thin asyncio shells: the only place with sockets, TLS, SSH and HTTP."""
