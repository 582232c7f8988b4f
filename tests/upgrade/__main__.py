"""`python -m tests.upgrade` keeps a database as this program writes it, for the tests of later ones.

To be run before a migration is added, as long as the schema is the old one.
"""

import asyncio
import json
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from tests.fakes.world import START
from tests.upgrade.scene import answers_of, backend_at, play, schema_of

FOLDER = Path(__file__).parent


async def _make(database: Path) -> dict[str, object]:
    async with backend_at(database, START, "old") as backend:
        await play(backend)
        watcher = backend.watch()
        await watcher.snapshot()
        made = {"now": backend.clock.now().isoformat(), "token": watcher.token, "answers": await answers_of(backend)}
        watcher.cancel()
    return made


def main() -> None:
    """Write the dump and the answers beside this file."""
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "calguard.db"
        made = asyncio.run(_make(database))
        schema = schema_of(database)
        with closing(sqlite3.connect(database)) as connection:
            lines = [*connection.iterdump(), f"PRAGMA user_version = {schema};"]
    name = FOLDER / f"schema_{schema:04}"
    name.with_suffix(".sql").write_text("\n".join(lines) + "\n")
    name.with_suffix(".json").write_text(json.dumps(made, indent=1, ensure_ascii=False, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
