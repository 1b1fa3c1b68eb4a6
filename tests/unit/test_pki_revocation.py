"""What an authority takes back, and the list that it signs of it."""

import pytest
from cryptography import x509

from sbcsim.clock import DAY, Instant, from_rfc3339
from sbcsim.errors import UserError
from sbcsim.pki.mint import Authority

SPAN = {"not_before": "2020-01-01T00:00:00Z", "not_after": "2040-01-01T00:00:00Z"}
NOW = from_rfc3339("2026-05-01T00:00:00Z")


@pytest.mark.parametrize("key_type", ["ec", "rsa", "ed25519"])
def test_a_list_names_what_is_revoked_and_is_signed(key_type):
    ca = Authority("CA", key_type=key_type, **SPAN, now=lambda: Instant(0, NOW))
    gone, lost, good = ca.issue("gone", key_type="ec"), ca.issue("lost", key_type="ec"), ca.issue("good", key_type="ec")
    ca.revoke(gone)
    ca.revoke(lost.certificate, at="2026-04-01T00:00:00Z", reason="keyCompromise")
    crl = ca.crl()
    listed = crl.x509
    assert listed.is_signature_valid(ca.certificate.x509.public_key())
    assert listed.get_revoked_certificate_by_serial_number(good.certificate.x509.serial_number) is None
    entry = listed.get_revoked_certificate_by_serial_number(lost.certificate.x509.serial_number)
    assert entry.extensions.get_extension_for_class(x509.CRLReason).value.reason is x509.ReasonFlags.key_compromise
    assert f"{entry.revocation_date_utc:%Y-%m-%d}" == "2026-04-01"
    entry = listed.get_revoked_certificate_by_serial_number(gone.certificate.x509.serial_number)
    assert f"{entry.revocation_date_utc:%Y-%m-%d}" == "2026-05-01"
    assert (listed.next_update_utc - listed.last_update_utc).days == 7
    assert x509.load_pem_x509_crl(crl.pem().encode()) == listed


def test_lists_are_numbered_and_forget_what_is_good_again():
    ca = Authority("CA", **SPAN)
    issued = ca.issue("held")
    ca.revoke(issued, reason="certificateHold")
    assert len(ca.crl().x509) == 1
    ca.reinstate(issued)
    ca.reinstate(issued)
    second = ca.crl(begins="2026-01-01T00:00:00Z", ends="2026-01-02T00:00:00Z").x509
    assert len(second) == 0
    assert second.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == 2
    assert (second.next_update_utc - second.last_update_utc).days * DAY == DAY


def test_without_a_clock_a_certificate_is_revoked_from_its_beginning():
    ca = Authority("CA", **SPAN)
    issued = ca.issue("x", not_before="2026-01-01T00:00:00Z")
    assert ca.revoke(issued).at == issued.certificate.not_before


def test_a_reason_that_there_is_not():
    ca = Authority("CA", **SPAN)
    with pytest.raises(UserError, match="no reason boredom; there are unspecified, keyCompromise"):
        ca.revoke(ca.issue("x"), reason="boredom")
