"""Foreign programs and libraries that interop tests need.

A missing one skips the test with a reason. Where `SBCSIM_REQUIRE_PEERS=1` is set, as in continuous integration, it
fails instead: there nothing may be left out unnoticed.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
from types import ModuleType
from typing import NoReturn

import pytest

REQUIRED = os.environ.get("SBCSIM_REQUIRE_PEERS") == "1"


def require_program(name: str) -> str:
    """Return the path of a program, or skip."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin:/usr/local/sbin")
    return path if path is not None else missing(f"the program {name} is not installed")


def require_installed(name: str) -> None:
    """Make sure that a library is there for a program that imports it, or skip."""
    if importlib.util.find_spec(name.partition(".")[0]) is None:
        missing(f"the library {name} is not installed")


def require_module(name: str) -> ModuleType:
    """Import and return a library, or skip."""
    require_installed(name)
    return importlib.import_module(name)


def missing(reason: str) -> NoReturn:
    """Skip, or fail where every peer must be there."""
    if REQUIRED:
        pytest.fail(reason)
    pytest.skip(reason)
