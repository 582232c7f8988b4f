"""A database of an earlier schema, as its own program wrote it: served as before, and gone on with.

`schema_NNNN.sql` is the dump of such a database, `schema_NNNN.json` what its server answered: see `__main__.py`.
"""

import json
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from calguard.v1 import booking_page_pb2 as pages_pb
from calguard.v1 import calendar_link_pb2 as links_pb
from calguard_server.domain.secret import Secret
from calguard_server.store.migrate import latest_schema, migrations
from calguard_server.store.rotation import count, rotate
from calguard_server.store.vault import Vault
from tests.e2e.backend import Backend
from tests.e2e.operating import operating
from tests.e2e.stubs import ALL
from tests.upgrade.scene import KEY, REPEATED, answers_of, backend_at, schema_of

FOLDER = Path(__file__).parent
DUMPS = sorted(FOLDER.glob("schema_*.sql"))
OBJECTS = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT GLOB 'sqlite_*' ORDER BY name"


def numbered(dump: Path) -> int:
    return int(dump.stem.removeprefix("schema_"))


@pytest.fixture(params=DUMPS, ids=lambda dump: dump.stem)
def dump(request: pytest.FixtureRequest) -> Path:
    found: Path = request.param
    return found


@pytest.fixture
def database(dump: Path, tmp_path: Path) -> Path:
    """The database, as it was when its server had stopped."""
    path = tmp_path / "calguard.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(dump.read_text())
    return path


@pytest.fixture
def told(dump: Path) -> dict[str, Any]:
    """What its server answered last, the time then, and a watch's token."""
    answers: dict[str, Any] = json.loads(dump.with_suffix(".json").read_text())
    return answers


def serving(database: Path, told: dict[str, Any]) -> Any:  # noqa: ANN401 - a context manager of a Backend
    return backend_at(database, datetime.fromisoformat(told["now"]), "new")


def lacks(before: object, now: object, path: str = "") -> list[str]:
    """Where an answer no longer says what it said; what it says besides is new."""
    if isinstance(before, dict) and isinstance(now, dict):
        return [each for key, value in before.items() for each in lacks(value, now.get(key), f"{path}.{key}")]
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        pairs = zip(before, now, strict=True)
        return [each for place, (old, new) in enumerate(pairs) for each in lacks(old, new, f"{path}[{place}]")]
    return [] if before == now else [f"{path}: {before!r} -> {now!r}"]


def test_the_previous_schema_is_among_them() -> None:
    """Whoever adds a migration has kept a database of the one before: `python -m tests.upgrade`."""
    assert latest_schema() - 1 in map(numbered, DUMPS)


def test_a_dump_has_its_schema_and_something_in_every_table_that_is_not_of_passing_things(
    dump: Path, database: Path
) -> None:
    """Table for table, index for index, what the migrations up to its number make."""
    assert schema_of(database) == numbered(dump)
    with closing(sqlite3.connect(":memory:")) as made, closing(sqlite3.connect(database)) as dumped:
        for number, script in migrations():
            if number <= numbered(dump):
                made.executescript(script)
        assert dumped.execute(OBJECTS).fetchall() == made.execute(OBJECTS).fetchall()
        tables = [name for kind, name, *_ in dumped.execute(OBJECTS).fetchall() if kind == "table"]
        empty = {name for name in tables if not dumped.execute(f"SELECT 1 FROM {name} LIMIT 1").fetchone()}
    assert empty <= {"provider_status", "reviews"}


async def test_it_answers_as_before(database: Path, told: dict[str, Any]) -> None:
    """Every account, link, page, notice, appointment, silence and workspace, field for field."""
    async with serving(database, told) as backend:
        assert lacks(told["answers"], await answers_of(backend)) == []
    assert schema_of(database) == latest_schema()


async def test_a_watch_resumes_over_it(database: Path, told: dict[str, Any]) -> None:
    """With the token of the server before: what is changed next comes next, and nothing is sent again."""
    async with serving(database, told) as backend:
        watcher = backend.watch(resume_token=told["token"])
        latest = (await backend.server_status()).revision
        page = await backend.add_page("new", ALL, "olga", "ben")
        change = await watcher.until(lambda each: each.booking_page.id == "new")
        assert (change.revision, page.revision) == (latest + 1, latest + 1)
        assert [each.revision for each in watcher.changes] == [latest + 1]
        assert watcher.known == []
        watcher.cancel()


async def test_its_secrets_are_opened_and_can_be_rotated(database: Path, told: dict[str, Any]) -> None:
    """By its keys, with nothing left out."""
    old, new = Secret(KEY), Secret(Fernet.generate_key().decode())
    async with serving(database, told) as backend:
        await backend.server_status()
    with closing(sqlite3.connect(database)) as connection:
        before = count(connection, Vault([old]))
    assert before.unreadable == []
    after = rotate(database, Vault([new, old]), lambda _noun, _seen, _total: None, accept_lost=False)
    assert after.unreadable == []
    assert set(after.by_key.elements()) == set(Vault([new]).fingerprints)
    assert after.by_key.total() == before.by_key.total()


async def _stopped(backend: Backend) -> list[str]:
    return [page.id for page in await backend.all_pages() if page.state == pages_pb.BOOKING_PAGE_STATE_STOPPED]


async def test_it_goes_on(database: Path, told: dict[str, Any]) -> None:
    """A call that is repeated is done once; who links again has the page started, and all who were told are told."""
    async with serving(database, told) as backend:
        revision = (await backend.server_status()).revision
        again = (await backend.accounts.CreateAccount(REPEATED)).account
        assert again.id == "hana"
        assert (await backend.server_status()).revision == revision
        assert await _stopped(backend) == ["both", "shut"]
        [link] = await backend.all_links("ann")
        assert (await backend.relink(link)).state == links_pb.CALENDAR_LINK_STATE_LINKED
        assert await _stopped(backend) == ["shut"]
        heard = await backend.heard_since_settled()
        assert {who for channel, who, _ in heard if channel == "EMAIL"} == {"ann@example.com", "olga@example.com"}


async def test_the_command_migrates_it_and_says_so(dump: Path, database: Path, tmp_path: Path) -> None:
    """`migrate --check` changes nothing; `migrate` does it; then there is nothing to do."""
    due = numbered(dump) < latest_schema()
    async with operating(tmp_path) as operation:
        checked = await operation.run("migrate", "--check")
        assert (checked.code, schema_of(database)) == (int(due), numbered(dump))
        assert checked.printed.startswith(f"schema {numbered(dump)}, of {latest_schema()}: ")
        migrated = await operation.run("migrate")
        assert (migrated.code, schema_of(database)) == (0, latest_schema())
        if due:
            assert migrated.printed == f"schema {latest_schema()}: migrated from {numbered(dump)}\n"
        assert (await operation.run("migrate", "--check")).code == 0


async def test_a_backup_of_it_is_restored_and_migrated(database: Path, told: dict[str, Any], tmp_path: Path) -> None:
    """Made by the program that is there now, before it has ever served it."""
    async with operating(tmp_path) as operation:
        assert (await operation.run("backup", str(tmp_path / "backup"))).code == 0
        assert (await operation.run("migrate")).code == 0
        assert (await operation.run("restore", str(tmp_path / "backup"))).code == 0
    async with serving(database, told) as backend:
        assert lacks(told["answers"], await answers_of(backend)) == []
