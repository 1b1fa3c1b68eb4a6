"""What holds for every test: none leaves a task, a thread or a socket behind, and one seed names the whole run.

Order is random (pytest-randomly) and warnings are errors, so that a leak shows in the test that made it. What
hypothesis draws follows the same seed, which pytest prints: `pytest --randomly-seed=N` draws it all again.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import signal
import threading
from collections.abc import AsyncIterator, Generator
from pathlib import Path

import hypothesis
import hypothesis.core
import hypothesis.internal.conjecture.engine as conjecture
import pytest

pytest.register_assert_rewrite("heldstage")  # it checks for the tests, and is to say what it found

_DESCRIPTORS = Path("/proc/self/fd")
# The host's clock judges no test: it has other work. To explain an example takes a trace of every try to shrink it.
hypothesis.settings.register_profile(
    "sbcsim",
    deadline=None,
    derandomize=False,
    print_blob=True,
    phases=[each for each in hypothesis.Phase if each is not hypothesis.Phase.explain],
)
hypothesis.settings.register_profile("long", parent=hypothesis.settings.get_profile("sbcsim"))
hypothesis.settings.load_profile("sbcsim")
# An example that is not the smallest one says more than that the time of its test was up.
conjecture.MAX_SHRINKING_SECONDS = min(conjecture.MAX_SHRINKING_SECONDS, 30)

_THREAD_PATIENCE = 2.0
"""Host seconds that a thread gets to end after its owner let go of it."""


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Have hypothesis draw by the seed of the run, unless it was given one of its own."""
    if config.getoption("hypothesis_seed", None) is None:
        hypothesis.core.global_force_seed = config.getoption("randomly_seed", None)


class TimeUp(KeyboardInterrupt):
    """The time of a test is up: what hypothesis takes for no failure of an example."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Have a time-out end a test of hypothesis at once.

    By itself it is a failed example there, to be made smaller for minutes, or for ever where it does not end: no
    second time-out follows.
    """
    handler = signal.getsignal(signal.SIGALRM)
    drawn = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
    if not drawn or not callable(handler) or threading.current_thread() is not threading.main_thread():
        return (yield)

    def end(number: int, frame: object) -> None:
        try:
            handler(number, frame)
        except pytest.fail.Exception as failure:
            raise TimeUp(failure.msg) from None

    signal.signal(signal.SIGALRM, end)
    try:
        return (yield)
    except TimeUp as up:
        raise pytest.fail.Exception(str(up)) from up
    finally:
        signal.signal(signal.SIGALRM, handler)


@pytest.fixture
async def _no_task_left() -> AsyncIterator[None]:
    """Fail when a task still runs after the test and all its fixtures."""
    before = asyncio.all_tasks()
    yield
    await asyncio.sleep(0)  # tasks that were cancelled a moment ago end in the next turn
    left = {task for task in asyncio.all_tasks() - before - {asyncio.current_task()} if not task.done()}
    assert not left, f"tasks left behind: {sorted(map(repr, left))}"


@pytest.fixture(autouse=True)
def _no_leaks(request: pytest.FixtureRequest) -> None:
    if _watched(request.node) and inspect.iscoroutinefunction(request.function):
        request.getfixturevalue("_no_task_left")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None]:
    """Note what is there before any fixture of the test."""
    item.stash[_THREADS] = set(threading.enumerate())
    item.stash[_SOCKETS] = _sockets()
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest) -> Generator[None]:
    """What a fixture of a module or session opens stays open for others: it is no leak of the first test."""
    threads, sockets = set(threading.enumerate()), _sockets()
    result = yield
    if fixturedef.scope != "function":
        for item in request.session.items:
            if _THREADS in item.stash:
                item.stash[_THREADS] |= set(threading.enumerate()) - threads
                item.stash[_SOCKETS] |= _sockets() - sockets
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    """Compare when every fixture and the event loop are gone."""
    result = yield
    if not _watched(item):
        return result
    for thread in set(threading.enumerate()) - item.stash[_THREADS]:
        thread.join(_THREAD_PATIENCE)
        if thread.is_alive():
            pytest.fail(f"thread left behind: {thread.name}")
    if _sockets() - item.stash[_SOCKETS]:
        gc.collect()  # a socket in a reference cycle warns by itself when it is collected
        left = _sockets() - item.stash[_SOCKETS]
        if left:
            pytest.fail(f"sockets left behind: {', '.join(sorted(left))}")
    return result


_THREADS = pytest.StashKey[set[threading.Thread]]()
_SOCKETS = pytest.StashKey[set[str]]()


def _watched(item: pytest.Item) -> bool:
    return item.get_closest_marker("allow_leak") is None


def _sockets() -> set[str]:
    found: set[str] = set()
    if not _DESCRIPTORS.is_dir():
        return found
    for descriptor in _DESCRIPTORS.iterdir():
        try:
            target = str(descriptor.readlink())
        except OSError:  # the descriptor of the listing itself
            continue
        if target.startswith("socket:"):
            found.add(target)
    return found
