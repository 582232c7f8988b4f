"""Regenerates what is made from other files: `python -m tools.generate`; with `--check`, fails where one is stale.

- clients/python/calguard/v1: messages and stubs, and the contract with its comments for reflection, from proto/
- docs/settings.md: from server/calguard_server/settings
- deploy/grafana/calguard.json: from tools/dashboard.py
- docs/states.md: the state diagrams, from the tables of the two machines
"""

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tools.dashboard import dashboard
from tools.settings_page import settings_page
from tools.state_diagrams import states_page

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
PROTO = Path("proto/calguard/v1")
STUBS = Path("clients/python/calguard/v1")
DESCRIPTORS = STUBS / "descriptors.binpb"
PAGES = {
    Path("deploy/grafana/calguard.json"): dashboard,
    Path("docs/settings.md"): settings_page,
    Path("docs/states.md"): states_page,
}


def main() -> int:
    """Write every generated file, or tell which are stale."""
    generated = _stubs() | {path: page().encode() for path, page in PAGES.items()}
    if "--check" in sys.argv[1:]:
        return _check(generated)
    for path, content in generated.items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_bytes(content)
    for path in _strays(generated):
        (ROOT / path).unlink()
    return 0


def _stubs() -> dict[Path, bytes]:
    protos = sorted((ROOT / PROTO).glob("*.proto"))
    with tempfile.TemporaryDirectory() as folder:
        outputs = [f"--{kind}_out={folder}" for kind in ("python", "grpc_python", "mypy", "mypy_grpc")]
        plugins = [f"--plugin=protoc-gen-{name}={BIN / f'protoc-gen-{name}'}" for name in ("mypy", "mypy_grpc")]
        protoc = [sys.executable, "-m", "grpc_tools.protoc", f"-I{ROOT / 'proto'}"]
        commented = [f"--descriptor_set_out={folder}/{DESCRIPTORS.name}", "--include_source_info"]
        command = [*protoc, *plugins, *outputs, *commented, *map(str, protos)]
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own files
        made = sorted((Path(folder) / "calguard" / "v1").iterdir())
        stubs = {STUBS / each.name: each.read_bytes() for each in made if _is_wanted(each)}
        return stubs | {DESCRIPTORS: (Path(folder) / DESCRIPTORS.name).read_bytes()}


def _is_wanted(stub: Path) -> bool:
    """Leave out the service stubs of files that have no service."""
    name = stub.name.split("_pb2")[0]
    has_service = "\nservice " in (ROOT / PROTO / f"{name}.proto").read_text()
    return has_service or "_pb2_grpc" not in stub.name


def _strays(generated: Mapping[Path, bytes]) -> list[Path]:
    present = {STUBS / each.name for each in (ROOT / STUBS).glob("*_pb2*")}
    return sorted(present - set(generated))


def _check(generated: Mapping[Path, bytes]) -> int:
    stale = [path for path, content in generated.items() if not _is_current(ROOT / path, content)]
    for path in sorted([*stale, *_strays(generated)]):
        sys.stderr.write(f"{path} is stale: run `make gen` and commit the result\n")
    return 1 if stale or _strays(generated) else 0


def _is_current(path: Path, content: bytes) -> bool:
    return path.exists() and path.read_bytes() == content


if __name__ == "__main__":
    sys.exit(main())
