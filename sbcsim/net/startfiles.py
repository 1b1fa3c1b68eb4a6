"""What a box starts from: the factory configuration, configuration files, and the certificate files they name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path

from sbcsim import grammar
from sbcsim.cli.configfile import ConfigFile, load
from sbcsim.clock import Instant
from sbcsim.config.transaction import Database
from sbcsim.config.tree import Tree
from sbcsim.device.files import CERTIFICATE_DIRECTORY, FILE_LIMIT
from sbcsim.device.sbc import Sbc
from sbcsim.errors import ScenarioError
from sbcsim.recording.file import ConfigurationSeen
from sbcsim.schema.load import load as load_schema


@cache
def factory() -> Tree:
    """Return the configuration of a new system."""
    database = Database(load_schema())
    load(database, [ConfigFile("factory.cli", grammar.read_text("factory.cli"))], Instant(0, 0))
    return database.running


class StartFiles:
    """Configuration files by path, and certificate files by name, put on every server of a box."""

    def __init__(self, configurations: Sequence[Path], certificates: Mapping[str, bytes]) -> None:
        self._configurations = configurations
        self._certificates = certificates

    def put_certificates(self, sbc: Sbc, now: Instant) -> None:
        """Put the certificate files onto a box."""
        for name, content in self._certificates.items():
            _put(sbc, name, content, now)

    def load(self, sbc: Sbc, now: Instant, taken: Callable[[str], bool] | None = None) -> list[str]:
        """Load the configuration files whose texts have not been taken before, and return those. Raises ScenarioError.

        A certificate file that lies beside a configuration file which names it is put onto the box as well.
        """
        files = [file for file in map(_read, self._configurations) if taken is None or not taken(file.text)]
        if files:
            load(sbc.database, files, now, lambda name: self._supply(sbc, name, now))
        return [file.text for file in files]

    def seen(self) -> tuple[ConfigurationSeen, ...]:
        """Return the names and contents of the configuration files, as a recording has them."""
        return tuple(
            ConfigurationSeen(file.name, sha256(file.read_bytes()).hexdigest())
            for file in self._configurations
            if file.is_file()
        )

    def _supply(self, sbc: Sbc, name: str, now: Instant) -> None:
        """Put a file onto the box unless it has one of the name."""
        if sbc.files.certificate_file(name) is not None:
            return
        for directory in dict.fromkeys(file.parent for file in self._configurations):
            file = directory / name
            if file.is_file() and file.stat().st_size <= FILE_LIMIT:
                _put(sbc, name, file.read_bytes(), now)
                return


def _put(sbc: Sbc, name: str, content: bytes, now: Instant) -> None:
    for server in sbc.servers:
        sbc.files_of(server).write(f"{CERTIFICATE_DIRECTORY}/{name}", content, now)


def _read(file: Path) -> ConfigFile:
    try:
        return ConfigFile(str(file), file.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ScenarioError("not UTF-8 text", file=str(file), line=line) from None
    except OSError as error:
        raise ScenarioError(error.strerror or str(error), file=str(file)) from None
