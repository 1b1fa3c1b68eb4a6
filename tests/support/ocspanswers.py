"""Answers of an OCSP responder about certificates of an authority, from the first day that tests play."""

from __future__ import annotations

from sbcsim.clock import DAY, from_rfc3339
from sbcsim.pki.credential import Certificate
from sbcsim.pki.mint import Authority, Issued
from sbcsim.pki.ocsp import Answer, request
from sbcsim.pki.ocspanswers import Extension, read_question
from sbcsim.pki.ocspanswers import answer as answer_question

WHEN = from_rfc3339("2026-01-01T00:00:00Z")


def answer(
    certificate: Certificate,
    issuer: Authority,
    state: Answer = Answer.GOOD,
    *,
    nonce: bytes | None = None,
    delegate: Issued | None = None,
    sends: tuple[Certificate, ...] = (),
    extension: Extension | None = None,
) -> bytes:
    """Return the answer to the question about a certificate, signed by the issuer or by a delegate."""
    question = read_question(request(certificate, issuer.certificate, nonce or b"nobody looks at it"))
    return answer_question(
        question,
        issuer,
        state,
        begins=WHEN,
        ends=WHEN + DAY,
        nonce=nonce,
        signer=delegate,
        sends=sends,
        extensions=() if extension is None else (extension,),
    )
