"""`calguard-run`: commands have the settings, the secrets and the rights of the server, and their exit codes arrive."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from calguard_server.secret_files import secret_names
from calguard_server.settings.server import Settings
from tests.e2e.operating import new_key
from tests.fakes import systemd_run
from tests.integration.test_systemd_units import FOLDER, SERVER, service_lines

SCRIPT = FOLDER / "calguard-run"
SERVERS_OWN = {
    "Type", "ExecStart", "NotifyAccess", "TimeoutStartSec", "WatchdogSec", "Restart", "RestartSec",
    "RestartPreventExitStatus", "TimeoutStopSec", "KillMode", "LoadCredential",
}  # fmt: skip
RUNS_ALONE = ("ReadWritePaths", "-/var/backups/calguard")


@dataclass
class Machine:
    """Where Calguard is installed: its settings in `etc`, and a stand-in for systemd-run before all others."""

    folder: Path

    @property
    def etc(self) -> Path:
        return self.folder / "etc"

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        environment = {"PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}"}
        return subprocess.run(
            [self.folder / SCRIPT.name, *arguments], env=environment, capture_output=True, text=True, check=False
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path)
    machine.etc.mkdir()
    (machine.etc / "calguard.env").write_text(f"CALGUARD_DATABASE_URL=sqlite:///{tmp_path}/calguard.db\n")
    (machine.etc / "token_keys").write_text(f"{new_key()}\n")
    (tmp_path / "bin").mkdir()
    executable(tmp_path / "bin/systemd-run", f'#!/bin/sh\nexec {sys.executable} {systemd_run.__file__} "$@"\n')
    text = SCRIPT.read_text().replace("/opt/calguard/.venv/bin", str(Path(sys.executable).parent))
    executable(tmp_path / SCRIPT.name, text.replace("/etc/calguard", str(machine.etc)))
    return machine


def executable(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def properties() -> list[tuple[str, str]]:
    lines = (line.strip().removesuffix("\\").strip() for line in SCRIPT.read_text().splitlines())
    stated = [line.removeprefix("--property=").strip("'") for line in lines if line.startswith("--property=")]
    return [(name, value) for name, _, value in (each.partition("=") for each in stated)]


def test_commands_run_as_the_server_does() -> None:
    """With its settings and its rights, and no others but to write backups."""
    of_server = [line for line in service_lines(SERVER) if line[0] not in SERVERS_OWN and "=%d/" not in line[1]]
    assert properties() == [*of_server, RUNS_ALONE]


def test_commands_with_options_are_run_and_tell_how_they_ended(machine: Machine) -> None:
    assert machine.run("migrate").returncode == 0
    for command in (("migrate", "--check"), ("rotate-keys", "--check"), ("check", "--online")):
        ended = machine.run(*command)
        assert (ended.returncode, ended.stderr) == (0, ""), command
        assert ended.stdout
    assert machine.run("nonsense").returncode == os.EX_USAGE
    assert machine.run("restore", str(machine.folder / "none.db")).returncode == os.EX_NOINPUT


def test_a_file_is_named_whatever_is_in_its_name(machine: Machine) -> None:
    machine.run("migrate")
    assert machine.run("backup", f"{machine.folder}/on a day $HOME.db").returncode == 0
    assert (machine.folder / "on a day $HOME.db").exists()


def test_secrets_that_are_there_are_handed_over(machine: Machine) -> None:
    """Each that the server knows; those that are not there are not missed, but for the keys."""
    machine.run("migrate")
    assert "1 secrets, 1 of them from files" in machine.run("check").stdout
    names = [name.removeprefix("CALGUARD_").lower() for name in secret_names(Settings)]
    for name in set(names) - {"token_keys"}:
        (machine.etc / name).write_text("smtp://user:made-up@127.0.0.1:9" if name == "smtp_url" else "made-up")
    with (machine.etc / "calguard.env").open("a") as settings:
        settings.write("CALGUARD_GOOGLE_CLIENT_ID=made-up.apps.googleusercontent.com\n")
    assert f"{len(names)} secrets, {len(names)} of them from files" in machine.run("check").stdout
    (machine.etc / "token_keys").unlink()
    without = machine.run("check")
    assert without.returncode == 1
    assert "CALGUARD_TOKEN_KEYS" in without.stdout + without.stderr
