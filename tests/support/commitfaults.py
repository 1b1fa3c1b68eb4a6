"""Faults in commits and certificates on the wire, as the tool meets them: a case for each point."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

from boxes import certificate_files
from faultedbox import NEW, SHOW, run
from sshlines import screen, terminal, upload

from sbcsim import Simulator


async def commit_veto(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("commit.veto", times=1, value="no resources")
    before = box.status().counts.revision
    async with terminal(box) as typed:
        await typed.type_all("configure", "set profiles security tlsProfile TLS handshakeTimer 7")
        assert await typed.type("commit") == "[error] Aborted: no resources"
        assert box.status().counts.revision == before
        assert await typed.type("commit") == "Commit complete."
    assert box.status().counts.revision == before + 1


async def pki_unreadable(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("pki.unreadable", match="NEW", times=1)
    async with terminal(box) as typed:
        await typed.type_all("configure", NEW)
        refused = await typed.type("commit")
        assert refused.startswith("[error]")
        assert "new.p12" in refused
        assert [each.name for each in box.certificates()] == ["CA", "OLD"]
        assert await typed.type("commit") == "Commit complete."
    assert [each.name for each in box.certificates()] == ["CA", "NEW", "OLD"]


TIMER = "set profiles security tlsProfile TLS handshakeTimer 7"


async def commit_locked(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("commit.locked", times=2, value="other")
    holder = "other ssh (cli from 192.0.2.8) on since 2025-12-31 23:50:00"
    async with terminal(box) as typed:
        refused = await typed.type("configure exclusive")
        assert refused == (
            f"[error] Error: configuration database locked by:\n{holder}\n        exclusive\n"
            "Aborted: configuration locked"
        )
        await typed.type_all("configure", TIMER)
        refused = await typed.type("commit")
        assert refused == f"[error] Aborted: the configuration database is locked by session 9999 {holder}"
        assert await typed.type("commit") == "Commit complete."


async def commit_slow(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("commit.slow", times=1, value="60")
    async with screen(box) as shown:
        for line in ("configure", TIMER, "commit"):
            await shown.until(re.compile("[>%] $"))
            begun = asyncio.get_running_loop().time()
            shown.send(f"{line}\r")
        fired = await box.wait_for("faultFired")
        await box.wait_for("commit", after=fired.number)  # until then the old configuration is in force
        assert asyncio.get_running_loop().time() - begun >= 0.06
        await shown.until(re.compile(r"Commit complete\.\r\n.*% $", re.DOTALL))


async def commit_warning(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("commit.warning", times=2, value="1 call would end")
    before = box.status().counts.revision
    async with terminal(box) as typed:
        await typed.type_all("configure", TIMER)
        assert await typed.type("commit") == "The following warnings were generated:\n  1 call would end\nProceed?"
        assert await typed.type("no") == "[error] Aborted: by user"
        assert box.status().counts.revision == before
    told = await run(box, f"configure; {TIMER}; commit")  # nobody can be asked
    assert "The following warnings were generated:\n  1 call would end\nCommit complete.\n" in told
    assert box.status().counts.revision == before + 1


async def commit_conflict(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("commit.conflict", times=1, value="other")
    before = box.status().counts.revision
    async with terminal(box) as typed:
        await typed.type_all("configure", TIMER)
        refused = await typed.type("commit")
        assert refused.startswith("[error] Aborted: there are conflicts.\n")
        assert "\nConflicting users: other\n" in refused
        assert box.status().counts.revision == before
        assert await typed.type_all("resolved", "commit") == "Commit complete."


async def commit_false(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("commit.false", times=1, value="no answer from the application")
    before = box.status().counts.revision
    async with terminal(box) as typed:
        await typed.type_all("configure", TIMER)
        assert await typed.type("commit") == "[error] Aborted: no answer from the application"
        assert box.status().counts.revision == before + 1
        assert await typed.type("commit") == "No modifications to commit."
    assert "handshakeTimer 7" in await run(box, f"{SHOW} | display set")


async def commit_expired(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("commit.expired", times=1)
    good = await run(box, SHOW)
    async with terminal(box) as typed:
        await typed.type_all("configure exclusive", TIMER, "commit confirmed 5")
        assert "handshakeTimer 7" in await typed.type(f"run {SHOW} | display set")
        told = await typed.type("commit")  # with the notice that comes to everybody
        assert told.startswith("No modifications to commit.")
    assert await run(box, SHOW) == good


async def refused_once(box: Simulator, point: str, text: str) -> None:
    """Enable NEW, which is refused once with a text and leaves no trace, and accepted then."""
    box.faults.add(point, match="NEW", times=1)
    async with terminal(box) as typed:
        await typed.type_all("configure", NEW)
        assert await typed.type("commit") == f"[error] Aborted: 'system security pki certificate NEW {text}"
        assert [each.name for each in box.certificates()] == ["CA", "OLD"]
        assert await typed.type("commit") == "Commit complete."
    assert [each.name for each in box.certificates()] == ["CA", "NEW", "OLD"]


async def pki_damaged(box: Simulator, tmp_path: Path) -> None:
    await refused_once(box, "pki.damaged", 'fileName\' (value "new.p12"): not a certificate file')


async def pki_pass_phrase(box: Simulator, tmp_path: Path) -> None:
    await refused_once(box, "pki.passPhrase", 'passPhrase\': wrong pass phrase for file "new.p12"')


async def pki_vanished(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("pki.vanished", match="NEW", times=1)
    new = certificate_files()["new.p12"]
    async with terminal(box) as typed:
        await typed.type_all("configure", NEW)
        for _ in range(2):  # it stays away
            refused = await typed.type("commit")
            assert refused.endswith('(value "new.p12"): file not found in /opt/sonus/external')
        await upload(box, "new.p12", new)
        assert await typed.type("commit") == "Commit complete."


async def pki_action(box: Simulator, tmp_path: Path) -> None:
    made = "set system security pki certificate OWN type local-internal"
    ask = "request system security pki certificate OWN generateCSR keySize keySize2K csrSub /CN=sbc"
    box.faults.add("pki.action", match="OWN *", times=1, value="key generation failed")
    told = await run(box, f"configure; {made}; commit; {ask}")
    assert "result 1\nstatus key generation failed\n" in told
    assert "BEGIN CERTIFICATE REQUEST" in await run(box, ask)
    await run(box, "configure; delete system security pki certificate OWN; commit")


AT_COMMITS: dict[str, Callable[[Simulator, Path], Awaitable[None]]] = {
    "commit.veto": commit_veto,
    "pki.unreadable": pki_unreadable,
    "commit.locked": commit_locked,
    "commit.slow": commit_slow,
    "commit.warning": commit_warning,
    "commit.conflict": commit_conflict,
    "commit.false": commit_false,
    "commit.expired": commit_expired,
    "pki.damaged": pki_damaged,
    "pki.passPhrase": pki_pass_phrase,
    "pki.vanished": pki_vanished,
    "pki.action": pki_action,
}
"""The cases by point."""
