"""The command line of `calguard-server`: which command is meant, with its arguments."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Never

from calguard_server.auth.caller_line import account_scope, caller_name
from calguard_server.auth.callers import ROLES, Caller
from calguard_server.commands.backups import back_up_database, restore_database
from calguard_server.commands.migrate import migrate_database
from calguard_server.commands.new_token import make_token
from calguard_server.commands.rotate_keys import rotate_keys
from calguard_server.domain.scope import EVERYTHING, Scope

Command = Callable[[], int]
"""Runs, and answers the exit code."""


class _Parser(argparse.ArgumentParser):
    """Ends by the exit code of sysexits.h where the command line is wrong."""

    def error(self, message: str) -> Never:
        self.print_usage(sys.stderr)
        self.exit(os.EX_USAGE, f"{self.prog}: {message}\n")


def read_arguments(given: Sequence[str] | None = None) -> Command:
    """Read the command line, if no other is given; ends the program with EX_USAGE where it is wrong."""
    parser = _Parser(
        "calguard-server",
        description="Serves, or with a command does that. It is configured by CALGUARD_* settings: see "
        "docs/settings.md; docs/operations.md tells how to run it.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"calguard-server, version {version('calguard')}")
    parser.set_defaults(command=lambda _: _serve)
    commands = parser.add_subparsers(metavar="COMMAND")
    _add_new_token(commands)
    _add_rotate_keys(commands)
    _add_migrate(commands)
    _add_backup(commands)
    _add_restore(commands)
    _add_check(commands)
    arguments = parser.parse_args(given)
    command: Command = arguments.command(arguments)
    return command


def _serve() -> int:
    from calguard_server.commands.serve import serve  # it takes a second, which other commands need not

    return serve()


_Commands = argparse._SubParsersAction  # noqa: SLF001 - argparse has no public name for it


def _add_new_token(commands: "_Commands[_Parser]") -> None:
    added = commands.add_parser(
        "new-token",
        help="make a token for CALGUARD_AUTH_TOKENS_FILE",
        description="Makes a token, and prints it to standard output, once: it is kept nowhere. Its line for "
        "CALGUARD_AUTH_TOKENS_FILE goes to standard error.",
    )
    added.add_argument("name", metavar="NAME", type=_read_name, help="who will call with it")
    added.add_argument("role", metavar="ROLE", choices=[*ROLES], help="reader, writer or admin")
    added.add_argument(
        "--accounts",
        metavar="ID,...",
        type=_read_accounts,
        default=EVERYTHING,
        help="the accounts that the caller is limited to; all, if this is not given",
    )
    added.set_defaults(
        command=lambda given: partial(make_token, Caller(given.name, ROLES[given.role], scope=given.accounts))
    )


def _add_rotate_keys(commands: "_Commands[_Parser]") -> None:
    added = commands.add_parser(
        "rotate-keys",
        help="encrypt every stored secret with the first of CALGUARD_TOKEN_KEYS",
        description="Encrypts every stored secret with the first of CALGUARD_TOKEN_KEYS, while the server runs, which "
        "must have been started with the same keys before. It may be ended at any time, and run again.",
    )
    added.add_argument("--check", action="store_true", help="only count what is under which key; 1 where some is left")
    added.set_defaults(command=lambda given: partial(rotate_keys, check=given.check))


def _add_migrate(commands: "_Commands[_Parser]") -> None:
    added = commands.add_parser(
        "migrate",
        help="bring the database to this program's schema",
        description="Brings the database to this program's schema, while no server has it. Every start does so, too.",
    )
    added.add_argument("--check", action="store_true", help="only tell whether it is needed; 1 where it is")
    added.set_defaults(command=lambda given: partial(migrate_database, check=given.check))


def _add_backup(commands: "_Commands[_Parser]") -> None:
    added = commands.add_parser(
        "backup",
        help="back the database up into a file, while the server runs",
        description="Backs the database up into one file, while the server runs, and verifies it. What is in "
        "CALGUARD_TOKEN_KEYS is not in it.",
    )
    added.add_argument("file", metavar="FILE", type=Path, help="where to; it must not be there yet")
    added.add_argument("--force", action="store_true", help="replace the file that is there")
    added.set_defaults(command=lambda given: partial(back_up_database, given.file, force=given.force))


def _add_restore(commands: "_Commands[_Parser]") -> None:
    added = commands.add_parser(
        "restore",
        help="put a backup in the database's place",
        description="Verifies a backup, and puts it in the database's place, while no server has it. The database that "
        "was there is kept beside it.",
    )
    added.add_argument("file", metavar="FILE", type=Path, help="the backup; it is left as it is")
    added.set_defaults(command=lambda given: partial(restore_database, given.file))


def _add_check(commands: "_Commands[_Parser]") -> None:
    added = commands.add_parser(
        "check",
        help="look whether the settings, the keys and the database are in order",
        description="Looks whether a server would start with these settings, and whether the keys open what the "
        "database holds; a server may be running. 1 where something has failed.",
    )
    added.add_argument("--online", action="store_true", help="also ask Google, Slack and the mail server")
    added.set_defaults(command=lambda given: partial(_check, online=given.online))


def _check(*, online: bool) -> int:
    from calguard_server.commands.check import check  # as long as serving

    return check(online=online)


def _read_name(text: str) -> str:
    try:
        return caller_name(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _read_accounts(text: str) -> Scope:
    try:
        return account_scope(text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{error}, with commas between") from None
