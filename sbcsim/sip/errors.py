"""The one error of SIP input: which rule was broken, where, and what to answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sbcsim.errors import PeerError

if TYPE_CHECKING:
    from .message import Request


class SipError(PeerError):
    """The far end sent something that is not SIP as we accept it.

    `status` is what to answer, 0 where an answer makes no sense (responses, bytes that are not SIP at all).
    `header` names the header at fault, "" for the start line or the framing. `offset` counts characters into that
    header's value where `header` is given, else octets since the beginning of the stream. `fatal` says that message
    boundaries are lost: answer if `request` allows it, then close. `request` is what could be read of the request.
    """

    def __init__(
        self,
        reason: str,
        *,
        status: int = 400,
        header: str = "",
        offset: int = 0,
        fatal: bool = False,
        request: Request | None = None,
    ) -> None:
        super().__init__(reason, layer="sip", fatal=fatal)
        self.status = status
        self.header = header
        self.offset = offset
        self.request = request
