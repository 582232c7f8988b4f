"""The command `calguard-server`: reads the settings, serves until it is told to stop; or makes a token.

Exit codes: 0 stopped by a signal; 1 something failed while serving; 2 a setting is missing or bad; 3 the database
cannot be used; 4 an address cannot be listened on.
"""

import argparse
import asyncio
import signal
import sys
from typing import Never

import structlog
import uvloop

from calguard_server.app import App, tune_garbage_collector
from calguard_server.auth.caller_line import account_scope, caller_name, line_for
from calguard_server.auth.callers import ROLES, Caller
from calguard_server.auth.jwks import JwksError
from calguard_server.auth.tls_files import TlsFilesError
from calguard_server.auth.tokens import digest_of, new_token
from calguard_server.auth.tokens_file import TokensFileError
from calguard_server.domain.scope import EVERYTHING, Scope
from calguard_server.grpc_api.request_id import add_request_id
from calguard_server.settings import (
    Settings,
    SettingsError,
    TracingSettings,
    read_settings,
    read_tracing_settings,
    unknown_settings,
)
from calguard_server.store.errors import StoreError
from calguard_server.telemetry.logs import configure_logging

EXIT_FAILED, EXIT_SETTINGS, EXIT_STORE, EXIT_ADDRESS = 1, 2, 3, 4


def main() -> None:
    """Serve, or make a token."""
    arguments = _read_arguments()
    if arguments.command == "new-token":
        _make_token(Caller(arguments.name, ROLES[arguments.role], scope=arguments.accounts))
        return
    try:
        settings, tracing = read_settings(), read_tracing_settings()
    except SettingsError as error:
        _end(EXIT_SETTINGS, str(error))
    configure_logging(settings.log_level, as_json=settings.log_format == "json", additions=[add_request_id])
    for name in unknown_settings():
        structlog.get_logger().warning("not a setting of this server: see docs/settings.md", name=name)
    tune_garbage_collector()
    sys.exit(uvloop.run(_serve(settings, tracing)))


async def _serve(settings: Settings, tracing: TracingSettings) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    try:
        app = await App.start(settings, tracing=tracing)
    except TokensFileError as error:
        _end(EXIT_SETTINGS, f"CALGUARD_AUTH_TOKENS_FILE: {error}")
    except JwksError as error:
        _end(EXIT_SETTINGS, f"CALGUARD_AUTH_JWT_JWKS: {error}")
    except TlsFilesError as error:
        _end(EXIT_SETTINGS, str(error))
    except (StoreError, OSError) as error:
        return _report(error)
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait((stopping, app.failed), return_when=asyncio.FIRST_COMPLETED)
    structlog.get_logger().info("stopping")
    await app.stop()
    stopping.cancel()
    return _report(app.failed.result()) if app.failed.done() else 0


def _report(error: Exception) -> int:
    match error:
        case StoreError():
            code = EXIT_STORE
        case OSError():
            code = EXIT_ADDRESS
        case _:
            code = EXIT_FAILED
    structlog.get_logger().error("cannot go on", exc_info=error if code == EXIT_FAILED else None)
    sys.stderr.write(f"calguard-server: {error}\n")
    return code


def _read_arguments() -> argparse.Namespace:
    """Read the command line; ends with EXIT_SETTINGS, as argparse does, where it is wrong."""
    parser = argparse.ArgumentParser(
        "calguard-server",
        description="Serves. It is configured by CALGUARD_* settings: see docs/settings.md.",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    made = commands.add_parser(
        "new-token",
        help="make a token for CALGUARD_AUTH_TOKENS_FILE",
        description="Makes a token, and prints it to standard output, once: it is kept nowhere. Its line for "
        "CALGUARD_AUTH_TOKENS_FILE goes to standard error.",
    )
    made.add_argument("name", metavar="NAME", type=_read_name, help="who will call with it")
    made.add_argument("role", metavar="ROLE", choices=[*ROLES], help="reader, writer or admin")
    made.add_argument(
        "--accounts",
        metavar="ID,...",
        type=_read_accounts,
        default=EVERYTHING,
        help="the accounts that the caller is limited to; all, if this is not given",
    )
    return parser.parse_args()


def _read_accounts(text: str) -> Scope:
    try:
        return account_scope(text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{error}, with commas between") from None


def _read_name(text: str) -> str:
    try:
        return caller_name(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _make_token(caller: Caller) -> None:
    token = new_token()
    sys.stdout.write(f"{token}\n")
    if sys.stderr.isatty():
        sys.stderr.write("# Above is the token, which is kept nowhere; below is its line for the file of tokens.\n")
    sys.stderr.write(f"{line_for(caller, digest_of(token))}\n")


def _end(code: int, text: str) -> Never:
    sys.stderr.write("calguard-server cannot start:\n" + "".join(f"  {line}\n" for line in text.splitlines()))
    sys.exit(code)


if __name__ == "__main__":
    main()
