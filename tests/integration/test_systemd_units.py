"""The units of systemd: they are understood, harden what they run, and agree with the server on times and names."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from calguard_server.commands.stopping import BEYOND_DRAIN
from calguard_server.secret_files import SUFFIX, secret_names
from calguard_server.settings.server import Settings

FOLDER = Path(__file__).parents[2] / "deploy" / "systemd"
SERVER, COMMAND = FOLDER / "calguard.service", FOLDER / "calguard-command@.service"
COMMANDS_OWN = {"Type", "ExecStart"}
SERVERS_OWN = COMMANDS_OWN | {
    "NotifyAccess", "TimeoutStartSec", "WatchdogSec", "Restart", "RestartSec", "RestartPreventExitStatus",
    "TimeoutStopSec", "KillMode",
}  # fmt: skip
SMALLEST_EXPOSURE = 1.5
ANALYZE = shutil.which("systemd-analyze")


def service_lines(unit: Path) -> Iterator[tuple[str, str]]:
    section = unit.read_text().partition("[Service]")[2].partition("\n[")[0]
    for line in section.splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.partition("=")
            yield name, value


def value_of(unit: Path, name: str) -> str:
    [value] = [value for each, value in service_lines(unit) if each == name]
    return value


def runnable(unit: Path, folder: Path) -> Path:
    """The unit with a program that is there, on whatever machine the test runs."""
    copied = folder / unit.name.replace("@", "@check")
    copied.write_text(
        re.sub(r"^ExecStart=\S+", f"ExecStart={shutil.which('true')}", unit.read_text(), flags=re.MULTILINE)
    )
    return copied


def analyze(*arguments: str) -> str:
    assert ANALYZE is not None
    ended = subprocess.run([ANALYZE, *arguments], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


@pytest.mark.parametrize("unit", [SERVER, COMMAND], ids=lambda unit: unit.name)
def test_systemd_itself_finds_nothing_wrong(unit: Path, tmp_path: Path) -> None:
    """Where it is installed; what it says of exposure is from 0, the least, to 10."""
    names = {name for name, _ in service_lines(unit)}
    assert {"NoNewPrivileges", "ProtectSystem", "SystemCallFilter", "CapabilityBoundingSet"} <= names
    if ANALYZE is None:
        return
    copied = runnable(unit, tmp_path)
    assert analyze("verify", str(copied)) == ""
    exposure = re.search(r"Overall exposure level for \S+: ([\d.]+)", analyze("security", "--offline=yes", str(copied)))
    assert exposure is not None
    assert float(exposure[1]) <= SMALLEST_EXPOSURE


def test_commands_run_as_the_server_does() -> None:
    """With its settings, its secrets and its rights, and no others."""
    of_server = [line for line in service_lines(SERVER) if line[0] not in SERVERS_OWN]
    of_command = [line for line in service_lines(COMMAND) if line[0] not in COMMANDS_OWN]
    assert of_server == of_command


def test_every_secret_is_handed_over_as_a_file() -> None:
    """Each setting that holds one, as a credential; none is in the unit, or in the environment."""
    credentials = {value.partition(":")[0] for name, value in service_lines(SERVER) if name == "LoadCredential"}
    given = dict(value.split("=", 1) for name, value in service_lines(SERVER) if name == "Environment")
    secrets = {name: name.removeprefix("CALGUARD_").lower() for name in secret_names(Settings)}
    assert credentials == set(secrets.values())
    assert {name + SUFFIX: f"%d/{credential}" for name, credential in secrets.items()} == {
        name: value for name, value in given.items() if name.endswith(SUFFIX)
    }


def test_it_is_killed_only_after_it_would_have_ended_itself() -> None:
    """The server ends within DRAIN_TIMEOUT and a while; systemd waits longer than that."""
    assert value_of(SERVER, "Type") == "notify"
    waits = timedelta(seconds=int(value_of(SERVER, "TimeoutStopSec").removesuffix("s")))
    drain = Settings.model_fields["drain_timeout"].default
    assert waits > drain + BEYOND_DRAIN + timedelta(seconds=10)


def test_what_does_not_pass_by_itself_is_not_tried_again() -> None:
    """By the exit codes: a port that is taken, or a database that is in use, may be free in two seconds."""
    lasting = {os.EX_USAGE, os.EX_DATAERR, os.EX_OSFILE, os.EX_NOPERM, os.EX_CONFIG}
    assert set(map(int, value_of(SERVER, "RestartPreventExitStatus").split())) == lasting
