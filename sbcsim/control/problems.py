"""Refusals of the control API, and how every error becomes a problem document (RFC 9457)."""

from __future__ import annotations

from sbcsim.errors import SbcsimError, UserError

from .models import Problem

TITLES = {
    400: "Bad request",
    401: "Token required",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    409: "Conflict",
    413: "Body too large",
    415: "Not JSON",
    422: "Makes no sense",
    500: "Internal error",
    503: "Not ready",
}


class ControlError(SbcsimError):
    """The control API refuses a request with an HTTP status and a text for people."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail

    def problem(self) -> Problem:
        """Return the problem document."""
        return problem(self.status, self.detail)


def refusal(error: UserError) -> ControlError:
    """Return the refusal for what the box refuses: 409 where its state is against it, else 422."""
    return ControlError(409 if error.tag == "resource-denied" else 422, error.text)


def problem(status: int, detail: str) -> Problem:
    """Return the problem document of an HTTP status."""
    return Problem("about:blank", TITLES.get(status, "Error"), status, detail)
