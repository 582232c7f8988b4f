"""The command line of `calguard-server`: which command is meant, with its arguments."""

import argparse
import os
import sys
from collections.abc import Callable
from functools import partial
from typing import Never

from calguard_server.auth.callers import Caller, Role
from calguard_server.auth.tokens_file import caller_name
from calguard_server.commands.new_token import make_token
from calguard_server.commands.rotate_keys import rotate_keys
from calguard_server.commands.serve import serve

Command = Callable[[], int]
"""Runs, and answers the exit code."""


class _Parser(argparse.ArgumentParser):
    """Ends by the exit code of sysexits.h where the command line is wrong."""

    def error(self, message: str) -> Never:
        self.print_usage(sys.stderr)
        self.exit(os.EX_USAGE, f"{self.prog}: {message}\n")


def read_arguments() -> Command:
    """Read the command line; ends the program with EX_USAGE where it is wrong."""
    parser = _Parser(
        "calguard-server",
        description="Serves, or with a command does that. It is configured by CALGUARD_* settings: see "
        "docs/settings.md; docs/operations.md tells how to run it.",
        allow_abbrev=False,
    )
    parser.set_defaults(command=lambda _: serve)
    commands = parser.add_subparsers(metavar="COMMAND")
    _add_new_token(commands)
    _add_rotate_keys(commands)
    arguments = parser.parse_args()
    command: Command = arguments.command(arguments)
    return command


_Commands = argparse._SubParsersAction  # noqa: SLF001 - argparse has no public name for it


def _add_new_token(commands: "_Commands[_Parser]") -> None:
    added = commands.add_parser(
        "new-token",
        help="make a token for CALGUARD_AUTH_TOKENS_FILE",
        description="Makes a token, and prints it to standard output, once: it is kept nowhere. Its line for "
        "CALGUARD_AUTH_TOKENS_FILE goes to standard error.",
    )
    added.add_argument("name", metavar="NAME", type=_read_name, help="who will call with it")
    added.add_argument("role", metavar="ROLE", choices=[role.word for role in Role], help="reader, writer or admin")
    added.set_defaults(command=lambda given: partial(make_token, Caller(given.name, Role[given.role.upper()])))


def _add_rotate_keys(commands: "_Commands[_Parser]") -> None:
    added = commands.add_parser(
        "rotate-keys",
        help="encrypt every stored secret with the first of CALGUARD_TOKEN_KEYS",
        description="Encrypts every stored secret with the first of CALGUARD_TOKEN_KEYS, while the server runs, which "
        "must have been started with the same keys before. It may be ended at any time, and run again.",
    )
    added.add_argument("--check", action="store_true", help="only count what is under which key; 1 where some is left")
    added.set_defaults(command=lambda given: partial(rotate_keys, check=given.check))


def _read_name(text: str) -> str:
    try:
        return caller_name(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
