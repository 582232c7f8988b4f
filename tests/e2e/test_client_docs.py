"""docs/client.md: its code runs, in its order, against a real server, and it leaves out nothing that is public."""

import ast
import re
from contextlib import chdir
from pathlib import Path
from types import CodeType

import calguard_client
from calguard_client import Acceptance, ClientOptions, MirrorOptions
from tests.e2e.lasting_address import lasting_address

PAGE = Path(__file__).parents[2] / "docs" / "client.md"
ADDRESS = "127.0.0.1:50051"
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(address: str) -> list[CodeType]:
    """The code of the page; each block may await, as in `python -m asyncio`."""
    text = PAGE.read_text()
    return [
        compile(
            "\n" * text.count("\n", 0, found.start(1)) + found[1].replace(ADDRESS, address),
            str(PAGE),
            "exec",
            flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
        )
        for found in BLOCK.finditer(text)
    ]


async def test_the_code_runs(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(b"")
    async with lasting_address(tmp_path) as service:
        names: dict[str, object] = {"__name__": "__main__"}
        with chdir(tmp_path):
            for block in blocks(service.address):
                if (awaited := eval(block, names)) is not None:
                    await awaited
    assert len(blocks("")) == 6
    assert (tmp_path / "resume-token").read_text()


def test_everything_public_is_named() -> None:
    text = PAGE.read_text()
    named = [
        *calguard_client.__all__,
        *ClientOptions.__dataclass_fields__,
        *(each.name for each in Acceptance),
        *(name for kind in (calguard_client.AsyncMirror, calguard_client.Mirror) for name in public(kind)),
    ]
    unnamed = [name for name in named if not re.search(rf"\b{name}\b", text)]
    assert unnamed == []
    assert set(MirrorOptions.__dataclass_fields__) - {"clocks"} == {"max_staleness"}


def public(kind: type) -> list[str]:
    return [name for name in dir(kind) if not name.startswith("_")]


def test_the_two_kinds_offer_the_same() -> None:
    """But for closing, which waits where it is of asyncio."""
    pairs = [
        (calguard_client.AsyncClient, calguard_client.Client),
        (calguard_client.AsyncWatch, calguard_client.Watch),
        (calguard_client.AsyncMirror, calguard_client.Mirror),
    ]
    for of_asyncio, of_threads in pairs:
        assert {name.replace("aclose", "close") for name in public(of_asyncio)} == set(public(of_threads))
