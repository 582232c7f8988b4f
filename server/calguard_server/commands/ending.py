"""How commands end: exit codes by sysexits.h, and one line on standard error for each thing that is wrong.

docs/operations.md has the table of the codes.
"""

import os
import sqlite3
import sys
from collections.abc import Callable

from calguard_server.store.errors import StoreError, StoreTrouble, store_error
from calguard_server.store_settings import DatabaseSettings, SettingsError, read_model

EXIT_DIFFERS = 1
"""A check has found something that is not as it should be."""

_CODES = {
    StoreTrouble.FAILED: os.EX_SOFTWARE,
    StoreTrouble.NOT_WRITABLE: os.EX_NOPERM,
    StoreTrouble.IN_USE: os.EX_TEMPFAIL,
    StoreTrouble.UNUSABLE: os.EX_DATAERR,
    StoreTrouble.DISK: os.EX_IOERR,
    StoreTrouble.KEYS_MISSING: os.EX_CONFIG,
    StoreTrouble.GONE: os.EX_OSFILE,
}


class CommandError(Exception):
    """A command cannot go on; the text says what to do, and `code` is the exit code."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code


def code_of(error: Exception) -> int:
    """Answer the exit code of an error."""
    match error:
        case CommandError():
            return error.code
        case SettingsError():
            return os.EX_CONFIG
        case StoreError():
            return _CODES[error.trouble]
        case _:
            return os.EX_SOFTWARE


def ended(command: Callable[[], int]) -> int:
    """Run a command, and answer its exit code; what is wrong is told in a line each."""
    try:
        return command()
    except (CommandError, SettingsError, StoreError) as error:
        tell(str(error))
        return code_of(error)
    except sqlite3.Error as error:
        told = store_error(read_model(DatabaseSettings, {}).database_path, error)
        tell(str(told))
        return code_of(told)
    except KeyboardInterrupt:
        tell("interrupted")
        return 130


def tell(text: str) -> None:
    """Say something on standard error."""
    sys.stderr.write("".join(f"calguard-server: {line}\n" for line in text.splitlines()))
    sys.stderr.flush()


def say(text: str) -> None:
    """Say a line on standard output."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
