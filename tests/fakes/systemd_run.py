"""What `systemd-run --wait --pipe` does with a command, as far as settings and secrets go: `python systemd_run.py ...`.

A credential that is not there fails it; the command has no environment but what the properties say; its exit code is
passed on.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

_NO_CREDENTIALS = 243
"""systemd's own exit code."""


def main(arguments: Sequence[str]) -> int:
    """Run what comes behind `--`."""
    split = arguments.index("--")
    options, command = arguments[:split], arguments[split + 1 :]
    assert {"--wait", "--pipe"} <= set(options)
    properties = [each.removeprefix("--property=").split("=", 1) for each in options if each.startswith("--property=")]
    with tempfile.TemporaryDirectory() as folder:
        try:
            for credential, path in (value.split(":") for name, value in properties if name == "LoadCredential"):
                (Path(folder) / credential).write_bytes(Path(path).read_bytes())
        except FileNotFoundError as error:
            sys.stderr.write(f"systemd-run: {error.filename}\n")
            return _NO_CREDENTIALS
        said = [value for name, value in properties if name == "Environment"]
        for path in (value for name, value in properties if name == "EnvironmentFile"):
            said += Path(path).read_text().split()
        environment = {"PATH": os.environ["PATH"], "CREDENTIALS_DIRECTORY": folder}
        environment |= dict(each.split("=", 1) for each in said)
        return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
