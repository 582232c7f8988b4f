"""The examples of grpcurl in README.md, read from it, so that they cannot rot."""

import re
from collections.abc import Mapping
from enum import Enum
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"
ADDRESS = "127.0.0.1:50051"
"""Where the server of README.md listens."""

_BLOCKS = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
_CONTINUED = re.compile(r"\\\n\s*")


class Kind(Enum):
    """What an example shows, by what it ends in."""

    LIST = rf"{ADDRESS} list$"
    DESCRIBE = rf"{ADDRESS} describe calguard\.v1\.\w+$"
    HEALTH = r"grpc\.health\.v1\.Health/Check$"
    WATCH = r"calguard\.v1\.WatchService/Watch$"
    CALL = r"calguard\.v1\.\w+/\w+$"


def examples() -> Mapping[Kind, list[str]]:
    """Answer the commands of each kind, a line each. Raises ValueError for one that is of none."""
    found: dict[Kind, list[str]] = {kind: [] for kind in Kind}
    for block in _BLOCKS.findall(README.read_text()):
        for line in _CONTINUED.sub("", block).splitlines():
            if line.startswith("grpcurl "):
                found[_kind_of(line)].append(line)
    return found


def _kind_of(command: str) -> Kind:
    for kind in Kind:
        if re.search(kind.value, command):
            return kind
    raise ValueError(f"README.md: an example of grpcurl that nothing checks: {command}")
