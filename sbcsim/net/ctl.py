"""The client side of the control API, for `sbcsim ctl`: plain requests, clear errors."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from typing import Any, cast
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import ProxyHandler, Request, build_opener

from sbcsim.errors import SbcsimError

CHUNK = 64 * 1024
PATIENCE = 600.0
"""Host seconds to wait for an answer: a long jump of the clock takes its time."""


class ControlUnreachableError(SbcsimError):
    """The simulator does not answer, or refuses; the text is for people."""


class ControlClient:
    """Speaks to the control API of one simulator."""

    def __init__(self, url: str, token: str = "", patience: float = PATIENCE) -> None:
        if urlsplit(url).scheme not in {"http", "https"}:
            raise ControlUnreachableError(f'"{url}" is not a URL such as http://127.0.0.1:10080')
        self._url = url.rstrip("/")
        self._headers = {"authorization": f"Bearer {token}"} if token else {}
        self._patience = patience
        self._opener = build_opener(ProxyHandler({}))  # a simulator is never behind a proxy

    def call(
        self,
        method: str,
        path: str,
        query: Sequence[tuple[str, str]] = (),
        body: dict[str, object] | None = None,
    ) -> Any:  # noqa: ANN401 - whatever JSON the path answers
        """Return the JSON answer, None for an empty one; raises ControlUnreachableError."""
        with self._open(method, path, query, body) as answer:
            content = answer.read()
        return json.loads(content) if content else None

    def text(self, path: str) -> str:
        """Return an answer that is text."""
        with self._open("GET", path, (), None) as answer:
            return answer.read().decode()

    def follow(self, path: str, query: Sequence[tuple[str, str]] = ()) -> Iterator[Any]:
        """Yield the data of server-sent events until the server ends the stream."""
        with self._open("GET", path, query, None, endless=True) as answer:
            for line in answer:
                if line.startswith(b"data: "):
                    yield json.loads(line[6:])

    def pieces(self, path: str) -> Iterator[bytes]:
        """Yield an answer as it comes."""
        with self._open("GET", path, (), None) as answer:
            while piece := answer.read(CHUNK):
                yield piece

    @contextmanager
    def _open(
        self,
        method: str,
        path: str,
        query: Sequence[tuple[str, str]],
        body: dict[str, object] | None,
        *,
        endless: bool = False,
    ) -> Iterator[HTTPResponse]:
        url = f"{self._url}{path}" + (f"?{urlencode(query)}" if query else "")
        content = None if body is None else json.dumps(body).encode()
        headers = self._headers | ({"content-type": "application/json"} if content else {})
        request = Request(url, data=content, headers=headers, method=method)  # noqa: S310 - scheme is checked above
        try:
            with self._opener.open(request, timeout=None if endless else self._patience) as answer:
                yield cast(HTTPResponse, answer)
        except HTTPError as error:
            with error:
                raise ControlUnreachableError(_detail(error)) from None
        except (URLError, OSError, HTTPException) as error:
            raise ControlUnreachableError(f"no simulator answers at {self._url}: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    cause = error.reason if isinstance(error, URLError) else error
    return (cause.strerror if isinstance(cause, OSError) else None) or str(cause)


def _detail(error: HTTPError) -> str:
    content = error.read()
    try:
        return str(json.loads(content)["detail"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {error.code} {error.reason}: this is not the control API of a simulator"
