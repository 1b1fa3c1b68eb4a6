"""Scenarios played on a Dask cluster: sent as texts, since its workers may share no disk with the sender.

sbcsim is installed at the workers, in the version that sends. A scenario whose worker dies is played anew by another;
one that no worker survives is told as such.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from sbcsim.errors import PeerError, ScenarioError, UserError
from sbcsim.version import __version__

from .parcel import Parcel, packed
from .runner import Job, Options, Result, not_played, run_one

if TYPE_CHECKING:
    from distributed import Client, Future

PATIENCE = 30.0
"""Host seconds in which the scheduler answers, and in which a cluster without a worker gets one."""

_LOOK = 2.0
"""Host seconds after which it is looked up whether anybody is still at work."""


def run_on(address: str, jobs: Sequence[Job], patience: float = PATIENCE) -> Iterator[tuple[int, Result]]:
    """Play scenarios on the cluster whose scheduler is at an address such as tcp://host:8786.

    Results come as they are ready, each with the number of its job, from 0; what is not played because the cluster is
    lost is told in its result. Raises PeerError where the cluster cannot be reached, has no worker, or has one with
    another version of sbcsim, UserError where distributed is missing or the address is none.
    """
    parcels: dict[int, Parcel] = {}
    for number, job in enumerate(jobs):
        try:
            parcels[number] = packed(job.file)
        except ScenarioError as error:
            yield number, not_played(job, str(error))
    with _client(address, patience) as client:
        _look_at_versions(client, address, patience)
        futures = {
            client.submit(
                _play, parcel, jobs[number].options, __version__, pure=False, key=_key(number, parcel)
            ): number
            for number, parcel in parcels.items()
        }
        try:
            for future in _ready(client, set(futures), patience):
                number = futures.pop(future)
                yield number, _result(future, jobs[number])
        except _LostError as error:
            for number in futures.values():
                yield number, not_played(jobs[number], f"{jobs[number].file}: not played: {error}")


def _play(parcel: Parcel, options: Options, version: str) -> Result:
    """Play a scenario: this is what a worker does."""
    if version != __version__:  # a worker that joined later
        raise _OtherVersionError(f"the worker has sbcsim {__version__}, the sender {version}")
    return run_one(parcel.file, options, read_file=parcel.read)


class _OtherVersionError(Exception):
    """A worker has another version of sbcsim."""


class _LostError(Exception):
    """Nobody is left to play anything."""


def _key(number: int, parcel: Parcel) -> str:
    return f"sbcsim-{__version__}-{number}-{parcel.file.name}"


def _client(address: str, patience: float) -> Client:
    try:
        from distributed import Client  # noqa: PLC0415 - an extra
        from distributed.core import connect  # noqa: PLC0415 - an extra
    except ImportError:
        raise UserError("a cluster needs distributed: pip install sbcsim[cluster]") from None

    async def reach() -> None:
        await (await connect(address, timeout=patience)).close()

    try:
        asyncio.run(reach())  # a client that does not get so far leaves its thread behind
        return Client(address, timeout=patience, set_as_default=False)
    except (OSError, TimeoutError) as error:
        raise PeerError(f"no cluster at {address}: {error}", layer="tcp") from None
    except ValueError as error:
        raise UserError(f"{address} is no address of a scheduler: {error}") from None


def _look_at_versions(client: Client, address: str, patience: float) -> None:
    try:
        client.wait_for_workers(1, timeout=patience)
    except TimeoutError:
        raise PeerError(f"the cluster at {address} has no worker", layer="tcp") from None
    workers: Mapping[str, Mapping[str, Mapping[str, object]]] = client.get_versions(packages=["sbcsim"])["workers"]
    for worker, about in workers.items():
        version = about["packages"].get("sbcsim")
        if version != __version__:
            there = f"sbcsim {version}" if version else "no sbcsim"
            raise PeerError(f"the worker at {worker} has {there}; here it is {__version__}", layer="tcp")


def _ready(client: Client, waiting: set[Future], patience: float) -> Iterator[Future]:
    """Yield futures as they are done; raises _LostError."""
    from distributed import wait  # noqa: PLC0415 - an extra

    without = 0.0
    while waiting:
        try:
            with client.as_current():
                done = wait(waiting, timeout=_LOOK, return_when="FIRST_COMPLETED").done
        except TimeoutError:
            without = 0.0 if _is_at_work(client) else without + _LOOK
            if without >= patience:
                raise _LostError(f"the cluster has had no worker for {patience:g} s") from None
            continue
        without = 0.0
        waiting = waiting - done
        yield from done


def _is_at_work(client: Client) -> bool:
    try:
        return bool(client.nthreads())
    except (OSError, TimeoutError) as error:
        raise _LostError(f"the cluster was lost: {error}") from None


def _result(future: Future, job: Job) -> Result:
    if future.status == "finished":
        result: Result = future.result()
        return result
    if future.status == "error":
        return not_played(job, f"{job.file}: not played: {future.exception()}")
    return not_played(job, f"{job.file}: not played: the cluster was lost")
