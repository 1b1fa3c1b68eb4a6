"""Fixtures for pytest: boxes, a certificate authority, a SIP peer; and what happened, where a test fails.

`sbc` is a box in a thread of its own, for synchronous tools; `async_sbc` one on the event loop of the test;
`sbc_factory` makes any number. The marker `sbc` says how: `@pytest.mark.sbc(config="box.cli", clock="virtual")` takes
what `sbcsim.Simulator` takes, and `lines` as text; files are looked for beside the test.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .clock import Clock, Instant
    from .farends import SyncOcspResponder, SyncSipPeer
    from .pki.credential import Certificate
    from .pki.mint import Authority
    from .simulator import Files, Simulator
    from .synchronous import SyncSimulator

SHOWN = 20
"""Journal entries that the report of a failure shows."""

_BEGIN, _END = "2020-01-01T00:00:00Z", "2040-01-01T00:00:00Z"
"""The life of the authority of `test_ca`, around every date that a test will want."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer seed, clock and rudeness for all boxes, and a directory for what failed tests leave behind."""
    group = parser.getgroup("sbcsim", "simulated SBCs")
    group.addoption("--sbc-seed", type=int, help="Seed of every box whose test names none.")
    group.addoption("--sbc-clock", help="Clock of every box whose test names none, e.g. virtual@2026-01-01T00:00:00Z.")
    group.addoption("--sbc-rude", action="store_true", help="Make every box rude whose test does not say otherwise.")
    group.addoption(
        "--sbc-keep",
        type=Path,
        metavar="DIR",
        help="Write the journals of failed tests to this directory, as recordings: see `sbcsim transcript`.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", "sbc(config=..., lines=..., **options): how the box of this test is started")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect scenario files as tests."""
    if not file_path.name.endswith(".scenario.yaml"):
        return None
    from .scenario.collecting import ScenarioFile  # noqa: PLC0415 - slow

    return ScenarioFile.from_parent(parent, path=file_path)


_Look = Callable[[Callable[["Simulator"], Any]], Any]


class _Boxes:
    """What one test has at work."""

    def __init__(self) -> None:
        self.simulators: list[_Look] = []
        """How each of them is looked at, in the thread that it runs in."""
        self.followers: list[SyncSipPeer | SyncOcspResponder] = []
        self.authority: Authority | None = None

    def add(self, look: _Look) -> None:
        self.simulators.append(look)
        self.introduce()

    def introduce(self) -> None:
        """Have whoever knows no time yet go by that of the first box."""
        if not self.simulators:
            return
        clock: Clock = self.simulators[0](lambda box: box.clock)
        for each in self.followers:
            if not each.follows:
                each.follow(clock)
        if self.authority is not None:
            self.authority.follow(clock.reading)


_BOXES = pytest.StashKey[_Boxes]()


def _boxes(item: pytest.Item) -> _Boxes:
    return item.stash.setdefault(_BOXES, _Boxes())


@pytest.fixture
def sbc_factory(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., SyncSimulator]]:
    """Return a function that starts boxes, each in a thread of its own; they stop with the test."""
    from .synchronous import SyncSimulator  # noqa: PLC0415 - slow

    started: list[SyncSimulator] = []

    def make(config: Files = (), *, lines: str | Sequence[str] = (), **options: Any) -> SyncSimulator:  # noqa: ANN401
        box = SyncSimulator(**_arguments(request, tmp_path, config, lines, options))
        box.start()
        started.append(box)
        _boxes(request.node).add(box.look)
        return box

    yield make
    for box in reversed(started):
        box.stop()


@pytest.fixture
def sbc(request: pytest.FixtureRequest, sbc_factory: Callable[..., SyncSimulator]) -> SyncSimulator:
    """Return a running box, in a thread of its own; the marker `sbc` says how it is configured."""
    return sbc_factory(**_marked(request))


def _async_fixture() -> Callable[..., Any]:
    """Return the decorator of asynchronous fixtures, which needs pytest-asyncio in whatever mode it is."""
    try:
        import pytest_asyncio  # noqa: PLC0415 - optional
    except ImportError:
        return pytest.fixture
    decorator: Callable[..., Any] = pytest_asyncio.fixture
    return decorator


@_async_fixture()
async def async_sbc(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Simulator]:
    """Return a running box on the event loop of the test; the marker `sbc` says how it is configured."""
    from .simulator import Simulator  # noqa: PLC0415 - slow

    marked = _marked(request)
    config, lines = marked.pop("config", ()), marked.pop("lines", ())
    async with Simulator(**_arguments(request, tmp_path, config, lines, marked)) as box:
        _boxes(request.node).add(lambda look: look(box))
        yield box


@pytest.fixture
def test_ca(request: pytest.FixtureRequest) -> Authority:
    """Return a certificate authority of this test, with RSA keys, from 2020 to 2040: see `sbcsim.testing`.

    Dates such as `+30d` count from the clock of the first box; before there is one, from where the marker `sbc`, the
    option `--sbc-clock` or else the default has its clock begin.
    """
    from .pki.mint import Authority, pooled_key  # noqa: PLC0415 - slow

    authority = Authority(
        "sbcsim test CA", not_before=_BEGIN, not_after=_END, key_type="rsa", key=pooled_key(), now=_beginning(request)
    )
    boxes = _boxes(request.node)
    boxes.authority = authority
    boxes.introduce()
    return authority


@pytest.fixture
def sip_peer_factory(request: pytest.FixtureRequest, test_ca: Authority) -> Iterator[Callable[..., SyncSipPeer]]:
    """Return a function that starts far ends: `make("a.example.com")`, `make(issued, trusts=[...], terms=...)`.

    Each listens on its `port`, shows a certificate of `test_ca`, which it trusts, unless told otherwise, and stops
    with the test.
    """
    from .farends import SyncSipPeer  # noqa: PLC0415 - slow
    from .pki.mint import Issued  # noqa: PLC0415 - slow

    started: list[SyncSipPeer] = []

    def make(
        shows: str | Issued = "peer.example.com",
        *,
        trusts: Iterable[Certificate] | None = None,
        **options: Any,  # noqa: ANN401 - those of SyncSipPeer
    ) -> SyncSipPeer:
        issued = shows if isinstance(shows, Issued) else test_ca.issue(shows)
        peer = SyncSipPeer(issued, test_ca.certificate if trusts is None else trusts, **options)
        peer.start()
        started.append(peer)
        boxes = _boxes(request.node)
        boxes.followers.append(peer)
        boxes.introduce()
        return peer

    yield make
    for peer in reversed(started):
        peer.stop()


@pytest.fixture
def sip_peer(sip_peer_factory: Callable[..., SyncSipPeer]) -> SyncSipPeer:
    """Return a far end over mutual TLS that listens on `port`, by a certificate of `test_ca`, which it trusts."""
    return sip_peer_factory()


@pytest.fixture
def ocsp_responder(request: pytest.FixtureRequest, test_ca: Authority) -> Iterator[SyncOcspResponder]:
    """Return an OCSP responder for `test_ca` at its `url`; what `test_ca.revoke` takes back it calls revoked."""
    from .farends import SyncOcspResponder  # noqa: PLC0415 - slow

    responder = SyncOcspResponder(test_ca)
    responder.start()
    boxes = _boxes(request.node)
    boxes.followers.append(responder)
    boxes.introduce()
    yield responder
    responder.stop()


def _beginning(request: pytest.FixtureRequest) -> Callable[[], Instant]:
    """Return what time it is for a box that has yet to start."""
    from .clock import Clock  # noqa: PLC0415 - slow
    from .net.hostclock import make_clock  # noqa: PLC0415 - slow

    said = _marked(request).get("clock") or request.config.getoption("sbc_clock") or "virtual"
    return (said if isinstance(said, Clock) else make_clock(said)).reading


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tell of every box, where the test failed: seed, simulated time, connections, the last of the journal."""
    report = yield
    boxes = item.stash.get(_BOXES, None)
    if report.when == "call" and report.failed and boxes is not None:
        for number, look in enumerate(boxes.simulators, 1):
            report.sections.append((f"simulated SBC {number}", look(_told)))
            _keep(item, number, look)
    return report


def _arguments(
    request: pytest.FixtureRequest,
    directory: Path,
    config: Files,
    lines: str | Sequence[str],
    options: dict[str, Any],
) -> dict[str, Any]:
    files = [config] if isinstance(config, str | Path) else [*config]
    found = [_beside(request, Path(file)) for file in files]
    text = lines if isinstance(lines, str) else "\n".join(lines)
    if text:
        file = directory / "lines.cli"
        file.write_text(f"{text}\n")
        found.append(file)
    given = {"seed": request.config.getoption("sbc_seed"), "clock": request.config.getoption("sbc_clock")}
    given["rude"] = request.config.getoption("sbc_rude") or None
    return {name: value for name, value in given.items() if value is not None} | options | {"config": found}


def _beside(request: pytest.FixtureRequest, file: Path) -> Path:
    beside = request.path.parent / file
    return beside if beside.exists() else file


def _marked(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return what the markers say, the nearest last."""
    options: dict[str, Any] = {}
    for marker in reversed([*request.node.iter_markers("sbc")]):
        if marker.args:
            raise pytest.UsageError("the marker sbc takes names only, e.g. sbc(config='box.cli')")
        options |= marker.kwargs
    return options


def _told(box: Simulator) -> str:
    from .control.text import journal_line  # noqa: PLC0415 - slow

    status = box.status()
    rude = ", a rude box" if status.rude else ""
    lines = [f"seed {status.seed}, {status.clock.now:%Y-%m-%dT%H:%M:%SZ} simulated time{rude}"]
    for each in box.connections():
        own = each.local_certificate.name if each.local_certificate else "no certificate"
        lines.append(f"connection {each.id} {each.direction} {each.remote[0]}:{each.remote[1]} {own}")
    return "\n".join([*lines, *(journal_line(entry.to_json()) for entry in box.journal()[-SHOWN:])])


def _keep(item: pytest.Item, number: int, look: _Look) -> None:
    directory = item.config.getoption("sbc_keep")
    if directory is None:
        return
    name = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in item.nodeid)
    directory.mkdir(parents=True, exist_ok=True)
    look(lambda box: box.save_journal(directory / f"{name}-{number}.jsonl"))
