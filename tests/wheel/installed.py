"""Virtual environments with the wheel in them, far from the source tree."""

import os
import subprocess
import sys
import venv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_SECONDS = 300
_OURS = ("CALGUARD_", "PYTHON", "VIRTUAL_ENV")


class WrongError(Exception):
    """The wheel, or what is installed of it, is not as it should be; the text says how."""


@dataclass(frozen=True)
class Installed:
    """A virtual environment; commands run in an empty folder, so that nothing is found but what is installed."""

    folder: Path

    def command(self, name: str) -> str:
        """The address of a command that is installed."""
        return str(self.folder / "bin" / name)

    def run(self, *command: str, environment: Mapping[str, str] | None = None, code: int = 0) -> str:
        """Run a command that is installed; what it prints, on both outputs. Raises WrongError for another exit code."""
        run = _run([self.command(command[0]), *command[1:]], self.folder, environment or {})
        if run.returncode != code:
            raise WrongError(f"{' '.join(command)}: exit code {run.returncode}, expected {code}\n{run.stdout}")
        return run.stdout

    def packages(self) -> set[str]:
        """The names of all that is installed."""
        listed = self.run("python", "-m", "pip", "list", "--format=freeze", "--disable-pip-version-check")
        return {line.partition("==")[0].lower() for line in listed.splitlines()}


def build(folder: Path) -> Path:
    """Build the wheel from the source tree."""
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(folder)]
    built = _run([*command, str(ROOT)], folder, {})
    if built.returncode:
        raise WrongError(f"the wheel cannot be built\n{built.stdout}")
    [wheel] = folder.glob("*.whl")
    return wheel


def install(wheel: Path, folder: Path, extra: str = "") -> Installed:
    """Install the wheel in an environment of its own, with what the project is tested with."""
    venv.create(folder, with_pip=True)
    installed = Installed(folder)
    named = f"calguard[{extra}] @ {wheel.as_uri()}" if extra else str(wheel)
    pip = ("python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    installed.run(*pip, "-c", str(ROOT / "requirements.txt"), named)
    return installed


def _run(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return subprocess.run(
        command,
        cwd=folder,
        env=inherited | dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
