"""Which version is installed, by each program."""

import subprocess
from importlib.metadata import version

import pytest

from tests.integration.cli_harness import BINARIES


@pytest.mark.parametrize("program", ["calguard", "calguard-server", "calguard-sandbox"])
def test_a_program_tells_its_version(program: str) -> None:
    told = subprocess.run([BINARIES / program, "--version"], capture_output=True, text=True, check=True)
    assert told.stdout == f"{program}, version {version('calguard')}\n"
