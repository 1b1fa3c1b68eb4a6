"""The fixtures for pytest, as somebody uses them who has installed the package: pytest in a process of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from boxes import LINES, certificate_files

from sbcsim.recording.file import read

pytest_plugins = ["pytester"]
OWN = ("-p", "no:randomly", "-p", "no:cacheprovider")

ROTATION = """
import pytest

@pytest.fixture
def files(test_ca):
    old = test_ca.issue("sbc.example.com", not_before="2025-12-01T00:00:00Z", not_after="2026-03-01T00:00:00Z")
    new = test_ca.renew(old, not_before="2025-12-15T00:00:00Z", not_after="2027-01-01T00:00:00Z")
    return {
        "ca.der": test_ca.certificate.der, "old.p12": old.pkcs12("secret"), "new.p12": new.pkcs12("secret"),
    }

def test_rotation(sbc_factory, sip_peer, files):
    box = sbc_factory("box.cli", files=files, clock="virtual@2026-01-01T00:00:00Z")
    (listener,) = box.ports.sip
    first = sip_peer.dial(listener.address.port)
    for line in (
        "configure",
        "set system security pki certificate NEW fileName new.p12 type local passPhrase secret state enabled",
        "set profiles security tlsProfile TLS serverCertName NEW clientCertName NEW",
        "commit",
    ):
        assert "error" not in box.cli(line)
    box.advance(days=61)
    sip_peer.wait_for(lambda: not first.live)
    sip_peer.dial(listener.address.port)
    assert {c.local_certificate.name for c in box.connections()} == {"NEW"}
    box.expect("handshake", ok=True, local_certificate__name="NEW")
"""


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return pytester.runpytest_subprocess(*OWN, *arguments)


@pytest.fixture
def box_file(pytester: pytest.Pytester) -> Path:
    return pytester.makefile(".cli", box="\n".join(LINES))


def test_a_rotation_with_authority_peer_and_box(pytester: pytest.Pytester, box_file: Path) -> None:
    pytester.makepyfile(ROTATION)
    run(pytester).assert_outcomes(passed=1)


def test_peers_responder_and_dates_follow_the_box(pytester: pytest.Pytester, box_file: Path) -> None:
    pytester.makepyfile("""
        import pytest
        from sbcsim import PeerError
        from sbcsim.testing import Behaviour, OcspBehaviour, broken

        pytestmark = pytest.mark.sbc(clock="virtual@2031-01-01T00:00:00Z")

        @pytest.fixture
        def box(sbc_factory, test_ca, ocsp_responder):
            own = test_ca.issue("sbc.example.com", not_before="-1d", not_after="+30d")
            assert own.certificate.x509.not_valid_after_utc.isoformat() == "2031-01-31T00:00:00+00:00"
            lines = (
                f"set profiles security ocspProfile O state enabled defaultResponder {ocsp_responder.url}",
                "set profiles security tlsProfile TLS ocspProfileName O",
            )
            files = {"ca.der": test_ca.certificate.der, "old.p12": own.pkcs12("secret", encryption="legacy")}
            return sbc_factory("box.cli", lines=lines, files=files, clock="virtual@2031-01-01T00:00:00Z")

        def test_it(box, test_ca, sip_peer_factory, ocsp_responder):
            port = box.ports.sip[0].address.port
            good = test_ca.issue("good.example.com")
            one, other = sip_peer_factory(good), sip_peer_factory("other.example.com")
            kept = one.dial(port)
            assert one.ping(kept) == 200
            assert ocsp_responder.asked[-1].serial == good.certificate.serial
            test_ca.revoke(good, reason="keyCompromise")
            with pytest.raises(PeerError, match="44|closed instead"):
                one.ping(one.dial(port))
            ocsp_responder.behave(OcspBehaviour.TRY_LATER)
            other.ping(other.dial(port))
            other.present(broken.expired(test_ca))
            with pytest.raises(PeerError, match="45|closed instead"):
                other.ping(other.dial(port))
            box.advance(days=31)
            with pytest.raises(PeerError, match="certificate has expired"):
                other.dial(port)
            assert other.events("handshake")[-1].at.rfc3339() == "2031-02-01T00:00:00Z"
    """)
    run(pytester).assert_outcomes(passed=1)


def test_a_box_as_the_marker_says(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest

        pytestmark = pytest.mark.sbc(clock="virtual@2027-05-01T00:00:00Z", seed=3)

        def test_usual(sbc):
            assert (sbc.status().seed, sbc.ready().now.year) == (3, 2027)
            assert sbc.cli("show alarms currentStatus")
            assert sbc.ports.cli.host == "127.0.0.1"

        @pytest.mark.sbc(lines="set system security certExpiryCheck certReCheckRate 8", seed=4)
        def test_nearer(sbc):
            assert (sbc.status().seed, sbc.ready().now.year) == (4, 2027)
            assert "certReCheckRate 8" in sbc.cli("show configuration system security certExpiryCheck")

        def test_several(sbc_factory):
            boxes = [sbc_factory(seed=seed) for seed in range(3)]
            assert len({box.ports.cli.port for box in boxes}) == 3
    """)
    run(pytester, "-W", "error::pytest.PytestUnknownMarkWarning").assert_outcomes(passed=3)


@pytest.mark.parametrize("mode", ["strict", "auto"])
def test_a_box_on_the_loop_of_the_test(pytester: pytest.Pytester, mode: str) -> None:
    pytester.makepyfile("""
        import pytest

        @pytest.mark.asyncio
        @pytest.mark.sbc(clock="virtual@2027-05-01T00:00:00Z")
        async def test_it(async_sbc):
            assert (await async_sbc.advance(days=1)).now.day == 2
            await async_sbc.wait_for("clockMoved")
    """)
    run(pytester, f"--asyncio-mode={mode}").assert_outcomes(passed=1)


def test_seed_and_clock_of_the_whole_run(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest

        def test_given(sbc):
            assert (sbc.status().seed, sbc.ready().now.year) == (77, 2031)

        @pytest.mark.sbc(seed=5)
        def test_named(sbc):
            assert sbc.status().seed == 5
    """)
    run(pytester, "--sbc-seed=77", "--sbc-clock=virtual@2031-01-01T00:00:00Z").assert_outcomes(passed=2)


def test_rude_boxes(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest

        def test_usual(sbc, request):
            assert sbc.status().rude == request.config.getoption("sbc_rude")

        @pytest.mark.sbc(rude=True)
        def test_rude(sbc):
            assert sbc.status().rude

        @pytest.mark.sbc(rude=False)
        def test_friendly(sbc):
            assert not sbc.status().rude
    """)
    run(pytester).assert_outcomes(passed=3)
    run(pytester, "--sbc-rude").assert_outcomes(passed=3)


SCENARIO = "title: A box\nsource: nobody\nsteps:\n  - {}\n"


def test_scenario_files_are_tests(pytester: pytest.Pytester) -> None:
    steps = {
        "good": "advance: 1d", "bad": "{advance: 1d, expect: {configuring: 3}}", "mistake": "advanze: 1d",
        "tool": "tool: {}", "other/bad": "{advance: 1d, expect: {configuring: 4}}",
    }  # fmt: skip
    (pytester.path / "other").mkdir()
    for name, step in steps.items():
        (pytester.path / f"{name}.scenario.yaml").write_text(SCENARIO.format(step))
    result = run(pytester, "--sbc-keep=kept", "--sbc-seed=5", "--sbc-rude")
    result.assert_outcomes(passed=1, failed=3, skipped=1)
    result.stdout.fnmatch_lines_random(
        [
            "*bad.scenario.yaml:4: step 1 (advance: 1d): expected 3 sessions are in configure mode; 0 are",
            '*mistake.scenario.yaml:4:5: unknown name "advanze"; did you mean "advance"?',
        ]
    )
    kept = [json.loads(file.read_text()) for file in (pytester.path / "kept").glob("*/result.json")]
    assert len(kept) == 3
    assert {(each["seed"], each["rude"]) for each in kept} == {(5, True)}


def test_a_failure_tells_what_happened(pytester: pytest.Pytester, box_file: Path) -> None:
    for name, data in certificate_files().items():
        (pytester.path / name).write_bytes(data)
    pytester.makepyfile("""
        import pytest

        @pytest.mark.sbc(config="box.cli", clock="virtual@2026-01-01T00:00:00Z", seed=9)
        def test_it(sbc):
            sbc.cli("show status alarms currentStatus")
            sbc.advance(days=1)
            sbc.expect("handshake", ok=True)
    """)
    result = run(pytester, "--sbc-keep=kept")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*expected handshake with ok=True; there is none. What happened: *",
            "*simulated SBC 1*",
            "seed 9, 2026-01-02T00:00:00Z simulated time",
            "*show status alarms currentStatus*",
        ]
    )
    (kept,) = (pytester.path / "kept").iterdir()
    recording = read(kept.read_text(), kept.name)
    assert recording.header.seed == 9
    assert "certificateWarning" in {entry["kind"] for entry in recording.entries}


def test_connections_are_told_of_as_well(pytester: pytest.Pytester, box_file: Path) -> None:
    pytester.makepyfile(ROTATION.replace('== {"NEW"}', '== {"OLDER"}'))
    result = run(pytester)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["connection * inbound 127.0.0.1:* NEW"])


def test_mistakes_of_the_marker(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest

        @pytest.mark.sbc("box.cli")
        def test_positional(sbc): ...

        @pytest.mark.sbc(config="missing.cli")
        def test_missing(sbc): ...

        @pytest.mark.sbc(lines="set nonsense")
        def test_nonsense(sbc): ...
    """)
    result = run(pytester)
    result.assert_outcomes(errors=3)
    result.stdout.fnmatch_lines_random(
        [
            "*the marker sbc takes names only, e.g. sbc(config='box.cli')*",
            "*missing.cli: *",
            "*lines.cli:1:5: syntax error: unknown element*",
        ]
    )


def test_several_workers_clash_nowhere(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest

        @pytest.mark.parametrize("number", range(20))
        def test_it(sbc, number):
            sbc.cli(f"set prompt{number}")
            assert len(sbc.journal("cli")) == 1
    """)
    run(pytester, "-n", "2").assert_outcomes(passed=20)


def test_nothing_is_imported_where_no_fixture_is_used(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import sys

        def test_it():
            assert "sbcsim.pytest_plugin" in sys.modules
            assert not {"asyncssh", "OpenSSL", "lark"} & set(sys.modules)
    """)
    run(pytester).assert_outcomes(passed=1)
