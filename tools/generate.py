"""Regenerates what is made from other files: `python -m tools.generate`; with `--check`, fails where one is stale.

- clients/python/calguard/v1: messages and stubs, from proto/
- docs/settings.md: from server/calguard_server/settings.py
- docs/states.md: the state diagrams, from the tables of the two machines
"""

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tools.settings_page import settings_page
from tools.state_diagrams import states_page

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
PROTO = Path("proto/calguard/v1")
STUBS = Path("clients/python/calguard/v1")
PAGES = {Path("docs/settings.md"): settings_page, Path("docs/states.md"): states_page}


def main() -> int:
    """Write every generated file, or tell which are stale."""
    generated = _stubs() | {path: page() for path, page in PAGES.items()}
    if "--check" in sys.argv[1:]:
        return _check(generated)
    for path, text in generated.items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text)
    for path in _strays(generated):
        (ROOT / path).unlink()
    return 0


def _stubs() -> dict[Path, str]:
    protos = sorted((ROOT / PROTO).glob("*.proto"))
    with tempfile.TemporaryDirectory() as folder:
        outputs = [f"--{kind}_out={folder}" for kind in ("python", "grpc_python", "mypy", "mypy_grpc")]
        plugins = [f"--plugin=protoc-gen-{name}={BIN / f'protoc-gen-{name}'}" for name in ("mypy", "mypy_grpc")]
        protoc = [sys.executable, "-m", "grpc_tools.protoc", f"-I{ROOT / 'proto'}"]
        command = [*protoc, *plugins, *outputs, *map(str, protos)]
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own files
        made = sorted((Path(folder) / "calguard" / "v1").iterdir())
        return {STUBS / each.name: each.read_text() for each in made if _is_wanted(each)}


def _is_wanted(stub: Path) -> bool:
    """Leave out the service stubs of files that have no service."""
    name = stub.name.split("_pb2")[0]
    has_service = "\nservice " in (ROOT / PROTO / f"{name}.proto").read_text()
    return has_service or "_pb2_grpc" not in stub.name


def _strays(generated: Mapping[Path, str]) -> list[Path]:
    present = {STUBS / each.name for each in (ROOT / STUBS).glob("*_pb2*")}
    return sorted(present - set(generated))


def _check(generated: Mapping[Path, str]) -> int:
    stale = [path for path, text in generated.items() if not _is_current(ROOT / path, text)]
    for path in sorted([*stale, *_strays(generated)]):
        sys.stderr.write(f"{path} is stale: run `make gen` and commit the result\n")
    return 1 if stale or _strays(generated) else 0


def _is_current(path: Path, text: str) -> bool:
    return path.exists() and path.read_text() == text


if __name__ == "__main__":
    sys.exit(main())
