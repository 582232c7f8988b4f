"""The unit of systemd: it is understood, hardens what it runs, and agrees with the server on times and names."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from calguard_server.commands.stopping import BEYOND_DRAIN
from calguard_server.secret_files import SUFFIX, secret_names
from calguard_server.settings.server import Settings

FOLDER = Path(__file__).parents[2] / "deploy" / "systemd"
SERVER = FOLDER / "calguard.service"
OPTIONAL = sorted((FOLDER / "secrets").glob("*.conf"))
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


def installed(folder: Path, *optional: Path) -> Path:
    """The unit with its parts, and a program that is there, on whatever machine the test runs."""
    copied = folder / SERVER.name
    copied.write_text(
        re.sub(r"^ExecStart=\S+", f"ExecStart={shutil.which('true')}", SERVER.read_text(), flags=re.MULTILINE)
    )
    parts = folder / f"{SERVER.name}.d"
    parts.mkdir()
    for each in optional:
        shutil.copy(each, parts)
    return copied


def analyze(*arguments: str) -> str:
    assert ANALYZE is not None
    ended = subprocess.run([ANALYZE, *arguments], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


@pytest.mark.parametrize("optional", [(), OPTIONAL], ids=["alone", "with every secret"])
def test_systemd_itself_finds_nothing_wrong(optional: Sequence[Path], tmp_path: Path) -> None:
    """Where it is installed; what it says of exposure is from 0, the least, to 10."""
    names = {name for name, _ in service_lines(SERVER)}
    assert {"NoNewPrivileges", "ProtectSystem", "SystemCallFilter", "CapabilityBoundingSet"} <= names
    if ANALYZE is None:
        return
    unit = installed(tmp_path, *optional)
    assert analyze("verify", str(unit)) == ""
    exposure = re.search(r"Overall exposure level for \S+: ([\d.]+)", analyze("security", "--offline=yes", str(unit)))
    assert exposure is not None
    assert float(exposure[1]) <= SMALLEST_EXPOSURE


def handed_over(part: Path) -> dict[str, str]:
    """The credentials of a unit, or a part of one, by the settings that are read from them."""
    lines = list(service_lines(part))
    files = dict(value.partition(":")[::2] for name, value in lines if name == "LoadCredential")
    given = dict(value.split("=", 1) for name, value in lines if name == "Environment" and "=%d/" in value)
    assert {name: f"%d/{credential}" for name, credential in zip(given, files, strict=True)} == given
    assert files == {credential: f"/etc/calguard/{credential}" for credential in files}
    return dict(zip(given, files, strict=True))


def test_every_secret_is_handed_over_as_a_file() -> None:
    """Each setting that holds one, as a credential; the unit alone takes what no server is without."""
    secrets = {name + SUFFIX: name.removeprefix("CALGUARD_").lower() for name in secret_names(Settings)}
    required = {name: each for name, each in secrets.items() if Settings.model_fields[each].is_required()}
    assert handed_over(SERVER) == required
    for part in OPTIONAL:
        assert handed_over(part) == {f"CALGUARD_{part.stem.upper()}{SUFFIX}": part.stem}
    assert {part.stem for part in OPTIONAL} == set(secrets.values()) - set(required.values())


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
