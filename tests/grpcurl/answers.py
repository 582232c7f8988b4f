"""What is run, and what it is held to: each check answers what is wrong, or nothing."""

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calguard_server.grpc_api.server import SERVICES
from tests.grpcurl.readme import ADDRESS, Kind

_DEADLINE_EXCEEDED = 4
_EXIT_OF_STATUS = 64
"""grpcurl's exit code is this and the status."""
_NEVER = {2: "UNKNOWN", 12: "UNIMPLEMENTED", 13: "INTERNAL"}
_ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo"
_SECONDS = 30


@dataclass(frozen=True)
class Ended:
    """How a run of grpcurl ended."""

    code: int
    printed: str
    complained: str


class Shell:
    """Runs commands of README.md against a server at another address."""

    def __init__(self, folder: Path, address: str) -> None:
        self._environment = os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"}
        self._address = address

    def run(self, command: str) -> Ended:
        ended = subprocess.run(
            ["bash", "-c", command.replace(ADDRESS, self._address)],
            env=self._environment,
            check=False,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)


def _listed(ended: Ended) -> bool:
    return ended.code == 0 and {*SERVICES, "grpc.health.v1.Health"} <= set(ended.printed.split())


def _described(ended: Ended) -> bool:
    """With a comment, which only the server's own descriptors have."""
    return ended.code == 0 and "service BookingPageService {" in ended.printed and "  // " in ended.printed


def _healthy(ended: Ended) -> bool:
    return ended.code == 0 and json.loads(ended.printed) == {"status": "SERVING"}


def _watched(ended: Ended) -> bool:
    """It is ended by its own time limit, after the snapshot was whole."""
    ends = ended.code in (0, _EXIT_OF_STATUS + _DEADLINE_EXCEEDED)
    return ends and '"snapshotComplete": true' in ended.printed and '"resumeToken": "' in ended.printed


def _called(ended: Ended) -> bool:
    return ended.code == 0 and json.loads(ended.printed)["account"]["id"] == "olga"


EXPECTED: Mapping[Kind, Callable[[Ended], bool]] = {
    Kind.LIST: _listed,
    Kind.DESCRIBE: _described,
    Kind.HEALTH: _healthy,
    Kind.WATCH: _watched,
    Kind.CALL: _called,
}


def wrong_examples(shell: Shell, examples: Mapping[Kind, Sequence[str]]) -> Iterator[str]:
    """Run the examples of README.md; tell each that does not answer as it should, and each kind that has none."""
    for kind, commands in examples.items():
        if not commands:
            yield f"README.md has no example of {kind.name}"
        for command in commands:
            ended = shell.run(command)
            if not EXPECTED[kind](ended):
                yield f"{command}\n  answered {ended}"


def methods(shell: Shell) -> list[str]:
    """Name every method of every service that the server lists."""
    services = shell.run(f"grpcurl -plaintext {ADDRESS} list").printed.split()
    listed = [shell.run(f"grpcurl -plaintext {ADDRESS} list {service}").printed.split() for service in services]
    return [re.sub(r"\.(\w+)$", r"/\1", method) for each in listed for method in each]


def wrong_answer(shell: Shell, method: str) -> str:
    """Call a method with an empty message; tell what is wrong with a status that has no named reason."""
    streams = method.endswith("/Watch")
    limit = 2 if streams else 10
    ended = shell.run(f"grpcurl -plaintext -format-error -max-time {limit} -d '{{}}' {ADDRESS} {method}")
    if ended.code == 0 or (streams and ended.printed and ended.code == _EXIT_OF_STATUS + _DEADLINE_EXCEEDED):
        return ""
    status = _status(ended.complained)
    infos = [each for each in status.get("details", ()) if each.get("@type") == _ERROR_INFO]
    if status.get("code") in _NEVER or not any(each.get("reason") for each in infos):
        return f"{method} answered {ended}"
    return ""


def _status(complained: str) -> dict[str, Any]:
    try:
        return dict(json.loads(complained))
    except ValueError:
        return {}
