"""`calguard-server backup` and `calguard-server restore`."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from calguard_server.commands.ending import CommandError, say
from calguard_server.store.backup import BackupError, back_up
from calguard_server.store.contents import Contents
from calguard_server.store.restoring import restore
from calguard_server.store_settings import DatabaseSettings, read_model


def back_up_database(target: Path, *, force: bool) -> int:
    """Back the database up into a file."""
    path = read_model(DatabaseSettings, {}).database_path
    try:
        contents = back_up(path, target, _tell, force=force)
    except BackupError as error:
        raise CommandError(str(error), os.EX_CANTCREAT) from error
    say(f"backed up to {target}: {target.stat().st_size} bytes, verified")
    _say(contents)
    return 0


def restore_database(backup: Path) -> int:
    """Put a backup in the database's place."""
    if not backup.is_file():
        raise CommandError(f"{backup}: there is no such file", os.EX_NOINPUT)
    path = read_model(DatabaseSettings, {}).database_path
    now = datetime.now(UTC)  # noqa: TID251 - names a file
    restored = restore(backup, path, _tell, now)
    say(f"restored {path} from {backup}, verified")
    _say(restored.contents)
    if restored.aside is not None:
        say(f"before    kept as {restored.aside}")
    return 0


def _say(contents: Contents) -> None:
    say(f"store     {contents.store_id or 'not named yet'}")
    say(f"revision  {contents.revision}")
    say(f"schema    {contents.schema}")
    say(f"keys      {', '.join(contents.keys) or 'not noted'}: not in the file; keep TOKEN_KEYS apart from it")


def _tell(left: int, total: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{100 * (total - left) // max(total, 1)} %" + ("\n" if left == 0 else ""))
